"""Newer releases of what runs: asked of the registry that the images come from, at most once a day."""
