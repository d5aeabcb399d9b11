"""The checks of the host: what each one sees, and how serious it is."""

from __future__ import annotations

import os
import shlex
import socket
from pathlib import Path
from shutil import rmtree
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import DockerException, ImageNotFound
from example_stack import DROP, OTHER_ID, STACK_ID, secret_keys
from fake_host import Break, FakeHost, every

from components.service import Owner
from stacks.config import StackConfig, parse
from stacks.host import GIB, Finding, docker, unsafe_for_databases, wsl
from stacks.host.library import DEFAULT_OWNER, _changed_owner, _permissions, library_owner, person, read_marker
from stacks.host.machine import HERE
from stacks.preflight import findings, look
from stacks.recording import config_text

OURS, FOREIGN = {"photos.id": STACK_ID}, {"photos.id": OTHER_ID}


def parsed(host: FakeHost, changes: dict[str, Any] | None = None, *, preview: bool = False) -> StackConfig:
    values = {key.removeprefix("photos:"): text for key, text in config_text(host.config(changes)).items()}
    keys = {key.removeprefix("photos:") for key in secret_keys()}
    return parse("dev", values, secret_keys=keys & set(values), dry_run=preview)


def serious(host: FakeHost, changes: dict[str, Any] | None = None, *, preview: bool = False) -> list[Finding]:
    """Return what is not ok."""
    return [found for found in findings(parsed(host, changes, preview=preview)) if found.level != "ok"]


def test_a_healthy_host_is_all_ok(host: FakeHost) -> None:
    found = findings(parsed(host))

    assert {finding.level for finding in found} == {"ok"}, [str(finding) for finding in found]
    assert len(found) >= 8, "doctor prints what was looked at"


def unmark(path: Path) -> None:
    (path / ".photos-id").unlink()


