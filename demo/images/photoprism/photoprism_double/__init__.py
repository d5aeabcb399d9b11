"""A double of PhotoPrism: enough of it for the photo system's tests and demo."""
