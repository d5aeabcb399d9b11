"""`./photos doctor`: every check of the stack file and of the host, with the fix for each."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

from rich.cells import set_cell_size
from rich.text import Text

from cli import docker_host, kept_kit, setup, tools
from cli.console import out, wrapped
from components.messages import message
from stacks.config import StackConfig
from stacks.host import Finding, error, ok, warning
from stacks.host.home_names import check_home_names
from stacks.host.images import check_images
from stacks.languages import text
from stacks.outputs import NO_BACKUP

COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}
LEVELS = {
    "ok": message("level_ok", "ok"),
    "warning": message("level_warning", "warning"),
    "error": message("level_error", "error"),
}
KIT = message("recovery_kit", "recovery kit")
SETUP_INSTALLS = message("setup_installs", "./photos setup installs it")
INDENT = " " * 9
COMMAND = re.compile(r"(^|[ (:，。：；（])(sudo|\./photos|docker|mkdir|cp|mount|pulumi) ")


def examine(stack: str) -> int:
    """Print what the checks see; return 1 when one of them is an error."""
    report = setup.look_at(stack)
    findings = [*_tools(stack), *report.findings]
    if report.config:
        needed = message("before_first_up", "before the first up")
        findings += [error(needed, missing.line) for missing in report.config.still_needed]
        findings += [*check_images(report.config), *check_home_names(report.config), _backup(stack, report.config)]
    for finding in findings:
        _print(finding, stack)
    return int(any(finding.level == "error" for finding in findings))


def _print(finding: Finding, stack: str) -> None:
    level = set_cell_size(text(LEVELS[finding.level]), len(INDENT))
    out.print(Text.assemble((level, COLOURS[finding.level]), (text(finding.check), "bold")))
    for line in filter(None, (text(finding.text, stack=stack), text(finding.fix, stack=stack))):
        # A line break in a command would run half of it when it is pasted.
        out.print(INDENT + line if COMMAND.search(line) else wrapped(line, out.width, first=INDENT, then=INDENT))


def _backup(stack: str, config: StackConfig) -> Finding:
    if not config.settings.backup:
        return warning("backup", NO_BACKUP)
    kept, again = kept_kit.confirmed(stack), f"./photos keeper kit --stack {stack}"
    if kept and (names := kept_kit.lacking(stack)):
        stale = message(
            "kit_stale",
            "the kit of {day} does not open everything any more; added or changed since: {names}",
            day=f"{kept.made:%Y-%m-%d}",
            names=", ".join(names),
        )
        return warning(KIT, stale, again)
    if kept:
        return ok(KIT, message("kit_safe_since", "said to be safe on {day}", day=f"{kept.confirmed:%Y-%m-%d}"))
    return warning(
        KIT,
        message("kit_not_safe", "not made yet, or nobody said that it is safe"),
        again,
    )


def _tools(stack: str) -> Iterator[Finding]:
    if lacking := tools.missing(stack):
        yield error("pulumi", message("tools_missing", "missing: {names}", names=", ".join(lacking)), SETUP_INSTALLS)
    else:
        yield ok("pulumi", f"{tools.find('pulumi', stack)}")
    if not docker_host.is_installed() and not shutil.which("docker"):
        yield warning("docker", message("docker_not_here", "not installed in this distribution"), SETUP_INSTALLS)
