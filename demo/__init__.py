"""A complete photo system of stand-ins and sample photos: `./photos demo`, and the images and the runner of the tests."""
