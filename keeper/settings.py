"""What the stack tells its keeper: one JSON file without secrets, and secrets as files beside it.

`components/keeper.py` writes the file from `photos:backup`; a test writes it by hand. Names of secret files are the
flat keys of the stack file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

from keeper.errors import Exit, KeeperError, Problem

SETTINGS_FILE = Path(os.environ.get("KEEPER_SETTINGS", "/etc/keeper/keeper.json"))
MARKER = ".photos-id"
"""The same name as `components.storage.MARKER` (tested): the keeper's image holds only this package."""
LOCAL, OPENLIST = "local", "openlist"
"""Types of a copy that are not rclone's alone: a folder of this machine, a drive of the stack's OpenList (its option
`url` is where that answers)."""
STAGING = ".photos-restore"
"""Folder inside a root in which a restore gathers files before they take their place; never backed up."""
IMPORT = "import"
"""The root from which the album takes photos over."""
DATABASE = "database"
"""Folder beside the roots that holds the newest dump; it is backed up with them."""
PASSWORD = "repository_password"  # noqa: S105 - a key's name
"""What a copy's repository is encrypted with: the flat secret `backup_NAME_repository_password`."""

Kind = Literal["disk", "mirror", "vault", "album"]


class Model(BaseModel):
    """Plain, frozen values; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class KeepSettings(Model):
    """How long snapshots are kept, in days: every one, one a week, one a month."""

    all_days: int = 30
    weekly_days: int = 180
    monthly_days: int = 730


class CopySettings(Model):
    """One place to which everything is copied.

    `kind`: disk and mirror are restic repositories, a vault is one that is only ever added to, an album is plain files to
    look at. `type` and `options` are rclone's, `secrets` names those options whose values are in secret files. `path` is
    the folder there. `schedule` is five fields of cron in the family's time zone. `verify_days`: within so many days all
    of it is read back. `bandwidth` is rclone's --bwlimit, a rate or a timetable, in bytes per second with suffix.
    `connections`: requests at the same time. `place` is where a person finds it: the folder of this machine is another
    one inside the container.
    """

    name: str
    kind: Kind
    type: str
    path: str
    place: str = ""
    options: dict[str, str] = {}
    secrets: list[str] = []
    schedule: str = "30 3 * * *"
    verify_days: int = 30
    keep: KeepSettings = KeepSettings()
    bandwidth: str | None = None
    connections: int = 4

    def secret_name(self, option: str) -> str:
        """Return the flat key, and so the file name, of a secret option."""
        return f"backup_{self.name}_{option}"

    @property
    def is_repository(self) -> bool:
        """Whether it is a backup; an album is not, it is only to look at."""
        return self.kind != "album"


class DatabaseSettings(Model):
    """How to reach MariaDB as the user who may only read; the password is the secret file `keeper_database_password`."""

    host: str
    port: int = 3306
    name: str = "photoprism"
    user: str = "keeper"


class GateSettings(Model):
    """How much may vanish or change between two snapshots before a person is asked; percent of the files."""

    max_delete_percent: int = 2
    max_change_percent: int = 2
    floor: int = 20
    """So many files may always vanish or change."""


class PhoneSettings(Model):
    """A phone that the stack declares. `deletions`: whether what is deleted on it stays here (keep) or goes, too (follow).

    `quiet_days`: after so many days without a sign of it a person is told; 0 for never.
    """

    name: str
    device: str
    deletions: Literal["keep", "follow"] = "keep"
    quiet_days: int = 14


class StorageSettings(Model):
    """A net drive that the stack declares in OpenList; `mount` is where it lies there, e.g. /baidu."""

    name: str
    mount: str


class UpdateSettings(Model):
    """Whether newer releases are asked for, and of what: the images that run, by service.

    `registry`: the mirror that they come through. `series`: service → how many numbers of a tag name the series that it
    stays in, 1 where nothing is said.
    """

    check: Literal["daily", "never"] = "daily"
    registry: str | None = None
    images: dict[str, str] = {}
    series: dict[str, int] = {}


class Settings(Model):
    """Everything the keeper knows. Paths are those inside its container.

    `roots`: name → folder; each file's place in a snapshot is `/<name>/<path below>`; all lie in one folder. `marked`
    names the roots that carry the stack's marker: the family's. `leave_out`: root → patterns of folders below it that can
    be made again. `drill_schedule` is five fields of cron; `import_schedule`, too, or empty for never. `findings` is what the
    stack's checks found about this set of copies. `memory_mb` is the limit of the container. The addresses `…_url` are those inside the system, `album_address` and `drive_address` those that people open.
    """

    stack: str
    id: str
    timezone: str = "Asia/Shanghai"
    language: Literal["en", "zh"] = "en"
    roots: dict[str, Path]
    marked: list[str]
    leave_out: dict[str, list[str]] = {}
    database: DatabaseSettings
    copies: list[CopySettings]
    drill_schedule: str = "0 5 * * 0"
    gate: GateSettings = GateSettings()
    strict: bool = False
    findings: list[Problem] = Field(default=[])
    state: Path = Path("/var/lib/keeper")
    secrets: Path = Path("/run/secrets")
    port: int = 9410
    memory_mb: int = 1024
    syncthing_url: str | None = None
    photoprism_url: str | None = None
    import_schedule: str = ""
    import_mode: Literal["copy", "move"] = "copy"
    phones: list[PhoneSettings] = []
    drive_url: str | None = None
    storages: list[StorageSettings] = []
    updates: UpdateSettings = UpdateSettings()
    album_address: str = ""
    drive_address: str = ""

    @field_validator("roots")
    @classmethod
    def _side_by_side(cls, roots: dict[str, Path]) -> dict[str, Path]:
        if not roots or any(folder.name != name for name, folder in roots.items()):
            msg = "each root is a folder of its own name, e.g. originals: /library/originals"
            raise ValueError(msg)
        if len({folder.parent for folder in roots.values()}) > 1 or DATABASE in roots:
            msg = f"all roots lie in one folder, e.g. /library, and none is called {DATABASE}"
            raise ValueError(msg)
        return roots

    @property
    def library(self) -> Path:
        """The folder in which all roots lie by their names."""
        return next(iter(self.roots.values())).parent

    @property
    def repositories(self) -> list[CopySettings]:
        """The copies that are backups."""
        return [copy for copy in self.copies if copy.is_repository]

    def named(self, name: str, *, repositories: bool = False) -> list[CopySettings]:
        """Return the copy of that name, or all of them for no name; only those that are backups where `repositories`.

        Raises:
            KeeperError: with `Exit.FAILED`: there is none of that name.
        """
        known = self.repositories if repositories else self.copies
        found = [copy for copy in known if name in ("", copy.name)]
        if not found:
            names = ", ".join(copy.name for copy in known) or "-"
            raise KeeperError(Exit.FAILED, "copy.unknown", copy=name, known=names)
        return found

    def secret(self, name: str) -> str:
        """Return a secret, without its line break; empty when there is none."""
        try:
            return (self.secrets / name).read_text("utf-8").rstrip("\n")
        except FileNotFoundError:
            return ""

    @property
    def zone(self) -> ZoneInfo:
        """The family's time zone."""
        return ZoneInfo(self.timezone)


def load(file: Path = SETTINGS_FILE) -> Settings:
    """Read the settings file."""
    return Settings.model_validate_json(file.read_text("utf-8"))
