"""Look at the host before anything is created. `preview` and `up` stop at an error; `./photos doctor` prints it all."""

from __future__ import annotations

from stacks.checks import Finding
from stacks.checks.backup import check_backup
from stacks.checks.engine import check_docker
from stacks.checks.library import check_library
from stacks.checks.publishing import check_publishing
from stacks.checks.wsl import check_wsl
from stacks.config import StackConfig


class HostError(Exception):
    """The host is not ready. The text has one line per problem."""


def findings(config: StackConfig) -> list[Finding]:
    """Return what all checks saw."""
    return [
        *check_library(config),
        *check_docker(config),
        *check_wsl(),
        *check_publishing(config),
        *check_backup(config),
    ]


def check(config: StackConfig, *, leaving: bool = False) -> list[str]:
    """Return the warnings. `leaving`: what is on its way out needs no healthy host, only what reaches Cloudflare.

    Raises:
        HostError: with all errors at once.
    """
    found = list(check_publishing(config)) if leaving else findings(config)
    errors = [str(finding) for finding in found if finding.level == "error"]
    if errors:
        raise HostError("\n".join(errors))
    return [str(finding) for finding in found if finding.level == "warning"]
