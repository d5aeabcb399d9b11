"""What the keeper says, in its two languages side by side."""
