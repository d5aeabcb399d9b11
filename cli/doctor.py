"""`./photos doctor`: every check of the host as a table, with the fix for each."""

from __future__ import annotations

import shutil

from rich.table import Column, Table
from rich.text import Text

from cli import kit, stackfile, tools
from cli.console import out
from stacks.checks import Finding, error, ok, warning
from stacks.photo_system import NO_BACKUP
from stacks.preflight import findings

COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


def examine(stack: str) -> int:
    """Print what the checks see; return 1 when one of them is an error."""
    config = stackfile.offline(stack)
    seen = [*_tools(stack), *findings(config)]
    if not config.settings.backup:
        seen.append(warning("backup", NO_BACKUP.rstrip(".")))
    elif kit.confirmed(stack):
        seen.append(ok("recovery kit", f"said to be safe on {kit.confirmed(stack):%Y-%m-%d}"))
    else:
        seen.append(
            warning(
                "recovery kit", "not made yet, or nobody said that it is safe", f"./photos keeper kit --stack {stack}"
            )
        )
    table = Table(*(Column(name, overflow="fold") for name in ("", "check", "seen", "what to do")))
    for finding in seen:
        table.add_row(
            Text(finding.level, COLOURS[finding.level]), Text(finding.check), Text(finding.text), Text(finding.fix)
        )
    out.print(table)
    return int(any(finding.level == "error" for finding in seen))


def _tools(stack: str) -> list[Finding]:
    lacking = tools.missing(stack)
    if lacking:
        found = [error("pulumi", f"missing: {', '.join(lacking)}", "./photos setup installs it")]
    else:
        found = [ok("pulumi", f"{tools.find('pulumi', stack)}")]
    if not shutil.which("dockerd") and not shutil.which("docker"):
        found.append(warning("docker", "not installed in this distribution", "./photos setup installs it"))
    return found
