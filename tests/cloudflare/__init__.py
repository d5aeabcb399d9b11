"""A loopback double of the Cloudflare API v4, for tests."""
