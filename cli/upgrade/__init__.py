"""Upgrades with a way back: from → to, a restore point, the new image, a look at the data, and back where it fails."""
