"""What a dump tells of the old album: its version, whether these are its photos, and the admin whom the stack logs in as.

Tables and columns: internal/entity (migrate/version.go, auth_user.go, password.go, passcode.go, file.go) in
photoprism/photoprism.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import bcrypt

from cli.console import fail, warn
from cli.takeover.dump import Dumped, Row
from components.apps.photoprism import ADMIN
from components.messages import message
from stacks.shell import command

RELEASE = re.compile(r"(\d{6})(?:-|$)")
"""Releases are called after their day: 240915-e1280b2fb."""
STEP_BETWEEN = "photoprism/photoprism:240915-ce"
"""It takes the users of before 221102 over (FindLegacyUser in internal/entity/auth_user_legacy.go), and newer ones take it over (seen)."""
EDITION = "ce"
LOCAL_LOGINS = ("", "default", "local")
TWO_STEPS = "2fa"
ENOUGH, AT_LEAST = 5, 0.5
"""Of so many photos at least such a share must be where the index says."""


@dataclass(frozen=True)
class Admin:
    """The old album's user `admin`. Without a hash it has no password yet, and takes the stack's at its first start."""

    hash: str | None

    def opens(self, password: str) -> bool:
        """Whether this is the password: PhotoPrism keeps a bcrypt hash of it."""
        return bool(self.hash) and bcrypt.checkpw(password.encode(), str(self.hash).encode())


def check_version(dumped: Dumped, image: str, old: str) -> None:
    """End the program where the stack's PhotoPrism cannot take this index over; `old` is the old album's container."""
    if "auth_users" not in dumped.tables:
        fail(
            message(
                "takeover_too_old",
                "This index is of a PhotoPrism before November 2022, which kept its users elsewhere. Let the old set-up run {image} once, log in, and dump it again.",
                image=STEP_BETWEEN,
            )
        )
    # Newer ones also note repairs there: "DBMS AuthID Fix", "Any Editions" (seen).
    releases = [row for row in dumped.rows.get("versions", ()) if RELEASE.match(row.get("version") or "")]
    newest = max((str(row["version"]) for row in releases), default="")
    tag = RELEASE.match(image.partition("@")[0].rpartition(":")[2])
    if newest and tag and newest[:6] > tag[1]:
        fail(
            message(
                "takeover_newer",
                "This index was last opened by PhotoPrism {version}, and {image} of the stack file is older: an older one must not open it. Write services.photoprism.image: a tag of {day} or newer, e.g. photoprism/photoprism:{day}-ce",
                version=newest[:6],
                image=image,
                day=newest[:6],
            )
        )
    if any((row.get("edition") or EDITION) != EDITION for row in releases):
        warn(
            message(
                "takeover_edition",
                "The old album {old}was another edition of PhotoPrism. What only that edition can do (roles, more logins) stays in the database and is not offered.",
                old=f"({old}) " if old else "",
            )
        )


def check_photos(dumped: Dumped, originals: Path) -> None:
    """End the program where the index is of other photos: the album would take those for lost and these for new."""
    known = [str(row["file_name"]) for row in dumped.rows.get("files", ()) if _in_originals(row)]
    absent = [name for name in known if not (originals / name).exists()]
    if len(known) >= ENOUGH and len(absent) > len(known) * (1 - AT_LEAST):
        fail(
            message(
                "takeover_other_photos",
                "{absent} of {known} photos that the old index names are not in {originals}, e.g. {example}. Write the old album's own folder as photos:library.originals.",
                absent=len(absent),
                known=len(known),
                originals=originals,
                example=absent[0],
            )
        )


def admin(dumped: Dumped, old: str) -> Admin:
    """Return the old album's admin; end the program where the stack could not log in as it. `old` is its container."""
    users = [row for row in dumped.rows.get("auth_users", ()) if not row.get("deleted_at")]
    found = next((user for user in users if user.get("user_name") == ADMIN), None)
    asked = ("docker", "exec", "-it", old or "CONTAINER", "photoprism")
    if found is None or not _is_admin(found):
        names = [str(user["user_name"]) for user in users if user.get("user_name") and _is_admin(user)]
        fail(
            message(
                "takeover_no_admin",
                'The stack logs in to its album as "{admin}", and the old album has no such user who is an admin and may log in (admins there: {names}). Start the old album, add it with {command} , stop the album, and run this again. The others keep their logins.',
                admin=ADMIN,
                names=", ".join(names) or "-",
                command=command(*asked, "users", "add", "-s", "-r", "admin", "-w", ADMIN),
            )
        )
    passcodes = [code for code in dumped.rows.get("passcodes", ()) if code.get("uid") == found["user_uid"]]
    if found.get("auth_method") == TWO_STEPS or any(code.get("activated_at") for code in passcodes):
        fail(
            message(
                "takeover_two_steps",
                'The user "{admin}" has two-step login, and the stack logs in with the password alone. Start the old album, turn it off for this user (Settings, Account; or {command}), stop the album, and run this again. Others may keep it.',
                admin=ADMIN,
                command=command(*asked, "users", "mod", "--disable-2fa", ADMIN),
            )
        )
    hashes = [row.get("hash") for row in dumped.rows.get("passwords", ()) if row.get("uid") == found["user_uid"]]
    return Admin(next(iter(hashes), None) or None)


def _is_admin(user: Row) -> bool:
    local = (user.get("auth_provider") or "") in LOCAL_LOGINS
    return (
        local and user.get("can_login") == "1" and (user.get("user_role") == "admin" or user.get("super_admin") == "1")
    )


def _in_originals(file: Row) -> bool:
    return file.get("file_root") == "/" and file.get("file_missing") != "1" and bool(file.get("file_name"))
