"""What a panel on the host (1Panel, Portainer) does to a stack: a preview tells it, an `up` heals it, the rows are there.

The panel here does what 1Panel's agent/app/service/container.go does (v1.10.20, and v2 at 01d0a21e).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from docker.errors import APIError
from docker.models.containers import Container
from docker.models.networks import Network

from cli.docker_host import connect, of_stack
from tests.engine.keeping import Kept
from tests.engine.world import World, own_name
from tests.waiting import until

STACK = own_name("panel")
PREFIX = f"photos-{STACK}"
PANEL_NETWORK = own_name("panel-network")
SERVICES = ("drive", "mariadb", "photoprism")
NETWORKS = {
    "drive": [PANEL_NETWORK, f"{PREFIX}-apps"],
    "mariadb": [f"{PREFIX}-db"],
    "photoprism": [PANEL_NETWORK, f"{PREFIX}-db", f"{PREFIX}-edge"],
}
ROWS = "CREATE TABLE kept (n INT PRIMARY KEY); INSERT INTO kept VALUES (1), (2), (3)"
GROUP = {"com.docker.compose.project": PREFIX}


class Panel:
    """1Panel, as far as it touches containers that are not its own."""

    def get(self, service: str) -> Container:
        with connect() as client:
            return client.containers.get(f"{PREFIX}-{service}")

    def edit(self, service: str, **settings: Any) -> None:
        """ContainerUpdate: kill, and make anew with the form's values in ONE of the networks."""
        old = self.get(service).attrs
        mounts = [
            {
                "Type": mount["Type"],
                "Source": mount["Name"] if mount["Type"] == "volume" else mount["Source"],
                "Target": mount["Destination"],
                "ReadOnly": not mount["RW"],
            }
            for mount in old["Mounts"]
        ]
        host = {**old["HostConfig"], "MemorySwap": 0, "Binds": [], "Mounts": mounts, **settings}
        self._made_anew(old, old["Config"], host)

    def upgrade(self, service: str, image: str) -> None:
        """ContainerUpgrade: the same with another image and nothing else changed."""
        old = self.get(service).attrs
        self._made_anew(old, {**old["Config"], "Image": image}, old["HostConfig"])

    def _made_anew(self, old: dict[str, Any], config: dict[str, Any], host: dict[str, Any]) -> None:
        name, network = old["Name"].lstrip("/"), next(iter(old["NetworkSettings"]["Networks"]))
        endpoints: dict[str, Any] = {"NetworkingConfig": {"EndpointsConfig": {network: {}}}}
        with connect() as client:
            client.containers.get(name).remove(force=True)
            made = client.api.create_container_from_config({**config, "HostConfig": host, **endpoints}, name)  # type: ignore[no-untyped-call]
            client.api.start(made["Id"])

    def join(self, service: str, network: str) -> None:
        with connect() as client:
            client.networks.get(network).connect(f"{PREFIX}-{service}")

    def leave(self, service: str, network: str) -> None:
        with connect() as client:
            client.networks.get(network).disconnect(f"{PREFIX}-{service}")

    def clear_away(self, identity: str) -> None:
        """Do what its four buttons "prune" do once all is stopped, to this stack alone. Volumes: see the last test."""
        with connect() as client:
            for container in client.containers.list(all=True, filters=of_stack(identity)):
                container.stop()
                image = container.attrs["Config"]["Image"]
                container.remove(v=True, force=True)
                for tag in client.images.get(image).tags:
                    if tag.startswith("127.0.0.1:"):
                        client.images.remove(tag, force=True)
            for network in client.networks.list(filters=of_stack(identity)):
                network.remove()


@pytest.fixture(scope="module")
def panel() -> Panel:
    return Panel()


@contextlib.contextmanager
def network_of_a_panel(image: str) -> Iterator[Container]:
    """Make the panel's network with its own MariaDB in it, called so as its store's recipe does."""
    with connect() as client:
        made: Network = client.networks.create(PANEL_NETWORK, driver="bridge")
        theirs = client.containers.create(image, entrypoint=["sleep", "100000"])
        made.connect(theirs, aliases=["mariadb"])
        client.networks.get("bridge").disconnect(theirs)
        theirs.start()
        try:
            yield theirs
        finally:
            theirs.remove(force=True)
            made.reload()
            for inside in made.attrs["Containers"]:
                made.disconnect(inside, force=True)
            made.remove()


