"""What is declared inside a running app: its phones, its drives, its settings."""
