"""A command is measured by the clock and by the processor, and one that fails is no figure."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.measuring import BenchError, Command


def python(program: str) -> Command:
    return Command(words=(sys.executable, "-c", program), folder=Path(), environment={})


def test_waiting_counts_by_the_clock_and_computing_by_both() -> None:
    waiting = python("import time; time.sleep(0.4)").run()
    computing = python("import time\nwhile time.process_time() < 0.4: pass").run()

    assert waiting.seconds >= 0.4
    assert waiting.cpu < 0.4
    assert computing.cpu >= 0.4


def test_what_a_failed_command_said_is_told() -> None:
    with pytest.raises(BenchError, match="no such stack"):
        python("raise SystemExit('no such stack')").run()
