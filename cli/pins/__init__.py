"""`./photos pin`: an image by its digest, so that nobody can put other content under its tag."""
