"""What runs all the time: the schedule, the watch, the alerts, the index after sync."""
