"""A service and its data taken to another host: looked at first, copied cold, compared, placed, and the old data kept."""