@pytest.fixture(scope="module")
def theirs(world: World) -> Iterator[Container]:
    """The panel's own database, in its network, which the stack file names before it is there."""
    world.write(STACK, panel_network=PANEL_NETWORK, preset="small")
    world.drop(STACK, "services", "syncthing")
    told = world.photos("up", STACK, "--yes", check=False)
    nothing = world.ours_by_name(STACK)
    with network_of_a_panel(f"{world.registry}/library/mariadb:11.8.8") as container:
        assert f"config photos:panel_network: Docker here has no network {PANEL_NETWORK}" in told
        assert nothing == []
        yield container


@pytest.fixture(scope="module", name="kept")
def running_stack(world: World, theirs: Container) -> Kept:
    assert theirs
    world.photos("up", STACK, "--yes")
    kept = Kept(world, STACK)
    kept.sql(ROWS)
    return kept


def assert_well(kept: Kept) -> None:
    """Every service is healthy, under its name and in its networks; nothing is left to do; the rows are there."""
    world = kept.world
    assert sorted(world.ours_by_name(STACK)) == world.ours(STACK), "nothing is left aside"
    assert world.ours(STACK) == [f"{PREFIX}-{service}" for service in SERVICES]
    assert world.photos("status", "--stack", STACK, code=0).count("healthy") == len(SERVICES)
    assert networks() == NETWORKS
    assert world.preview(STACK, "--refresh") == {}
    assert kept.sql("SELECT COUNT(*) FROM kept") == "3"
    with kept.album() as album:
        assert album.get("/api/v1/photos", params={"count": 1}).status_code == httpx.codes.OK


def ids() -> dict[str, str | None]:
    return {service: Panel().get(service).id for service in SERVICES}


def networks() -> dict[str, list[str]]:
    panel = Panel()
    return {service: sorted(panel.get(service).attrs["NetworkSettings"]["Networks"]) for service in SERVICES}


def test_in_the_panel_s_network_are_the_album_and_openlist_and_nothing_is_left_to_change(kept: Kept) -> None:
    before = ids()
    assert_well(kept)
    assert kept.world.preview(STACK) == {}
    kept.world.photos("up", STACK, "--yes", code=0)

    assert ids() == before


