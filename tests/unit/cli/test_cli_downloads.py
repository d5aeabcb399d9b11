"""The Pulumi command from a mirror of its own: machine, checksum file, replacement; and which plugin counts."""

from __future__ import annotations

import hashlib
import http.server
import io
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from cli import console, paths, tool_download, tools

RELEASE = "3.259.0"


def bundle(*members: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name in members:
            info = tarfile.TarInfo(name)
            info.size, info.mode = 4, 0o755
            archive.addfile(info, io.BytesIO(b"tool"))
    return buffer.getvalue()


GOOD = bundle("pulumi/pulumi")


@pytest.fixture(name="served")
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """Return what a server on this machine offers, as PHOTOS_PULUMI_MIRROR; a filled-in form of the data folder."""
    files: dict[str, bytes] = {}

    class Files(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = files.get(self.path.removeprefix("/m/"))
            self.send_response(200 if content else 404)
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: Any) -> None:
            pass

    monkeypatch.setenv("PHOTOS_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(console.Unattended, "yes", True)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        monkeypatch.setenv(tool_download.MIRROR, f"http://127.0.0.1:{server.server_address[1]}/m/")
        yield files
        server.shutdown()


def offer(
    served: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    content: bytes = GOOD,
    machine: str = "x86_64",
    line: str = "{digest}  {archive}\n",
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    archive = f"pulumi-v{RELEASE}-linux-{tool_download.MACHINES[machine]}.tar.gz"
    served[archive] = content
    text = line.format(digest=hashlib.sha256(content).hexdigest(), archive=archive)
    served[f"pulumi-{RELEASE}-checksums.txt"] = text.encode()


@pytest.mark.parametrize("machine", sorted(tool_download.MACHINES))
@pytest.mark.parametrize("line", ["{digest}  {archive}\n", "{digest} *{archive}\r\n", "# sums\n\n{digest}  {archive}"])
def test_each_machine_gets_its_own_archive_by_any_usual_checksum_line(
    served: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, machine: str, line: str
) -> None:
    offer(served, monkeypatch, machine=machine, line=line)
    tool_download.install_pulumi(RELEASE)

    assert (paths.tools_folder() / "pulumi").stat().st_mode & 0o100
    assert [path.name for path in paths.data_folder().iterdir()] == ["tools"], "no scratch folder stays"


def test_a_refused_download_leaves_the_installed_one_as_it_was(
    served: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(served, monkeypatch)
    tool_download.install_pulumi(RELEASE)
    served[f"pulumi-v{RELEASE}-linux-x64.tar.gz"] = bundle("pulumi/pulumi", "pulumi/evil")

    with pytest.raises(typer.Exit):
        tool_download.install_pulumi(RELEASE)
    assert [path.name for path in paths.tools_folder().iterdir()] == ["pulumi"]


def test_a_new_release_replaces_the_old_one_whole(served: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    offer(served, monkeypatch, bundle("pulumi/pulumi", "pulumi/old"))
    tool_download.install_pulumi(RELEASE)
    offer(served, monkeypatch)
    tool_download.install_pulumi(RELEASE)

    assert [path.name for path in paths.tools_folder().iterdir()] == ["pulumi"]


def test_only_a_line_for_exactly_this_archive_counts(
    served: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offer(served, monkeypatch, line="{digest}  old-{archive}\n{digest}  {archive}.sig\n")

    with pytest.raises(typer.Exit):
        tool_download.install_pulumi(RELEASE)
    assert "does not list" in capsys.readouterr().err
    assert not paths.data_folder().exists()


@pytest.mark.parametrize(
    "lost", ["the checksum file", "the archive", "the server"]
)  # fmt: skip
def test_whatever_is_missing_the_message_says_what_works_without_it(
    served: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    offer(served, monkeypatch)
    monkeypatch.setattr(tools, "version", lambda _: RELEASE)
    monkeypatch.setattr(tools, "missing", lambda _: ["pulumi"])
    if lost == "the server":
        monkeypatch.setenv(tool_download.MIRROR, "http://127.0.0.1:9")
    else:
        served.pop(next(name for name in served if ("checksums" in name) is (lost == "the checksum file")))

    with pytest.raises(tool_download.UnreachableError) as raised:
        tool_download.ensure("dev")
    told = str(raised.value)
    assert [word for word in ("./photos plan", "./photos demo", tool_download.MIRROR, tool_download.PLUGIN_MIRROR) if word not in told] == []  # fmt: skip
    assert not paths.tools_folder().exists()


@pytest.mark.parametrize("content", [b"<html>log in</html>", bundle("../outside")], ids=["no archive", "leads outside"])
def test_an_archive_that_is_none_is_reported_like_any_failed_download(
    served: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    offer(served, monkeypatch, content)
    monkeypatch.setattr(tools, "version", lambda _: RELEASE)
    monkeypatch.setattr(tools, "missing", lambda _: ["pulumi"])

    with pytest.raises(tool_download.UnreachableError):
        tool_download.ensure("dev")


def test_nothing_is_ever_unpacked_outside_of_the_scratch_folder(
    served: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(served, monkeypatch, bundle("../outside", "pulumi/pulumi"))

    with pytest.raises(subprocess.CalledProcessError):
        tool_download.install_pulumi(RELEASE)
    assert list(paths.data_folder().iterdir()) == []


@pytest.mark.parametrize(("installed", "present"), [("5.1.0", True), ("5.1.1", False), (None, False)])
def test_a_plugin_counts_only_in_exactly_the_wanted_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: str | None, present: bool
) -> None:
    monkeypatch.setenv("PHOTOS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    if installed:
        (tmp_path / f"home/plugins/resource-docker-v{installed}").mkdir(parents=True)

    assert tools.has_plugin("docker", "5.1.0", "dev") is present


def test_nothing_missing_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "missing", lambda _: [])
    monkeypatch.setattr(tool_download, "confirm", lambda _: pytest.fail("nothing to ask"))

    tool_download.ensure("dev")
