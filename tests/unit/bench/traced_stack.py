"""What an example stack declares, with references between its resources."""

from __future__ import annotations

from functools import cache

from example_stack import OWNER, example, secret_keys

from bench.trace import trace
from stacks.config import load
from stacks.program import declare
from stacks.recording import Recorded, config_text


@cache
def traced(stack: str) -> list[Recorded]:
    """Return it; recorded once, for reading only."""
    config = example(stack)
    return trace(lambda: declare(load(), OWNER), stack, config=config_text(config), secret_keys=secret_keys(config))
