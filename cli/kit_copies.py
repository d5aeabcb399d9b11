"""How each copy is opened with plain `restic` and `rclone`: what the kit holds of it, and what its page says to type."""

from __future__ import annotations

import json
import shlex
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import docker
from docker.models.containers import Container

from cli.console import warn
from components.keeper import OPENLIST
from components.messages import message

LOCAL, ALBUM = "local", "album"
RCLONE_CONF = "rclone.conf"
BACK = '"$HOME/photos-back"'
"""Where the page brings everything."""


@dataclass(frozen=True)
class KitCopy:
    """One copy, as the keeper tells it: `CopyFiles` in keeper/copies/kit.py."""

    name: str
    kind: str
    type: str
    path: str
    password: str = ""
    rclone: str = ""
    config: bytes = b""
    keys: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Where it lies, as rclone is told."""
        return self.path if self.type == LOCAL else f"{self.name}:{self.path}"

    @property
    def repository(self) -> str:
        """Where it lies, as restic is told."""
        return self.path if self.type == LOCAL else f"rclone:{self.place}"

    @property
    def folder(self) -> PurePosixPath:
        """Its folder in the kit."""
        return PurePosixPath("copies", self.name)

    def members(self) -> dict[str, bytes]:
        """Return file name → content of what the kit holds of it, its section of rclone.conf apart."""
        if self.kind == ALBUM:
            return {}
        files = {f"keys/{name}": content for name, content in self.keys.items()}
        files |= {"config": self.config} if self.config else {}
        return {
            str(self.folder / name): content for name, content in (files | {"password": self.password.encode()}).items()
        }


@dataclass(frozen=True)
class KitFiles:
    """What the keeper hands over for a kit. `keys`: name → fingerprint of what the copies are opened with."""

    copies: Sequence[KitCopy] = ()
    keys: Mapping[str, str] = field(default_factory=dict)

    def members(self) -> dict[str, bytes]:
        """Return file name → content of everything that opens the copies."""
        files = {name: content for copy in self.copies for name, content in copy.members().items()}
        sections = "\n".join(copy.rclone.strip() for copy in self.copies if copy.rclone)
        return files | ({RCLONE_CONF: f"{sections}\n".encode()} if sections else {})


def ask(client: docker.DockerClient, keeper: Container) -> KitFiles:
    """Return what the keeper hands over; what it cannot reach is said, and left out."""
    started = client.api.exec_create(str(keeper.id), ["keeper", "kit-files", "--json"])
    said, _ = client.api.exec_start(started["Id"], demux=True)
    try:
        answer: dict[str, Any] = json.loads(said or b"")
    except ValueError:
        warn(
            message(
                "kit_without_copies",
                "The keeper did not say how its copies are opened, so the kit opens them only together with this project.",
            )
        )
        return KitFiles()
    for copy in answer["copies"]:
        if copy.get("problem"):
            warn(
                message(
                    "kit_without_key_files",
                    "The copy {name} did not hand over its own key files: the kit opens it as long as these lie there whole. Make the kit again once the copy answers.",
                    name=copy["name"],
                )
            )
    return KitFiles(copies=[copy_of(copy) for copy in answer["copies"]], keys=answer.get("keys", {}))


def copy_of(told: Mapping[str, Any]) -> KitCopy:
    """Return a copy from what the keeper tells of it."""
    return KitCopy(
        name=told["name"],
        kind=told["kind"],
        type=told["type"],
        path=told["path"],
        password=told["password"],
        rclone=told["rclone"],
        config=b64decode(told["config"]),
        keys={name: b64decode(content) for name, content in told["keys"].items()},
    )


@dataclass(frozen=True)
class Step:
    """One thing to do by hand: what it is for, in both languages, and what to paste."""

    english: str
    chinese: str
    lines: Sequence[str] = ()


def steps(kit: str, files: KitFiles) -> Iterator[Step]:
    """Yield how everything comes back with plain restic and rclone. Every line can be pasted into a shell."""
    yield Step(
        "Install restic (0.19.1 or newer), rclone (1.70 or newer), age and a MariaDB client, and go to the folder in which "
        "the kit lies. Open it: this asks for the passphrase.",
        "安装 restic(0.19.1 或更新)、rclone(1.70 或更新)、age 和 MariaDB 客户端,进入放恢复包的文件夹。打开它,会问口令。",
        [
            f"mkdir photos-kit && cd photos-kit && age -d ../{shlex.quote(kit)} | tar xz",
            f'export RCLONE_CONFIG="$PWD/{RCLONE_CONF}"',
        ],
    )
    for copy in files.copies:
        yield from _album(copy) if copy.kind == ALBUM else _repository(copy)
    yield Step(
        "The photos are in photos-back/originals now. The album's database (people, albums, titles): make an empty one, and "
        "load the newest dump.",
        "照片现在在 photos-back/originals 里。相册的数据库(人物、相册、标题):先建一个空的,再载入最新的转储。",
        ['mariadb -e "CREATE DATABASE photoprism"', f"mariadb photoprism < {BACK}/database/photoprism.sql"],
    )


def _repository(copy: KitCopy) -> Iterator[Step]:
    place, folder = shlex.quote(copy.place), shlex.quote(str(copy.folder))
    if copy.type == OPENLIST:
        yield Step(
            f"The copy {copy.name} lies in a net drive. Start an OpenList, add this drive again under the same name, and tell "
            "rclone where it answers and its login.",
            f"备份 {copy.name} 在网盘里。启动一个 OpenList,用同样的名字重新添加这个网盘,再告诉 rclone 它的地址和登录信息。",
            [f"rclone config update {copy.name} url http://localhost:5244/dav user admin pass YOUR-PASSWORD"],
        )
    elif copy.type == LOCAL:
        yield Step(
            f"The copy {copy.name} lies on a disk, at {copy.path}. Mount it there, or write below where it is now.",
            f"备份 {copy.name} 在一块硬盘上的 {copy.path}。请挂载到那里,或者把下面的路径改成现在的位置。",
        )
    yield Step(
        f"From the copy {copy.name}: look at its snapshots, and bring back the newest. One copy is enough.",
        f"从备份 {copy.name} 取回:先看有哪些快照,再取回最新的。一份备份就够了。",
        [
            f"export RESTIC_REPOSITORY={shlex.quote(copy.repository)}",
            f'export RESTIC_PASSWORD_FILE="$PWD/{copy.folder}/password"',
            "restic snapshots",
            f"restic restore latest --tag whole --target {BACK}",
        ],
    )
    if copy.keys:
        yield Step(
            f"Only if restic says that it finds no key or no configuration in the copy {copy.name}: put back its own key files, "
            "then the lines above once more.",
            f"只有当 restic 说备份 {copy.name} 里没有密钥(key)或配置(config)时:放回它自己的密钥文件,再运行上面的命令。",
            [f"rclone copy {folder}/keys {place}/keys", f"rclone copyto {folder}/config {place}/config"],
        )


def _album(copy: KitCopy) -> Iterator[Step]:
    yield Step(
        f"{copy.name} is a plain copy to look at: the originals as they were, without yesterday. Where nothing better is left:",
        f"{copy.name} 是只用来看的普通副本:只有原始照片,没有以前的样子。没有更好的办法时:",
        [f"rclone copy {shlex.quote(copy.place)} {BACK}/originals"],
    )
