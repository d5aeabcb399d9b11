"""The Docker hosts of a stack, all at once: who wants one service asks the host that it is on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType

import docker
from docker.errors import DockerException

from cli import docker_host, stackfile
from cli.console import fail
from components.messages import Message, message
from stacks.findings import Finding
from stacks.host.endpoint import DockerEndpoint, EndpointError
from stacks.host.endpoints import endpoints_of

ONE = ""
"""What the only host is called, as in `ExpectedService.host`."""
SECONDS_TO_ANSWER, SECONDS_TO_WORK = 20, 180


@dataclass(frozen=True)
class Dockers:
    """The Docker hosts of `stack`: host → client, the first one, which manages the network, first.

    `lost`: host → why it does not answer.
    """

    stack: str
    clients: Mapping[str, docker.DockerClient]
    lost: Mapping[str, Finding] = field(default_factory=lambda: MappingProxyType({}))
    first_host: str = ONE

    @property
    def several(self) -> bool:
        """Whether the stack is on more than one host."""
        return self.first_host != ONE

    @property
    def first(self) -> docker.DockerClient:
        """The client of the first host."""
        return self.on(self.first_host)

    def host_of(self, service: str) -> str:
        """Return the name of the host where a service should be."""
        return host_of(self.stack, service) if self.several else ONE

    def homes_of_volumes(self) -> dict[str, str]:
        """Return volume → the host where the service is that has its data in it."""
        from cli import stack_config  # noqa: PLC0415 - as in host_of
        from stacks.expected import expected  # noqa: PLC0415

        services = expected(self.stack, stack_config.offline(self.stack).settings).services
        return {volume: service.host for service in services for volume in service.volumes}

    def of(self, service: str) -> docker.DockerClient:
        """Return the client of a service's host; end the program where that is lost."""
        return self.on(self.host_of(service))

    def on(self, host: str) -> docker.DockerClient:
        """Return the client of a host; end the program where that is lost."""
        if host in self.lost:
            fail(needed(self.stack, host, self.lost[host]))
        return self.clients[host]


@contextmanager
def opened(stack: str, service: str | None = None) -> Iterator[Dockers]:
    """Connect to every Docker of `stack`, or to that of one service alone.

    Of several, what does not answer is among the lost; the only one ends the program, or raises what Docker's client does.
    """
    hosts = stackfile.docker_hosts(stack)
    if not any(hosts.values()):
        with docker_host.connect(stack) as client:
            yield Dockers(stack, {ONE: client})
        return
    try:
        places = endpoints_of(stackfile.docker_settings(stack), hosts)
    except EndpointError as error:
        fail(error.finding.line)
    first = next(iter(places))
    wanted = [host_of(stack, service)] if service else list(places)
    clients: dict[str, docker.DockerClient] = {}
    lost: dict[str, Finding] = {}
    with ExitStack() as open_ones:
        for host in wanted:
            answer = _connected(places[host])
            if isinstance(answer, Finding):
                lost[host] = answer
            else:
                clients[host] = open_ones.enter_context(closing(answer))
        yield Dockers(stack, clients, lost, first)


def host_of(stack: str, service: str) -> str:
    """Return the name of the host that a service of several hosts is on; of what no service is, that of the first."""
    # Here and not above: this loads all services, and most stacks have one host.
    from cli import stack_config  # noqa: PLC0415
    from stacks.sections import places  # noqa: PLC0415

    settings = stack_config.offline(stack).settings
    return places.host_of(settings, service) if service in places.KINDS else places.first_host(settings)


def needed(stack: str, host: str, why: Finding) -> Message:
    """Say that nothing can be done without a host that does not answer."""
    return message(
        "host_needed",
        "The host {host} does not answer, and this cannot be done without it: {why}. What that means: ./photos status --stack {stack}",
        host=host,
        why=why.text,
        stack=stack,
    )


def _connected(endpoint: DockerEndpoint) -> docker.DockerClient | Finding:
    """Return a client, or why there is none. A host that is off is known soon; one that answers has time to work."""
    try:
        client = endpoint.connect(SECONDS_TO_ANSWER)
    except EndpointError as error:
        return error.finding
    except DockerException as problem:
        from stacks.host.docker import unreachable  # noqa: PLC0415 - all checks of a host, for one line

        return unreachable(endpoint, problem)
    client.api.timeout = SECONDS_TO_WORK
    return client
