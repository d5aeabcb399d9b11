"""Where the copies lie: restic as the engine, rclone as the way there."""
