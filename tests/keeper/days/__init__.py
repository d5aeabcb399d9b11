"""A random run of days over two copies of one library, and what must hold after each of them.

`tests/keeper/test_keeper_days.py` runs a short form; `python -m tests.keeper.days --seeds 20 --steps 300` the long one.
"""
