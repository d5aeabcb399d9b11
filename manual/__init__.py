"""What of the pages in docs/ comes from the code: written by `python -m manual`, compared by the tests."""
