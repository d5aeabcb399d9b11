"""What this machine lacks for a test makes it a skip, never an error, and is summed up at the end, a line per reason."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.found import DEVELOPMENT, missing_package

TESTS = Path(__file__).parent
# Whatever language the person who runs the tests reads.
os.environ["PHOTOS_LANGUAGE"] = "en"


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Skip a file that imports what only the keeper's image and a developer have; any other import error stays one."""
    report = yield
    call: pytest.CallInfo[object] | None = getattr(report, "call", None)
    error = call.excinfo.value.__cause__ if call and call.excinfo else None
    if isinstance(collector, pytest.Module) and (package := missing_package(error)):
        tier = collector.path.relative_to(TESTS).parts[0]
        reason = f"{tier} tier: {package} is missing: {DEVELOPMENT}"
        # With the file, since pytest-xdist passes one report of each text on.
        report.outcome, report.longrepr = "skipped", (str(collector.path), 1, f"Skipped: {reason}")
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what was not run here, in place of pytest's hundred lines."""
    skipped: Counter[tuple[str, str]] = Counter()
    files: Counter[tuple[str, str]] = Counter()
    for report in terminalreporter.getreports("skipped"):
        if not isinstance(report, pytest.TestReport | pytest.CollectReport):
            continue
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
        key = "/".join(report.nodeid.split("/")[:2]), reason.removeprefix("Skipped: ")
        (skipped if isinstance(report, pytest.TestReport) else files)[key] += 1
    if skipped or files:
        terminalreporter.section("not run on this machine")
    for count, kind in ((files, "file"), (skipped, "test")):
        for (folder, reason), number in sorted(count.items()):
            terminalreporter.line(f"{folder}: {number} {kind}{'s' * (number > 1)}: {reason}")
