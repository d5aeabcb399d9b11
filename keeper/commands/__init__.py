"""The commands of the keeper, one file per room; `keeper/__main__.py` puts them together."""
