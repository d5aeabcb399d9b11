"""Run a start script of a container on this machine: paths moved to a temporary place, programs replaced by stubs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


class Stubs:
    """A folder that holds the script and stands for the container's file system."""

    def __init__(self, folder: Path, paths: Mapping[str, Path]) -> None:
        self._folder = folder
        self._paths = {old: str(new) for old, new in paths.items()}
        self._bin = folder / "stub-bin"
        self._bin.mkdir()
        self.env: dict[str, str] = {}

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text, "utf-8")
        path.chmod(0o755)

    def command(self, name: str, body: str) -> Path:
        """Put the stub `name` on PATH and return it."""
        self._write(self._bin / name, f"#!/bin/sh\n{body}\n")
        return self._bin / name

    def script(self, name: str, text: str) -> None:
        """Keep the script under `name`; every path of the container becomes its temporary one."""
        for old, new in self._paths.items():
            assert old in text, f"{old} is not in the script: this test would prove nothing"
            text = text.replace(old, new)
        self._write(self._folder / name, text)

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the script with sh, as the image does."""
        return subprocess.run(
            ["sh", str(self._folder / name), *arguments],
            env={"PATH": f"{self._bin}:{os.environ['PATH']}", **self.env},
            text=True,
            capture_output=True,
            check=False,
            timeout=120,
        )
