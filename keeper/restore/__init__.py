"""Bringing things back, and proving that it works."""
