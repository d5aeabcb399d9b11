"""The backup runner: dumps, backs up, verifies, test-restores, and says so. Its own package, run in its own image."""
