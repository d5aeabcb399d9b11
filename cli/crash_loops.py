"""End the wait of `up` for a container that only crashes.

Pulumi's provider waits up to ten minutes for a container to become healthy, and neither a crash nor Ctrl-C ends that
(kreuzwerker/terraform-provider-docker, resource_docker_container_funcs.go, seen). Taking the container away does.
"""

from __future__ import annotations

from docker.errors import DockerException

from cli import containers, stack_config
from cli.console import err, warn
from cli.dockers import opened
from components.messages import message
from stacks.expected import expected

RESTARTS = 3


class CrashLoops:
    """What is new in `stack` from now on, is waited for and was started again three times."""

    def __init__(self, stack: str) -> None:
        self._stack = stack
        self._waited_for = {
            service.container
            for service in expected(stack, stack_config.offline(stack).settings).services
            if service.waited_for
        }
        with containers.connected(stack) as dockers:
            self._before = {container.id for container in containers.containers(dockers, stack)}
        self._ended: dict[str, str] = {}

    def end(self) -> None:
        """Take away what crashes, and keep the end of its log."""
        try:
            with opened(self._stack) as dockers:
                for container in containers.containers(dockers, self._stack):
                    new = container.id not in self._before and container.name in self._waited_for
                    if new and containers.restarts(container) >= RESTARTS and containers.health(container) != "healthy":
                        self._ended[str(container.name)] = containers.last_lines(container)
                        container.remove(force=True, v=True)
        except DockerException:
            return  # gone meanwhile, or Docker is: pulumi says so

    def tell(self) -> None:
        """Say what crashed, with the last lines of its log."""
        for name, lines in self._ended.items():
            warn(
                message(
                    "crash_loop",
                    "\n{name} failed {times} times and was removed, so that nobody waits for it. Its last lines:",
                    name=name,
                    times=RESTARTS + 1,
                )
            )
            err.print(lines)