def test_the_preset_is_what_runs(kept: Kept) -> None:
    album = Panel().get("photoprism").attrs["Config"]["Env"]
    limits = {service: Panel().get(service).attrs["HostConfig"]["Memory"] // 1024**2 for service in SERVICES}

    assert kept
    assert {"PHOTOPRISM_THUMB_SIZE=1280", "PHOTOPRISM_WORKERS=1", "PHOTOPRISM_DISABLE_CLASSIFICATION=true"} <= set(
        album
    )
    assert limits == {"drive": 192, "mariadb": 512, "photoprism": 1024}, "and what the stack file says beside it wins"


def test_the_album_keeps_to_its_own_database_beside_the_panel_s(kept: Kept, theirs: Container) -> None:
    theirs.reload()
    address = theirs.attrs["NetworkSettings"]["Networks"][PANEL_NETWORK]["IPAddress"]
    _, seen = kept.execute("photoprism", "getent", "hosts", "mariadb")
    _, ours = kept.execute("photoprism", "getent", "hosts", f"{PREFIX}-mariadb")

    assert seen.split()[0] == address, "why the album has to ask by the whole name: docs/panels.md"
    assert ours.split()[0] != address
    assert kept.sql("SELECT COUNT(*) > 0 FROM information_schema.tables WHERE table_name = 'photos'") == "1"


@pytest.mark.parametrize(
    ("service", "port", "opens"), [("photoprism", 2342, True), ("drive", 5244, True), ("mariadb", 3306, False)]
)
def test_who_is_in_the_panel_s_network_reaches_pages_and_never_the_database(
    theirs: Container, kept: Kept, service: str, port: int, opens: bool
) -> None:
    networks = Panel().get(service).attrs["NetworkSettings"]["Networks"]
    address = f"{PREFIX}-{service}" if opens else networks[f"{PREFIX}-db"]["IPAddress"]
    code, _ = theirs.exec_run(["timeout", "3", "bash", "-c", f"exec 3<>/dev/tcp/{address}/{port}"])

    assert kept
    assert (code == 0) is opens


def test_no_port_is_opened_by_it(kept: Kept) -> None:
    bound = {
        binding["HostIp"]
        for service in SERVICES
        for bindings in (Panel().get(service).attrs["HostConfig"]["PortBindings"] or {}).values()
        for binding in bindings
    }
    assert kept
    assert bound == {"127.0.0.1"}


def test_a_panel_sees_one_group_and_no_file_that_it_could_take_down(kept: Kept) -> None:
    labels = [Panel().get(service).labels for service in SERVICES]

    assert kept
    assert all(GROUP.items() <= each.items() for each in labels)
    assert not [name for each in labels for name in each if name.startswith("com.docker.compose.project.")]
    assert not [name for each in labels for name in each if name == "createdBy"], "1Panel would take it for its own"


def test_a_pause_a_new_name_other_networks_and_another_limit_are_told_and_healed(kept: Kept, panel: Panel) -> None:
    panel.get("drive").pause()
    panel.leave("drive", f"{PREFIX}-apps")
    panel.leave("photoprism", PANEL_NETWORK)
    panel.join("mariadb", PANEL_NETWORK)
    panel.get("mariadb").update(mem_limit="400m", memswap_limit="800m")
    panel.get("photoprism").rename(f"{PREFIX}-photoprism-old")
    told = kept.world.photos("preview", STACK)
    shown = kept.world.preview(STACK)
    kept.world.photos("up", STACK, "--yes", code=0)

    assert f"{PREFIX}-drive is paused" in told
    assert f"{PREFIX}-drive is not in the network {PREFIX}-apps any more" in told
    assert f"is not in the network {PANEL_NETWORK} any more" in told
    assert f"{PREFIX}-mariadb is in the network {PANEL_NETWORK}, too" in told
    assert f"The container {PREFIX}-photoprism is called {PREFIX}-photoprism-old now" in told
    assert shown.keys() == {"mariadb:Container", "photoprism:Container"}
    assert_well(kept)


def test_what_its_form_and_its_upgrade_make_only_crashes_and_is_the_stack_s_own_again(kept: Kept, panel: Panel) -> None:
    panel.edit("photoprism", Memory=2 * 1024**3)
    panel.upgrade("drive", f"{kept.world.registry}/openlistteam/openlist:v4.2.5")
    panel.get("mariadb").kill()
    until(lambda: all(panel.get(service).attrs["RestartCount"] for service in ("photoprism", "drive")))
    last = panel.get("photoprism").logs(tail=1)
    status = kept.world.photos("status", "--stack", STACK, check=False)
    told = kept.world.photos("preview", STACK)
    kept.world.photos("up", STACK, "--yes", code=0)

    assert b"/photos/start" in last, "what the stack put into a container is not in the new one"
    assert "Made anew by something else: drive, photoprism" in status
    for service in ("photoprism", "drive"):
        assert f"The container {PREFIX}-{service} is gone, or was made anew by something else" in told
    assert f"The container {PREFIX}-mariadb is exited" in told
    assert_well(kept)


def test_its_prune_buttons_take_nothing_that_an_up_does_not_bring_back(kept: Kept, panel: Panel) -> None:
    panel.clear_away(kept.world.id(STACK))
    told = kept.world.photos("preview", STACK)
    kept.world.photos("up", STACK, "--yes", code=0)

    assert f"The network {PREFIX}-db is gone" in told
    assert f"The container {PREFIX}-mariadb is gone" in told
    assert_well(kept)


def test_a_volume_in_use_cannot_be_pruned_and_a_pruned_one_is_named_with_the_way_back(kept: Kept, panel: Panel) -> None:
    name = f"{PREFIX}-mariadb"
    with connect() as client:
        panel.get("mariadb").stop()
        with pytest.raises(APIError, match="in use"):
            client.volumes.get(name).remove(force=True)
        panel.get("mariadb").remove(force=True, v=True)
        client.volumes.get(name).remove(force=True)
    told = kept.world.photos("preview", STACK)

    assert f"The volume {name} is gone, with what was in it" in told
    assert "./photos keeper restore --everything" in told


def test_a_destroy_leaves_the_panel_s_network(kept: Kept) -> None:
    kept.world.photos("destroy", STACK, "--yes")

    with connect() as client:
        (network,) = client.networks.list(names=[f"^{PANEL_NETWORK}$"], greedy=True)
    assert list(network.attrs["Containers"] or ()) != []
    assert kept.world.ours_by_name(STACK) == []