ONE_FINDING: dict[str, tuple[Break, str, str, str]] = {
    # what breaks it → level, place, text
    "marker missing": (
        lambda host: unmark(host.originals),
        "error",
        "config photos:library.originals",
        "has no marker (.photos-id): another disk, an empty mount or a new path",
    ),
    "marker empty": (
        lambda host: (host.imports / ".photos-id").write_text("\n"),
        "error",
        "config photos:library.import",
        "has no marker",
    ),
    "marker foreign": (
        lambda host: host.make_folder(host.imports, OTHER_ID),
        "error",
        "config photos:library.import",
        f"belongs to another stack (id {OTHER_ID})",
    ),
    "mount point": (
        lambda host: host.mount_points.add(str(host.imports)),
        "error",
        "config photos:library.import",
        "is a mount point",
    ),
    "git work tree": (
        lambda host: (host.originals / ".git").mkdir(),
        "error",
        "config photos:library.originals",
        "lies in the git work tree",
    ),
    "not writable": (
        lambda host: host.imports.chmod(0o555),
        "error",
        "config photos:library.import",
        "cannot read and write",
    ),
    "phones absent": (
        every(lambda host: unmark(host.phones), lambda host: host.phones.rmdir()),
        "error",
        "config photos:library",
        "phones does not exist yet",
    ),
    "docker unreachable": (
        lambda host: setattr(host, "docker_problem", DockerException("no\n  socket")),
        "error",
        "docker",
        "not reachable (no socket)",
    ),
    "docker for members only": (
        lambda host: setattr(host, "docker_problem", DockerException("PermissionError(13, 'Permission denied')")),
        "error",
        "docker",
        "does not let you in (PermissionError(13, 'Permission denied'))",
    ),
    "a named docker is silent": (
        every(
            lambda host: setattr(host, "docker_problem", DockerException("gone")),
            lambda host: host.monkeypatch.setenv("DOCKER_HOST", "unix:///run/mine.sock"),
        ),
        "error",
        "docker",
        "nothing answers at unix:///run/mine.sock, which DOCKER_HOST names (gone)",
    ),
    "an engine that the album does not run on, whatever else is wrong there": (
        lambda host: (
            host.info.update(SecurityOptions=["name=seccomp,profile=default", "name=rootless"]),
            host.file_systems.update({"/var/lib": "9p"}),
        ),
        "error",
        "docker",
        "this is a rootless Docker",
    ),
    "data root on 9p": (
        lambda host: host.file_systems.update({"/var/lib": "9p"}),
        "error",
        "docker",
        "its data (/var/lib/docker) is on 9p, where MariaDB loses data",
    ),
    "port of our other stack": (
        every(
            lambda host: host.add_container(
                "photos-home-photoprism", {"photos.id": OTHER_ID, "photos.stack": "home"}, port=12343
            ),
            lambda host: host.taken.add(("127.0.0.1", 12343)),
        ),
        "error",
        "config photos:services.photoprism.port",
        'port 12343 is in use by your other stack "home" (photos-home-photoprism)',
    ),
    "port of another program, beside a container of ours that crashes": (
        every(
            lambda host: host.add_container("photos-dev-mariadb", OURS, state="restarting"),
            lambda host: host.taken.add(("127.0.0.1", 12343)),
        ),
        "error",
        "config photos:services.photoprism.port",
        "port 12343 is in use by another program",
    ),
    "port of another container": (
        every(
            lambda host: host.add_container("nextcloud", port=12343),
            lambda host: host.taken.add(("127.0.0.1", 12343)),
        ),
        "error",
        "config photos:services.photoprism.port",
        "port 12343 is in use by another container (nextcloud)",
    ),
    "memory": (
        lambda host: host.info.update(MemTotal=GIB),
        "warning",
        "memory",
        "the memory limits add up to 3.0 GB, this machine has 1.0 GB",
    ),
    "foreign container": (
        lambda host: host.add_container("photos-dev-mariadb", FOREIGN),
        "error",
        "container photos-dev-mariadb",
        f"belongs to the stack with id {OTHER_ID}",
    ),
    "unlabelled container": (
        lambda host: host.add_container("photos-dev-drive"),
        "error",
        "container photos-dev-drive",
        "belongs to something else",
    ),
    "foreign network": (
        lambda host: host.networks.append(SimpleNamespace(name="photos-dev-db", attrs={"Labels": FOREIGN})),
        "error",
        "network photos-dev-db",
        "is there already",
    ),
    "foreign volume": (
        lambda host: host.volumes.append(SimpleNamespace(name="photos-dev-photoprism-storage", attrs={"Labels": None})),
        "error",
        "volume photos-dev-photoprism-storage",
        "is there already",
    ),
    "port of the album": (
        lambda host: host.taken.add(("127.0.0.1", 12343)),
        "error",
        "config photos:services.photoprism.port",
        "port 12343 is in use by another program",
    ),
    "port of phone sync": (
        lambda host: host.taken.add(("0.0.0.0", 22000)),  # noqa: S104 - a made-up taken port
        "error",
        "config photos:services.syncthing.sync_port",
        "port 22000 is in use",
    ),
    "ipv6 alone": (
        lambda host: setattr(host, "ways_out", {6}),
        "warning",
        "internet",
        "drive, syncthing reach nothing outside",
    ),
    "wsl without systemd": (
        lambda host: host.be_wsl(systemd=False, wslconfig=NEVER_IDLE),
        "warning",
        "wsl",
        "systemd is off",
    ),
    "wsl that sleeps": (lambda host: host.be_wsl(), "warning", "wsl", "15 s after the last window closes"),
    "wsl that half sleeps": (
        lambda host: host.be_wsl(wslconfig="[wsl2]\nvmIdleTimeout=-1\n"),
        "warning",
        "wsl",
        "15 s after the last window closes",
    ),
    "wsl without swap": (
        every(lambda host: host.be_wsl(wslconfig=NEVER_IDLE), lambda host: setattr(host, "swap_bytes", GIB)),
        "warning",
        "wsl",
        "less than 4 GB of swap",
    ),
}
NEVER_IDLE = "[general]\ninstanceIdleTimeout = -1\n[wsl2]\nvmIdleTimeout=-1\n"
OK_HOSTS: dict[str, Break] = {
    "ipv4 alone": lambda host: setattr(host, "ways_out", {4}),
    "no internet at all": lambda host: setattr(host, "ways_out", set()),
    "our own container": lambda host: host.add_container("photos-dev-mariadb", OURS),
    "another stack beside": lambda host: host.add_container("photos-home-mariadb", FOREIGN),
    "a container without a name of ours": lambda host: host.add_container("photos-develop-x", FOREIGN),
    "our own network": lambda host: host.networks.append(SimpleNamespace(name="photos-dev-db", attrs={"Labels": OURS})),
    "our own volume": lambda host: host.volumes.append(
        SimpleNamespace(name="photos-dev-drive", attrs={"Labels": OURS})
    ),
    "a nameless container": lambda host: host.containers.append(SimpleNamespace(name=None, labels={}, attrs={})),
    "our own port": every(
        lambda host: host.add_container("photos-dev-photoprism", OURS, port=12343),
        lambda host: host.taken.add(("127.0.0.1", 12343)),
    ),
    "our own port, between two crashes": every(
        lambda host: host.add_container("photos-dev-photoprism", OURS, state="restarting"),
        lambda host: host.taken.add(("127.0.0.1", 12343)),
    ),
    "our running database": lambda host: host.add_container("photos-dev-mariadb", OURS, image="mariadb:11.4.2"),
    "a database without a version": lambda host: host.add_container("photos-dev-mariadb", OURS, image="mine:edge"),
    "data root on ext4 below tmpfs": lambda host: host.file_systems.update(
        {"/var": "tmpfs", "/var/lib/docker": "ext4"}
    ),
    "a good wsl": lambda host: host.be_wsl(wslconfig=NEVER_IDLE),
}


