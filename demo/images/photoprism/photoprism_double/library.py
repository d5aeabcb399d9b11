"""Indexing, purging and importing pictures, with upstream's rules about names, duplicates and empty folders."""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import os
import shutil
import threading
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from .database import Database, uid
from .settings import Settings, log

KINDS = {".jpg", ".jpeg", ".png"}
HIDDEN = (".", "@", "_.", "__")
TAKEN, CHANGED, EXIF = 0x9003, 0x0132, 0x8769


class Library:
    """Originals, import and thumbnails."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings, self.database = settings, database
        self.originals, self.imports = settings.path("ORIGINALS"), settings.path("IMPORT")
        self.cache = settings.path("STORAGE") / "cache" / "thumbnails"
        self.busy = threading.Lock()

    def index(self, sub: str = "", *, rescan: bool = False) -> int:
        """Indexes a folder below originals and flags what is gone; an empty originals folder is left alone."""
        with self.busy:
            start = _inside(self.originals, sub)
            if not start.is_dir():
                log("error", f"index: directory {start} not found")
                return 0
            if not any(self.originals.iterdir()):
                log("info", "index: originals folder is empty")
                return 0
            changed = sum(self._index_file(file, rescan) for file in _pictures(start))
            gone = self._purge(start)
        log("info", f"index: updated {changed} files, {gone} missing")
        return changed

    def _index_file(self, file: Path, rescan: bool) -> bool:
        name, stat = str(file.relative_to(self.originals)), file.stat()
        known = self.database.one("SELECT * FROM files WHERE file_name = %s AND file_root = '/'", name)
        fresh = known and (known["file_size"], known["mod_time"]) == (stat.st_size, int(stat.st_mtime))
        if known and fresh and not known["file_missing"] and not rescan:
            return False
        try:
            digest, taken, (width, height) = _sha1(file), *_inspect(file)
        except (OSError, UnidentifiedImageError, SyntaxError) as error:
            log("warning", f"index: {name} is not a readable picture ({error})")
            return False
        if known is None:
            twin = self.database.one("SELECT * FROM files WHERE file_hash = %s AND file_missing = 0", digest)
            if twin and (self.originals / twin["file_name"]).exists():
                self.database.run("DELETE FROM duplicates WHERE file_name = %s", name)
                self.database.run(
                    "INSERT INTO duplicates (file_name, file_root, file_hash) VALUES (%s, '/', %s)", name, digest
                )
                return False
            known = twin or self.database.one("SELECT * FROM files WHERE file_hash = %s", digest)
        folder, stem = str(file.parent.relative_to(self.originals)), file.stem
        folder = "" if folder == "." else folder
        values = (name, digest, stat.st_size, int(stat.st_mtime), width, height)
        if known:
            self.database.run(
                "UPDATE files SET file_name = %s, file_hash = %s, file_size = %s, mod_time = %s, file_width = %s,"
                " file_height = %s, file_missing = 0 WHERE file_uid = %s", *values, known["file_uid"],
            )  # fmt: skip
            self.database.run(
                "UPDATE photos SET taken_at = %s, photo_path = %s, photo_name = %s, deleted_at = NULL"
                " WHERE photo_uid = %s", taken, folder, stem, known["photo_uid"],
            )  # fmt: skip
        else:
            photo = uid("p")
            columns = "(photo_uid, taken_at, photo_path, photo_name, photo_title)"
            self.database.run(
                f"INSERT INTO photos {columns} VALUES (%s, %s, %s, %s, %s)", photo, taken, folder, stem, stem
            )
            self.database.run(
                "INSERT INTO files (file_name, file_hash, file_size, mod_time, file_width, file_height, file_uid,"
                " photo_uid, file_root) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '/')", *values, uid("f"), photo,
            )  # fmt: skip
        return True

    def _purge(self, start: Path) -> int:
        """Flags, never deletes: a file that comes back has its photo again."""
        now, gone = datetime.now(UTC).replace(tzinfo=None), 0
        for row in self.database.run("SELECT * FROM files WHERE file_missing = 0"):
            file = self.originals / row["file_name"]
            if file.is_relative_to(start) and not file.exists():
                self.database.run("UPDATE files SET file_missing = 1 WHERE file_uid = %s", row["file_uid"])
                self.database.run("UPDATE photos SET deleted_at = %s WHERE photo_uid = %s", now, row["photo_uid"])
                gone += 1
        for row in self.database.run("SELECT file_name FROM duplicates"):
            if not (self.originals / row["file_name"]).exists():
                self.database.run("DELETE FROM duplicates WHERE file_name = %s", row["file_name"])
        return gone

    def bring_in(self, sub: str = "", *, move: bool, dest: str = "") -> int:
        """Imports by date and checksum; with `move` the source loses duplicates and hidden files, and keeps its folders."""
        start, brought = _inside(self.imports, sub), 0
        target = _inside(self.originals, dest or self.settings.text("IMPORT_DEST"))
        for file in list(_pictures(start)):
            try:
                digest, (taken, _) = _sha1(file), _inspect(file)
            except (OSError, UnidentifiedImageError, SyntaxError) as error:
                log("warning", f"import: {file.name} is not a readable picture ({error})")
                continue
            twin = self.database.one("SELECT file_name FROM files WHERE file_hash = %s AND file_missing = 0", digest)
            if not twin or not (self.originals / twin["file_name"]).exists():
                checksum = f"{zlib.crc32(file.read_bytes()):08X}"
                name = f"{taken:%Y%m%d_%H%M%S}_{checksum}{file.suffix.lower()}"
                goal = target / f"{taken:%Y}" / f"{taken:%m}" / name
                goal.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, goal)
                with self.busy:
                    self._index_file(goal, rescan=False)
                brought += 1
            if move:
                file.unlink()
        if move:
            _tidy(start)
        log("info", f"import: imported {brought} files")
        return brought

    def thumbnail(self, digest: str, kind: str, size: int) -> bytes | None:
        """A "tile" (square) or a "fit" of a picture in the index, made once and kept below storage."""
        row = self.database.one("SELECT file_name FROM files WHERE file_hash = %s AND file_missing = 0", digest)
        if row is None:
            return None
        kept = self.cache / digest[0] / f"{digest}_{kind}_{size}.jpg"
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            with Image.open(self.originals / row["file_name"]) as picture:
                upright = ImageOps.exif_transpose(picture).convert("RGB")
                part = kept.with_suffix(f".{threading.get_ident()}")
                shape = ImageOps.fit if kind == "tile" else ImageOps.contain
                shape(upright, (size, size)).save(part, "JPEG", quality=82)
                part.replace(kept)
        return kept.read_bytes()


def _inside(root: Path, sub: str) -> Path:
    """A folder named by a request; `..` does not lead out."""
    clean = os.path.normpath(f"/{sub}").lstrip("/")
    return root / clean if clean else root


def _pictures(folder: Path, ignored: tuple[str, ...] = ()) -> Iterator[Path]:
    if (folder / ".ppstorage").exists():
        return
    ignored += _ignored(folder)
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(HIDDEN) or _matches(entry.name, ignored):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from _pictures(entry, ignored)
        elif entry.suffix.lower() in KINDS and entry.is_file():
            yield entry


def _ignored(folder: Path) -> tuple[str, ...]:
    """What .ppignore names, in its folder and below."""
    try:
        lines = (folder / ".ppignore").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def _sha1(file: Path) -> str:
    digest = hashlib.sha1(usedforsecurity=False)
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _inspect(file: Path) -> tuple[datetime, tuple[int, int]]:
    """When it was taken (EXIF, else the file's time) and its size; fails on a damaged picture."""
    with Image.open(file) as picture:
        picture.load()
        exif = picture.getexif()
        for text in (exif.get_ifd(EXIF).get(TAKEN), exif.get(CHANGED)):
            with contextlib.suppress(ValueError):
                # Cameras write local time and say no zone.
                return datetime.strptime(str(text).strip("\0 "), "%Y:%m:%d %H:%M:%S"), picture.size  # noqa: DTZ007
        return datetime.fromtimestamp(file.stat().st_mtime, UTC).replace(tzinfo=None), picture.size


def _tidy(start: Path) -> None:
    ignored = _ignored(start)
    for folder, _folders, files in os.walk(start, topdown=False):
        if any(part.startswith(".") for part in Path(folder).relative_to(start).parts):
            continue
        for name in files:
            if name.startswith(".") and name != ".ppignore" and not _matches(name, ignored):
                (Path(folder) / name).unlink()
