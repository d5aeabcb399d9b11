"""What the recovery kit takes along of the copies: all that plain restic and rclone need to open them without this project."""

from __future__ import annotations

from base64 import b64encode

from pydantic import BaseModel

from keeper.copies.repository import Repository
from keeper.errors import KeeperError, Problem
from keeper.settings import LOCAL, PASSWORD, CopySettings, Settings
from keeper.state import State


class CopyFiles(BaseModel):
    """What opens one copy. `path` is where it lies: on the host, or at the remote that is called like the copy.

    `rclone` is its section of rclone.conf; `config` and `keys` are the repository's own files (base64), without which a
    password opens nothing: they are put back where they were lost. `problem`: why there are none.
    """

    name: str
    kind: str
    type: str
    path: str
    password: str = ""
    rclone: str = ""
    config: str = ""
    keys: dict[str, str] = {}
    problem: Problem | None = None


def files_of(settings: Settings, copy: CopySettings) -> CopyFiles:
    """Return what opens a copy. One that does not answer is told with its problem, and with what is known here."""
    files = CopyFiles(
        name=copy.name,
        kind=copy.kind,
        type=copy.type,
        path=copy.place if copy.type == LOCAL and copy.place else copy.path,
        password=settings.secret(copy.secret_name(PASSWORD)) if copy.is_repository else "",
    )
    if copy.is_repository:
        try:
            _read(Repository(settings, copy), files)
        except KeeperError as error:
            files.problem = error.problem
    files.rclone = _section(settings, copy)
    return files


def _read(repository: Repository, files: CopyFiles) -> None:
    """Take over the repository's own files."""
    place, read = repository.place, repository.rclone.read
    keys = {name: read(f"{place}/keys/{name}") for name in repository.rclone.names(f"{place}/keys")}
    files.config = b64encode(read(f"{place}/config") or b"").decode()
    files.keys = {name: b64encode(content).decode() for name, content in keys.items() if content}
    if not files.config or not files.keys:
        files.problem = Problem.of("copy.nothing", copy=files.name)


def _section(settings: Settings, copy: CopySettings) -> str:
    """Return a copy's section of rclone.conf as it is used here, with the newest token."""
    try:
        return (State(settings.state).copy_folder(copy.name) / "rclone.conf").read_text("utf-8")
    except OSError:
        return ""
