"""What the stack tells its keeper: one JSON file without secrets, and secrets as files beside it.

`components/keeper.py` writes the file from `photos:backup`; a test writes it by hand. Names of secret files are the
flat keys of the stack file.
"""

from __future__ import annotations

import os
from pathlib import Path
from secrets import token_hex
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

SETTINGS_FILE = Path(os.environ.get("KEEPER_SETTINGS", "/etc/keeper/keeper.json"))
MARKER = ".photos-id"
"""The same name as `components.storage.MARKER` (tested): the keeper's image holds only this package."""
OPENLIST = "openlist"
"""The type of a remote that is a drive of the stack's OpenList; its option `url` is where that answers."""
STAGING = ".photos-restore"
"""Folder inside a root in which a restore gathers files before they take their place; never backed up."""


class Model(BaseModel):
    """Plain, frozen values; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RemoteSettings(Model):
    """One place to which everything is copied.

    `kind`: disk and mirror hold the newest state and old versions; a vault only ever gets new objects. `type` and
    `options` are rclone's, `secrets` names those options whose values are in secret files. `path` is the folder on the
    remote. `bandwidth` is rclone's --bwlimit, a rate or a timetable, in bytes per second with suffix. `place` is where a
    person finds it, for the page: the folder of this machine is another one inside the container.
    """

    name: str
    kind: Literal["disk", "mirror", "vault"]
    type: str
    path: str
    place: str = ""
    options: dict[str, str] = {}
    secrets: list[str] = []
    encrypt: bool = True
    name_encoding: Literal["base32", "base64", "base32768"] = "base32"
    bandwidth: str | None = None
    transfers: int = 4

    def secret_name(self, option: str) -> str:
        """Return the flat key, and so the file name, of a secret option."""
        return f"backup_{self.name}_{option}"


class DatabaseSettings(Model):
    """How to reach MariaDB as the user who may only read; the password is the secret file `keeper_database_password`."""

    host: str
    port: int = 3306
    name: str = "photoprism"
    user: str = "keeper"


class GateSettings(Model):
    """How much may vanish or change between two runs before a person is asked; percent of the files."""

    max_delete_percent: int = 2
    max_change_percent: int = 2
    floor: int = 20
    """So many files may always vanish or change."""


class KeepSettings(Model):
    """How long runs are kept, in days: every run, one a week, one a month."""

    all_days: int = 30
    weekly_days: int = 180
    monthly_days: int = 730


class Settings(Model):
    """Everything the keeper knows. Paths are those inside its container.

    `roots`: name → folder; each file's place in the backup is `<name>/<path below>`; all lie in one folder. `marked` names the roots that
    carry the stack's marker. `leave_out`: root → patterns of folders below it that can be made again.
    """

    stack: str
    id: str
    timezone: str = "Asia/Shanghai"
    language: Literal["en", "zh"] = "en"
    roots: dict[str, Path]
    marked: list[str]
    leave_out: dict[str, list[str]] = {}
    database: DatabaseSettings
    remotes: list[RemoteSettings]
    schedule: str = "30 3 * * *"
    drill_schedule: str = "0 5 * * 0"
    gate: GateSettings = GateSettings()
    keep: KeepSettings = KeepSettings()
    strict: bool = False
    findings: list[str] = Field(default=[], description="what the stack's checks found about this set of remotes")
    state: Path = Path("/var/lib/keeper")
    secrets: Path = Path("/run/secrets")
    port: int = 9410
    syncthing_url: str | None = None
    photoprism_url: str | None = None

    @field_validator("roots")
    @classmethod
    def _side_by_side(cls, roots: dict[str, Path]) -> dict[str, Path]:
        if not roots or any(folder.name != name for name, folder in roots.items()):
            msg = "each root is a folder of its own name, e.g. originals: /library/originals"
            raise ValueError(msg)
        if len({folder.parent for folder in roots.values()}) > 1:
            msg = "all roots lie in one folder, e.g. /library"
            raise ValueError(msg)
        return roots

    @property
    def library(self) -> Path:
        """The folder in which all roots lie by their names."""
        return next(iter(self.roots.values())).parent

    def secret(self, name: str) -> str:
        """Return a secret, without its line break; empty when there is none."""
        try:
            return (self.secrets / name).read_text("utf-8").rstrip("\n")
        except FileNotFoundError:
            return ""

    @property
    def holder(self) -> str:
        """What tells this keeper from one on another machine: a name kept in its state."""
        file = self.state / "holder"
        if not file.exists():
            file.write_text(token_hex(8), "utf-8")
        return file.read_text("utf-8")

    @property
    def zone(self) -> ZoneInfo:
        """The family's time zone."""
        return ZoneInfo(self.timezone)


def load(file: Path = SETTINGS_FILE) -> Settings:
    """Read the settings file."""
    return Settings.model_validate_json(file.read_text("utf-8"))
