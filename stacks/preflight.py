"""Look at the host before anything is created. `preview` and `up` stop at an error; `./photos doctor` prints it all."""

from __future__ import annotations

from stacks.checks import Finding
from stacks.checks.engine import check_docker
from stacks.checks.library import check_library
from stacks.checks.wsl import check_wsl
from stacks.config import StackConfig


class HostError(Exception):
    """The host is not ready. The text has one line per problem."""


def findings(config: StackConfig) -> list[Finding]:
    """Return what all checks saw."""
    return [*check_library(config), *check_docker(config), *check_wsl()]


def check(config: StackConfig) -> list[str]:
    """Return the warnings.

    Raises:
        HostError: with all errors at once.
    """
    found = findings(config)
    errors = [str(finding) for finding in found if finding.level == "error"]
    if errors:
        raise HostError("\n".join(errors))
    return [str(finding) for finding in found if finding.level == "warning"]
