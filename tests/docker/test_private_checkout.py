"""The keeper's image from a checkout that only its owner may read, with an editor's files in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from cli.docker_host import connect
from components.keeper_image import sources
from tests.docker.running_stack import PROJECT
from tests.programs import build_args
from tests.wheels import wheel_index

STRAY = ("run.py~", ".run.py.swp", "#run.py#", ".#run.py", "run.py.orig", "notes/private.txt", "templates/old.html~")
NAME = "photos-test-keeper:private-checkout"
OWNED_BY_NOBODY_HERE = "1000:1000"


@pytest.fixture(scope="module")
def image(images: str, programs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    assert programs is None
    folder = tmp_path_factory.mktemp("checkout") / "keeper"
    shutil.copytree(PROJECT / "keeper", folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in STRAY:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("no source")
    for item in (folder, *folder.rglob("*")):
        item.chmod(0o700 if item.is_dir() else 0o600)
    with connect(seconds=600) as client, wheel_index() as wheels:
        arguments = {"BASE": f"{images}/library/mariadb:11.8.8", **build_args(images), **wheels.build_args}
        client.images.build(path=str(folder), tag=NAME, buildargs=arguments, rm=True, forcerm=True)
        try:
            yield NAME
        finally:
            client.images.remove(NAME, force=True)


def said(image: str, *words: str, program: str | None = None) -> str:
    with connect() as client:
        printed = client.containers.run(
            image, list(words), entrypoint=program, user=OWNED_BY_NOBODY_HERE, remove=True, cap_drop=["ALL"]
        )
    assert isinstance(printed, bytes)
    return printed.decode()


def test_any_user_can_run_it(image: str) -> None:
    assert "backup" in said(image, "--help")
    assert "backup" in said(image, "--help", program="keeper"), "as the health check and ./photos keeper start it"


def test_its_files_are_those_that_its_tag_counts_and_all_may_be_read(image: str) -> None:
    look = ["-c", "cd /opt/keeper/app/keeper && find . -type f ! -name '*.pyc' -printf '%m %P\\n'"]
    found = dict(line.split(" ", 1)[::-1] for line in said(image, *look, program="sh").splitlines())

    assert set(found) == set(sources()) - {"Dockerfile"}
    assert set(found.values()) == {"644"}
