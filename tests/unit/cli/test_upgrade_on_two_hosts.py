"""A restore point on several hosts: each volume is copied where it is, and none is put back that is not there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from docker.errors import ImageNotFound, NotFound
from example_stack import STACK_ID

from cli import dockers as cli_dockers
from cli import stack_config
from cli.dockers import Dockers
from cli.upgrade import points
from cli.upgrade.copying import Copier, CopyError
from cli.upgrade.journal import RestorePoint
from cli.upgrade.parts import parts

if TYPE_CHECKING:
    from cli.conftest import Checkout  # mypy names the files of this folder cli.*

TOOL = "sha256:of-the-database"
SMALL, LARGE = 10 << 30, 40 << 30


class FakeDocker:
    """A host with volumes and images; `pulled` are those that it had to fetch."""

    def __init__(self, *images: str) -> None:
        self.there = set(images)
        self.data: set[str] = set()
        self.pulled: list[str] = []
        self.images = SimpleNamespace(get=self._image, pull=self._pull)
        self.volumes = SimpleNamespace(get=self._volume)

    def _image(self, name: str) -> str:
        if name not in self.there:
            raise ImageNotFound(name)
        return name

    def _pull(self, repository: str, tag: str) -> None:
        self.pulled.append(f"{repository}:{tag}")

    def _volume(self, name: str) -> str:
        if name not in self.data:
            raise NotFound(name)
        return name


@pytest.fixture
def hosts(checkout: Checkout) -> dict[str, FakeDocker]:
    config = {
        "photos:hosts": {"nas": {}, "gpu": {"docker": "unix:///run/gpu.sock"}},
        "photos:place": {"mariadb": "gpu"},
    }
    checkout.write(STACK_ID, config)
    return {"nas": FakeDocker(), "gpu": FakeDocker(TOOL)}


def both(hosts: dict[str, FakeDocker]) -> Dockers:
    return Dockers("dev", cast("Any", hosts), first_host="nas")


def planned(hosts: dict[str, FakeDocker], monkeypatch: pytest.MonkeyPatch, used: int = SMALL) -> RestorePoint:
    """Plan the restore point of the album, which has a volume on each host."""
    (part,) = (each for each in parts("dev", stack_config.offline("dev").settings) if each.name == "photoprism")
    monkeypatch.setattr(Copier, "measure", lambda *_: (used, used + points.SPARE))
    server: Any = SimpleNamespace(attrs={"Image": TOOL})
    return points.planned(both(hosts), "dev", part, {"mariadb": server})


def test_room_is_needed_on_each_host_for_what_is_on_it(
    hosts: dict[str, FakeDocker], monkeypatch: pytest.MonkeyPatch
) -> None:
    point = planned(hosts, monkeypatch)

    assert [(volume.service, cli_dockers.host_of("dev", volume.service)) for volume in point.volumes] == [
        ("photoprism", "nas"), ("mariadb", "gpu"),
    ]  # fmt: skip
    assert point.size == 2 * SMALL, "one disk alone would have no room for both"


def test_the_image_that_copies_is_fetched_where_the_database_is_not(
    hosts: dict[str, FakeDocker], monkeypatch: pytest.MonkeyPatch
) -> None:
    point = planned(hosts, monkeypatch)
    image = stack_config.offline("dev").settings.database.image

    assert points.copier_of(both(hosts), "dev", point, "mariadb")._image() == TOOL
    assert points.copier_of(both(hosts), "dev", point, "photoprism")._image() == image
    assert (hosts["nas"].pulled, hosts["gpu"].pulled) == ([image], [])


def test_a_copy_that_a_move_left_on_another_host_is_not_put_back_from_an_empty_one(
    hosts: dict[str, FakeDocker], monkeypatch: pytest.MonkeyPatch
) -> None:
    point = planned(hosts, monkeypatch)
    album, database = (volume.copy_name for volume in point.volumes)
    hosts["nas"].data = {album, database}
    monkeypatch.setattr(Copier, "copy", lambda *_: pytest.fail("the album's data would be gone"))

    with pytest.raises(CopyError, match=f"the volume {database} is not on the host of mariadb"):
        points.put_back(both(hosts), "dev", point)
    hosts["gpu"].data = {database}
    points.refuse_absent(both(hosts), point)
