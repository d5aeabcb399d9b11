"""The demo's library: the samples in it are the demo's, whatever else lies there is somebody's."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from cli import paths
from cli.first_run import hand_over, write_marker
from components.service import Owner
from components.storage import MARKER, PHONES
from demo.folder import SAMPLES_MADE
from demo.samples import samples, write_samples
from stacks.host.library import DEFAULT_OWNER
from stacks.sections.owner import id_problem

PARTS = ("originals", "import")


def lay_out(folder: Path, identity: str) -> None:
    """Write the samples and mark the library as the demo's."""
    for name in ("originals", f"originals/{PHONES}", "import"):
        (folder / name).mkdir(mode=0o755, parents=True, exist_ok=True)
    made = samples(folder / "originals")
    hashes = {path: hashlib.sha256(content).hexdigest() for path, content in made.items()}
    # First what is to be written: a start that is killed in between leaves nothing that `down` takes for the family's.
    paths.write_private(folder / SAMPLES_MADE, json.dumps(hashes))
    write_samples(folder / "originals")
    parts = [folder / name for name in PARTS]
    for part in parts:
        write_marker(part, identity)
    # Only what the demo made: whatever else lies here, or is linked from here, keeps its owner and mode.
    made_here = {*parts, folder / "originals" / PHONES, *(part / MARKER for part in parts), *map(Path, made)}
    made_here |= {Path(path).parent for path in made}
    for item in (item for item in made_here if not item.is_symlink()):
        item.chmod(0o755 if item.is_dir() else 0o644)
        if os.geteuid() == 0:
            os.chown(item, DEFAULT_OWNER.uid, DEFAULT_OWNER.gid)
        else:
            hand_over(item)


def owner(folder: Path) -> Owner:
    """Return who the services run as: whoever the demo's library belongs to, where the apps can run as that user."""
    originals = (folder / "originals").stat()
    usable = not (id_problem(originals.st_uid, "uid") or id_problem(originals.st_gid, "gid"))
    return Owner(uid=originals.st_uid, gid=originals.st_gid) if usable else DEFAULT_OWNER


def remove_samples(folder: Path) -> list[Path]:
    """Remove the demo's own unchanged files and then empty folders; return the files that stay."""
    record = folder / SAMPLES_MADE
    made = json.loads(record.read_text("utf-8")) if record.exists() else {}
    for path, digest in made.items():
        file = Path(path)
        if file.is_file() and not file.is_symlink() and hashlib.sha256(file.read_bytes()).hexdigest() == digest:
            file.unlink()
        file.with_name(f".{file.name}.partial").unlink(missing_ok=True)
    stays: list[Path] = []
    for part in (folder / name for name in PARTS):
        (part / MARKER).unlink(missing_ok=True)
        for item in sorted(part.rglob("*"), reverse=True):
            if item.is_dir() and not item.is_symlink():
                if not any(item.iterdir()):
                    item.rmdir()
            else:
                stays.append(item)
    return stays
