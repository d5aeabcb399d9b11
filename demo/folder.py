"""The demo's folder in the data folder, and what the demo keeps there."""

from __future__ import annotations

import os
from pathlib import Path

from cli import paths
from cli.prepared import DEMO

STACK = DEMO
DESCRIPTION = "demo.yaml"
LOGIN = "password"
SAMPLES_MADE = "made.json"
WAY = "way"
"""Holds through what the demo was created: Pulumi, or Docker alone."""
UNFINISHED = "unfinished"
"""There until a first start has come to its end."""
OWN_FILES = (SAMPLES_MADE, LOGIN, WAY, UNFINISHED, DESCRIPTION)
OWN_FOLDERS = ("images", "state", "passphrases", "stack-files")


def demo_folder() -> Path:
    """Return where everything of the demo is."""
    return paths.data_folder() / STACK


def enter() -> Path:
    """Return the demo's folder, from here on the data folder of this process."""
    folder = demo_folder()
    paths.make_private(folder.parent)
    folder.mkdir(mode=0o755, exist_ok=True)
    os.environ["PHOTOS_DATA"] = str(folder)
    return folder
