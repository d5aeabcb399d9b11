"""One run of one copy, and what looks after the photos at home."""
