"""What a person told the docker command: a folder in place of ~/.docker, and no variables."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

CANARY = "canary-of-a-registry"
VARIABLES = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "XDG_RUNTIME_DIR")


class DockerSettings:
    """Docker's own settings of somebody who has not changed any."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._monkeypatch = folder, monkeypatch
        self.write({})
        monkeypatch.setenv("DOCKER_CONFIG", str(folder))
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)

    def write(self, document: dict[str, Any]) -> None:
        """Let config.json say this."""
        (self.folder / "config.json").write_text(json.dumps(document))

    def log_in(self, registry: str, user: str = "anna", password: str = CANARY) -> None:
        """Keep a login as `docker login` does without a program that guards it."""
        self.write({"auths": {registry: {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}}})

    def guard_logins(self, program: str, answer: str) -> None:
        """Let a program docker-credential-`program` on PATH keep all logins; `answer` is a line of shell."""
        self.write({"credsStore": program, "auths": {"https://index.docker.io/v1/": {}}})
        file = self.folder / f"docker-credential-{program}"
        file.write_text(f"#!/bin/sh\nread server\n{answer}\n")
        file.chmod(0o755)
        self._monkeypatch.setenv("PATH", str(self.folder), prepend=":")

    def add_context(self, name: str, url: str, *, certificates: bool = False, chosen: bool = False) -> Path:
        """Make a context as `docker context create` does; return the folder of its certificates."""
        identity = hashlib.sha256(name.encode()).hexdigest()
        meta, tls = (self.folder / "contexts" / kind / identity for kind in ("meta", "tls"))
        meta.mkdir(parents=True)
        endpoints = {"docker": {"Host": url, "SkipTLSVerify": False}}
        (meta / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": endpoints}))
        if certificates:
            (tls / "docker").mkdir(parents=True)
            for file in ("ca.pem", "cert.pem", "key.pem"):
                (tls / "docker" / file).touch()
        if chosen:
            self.write({"currentContext": name})
        return tls / "docker"
