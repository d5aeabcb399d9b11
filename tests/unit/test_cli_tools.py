"""Pulumi's download is checked against its release; a killed run is swept; foreign things are left alone."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import os
import socket
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import typer

from cli import app, docker_host, engine, locks, private_state, tool_download, tools

RELEASE = "3.259.0"
ARCHIVE = f"pulumi-v{RELEASE}-linux-x64.tar.gz"


def bundle() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo("pulumi/pulumi")
        info.size, info.mode = 4, 0o755
        archive.addfile(info, io.BytesIO(b"tool"))
    return buffer.getvalue()


@contextmanager
def mirror(files: dict[str, bytes]) -> Iterator[str]:
    class Files(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = files.get(self.path.lstrip("/"))
            self.send_response(200 if content else 404)
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()  # or the thread spins on the closed socket until the tests end (seen: one whole core)


@pytest.fixture(name="data")
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHOTOS_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    return tmp_path / "data"


def install(monkeypatch: pytest.MonkeyPatch, checksum: str) -> None:
    content = bundle()
    line = checksum.replace("GOOD", hashlib.sha256(content).hexdigest())
    with mirror({ARCHIVE: content, f"pulumi-{RELEASE}-checksums.txt": line.encode()}) as url:
        monkeypatch.setenv(tool_download.MIRROR, url)
        tool_download.install_pulumi(RELEASE)


def test_a_download_with_the_published_checksum_is_installed(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, f"{'0' * 64}  other.zip\nGOOD  {ARCHIVE}\n")

    assert (data / "tools/pulumi/pulumi").read_bytes() == b"tool"


@pytest.mark.parametrize(
    ("checksum", "says"),
    [(f"{'0' * 64}  {ARCHIVE}\n", "its release says 0000"), ("GOOD  other.tar.gz\n", f"does not list {ARCHIVE}")],
)
def test_any_other_download_is_refused_and_nothing_is_installed(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], checksum: str, says: str
) -> None:
    with pytest.raises(typer.Exit):
        install(monkeypatch, checksum)

    assert says in capsys.readouterr().err
    assert not (data / "tools").exists()


def test_without_a_server_the_message_names_what_works_all_the_same(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.console.Unattended.yes", True)
    monkeypatch.setattr(tools, "missing", lambda _: ["pulumi"])
    with mirror({}) as url:
        monkeypatch.setenv(tool_download.MIRROR, url)
        with pytest.raises(tool_download.UnreachableError) as raised:
            tool_download.ensure("dev")
    told = str(raised.value)

    assert "Missing: pulumi" in told
    assert "./photos plan" in told
    assert "./photos demo" in told
    assert not (data / "tools").exists()


def test_a_tool_on_the_path_counts_as_present(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tools.missing("dev") == ["pulumi", "docker", "random"]
    for name in ("pulumi", "pulumi-resource-docker", "pulumi-resource-random"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)

    assert tools.missing("dev") == []
    assert not data.exists()


HERE = socket.gethostname()


@pytest.mark.parametrize(
    ("text", "dead"),
    [
        (json.dumps({"pid": 2**22 + 5, "hostname": HERE}), True),
        (json.dumps({"pid": 1, "hostname": HERE}), True),
        (json.dumps({"pid": 2**22 + 5, "hostname": "elsewhere"}), False),
        ("garbage", False),
    ],
    ids=["gone", "another program has the number", "another host", "not readable"],
)
def test_only_the_lock_of_a_dead_pulumi_of_this_host_is_dead(tmp_path: Path, text: str, dead: bool) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text(text)

    assert locks.lock_is_dead(private_state.read_lock(lock)) is dead


@pytest.mark.parametrize(
    ("words", "stack"),
    [
        (["stack", "ls"], "dev"),
        (["up", "--stack", "home"], "home"),
        (["up", "-s", "a"], "a"),
        (["x", "--stack=b"], "b"),
    ],
)
def test_a_command_for_pulumi_gets_the_stack_that_it_names(
    words: list[str], stack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PHOTOS_STACK", raising=False)

    assert app._stack_named_in(words) == stack


def test_the_export_lines_are_two_and_a_third_where_the_data_folder_moved(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine.export_lines("dev")[0] == f"export PULUMI_BACKEND_URL=file://{data}/state"
    monkeypatch.delenv("PHOTOS_DATA")

    assert [line.split("=")[0] for line in engine.export_lines("dev")] == [
        "export PATH",
        "export PULUMI_CONFIG_PASSPHRASE_FILE",
    ]


def test_no_is_an_answer_and_runs_nothing_as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, ...]] = []
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(docker_host, "answers", lambda *_: False)
    monkeypatch.setattr(docker_host, "as_root", lambda *words: ran.append(words))
    monkeypatch.setattr(docker_host, "confirm", lambda _: False)
    for installed in (None, "/usr/sbin/dockerd"):
        monkeypatch.setattr(
            "shutil.which", lambda name, found=installed, **_: found if name == "dockerd" else "/usr/bin/x"
        )
        with pytest.raises(typer.Exit):
            docker_host.ensure()

    assert ran == []


def test_the_shim_is_plain_sh_and_names_what_is_missing(tmp_path: Path) -> None:
    import shutil  # noqa: PLC0415
    import subprocess  # noqa: PLC0415

    project = Path(__file__).parents[2]
    for name in ("photos", "requirements.lock"):
        shutil.copy(project / name, tmp_path / name)
    fake = tmp_path / "bin/python3"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    done = subprocess.run(
        [str(tmp_path / "photos"), "plan"],
        env={"PATH": f"{tmp_path}/bin:{os.defpath}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "Python 3.11 or newer with venv is missing" in done.stderr
    assert "apt-get install -y --no-install-recommends python3 python3-venv" in done.stderr
    assert "Nothing was changed" in done.stderr
    assert not (tmp_path / ".venv").exists()