@pytest.mark.parametrize("name", ONE_FINDING)
def test_what_is_wrong_is_found_once_and_at_its_place(name: str, host: FakeHost) -> None:
    breaks, level, place, text = ONE_FINDING[name]
    breaks(host)

    (found,) = serious(host)
    assert (found.level, found.check) == (level, place)
    assert text in str(found.text)
    assert found.fix, "every finding says what to do"
    assert str(found) == f"{found.check}: {found.text}. {found.fix}"


@pytest.mark.parametrize("name", OK_HOSTS)
def test_what_is_right_is_not_complained_about(name: str, host: FakeHost) -> None:
    OK_HOSTS[name](host)

    assert [str(found) for found in serious(host)] == []


@pytest.mark.parametrize(
    ("machine", "preset", "named"),
    [
        ({"NCPU": 4, "MemTotal": 16 * GIB}, None, False),
        ({"NCPU": 2, "MemTotal": 16 * GIB}, None, True),
        ({"NCPU": 8, "MemTotal": 5 * GIB}, None, True),
        ({"NCPU": 2, "MemTotal": 4 * GIB}, "small", False),
        ({"NCPU": 8, "MemTotal": 6 * GIB}, None, False),
    ],
)
def test_the_preset_is_named_on_a_weak_machine_to_who_asks_and_is_no_warning(
    host: FakeHost, machine: dict[str, int], preset: str | None, named: bool
) -> None:
    host.info |= machine
    host.more |= {"preset": preset} if preset else {}
    report = look(lambda: parsed(host))

    assert [str(found.check) for found in report.findings if "preset: small" in str(found.text)] == ["machine"] * named
    assert serious(host) == []


def network(name: str, driver: str = "bridge", labels: dict[str, str] | None = None) -> SimpleNamespace:
    return SimpleNamespace(name=name, attrs={"Driver": driver, "Labels": labels})


@pytest.mark.parametrize(
    ("there", "fine"),
    [
        ([network("1panel-network")], True),
        ([network("1panel-network"), network("bridge")], True),
        ([network("1panel-network-2"), network("bridge")], False),
        ([network("proxy"), network("1panel-network", "macvlan")], False),
        ([network("1panel-network", labels=FOREIGN)], False),
    ],
    ids=["there", "there beside another", "another's name begins so", "on the LAN by itself", "of another photo stack"],
)
def test_the_network_of_a_panel_is_there_and_opens_nothing_by_itself(
    host: FakeHost, there: list[SimpleNamespace], fine: bool
) -> None:
    host.networks += there
    host.more["panel_network"] = "1panel-network"

    found = serious(host)
    assert [finding.check for finding in found] == ([] if fine else ["config photos:panel_network"])
    others = [each.name for each in there if each.name in ("proxy", "1panel-network-2")]
    assert fine or f"Write one of: {', '.join(others) or 'none is there'};" in str(found[0].fix)


