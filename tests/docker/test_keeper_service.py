"""The keeper and its watch as the stack declares them: built, backing up to a second disk, test-restoring, hardened."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer

from cli import generated, keeper, paths
from cli.docker_host import connect
from components.storage import MARKER
from demo.docker_runner import wait_until_healthy
from demo.samples import write_samples
from keeper.errors import Exit
from stacks.host.neighbours import is_open
from stacks.sections.backup.secrets import OWN_KEYS, secret_key
from tests.docker.neighbour import neighbour, the_rule
from tests.docker.reach import addresses
from tests.docker.running_stack import OWNER, Stack, free_port
from tests.waiting import PATIENCE
from tests.wheels import wheel_index

HEALTHY_SECONDS = PATIENCE
"""A start, and two rounds of the health check."""


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A second disk: a file system of its own with a folder on it."""
    mount = tmp_path_factory.mktemp("disk")
    mount.parent.chmod(0o755)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m,mode=755", "photos-test", str(mount)], check=True)
    folder = mount / "photos"
    folder.mkdir()
    os.chown(folder, OWNER.uid, OWNER.gid)
    yield folder
    subprocess.run(["umount", str(mount)], check=True)


def with_backup(stack: Stack, disk: Path, mirrors: dict[str, str]) -> None:
    """Let the stack file of `stack` have one encrypted copy on `disk`."""
    remotes = {"disk": {"kind": "disk", "type": "local", "path": str(disk)}}
    stack.config["photos:backup"] = {"port": free_port(), "mirrors": mirrors, "remotes": remotes}
    stack.secrets |= generated.values_for([secret_key("disk", key) for key in OWN_KEYS])


@pytest.fixture(scope="module")
def kept(stack: Stack, disk: Path, programs: None) -> Iterator[Stack]:  # noqa: ARG001 - in the keeper's image
    """A running stack whose first `up` had no backup, with photos, and then a keeper."""
    write_samples(stack.root / "originals")
    for item in (stack.root / "originals").rglob("*"):
        os.chown(item, OWNER.uid, OWNER.gid)
    stack.run("photoprism", "photoprism index")
    with wheel_index() as wheels:
        with_backup(stack, disk, {"pip": wheels.url})
        stack.up()
        for service in ("keeper", "watch"):
            wait_until_healthy(stack.container(service), HEALTHY_SECONDS)
        yield stack


def asked(stack: Stack, *words: str) -> tuple[int, Any]:
    """Run the keeper's command line in its container; return exit code and report."""
    done = stack.container("keeper").exec_run(["keeper", *words, "--json"], demux=True)
    output, errors = done.output
    assert isinstance(output, bytes), errors
    return int(done.exit_code or 0), json.loads(output)


def backed_up(stack: Stack) -> dict[str, Any]:
    """Back up and return the report of a run that must be good."""
    code, report = asked(stack, "backup", "--copy", "disk")
    assert code == Exit.OK, report
    return dict(report)


def test_a_backup_to_the_second_disk_is_whole_and_encrypted(kept: Stack, disk: Path) -> None:
    report = backed_up(kept)

    assert report["files"] > 10
    assert report["sent_bytes"] > 0
    assert report["verified_bytes"] >= report["sent_bytes"]
    assert report["unreadable"] == {}
    assert asked(kept, "status")[1]["dump"]["rows"]["photos"] > 0, "PhotoPrism's rows are in the dump"
    lying = [file for file in disk.rglob("*") if file.is_file()]
    assert {file.relative_to(disk).parts[0] for file in lying} == {"config", "data", "index", "keys", "snapshots"}
    assert not [file for file in lying if b"originals" in file.read_bytes()], "names are encrypted, too"


def test_a_test_restore_passes(kept: Stack) -> None:
    backed_up(kept)

    code, report = asked(kept, "drill")

    assert (code, report["passed"], report["reason"]) == (Exit.OK, True, None)
    assert report["files_checked"] > 10
    assert report["rows"] > 0


