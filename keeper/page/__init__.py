"""The page that tells a family whether its photos are safe, and the same for machines."""
