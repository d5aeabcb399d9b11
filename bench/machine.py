"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil

from bench.sides import compose_command
from cli.docker_host import connect

PACKAGES = ("pulumi", "pulumi-docker", "pulumi-random", "pulumi-cloudflare")


def machine() -> dict[str, str]:
    """Return what a reader needs to compare."""
    with connect() as client:
        engine = client.version()["Version"]
    compose = compose_command()
    return {
        "processor": f"{os.cpu_count()} x {_processor()}",
        "memory": f"{psutil.virtual_memory().total / 1024**3:.0f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "pulumi command": _said("pulumi", "version"),
        "Docker": engine,
        "docker compose": _said(*compose, "version", "--short") if compose else "none here",
        **{name: version(name) for name in PACKAGES},
    }


def load() -> str:
    """Return how busy the machine is: the averages of 1, 5 and 15 minutes."""
    return ", ".join(f"{value:.1f}" for value in os.getloadavg())


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _said(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()
