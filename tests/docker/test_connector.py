"""The connector as it is declared, with the double of cloudflared: token as a file, health, nothing that waits for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

from cli.docker_host import connect
from demo.docker_runner import DockerRunner
from tests.docker.reach import DRIVE, reached
from tests.docker.running_stack import Stack
from tests.waiting import until

TUNNEL = "f174e90a-fafe-4643-bbbc-4a0ed4fc8415"
READY = ["cloudflared", "tunnel", "--metrics", "127.0.0.1:20241", "ready"]
PUBLISH: dict[str, Any] = {
    "account": "a" * 32,
    "zones": {"family.org": "b" * 32},
    "access": {"team": "family"},
    "hostnames": [{"hostname": "drive.family.org", "service": "drive", "allow": {"emails": ["mum@family.org"]}}],
}


class TunnelRunner(DockerRunner):
    """Gives the recorded tunnel an id that a connector accepts."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        key, outputs = super().new_resource(args)
        return (TUNNEL if args.typ.endswith(":ZeroTrustTunnelCloudflared") else key), outputs


@pytest.fixture(scope="module", name="published")
def a_stack_that_publishes(images: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    assert images
    root = tmp_path_factory.mktemp("published")
    root.chmod(0o755)
    with connect() as client:
        made = Stack(root, client)
        made.config["photos:publish"] = PUBLISH
        made.config["photos:services"] = {"drive": made.config["photos:services"]["drive"]}
        try:
            made.declare(TunnelRunner(client))
            yield made
        finally:
            made.down(volumes=True)


def health(stack: Stack, service: str) -> str:
    return str(stack.container(service).attrs["State"]["Health"]["Status"])


def test_without_cloudflare_the_rest_is_up_and_the_connector_says_that_it_is_not(published: Stack) -> None:
    ready = published.container("cloudflared").exec_run(READY)

    assert health(published, "drive") == "healthy"
    assert health(published, "cloudflared") == "starting"
    assert ready.exit_code == 1
    assert b"status code 503" in ready.output


def test_the_token_is_taken_from_its_file_and_shows_nowhere(published: Stack) -> None:
    token = published.secret_files("cloudflared")["tunnel_token"]
    container = published.container("cloudflared")

    assert f"tunnelID={TUNNEL}".encode() in container.logs()
    assert token not in json.dumps(container.attrs) + json.dumps(container.top()) + container.logs().decode()
    assert container.top(ps_args="-eo pid,uid,args")["Processes"][0][1] == "65532"


def test_it_reaches_openlist_which_is_published(published: Stack) -> None:
    assert reached(published, "cloudflared", [f"http://drive{DRIVE}"]) == [f"http://drive{DRIVE}"]


def test_a_connected_tunnel_is_healthy_and_ends_in_order(published: Stack) -> None:
    container = published.container("cloudflared")
    container.exec_run(["/usr/lib/cloudflared-double/python", "-c", "open('/tmp/edge', 'w')"])
    assert container.exec_run(READY).exit_code == 0
    until(lambda: health(published, "cloudflared") == "healthy")

    container.stop(timeout=30)
    container.reload()
    assert container.attrs["State"]["ExitCode"] == 0


def test_without_a_name_server_it_ends_and_docker_starts_it_again(published: Stack) -> None:
    container = published.container("cloudflared")
    container.start()
    container.exec_run(["/usr/lib/cloudflared-double/python", "-c", "open('/tmp/no-names', 'w')"])
    container.restart(timeout=30)
    until(lambda: published.container("cloudflared").attrs["RestartCount"] >= 2)

    assert b"lookup failed" in published.container("cloudflared").logs(tail=5)
    assert health(published, "drive") == "healthy", "the album and the rest are not disturbed"