@pytest.mark.parametrize(("free", "level"), [(GIB // 2, "error"), (5 * GIB, "warning"), (11 * GIB, None)])
def test_space_is_needed_on_every_folder(free: int, level: str | None, host: FakeHost) -> None:
    host.free_bytes = free

    assert [found.level for found in serious(host)] == ([level] * 2 if level else [])


def test_warnings_do_not_stop_errors_do(host: FakeHost) -> None:
    host.free_bytes = 5 * GIB
    assert len(look(lambda: parsed(host)).warnings) == 2

    host.docker_problem = DockerException("gone")
    unmark(host.originals)
    assert len(look(lambda: parsed(host)).errors) == 2, "all errors at once, without the warnings"


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"timezone": "Mars/Olympus"}, "photos:timezone"),
        ({"services.drive.prot": 1}, "photos:services.drive.prot"),
        ({"library.import": "/"}, "photos:library.import"),
        ({"library": DROP}, "photos:library"),
        ({"data.on_destroy": "delete"}, "photos:data.on_destroy"),
        ({"backup": {"remotes": {"a": {"kind": "nas"}}}}, "photos:backup.remotes.a.kind"),
    ],
)
def test_the_file_and_the_host_are_told_in_one_wave(host: FakeHost, changes: dict[str, Any], wrong: str) -> None:
    host.taken.add(("127.0.0.1", 12343))
    text, recorder = host.run(host.config(changes))

    assert f"config {wrong}" in text
    assert "port 12343 is in use" in text, "the host is looked at as far as the file is right"
    assert recorder.resources == []


def test_the_docker_of_the_stack_file_is_the_one_that_is_looked_at(host: FakeHost) -> None:
    host.docker_problem = DockerException("gone")

    text, _ = host.run(host.config({"docker:host": "unix:///run/mine.sock"}))

    assert "docker: nothing answers at unix:///run/mine.sock, which docker:host names (gone)" in text


def test_where_too_little_is_right_docker_is_looked_at_all_the_same(host: FakeHost) -> None:
    host.docker_problem = DockerException("gone")
    text, _ = host.run(host.config({"services": {"photoprism": ["port"]}}))

    assert "config photos:services.photoprism" in text
    assert "docker: not reachable (gone)" in text


@pytest.mark.parametrize("wrong", [{"timezone": "Asia/Nowhere"}, {"timezone": None}, {"services": []}], ids=str)
def test_a_wrong_value_that_is_required_does_not_hide_what_is_wrong_on_the_host(
    host: FakeHost, wrong: dict[str, object]
) -> None:
    unmark(host.originals)

    checks = [str(found.check) for found in look(lambda: parsed(host, wrong)).errors]
    (place,) = wrong
    assert checks[0].startswith(f"config photos:{place}")
    assert "config photos:library.originals" in checks


def test_before_the_first_run_a_preview_only_says_what_up_will_do(host: FakeHost) -> None:
    for folder in (host.originals, host.imports):
        unmark(folder)
    fresh = {"id": DROP} | dict.fromkeys(secret_keys(), DROP)

    found = serious(host, fresh, preview=True)

    assert [finding.level for finding in found] == ["warning", "warning"]
    assert all("is not marked yet" in str(finding.text) for finding in found)


def test_before_the_first_run_up_still_makes_what_is_missing(host: FakeHost) -> None:
    rmtree(host.imports)
    rmtree(host.phones)
    unmark(host.originals)

    found = serious(host, {"id": DROP} | dict.fromkeys(secret_keys(), DROP), preview=True)

    assert [str(finding) for finding in found if finding.level == "error"] == []
    assert any("does not exist yet" in str(finding.text) for finding in found)


@pytest.mark.parametrize(
    ("access", "says"),
    [
        ("new folder", "does not exist, and you may not create it in"),
        ("marker", "you may not write into"),
    ],
)
def test_before_the_first_run_what_up_could_not_write_is_an_error(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, access: str, says: str
) -> None:
    unmark(host.originals)
    unmark(host.imports)
    if access == "new folder":
        rmtree(host.imports)
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = serious(host, {"id": DROP} | dict.fromkeys(secret_keys(), DROP), preview=True)

    assert [finding for finding in found if finding.level == "error" and says in str(finding.text)]


