"""Look at the stack file and at the host before anything is created: everything that is wrong, at once.

`preview` and `up` stop at an error; `./photos doctor` prints it all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from stacks.config import StackConfig
from stacks.findings import Finding, at_host
from stacks.host.cloudflare import check_publishing
from stacks.host.disks import check_backup, on_one_disk
from stacks.host.docker import check_docker, check_reachable, published
from stacks.host.endpoint import DockerEndpoint, EndpointError
from stacks.host.endpoints import endpoints
from stacks.host.late_addresses import check_late_addresses
from stacks.host.library import check_library
from stacks.host.machine import HERE
from stacks.host.machines import library_machine, machine_of
from stacks.host.swarm import check_swarm
from stacks.host.way_out import check_way_out
from stacks.host.where_data_is import check_where_data_is
from stacks.host.wsl import check_wsl
from stacks.problems import ConfigError


@dataclass(frozen=True)
class Report:
    """What was seen. `config` is None where the stack file cannot be used."""

    config: StackConfig | None
    findings: list[Finding]

    @property
    def errors(self) -> list[Finding]:
        """What stops `up` and `preview`."""
        return [finding for finding in self.findings if finding.level == "error"]

    @property
    def warnings(self) -> list[Finding]:
        """What a person should know, and nothing more."""
        return [finding for finding in self.findings if finding.level == "warning"]


def findings(config: StackConfig) -> list[Finding]:
    """Return what all checks of the host saw, or of each of several."""
    try:
        hosts = endpoints(config)
    except EndpointError as problem:
        hosts, unusable = {}, [problem.finding]
    else:
        unusable = []
    return [
        *check_library(config),
        *unusable,
        *(finding for host, endpoint in hosts.items() for finding in _of_host(config, host, endpoint)),
        *((*check_swarm(config), *check_where_data_is(config)) if len(hosts) > 1 else ()),
        *check_publishing(config),
        *check_backup(config),
    ]


def _of_host(config: StackConfig, host: str, endpoint: DockerEndpoint) -> Iterator[Finding]:
    """Return what is to be said of one host; of several, each by its name."""
    seen = [
        *check_docker(config, host, endpoint),
        *check_late_addresses(config, host),
        *check_way_out(config, host),
        *check_wsl(machine_of(config.settings, host)),
    ]
    for finding in seen:
        yield replace(finding, check=at_host(finding.check, host))


def look(load: Callable[[], StackConfig], *, leaving: bool = False) -> Report:
    """Load the stack file and check the host, as far as what is right in the file allows.

    `leaving`: what is on its way out needs no healthy host, only what reaches Cloudflare.
    """
    try:
        config = load()
    except ConfigError as problem:
        wrong = problem.problems
        return Report(None, wrong if leaving else [*wrong, *_of_the_rest(problem.rest, wrong)])
    if cut_off := _cut_off(config):
        return Report(config, [cut_off])
    if leaving:
        return Report(config, list(check_publishing(config)))
    config = _with_what_this_host_shows(config)
    return Report(config, findings(config))


def _with_what_this_host_shows(config: StackConfig) -> StackConfig:
    kind = library_machine(config.settings).file_system(config.settings.library.originals)
    return replace(config, host_shortcomings=tuple(on_one_disk(config)), originals_on=kind, published=published(config))


def _cut_off(config: StackConfig) -> Finding | None:
    """Return why a machine that the stack lives on cannot be looked at; None where all can."""
    try:
        hosts = endpoints(config)
    except EndpointError:
        return None  # the checks say so, together with everything else
    for endpoint in hosts.values():
        try:
            endpoint.open()
        except EndpointError as problem:
            return problem.finding
    return None


def _of_the_rest(rest: StackConfig | None, wrong: list[Finding]) -> list[Finding]:
    """Return what the host says to what is right in a stack file. Of a wrong value only the default could be checked."""
    if rest is None:
        return [*check_reachable(), *check_wsl(HERE)]
    if cut_off := _cut_off(rest):
        return [cut_off]
    places = tuple(str(finding.check) for finding in wrong)
    seen = findings(_with_what_this_host_shows(rest))
    return [finding for finding in seen if not str(finding.check).startswith(places)]
