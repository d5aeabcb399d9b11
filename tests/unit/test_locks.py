"""The locks: what is installed is what the lists name, what that needs, and nothing else, each file by its hash."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.found import named

PROJECT = Path(__file__).parents[2]
LISTS = ("requirements.txt", "requirements-dev.txt", "keeper/requirements.txt")
each_list = pytest.mark.parametrize("name", LISTS)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Locked:
    """One package of a lock."""

    requirement: Requirement
    hashes: int

    @property
    def version(self) -> str:
        return str(self.requirement.specifier)


def wanted(name: str) -> dict[str, Requirement]:
    """Return what a list names, those among it that it includes."""
    found: dict[str, Requirement] = {}
    for line in (PROJECT / name).read_text("utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if text.startswith("-r "):
            found |= wanted(text.removeprefix("-r "))
        elif text:
            found[named(Requirement(text).name)] = Requirement(text)
    return found


def lock_of(name: str) -> dict[str, Locked]:
    """Return what is installed for a list."""
    text = (PROJECT / name).with_suffix(".lock").read_text("utf-8").replace("\\\n", " ")
    entries = [line.partition("--hash")[0].strip() for line in text.splitlines() if not line.startswith("#")]
    hashes = [len(HASH.findall(line)) for line in text.splitlines() if not line.startswith("#")]
    found = [Locked(Requirement(entry), count) for entry, count in zip(entries, hashes, strict=True)]
    return {named(locked.requirement.name): locked for locked in found}


def here(requirement: Requirement, extras: set[str]) -> bool:
    """Whether a requirement is one on this machine."""
    return not requirement.marker or any(requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras))


def needed(requirement: Requirement, seen: set[str]) -> Iterator[Requirement]:
    """Yield a requirement and all that it needs on this machine, as the installed packages say.

    Raises:
        PackageNotFoundError: one of them is not installed.
    """
    yield requirement
    if named(requirement.name) not in seen or requirement.extras:
        seen.add(named(requirement.name))
        for text in requires(requirement.name) or ():
            if here(Requirement(text), requirement.extras):
                yield from needed(Requirement(text), seen)


@each_list
def test_a_lock_has_what_its_list_names_at_that_release(name: str) -> None:
    locked = lock_of(name)

    assert {key: str(requirement.specifier) for key, requirement in wanted(name).items()} == {
        key: locked[key].version if key in locked else "not locked: run .ci/lock" for key in wanted(name)
    }


@each_list
def test_each_package_of_a_lock_has_its_hashes_and_one_release(name: str) -> None:
    locked = lock_of(name)

    assert locked
    assert [key for key, entry in locked.items() if not entry.hashes] == []
    assert [key for key, entry in locked.items() if not re.fullmatch(r"==[\w.]+", entry.version)] == []


@each_list
def test_a_lock_holds_all_that_its_list_needs_and_nothing_else(name: str) -> None:
    locked, seen = lock_of(name), set[str]()
    try:
        all_needed = [item for requirement in wanted(name).values() for item in needed(requirement, seen)]
    except PackageNotFoundError as missing:
        if name == "requirements.txt":
            raise
        pytest.skip(f"unit tier: {missing.name} is missing: .venv/bin/pip install -r requirements-dev.lock")
    on_this_machine = {key for key, entry in locked.items() if here(entry.requirement, set())}

    assert {named(item.name) for item in all_needed} == on_this_machine
    assert [str(item) for item in all_needed if not fits(item, locked)] == []


def fits(requirement: Requirement, locked: dict[str, Locked]) -> bool:
    """Whether the lock's release is one that is asked for."""
    return requirement.specifier.contains(locked[named(requirement.name)].version.removeprefix("=="), prereleases=True)


@pytest.mark.parametrize("name", ["requirements.txt", "keeper/requirements.txt"])
def test_what_is_tested_is_what_is_installed(name: str) -> None:
    developers, ours = lock_of("requirements-dev.txt"), lock_of(name)

    assert {key: entry.version for key, entry in ours.items()} == {
        key: developers[key].version if key in developers else "absent" for key in ours
    }


def test_whatever_installs_takes_a_lock_and_wants_its_hashes() -> None:
    installers = ("photos", ".ci/run", "keeper/Dockerfile")
    lines = [
        (name, line)
        for name in installers
        for line in re.findall(r"pip install (.*)", (PROJECT / name).read_text("utf-8").replace("\\\n", " "))
    ]

    assert {name for name, _ in lines} == set(installers)
    assert [line for line in lines if "--require-hashes" not in line[1]] == []
    assert [line for line in lines if re.search(r"requirements\S*\.txt", line[1])] == []
