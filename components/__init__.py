"""Reusable Pulumi components. They never read `pulumi.Config` and never know a stack's name."""
