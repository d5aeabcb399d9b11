"""Container images for the tests and the demo, built on this machine from Debian packages."""