def test_the_page_answers_on_this_machine_only(kept: Stack) -> None:
    port = kept.config["photos:backup"]["port"]
    bindings = kept.container("keeper").attrs["HostConfig"]["PortBindings"]

    assert bindings == {"9410/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}
    assert httpx.get(f"http://127.0.0.1:{port}/").status_code == httpx.codes.OK
    assert "photos_heartbeat_age_seconds" in httpx.get(f"http://127.0.0.1:{port}/metrics").text


def test_the_keeper_reads_everything_and_writes_only_its_state_and_the_copy(kept: Stack) -> None:
    script = (
        "for place in /library/originals /library/import /library/photoprism /library/syncthing /remotes/disk {0}; do "
    )
    script += 'if touch "$place/x" 2>/dev/null; then echo "$place"; rm "$place/x"; fi; done'

    assert kept.run("keeper", script.format("/var/lib/keeper")).split() == ["/remotes/disk", "/var/lib/keeper"]
    assert kept.run("watch", script.format("/var/lib/keeper /var/lib/watch")).split() == ["/var/lib/watch"]
    assert kept.run("keeper", "id -u; id -g; grep CapEff /proc/self/status").split() == [
        "1000", "1000", "CapEff:", "0000000000000000",
    ]  # fmt: skip


def test_the_watch_has_no_key_and_sees_no_photo_and_no_database(kept: Stack) -> None:
    assert kept.run("watch", "ls /run/secrets 2>/dev/null | wc -l") == "0"
    found = kept.run("watch", "find /library /remotes -mindepth 1 2>/dev/null || true")
    assert found == "/library/database", "an empty folder of the image: the dump lies in the keeper's own"
    assert [name.rsplit("-", 1)[-1] for name in kept.container("watch").attrs["NetworkSettings"]["Networks"]] == [
        "apps"
    ]


def test_a_neighbour_on_the_lan_reaches_its_page_at_most_without_the_rule(kept: Stack, tmp_path: Path) -> None:
    port = kept.config["photos:backup"]["port"]
    ways = [f"http://127.0.0.1:{port}/", *(f"http://{ip}:9410/" for ip in addresses(kept, "keeper"))]
    internal = kept.container("keeper").attrs["NetworkSettings"]["Networks"][f"photos-{kept.name}-db"]["IPAddress"]
    with neighbour() as next_door:
        if is_open(str(kept.client.version()["Version"])):
            assert next_door.reached(ways) == [way for way in ways if internal not in way]
        with the_rule(tmp_path / "note"):
            assert next_door.reached(ways) == []


def sql_as_keeper(stack: Stack, statement: str) -> tuple[int, str]:
    login = 'mariadb -hmariadb -ukeeper -p"$(cat /run/secrets/keeper_database_password)" --skip-ssl-verify-server-cert -N -B'
    done = stack.container("keeper").exec_run(["sh", "-c", f'{login} photoprism -e "{statement}"'])
    assert isinstance(done.output, bytes)
    return int(done.exit_code or 0), done.output.decode()


def test_the_database_user_of_the_keeper_may_read_and_nothing_else(kept: Stack) -> None:
    code, rows = sql_as_keeper(kept, "SELECT COUNT(*) FROM photos")

    assert code == 0
    assert int(rows) > 0
    for statement in (
        "DELETE FROM photos",
        "DROP TABLE photos",
        "CREATE TABLE x(i int)",
        "SELECT * FROM mysql.global_priv",
    ):
        code, answer = sql_as_keeper(kept, statement)
        assert code != 0
        assert "denied" in answer


def test_a_database_that_is_upgraded_starts_with_the_keepers_user(kept: Stack) -> None:
    kept.run("mariadb", "rm /var/lib/mysql/mariadb_upgrade_info")
    server = kept.container("mariadb")
    server.restart(timeout=120)
    wait_until_healthy(server, PATIENCE)

    assert kept.run("mariadb", "ls /var/lib/mysql/mariadb_upgrade_info")
    assert sql_as_keeper(kept, "SELECT 1") == (0, "1\n")


@pytest.fixture
def command_line(kept: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stack:
    """Let `./photos keeper` find this stack."""
    file = tmp_path / f"Pulumi.{kept.name}.yaml"
    file.write_text(f"config:\n  photos:id: {kept.id}\n")
    monkeypatch.setattr(paths, "stack_file", lambda _: file)
    return kept


def end_of(call: Any, *arguments: Any, **options: Any) -> int:
    with pytest.raises(typer.Exit) as ended:
        call(*arguments, **options)
    return ended.value.exit_code


def test_the_command_line_passes_report_and_exit_code_through(
    command_line: Stack, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert end_of(keeper.status, command_line.name, json=True) == Exit.OK
    assert json.loads(capfdbinary.readouterr().out)["copies"]["disk"]
    assert end_of(keeper.accept, "0a1b2c3d", command_line.name, json=True) == Exit.FAILED
    assert json.loads(capfdbinary.readouterr().out)["problem"]["code"] == "gate.unknown"


def test_photos_and_rows_come_back_with_the_album_stopped_meanwhile(command_line: Stack) -> None:
    stack, album = command_line, command_line.container("photoprism")
    photos = sorted(path for path in (stack.root / "originals").rglob("*.jpg"))
    lost, content = photos[0], photos[0].read_bytes()
    rows = stack.sql("SELECT COUNT(*) FROM photos")
    backed_up(stack)
    started = album.attrs["State"]["StartedAt"]
    lost.unlink()
    stack.sql("DELETE FROM photos LIMIT 3")

    code = end_of(keeper.restore, None, stack.name, everything=True)

    assert code == 0
    assert lost.read_bytes() == content
    assert lost.stat().st_uid == OWNER.uid
    assert stack.sql("SELECT COUNT(*) FROM photos") == rows
    album.reload()
    assert album.status == "running"
    assert album.attrs["State"]["StartedAt"] > started, "it was stopped meanwhile"
    assert (stack.root / "originals" / MARKER).read_text().strip() == stack.id
    with connect() as client:
        restore = client.containers.get(f"photos-{stack.name}-restore")
    assert (restore.status, restore.attrs["State"]["ExitCode"]) == ("exited", 0), "what may write does not stay running"


def test_a_keeper_that_is_made_anew_knows_its_snapshots(kept: Stack) -> None:
    known = asked(kept, "status")[1]["copies"]["disk"]["snapshots"]
    kept.up()

    assert known
    assert asked(kept, "status")[1]["copies"]["disk"]["snapshots"] == known
    again = backed_up(kept)
    assert again["sent_bytes"] < again["bytes"] / 2, "the copy is recognised, not begun again"


def test_without_the_section_the_keepers_user_is_locked_out(kept: Stack) -> None:
    image = kept.container("keeper").attrs["Config"]["Image"]
    password = kept.secret_files("keeper")["keeper_database_password"]
    for service in ("watch", "keeper"):
        kept.container(service).remove(force=True)
    del kept.config["photos:backup"]
    for key in [key for key in kept.secrets if key.startswith("backup_")]:
        del kept.secrets[key]
    kept.up()

    with connect() as client:
        login = ["mariadb", "-hmariadb", "-ukeeper", "--skip-ssl-verify-server-cert", "-e", "SELECT 1"]
        done = client.containers.create(
            image, entrypoint=login, environment={"MYSQL_PWD": password}, network=f"photos-{kept.name}-db"
        )
        try:
            done.start()
            assert done.wait()["StatusCode"] != 0
            assert b"Access denied" in done.logs()
        finally:
            done.remove(force=True)
