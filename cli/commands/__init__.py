"""The commands of `./photos`, each imported when it runs: see `cli/app.py`."""
