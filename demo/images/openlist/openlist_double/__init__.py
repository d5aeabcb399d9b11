"""A double of OpenList: enough of it for the photo system's tests and demo."""
