"""What `./photos` does. Nothing in components or stacks knows about it."""
