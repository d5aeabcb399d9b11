"""Where things are: the project, and the data folder that outlives any checkout."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
STACK_FILES = PROJECT / "stacks"
EXAMPLES = STACK_FILES / "examples"


def account_home() -> Path:
    """Return the account's home, as Pulumi's `file://~` means it, whatever HOME says."""
    return Path(pwd.getpwuid(os.getuid()).pw_dir)


def data_folder() -> Path:
    """Return the folder of state, passphrases and copies; PHOTOS_DATA moves it."""
    override = os.environ.get("PHOTOS_DATA")
    return Path(override).expanduser().absolute() if override else account_home() / ".local/share/photos"


def state_folder() -> Path:
    """Return the folder of Pulumi's state."""
    return data_folder() / "state"


def tools_folder() -> Path:
    """Return the folder of the Pulumi command that `./photos` installed."""
    return data_folder() / "tools" / "pulumi"


def passphrase_file(stack: str) -> Path:
    """Return the file with the passphrase of `stack`."""
    return data_folder() / "passphrases" / stack


def copies_folder(stack: str) -> Path:
    """Return the folder with the copies of the stack file of `stack`, newest last by name."""
    return data_folder() / "stack-files" / stack


def stack_file(stack: str) -> Path:
    """Return the stack file of `stack` in this checkout."""
    return STACK_FILES / f"Pulumi.{stack}.yaml"


def make_private(folder: Path) -> Path:
    """Create `folder`, readable by its owner alone, and return it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def write_private(file: Path, text: str) -> None:
    """Write `file`, readable by its owner alone, whole or not at all."""
    make_private(file.parent)
    partial = file.with_name(f".{file.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(file)