def test_before_the_first_run_a_new_folder_needs_an_owner_that_the_album_can_run_as(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    rmtree(host.originals)
    rmtree(host.imports)
    monkeypatch.setattr(os, "geteuid", lambda: 1500)
    found = serious(host, {"id": DROP, "owner": DROP} | dict.fromkeys(secret_keys(), DROP), preview=True)

    assert [finding for finding in found if "would belong to 1500" in str(finding.text) and finding.level == "error"]


@pytest.mark.parametrize("name", ["My Photos", "Mum's birthday", "照片 2024"])
def test_every_command_of_a_finding_can_be_pasted(host: FakeHost, name: str) -> None:
    folder = host.root / name / "originals"
    host.make_folder(folder)
    folder.chmod(0o700)
    owner = {"uid": 1001 if os.geteuid() != 1001 else 1002, "gid": 1001}
    found = serious(host, {"library.originals": str(folder), "owner": owner})

    (fix,) = [str(finding.fix) for finding in found if str(finding.fix).startswith("sudo chown")]
    assert shlex.split(fix)[-1] == str(folder)


def test_another_owner_than_the_written_one_is_told_with_both_numbers(host: FakeHost) -> None:
    host.originals.chmod(0o775)
    found = Path(host.originals).stat()
    config = parsed(host, {"owner": {"uid": 1000 if found.st_uid != 1000 else 1001, "gid": 1000}})
    written = config.settings.owner
    assert written

    (told,) = _changed_owner("config photos:library.originals", host.originals, config)
    assert f"belongs to {found.st_uid}:{found.st_gid}, photos:owner says {written.uid}:1000" in str(told.text)


def test_on_a_drive_that_knows_no_owners_nobody_is_told_of_one(host: FakeHost) -> None:
    config = parsed(host, {"owner": {"uid": 1000 if os.geteuid() != 1000 else 1001, "gid": 1000}})

    assert list(_changed_owner("x", host.originals, config)) == []


def test_before_the_first_run_a_drive_that_is_not_mounted_is_an_error(host: FakeHost) -> None:
    unmark(host.originals)
    fresh = {"id": DROP, "library.import": "/mnt/q/import"} | dict.fromkeys(secret_keys(), DROP)

    (found,) = [finding for finding in serious(host, fresh, preview=True) if finding.level == "error"]

    assert str(found.fix).startswith("Is drive Q: mounted?"), "up would fill the folder under an absent drive"


def test_a_foreign_marker_stops_even_the_first_preview(host: FakeHost) -> None:
    host.make_folder(host.originals, OTHER_ID)
    fresh = {"id": DROP} | dict.fromkeys(secret_keys(), DROP)

    errors = [found for found in serious(host, fresh, preview=True) if found.level == "error"]

    assert [finding.check for finding in errors].count("config photos:library.originals") == 1
    assert all("belongs to another stack" in str(finding.text) for finding in errors)


def test_a_further_library_is_looked_at_too(host: FakeHost) -> None:
    scans = host.make_folder(host.root / "scans", marker=None)

    place, marker = sorted(serious(host, {"library.others": {"scans": str(scans)}}), key=lambda found: str(found.check))

    assert str(place.text) == f"{host.originals / 'scans'} does not exist yet", "Docker would make it, as root"
    assert marker.check == "config photos:library.others.scans"
    assert "has no marker" in str(marker.text)


def test_the_owner_of_the_photos_is_who_owns_the_folder(host: FakeHost) -> None:
    settings = parsed(host, {"owner": DROP}).settings
    here = host.originals.stat()

    assert library_owner(settings) == Owner(uid=here.st_uid, gid=here.st_gid)
    assert library_owner(parsed(host).settings) == Owner(uid=1000, gid=1000)
    assert library_owner(parsed(host, {"owner": DROP, "library.originals": "/srv/no"}).settings) == person(HERE)


@pytest.mark.parametrize(
    ("user", "variables", "owner"),
    [
        (1234, {"SUDO_UID": "9", "SUDO_GID": "9"}, (1234, os.getegid())),
        (0, {"SUDO_UID": "1234", "SUDO_GID": "1235"}, (1234, 1235)),
        (0, {}, (DEFAULT_OWNER.uid, DEFAULT_OWNER.gid)),
        (0, {"SUDO_UID": "0", "SUDO_GID": "0"}, (DEFAULT_OWNER.uid, DEFAULT_OWNER.gid)),
    ],
)
def test_a_new_folder_belongs_to_the_person_and_never_to_root(
    monkeypatch: pytest.MonkeyPatch, user: int, variables: dict[str, str], owner: tuple[int, int]
) -> None:
    for name in ("SUDO_UID", "SUDO_GID", "PHOTOS_OWN_GROUP"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "geteuid", lambda: user)

    assert person(HERE) == Owner(uid=owner[0], gid=owner[1])


@pytest.mark.parametrize(
    ("uid", "gid", "mode", "level"),
    [
        (1000, 1000, 0o700, "ok"),
        (1000, 1000, 0o500, "error"),
        (33, 1000, 0o770, "ok"),
        (33, 1000, 0o707, "error"),
        (33, 33, 0o707, "ok"),
        (33, 33, 0o770, "error"),
        (0, 0, 0o777, "error"),
        (700, 1000, 0o777, "error"),
        (1000, 1999, 0o777, "error"),
    ],
)
def test_permissions_are_those_of_the_owner_whoever_looks(uid: int, gid: int, mode: int, level: str) -> None:
    folder = SimpleNamespace(stat=lambda: os.stat_result((0o40000 | mode, 0, 0, 0, 1000, 1000, 0, 0, 0, 0)))

    found = _permissions("here", folder, Owner(uid=uid, gid=gid))  # type: ignore[arg-type]

    assert found.level == level
    assert (level == "ok") or "chown" in str(found.fix)


@pytest.mark.parametrize(
    ("kind", "unsafe"),
    [("9p", True), ("fuse.rclone", True), ("tmpfs", True), ("ext4", False), ("btrfs", False), ("xfs", False)],
)
def test_file_systems_that_lose_data_are_known(kind: str, unsafe: bool) -> None:
    assert unsafe_for_databases(kind) is unsafe


def test_the_file_system_is_that_of_the_nearest_mount(host: FakeHost) -> None:
    host.file_systems = {"/": "ext4", "/mnt/d": "9p", "/mnt/data": "xfs"}

    found = [HERE.file_system(path) for path in ("/srv/x", "/mnt/d", "/mnt/d/x", "/mnt/data/x", "/mnt/dd")]

    assert found == ["ext4", "9p", "9p", "xfs", "ext4"]


def test_a_port_is_free_until_someone_listens() -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        assert HERE.is_free("127.0.0.1", port)
        listener.listen()

        assert not HERE.is_free("127.0.0.1", port)
    assert not HERE.is_free("192.0.2.1", port), "not an address of this machine"


def test_a_database_whose_image_is_gone_stops_nothing(host: FakeHost) -> None:
    class Gone(SimpleNamespace):
        @property
        def image(self) -> object:
            msg = "gone"
            raise ImageNotFound(msg)

    host.containers.append(Gone(name="photos-dev-mariadb", labels=OURS, attrs={"HostConfig": {"PortBindings": None}}))

    assert serious(host) == []


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("mariadb:11.8.8", (11, 8)),
        ("m.lan:5000/library/mariadb:10.11", (10, 11)),
        (f"mariadb:11.4@sha256:{'1' * 64}", (11, 4)),
        ("mariadb:lts", None),
        ("localhost:5000/mariadb", None),
    ],
)
def test_the_version_of_a_database_is_read_from_its_tag(image: str, expected: tuple[int, int] | None) -> None:
    assert docker._version(image) == expected


@pytest.mark.parametrize(
    ("release", "expected"),
    [("6.6.87.2-microsoft-standard-WSL2", True), ("5.15.0-Microsoft", True), ("6.12.48+deb13-amd64", False)],
)
def test_the_kernel_says_whether_this_is_wsl(
    release: str, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "osrelease").write_text(f"{release}\n")
    monkeypatch.setattr(wsl, "RELEASE", tmp_path / "osrelease")

    assert wsl.in_wsl(HERE) is expected


def test_outside_wsl_its_traps_are_not_looked_for(host: FakeHost) -> None:
    host.swap_bytes = 0

    assert list(wsl.check_wsl(HERE)) == []


def test_a_marker_is_read_without_its_line_end(host: FakeHost) -> None:
    assert read_marker(host.originals) == STACK_ID
    assert read_marker(host.root) is None
