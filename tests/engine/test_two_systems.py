"""Two photo systems in one program of somebody's own, up and down with the real engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import httpx
import pytest

from tests.engine.world import PROJECT, free_port
from tests.waiting import until

MAIN = """
import sys
sys.path[:0] = {paths!r}
from two_systems import program
program(root={root!r}, first_port={port}, image_registry={registry!r})
"""
NAMES = ("home", "office")


class Program:
    """A Pulumi project of its own that uses the components of this one."""

    def __init__(self, root: Path, registry: str) -> None:
        self.root, self.port = root, free_port()
        (root / "state").mkdir()
        for name in NAMES:
            for folder in ("originals", "import"):
                (root / "libraries" / name / folder).mkdir(parents=True)
        shutil.chown(root / "libraries", 1000, 1000)
        for below in (root / "libraries").rglob("*"):
            shutil.chown(below, 1000, 1000)
        (root / "Pulumi.yaml").write_text("name: family\nruntime: python\n")
        paths = [str(PROJECT), str(PROJECT / "tests" / "unit")]
        (root / "__main__.py").write_text(
            MAIN.format(paths=paths, root=str(root / "libraries"), port=self.port, registry=registry)
        )

    def pulumi(self, *words: str) -> str:
        """Run pulumi; fail the test when it fails."""
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{self.root / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "of a test",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
        done = subprocess.run(
            ["pulumi", *words, "--non-interactive"],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        assert done.returncode == 0, f"pulumi {' '.join(words)}:\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}"
        return done.stdout


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, registry: str) -> Iterator[Program]:
    made = Program(tmp_path_factory.mktemp("two"), registry)
    made.pulumi("stack", "init", "two")
    yield made
    made.pulumi("destroy", "--yes", "--stack", "two")


def names_of(client: docker.DockerClient) -> set[str]:
    containers = client.containers.list(all=True, ignore_removed=True)
    return {str(c.name) for c in containers if str(c.name).startswith(("photos-home-", "photos-office-"))}


def test_both_come_up_and_answer_each_in_its_own_networks(program: Program) -> None:
    program.pulumi("up", "--yes", "--stack", "two")

    outputs = json.loads(program.pulumi("stack", "output", "--json", "--stack", "two"))
    with closing(docker.from_env()) as client:
        assert names_of(client) == {
            f"photos-{name}-{service}" for name in NAMES for service in ("mariadb", "photoprism", "drive")
        }
        for name in NAMES:
            network = client.networks.get(outputs[f"{name}_networks"]["apps"])
            assert network.name == f"photos-{name}-apps"
    for number in range(2):
        address = f"http://127.0.0.1:{program.port + 10 * number}/api/v1/status"
        until(lambda address=address: httpx.get(address).status_code == 200)  # type: ignore[misc]
    assert outputs["home_endpoints"] == {"drive": "http://drive:5244", "photoprism": "http://photoprism:2342"}


def test_nothing_changes_on_a_second_run_or_after_a_look(program: Program) -> None:
    for words in (("preview", "--expect-no-changes"), ("preview", "--refresh", "--expect-no-changes")):
        program.pulumi(*words, "--stack", "two")


def test_both_go_and_leave_no_container_behind(program: Program) -> None:
    program.pulumi("destroy", "--yes", "--stack", "two")

    with closing(docker.from_env()) as client:
        assert names_of(client) == set()
