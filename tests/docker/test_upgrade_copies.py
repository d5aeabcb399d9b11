"""Volumes copied for a restore point: everything is the same, nothing else is touched, and a copy that differs is none."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import docker
import pytest

from cli.upgrade import copying
from cli.upgrade.copying import Copier, CopyError

FILL = (
    "umask 022; mkdir -p /v/cache/t /v/sidecar/d '/v/ä b'; echo 1 > /v/cache/t/x; echo 22 > /v/sidecar/d/y; "
    "ln -s y /v/sidecar/d/l; ln /v/sidecar/d/y /v/sidecar/d/hard; echo 3 > '/v/ä b/z'; truncate -s 30M /v/sparse; "
    "mkfifo /v/pipe; chown -R 999:999 /v/sidecar; chmod 700 /v/sidecar/d; chmod 750 /v; chmod 4711 /v/sidecar/d/y"
)
# Without a folder's number of links: it counts the folders in it, and the cache is one.
LOOK = "cd /v; find . -type d -printf '%y %m %U:%G %p\\n' -o -printf '%y %m %U:%G %n %p %l\\n' | grep -v cache | sort"


class Volumes:
    """Two volumes of a stack, and what is done in them by hand."""

    def __init__(self, client: docker.DockerClient, tool: str) -> None:
        self.client, self.tool, self.stack = client, tool, f"c{uuid4().hex[:6]}"
        self.copier = Copier(client, self.stack, str(uuid4()), tool)
        self.live, self.kept = f"photos-{self.stack}-live", f"photos-{self.stack}-kept"

    def sh(self, volume: str, script: str) -> str:
        done = self.client.containers.run(
            self.tool, ["-c", script], entrypoint=["/bin/bash"], user="0:0", network_mode="none", remove=True,
            volumes={volume: {"bind": "/v"}},
        )  # fmt: skip
        return bytes(done).decode()


@pytest.fixture
def volumes(images: str) -> Iterator[Volumes]:
    client = docker.from_env()
    made = Volumes(client, str(client.images.get(f"{images}/library/mariadb:11.8.8").id))
    for name in (made.live, made.kept):
        made.copier.make(name, "photoprism")
    made.sh(made.live, FILL)
    yield made
    made.copier.clear()
    for name in (made.live, made.kept):
        made.copier.remove(name)
    client.close()


def test_a_copy_has_owners_modes_links_and_holes_and_leaves_out_what_it_shall(volumes: Volumes) -> None:
    files = volumes.copier.copy(volumes.live, volumes.kept, ("cache",))

    assert files == 4
    assert volumes.sh(volumes.kept, LOOK) == volumes.sh(volumes.live, LOOK)
    assert "cache" not in volumes.sh(volumes.kept, "ls /v")
    assert int(volumes.sh(volumes.kept, "du -sk /v").split()[0]) < 1000, "holes stay holes"


def test_to_put_back_brings_exactly_what_was_and_leaves_the_rest(volumes: Volumes) -> None:
    before = volumes.sh(volumes.live, LOOK)
    volumes.copier.copy(volumes.live, volumes.kept, ("cache",))
    volumes.sh(
        volumes.live, "rm /v/sidecar/d/y; echo new > /v/new; mkdir /v/folder; echo 2 > /v/cache/new; rm -r '/v/ä b'"
    )
    assert volumes.copier.vanished(volumes.kept, volumes.live, ("sidecar", "albums", "new")) == ["./sidecar/d/y"]
    volumes.copier.copy(volumes.kept, volumes.live, ("cache",))

    assert volumes.sh(volumes.live, LOOK) == before
    assert volumes.sh(volumes.live, "cat /v/cache/new") == "2\n", "thumbnails are no part of it"


def test_a_copy_that_was_cut_short_is_done_again(volumes: Volumes) -> None:
    volumes.sh(volumes.kept, "mkdir /v/sidecar; echo half > /v/sidecar/half")
    volumes.copier.copy(volumes.live, volumes.kept)

    assert volumes.sh(volumes.kept, "ls /v/sidecar") == "d\n"


def test_a_copy_that_differs_is_none(volumes: Volumes, monkeypatch: pytest.MonkeyPatch) -> None:
    lossy = copying.COPY.replace("sync -f /to;", "rm '/to/ä b/z'; sync -f /to;")
    assert lossy != copying.COPY
    monkeypatch.setattr(copying, "COPY", lossy)

    with pytest.raises(CopyError, match="differs"):
        volumes.copier.copy(volumes.live, volumes.kept)


def test_what_is_measured_is_what_a_copy_takes(volumes: Volumes) -> None:
    whole, free = volumes.copier.measure(volumes.live)
    without, _ = volumes.copier.measure(volumes.live, ("cache", "sparse"))

    assert whole > 30 * 2**20 > without
    assert free > 0


def test_the_container_that_copies_has_no_network_and_few_rights(volumes: Volumes) -> None:
    with volumes.copier.container("sleep 60", {copying.FROM: volumes.live}, read_only=(copying.FROM,)) as container:
        container.start()
        container.reload()
        host = container.attrs["HostConfig"]

        assert (host["NetworkMode"], host["ReadonlyRootfs"], host["Privileged"]) == ("none", True, False)
        assert (host["CapDrop"], sorted(host["CapAdd"])) == (["ALL"], ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID"])
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
        assert container.exec_run(["touch", "/from/x"]).exit_code, "what is copied is only read"
    assert not volumes.client.containers.list(all=True, filters={"name": f"photos-{volumes.stack}-upgrade"})
