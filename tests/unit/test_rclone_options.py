"""The table of rclone's options is that of the rclone which the keeper runs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stacks.sections.backup.rclone_options import FILE_CONTENTS, HOST_ONLY, OPTIONS

BESIDE = Path(sys.executable).with_name("rclone")
RCLONE = str(BESIDE) if BESIDE.exists() else shutil.which("rclone")
VERSION = "1.75."
# Sensitive for rclone, which would not write them into a log; they name somebody or something and open nothing.
NAMES = """
access_key_id account account_id api_url app_id apple_id application_credential_id application_credential_name
base_folder_uuid client_id client_uid cloud_name compartment deleted_id device_id domain drive_id email host impersonate
impersonate_admin msi_client_id msi_mi_res_id msi_object_id namenode namespace project_number root_folder_id
root_folder_slug root_id service_principal_name spn sse_customer_key_md5 sse_kms_key_id team_drive tenant tenant_domain
tenant_id url user user_id user_project username workspace_id
"""
# Their help speaks of a file or a path, and they name nothing of this host.
ELSEWHERE = re.compile(
    r"path_override|server_command|user_agent|.*sum_command|(no_|skip_|use_|force_|disable_|shared_|expose_|original_|adjust_).*"
)
NAMES_A_FILE = re.compile(r"(^|_)(file|ccache|socket|command|agent|path|cert|ssh)$|^ask_|^use_az$|^use_kerberos$")


@pytest.fixture(scope="module", name="providers")
def asked_once() -> dict[str, list[dict[str, Any]]]:
    if not RCLONE:
        pytest.skip("unit tier: rclone is missing: pip install -r requirements-dev.txt")
    if (
        f"rclone v{VERSION}"
        not in subprocess.run([RCLONE, "version"], capture_output=True, text=True, check=True).stdout
    ):
        pytest.skip(f"unit tier: {RCLONE} is not rclone {VERSION}x: pip install -r requirements-dev.txt")
    said = subprocess.run([RCLONE, "config", "providers"], capture_output=True, text=True, check=True).stdout
    return {provider["Prefix"]: provider["Options"] for provider in json.loads(said)}


def test_the_options_are_those_of_rclone(providers: dict[str, list[dict[str, Any]]]) -> None:
    assert {kind: set(options) for kind, options in OPTIONS.items()} == {
        kind: {option["Name"] for option in providers[kind]} for kind in OPTIONS
    }


def test_those_that_rclone_reads_obscured_are_marked(providers: dict[str, list[dict[str, Any]]]) -> None:
    wanted = {(kind, option["Name"]) for kind in OPTIONS for option in providers[kind] if option["IsPassword"]}

    assert {
        (kind, name) for kind, options in OPTIONS.items() for name, mark in options.items() if mark == "*"
    } == wanted
    assert {("seafile", "library_key"), ("protondrive", "mailbox_password"), ("filen", "api_key")} < wanted


def test_every_sensitive_option_is_a_secret_or_a_name(providers: dict[str, list[dict[str, Any]]]) -> None:
    sensitive = {(kind, option["Name"]) for kind in OPTIONS for option in providers[kind] if option["Sensitive"]}

    assert {name for kind, name in sensitive if not OPTIONS[kind][name]} == set(NAMES.split())


def test_every_option_that_names_something_of_this_host_is_refused(providers: dict[str, list[dict[str, Any]]]) -> None:
    naming = {
        option["Name"]
        for kind in OPTIONS
        for option in providers[kind]
        if not ELSEWHERE.fullmatch(option["Name"]) or option["Name"] in HOST_ONLY
        if NAMES_A_FILE.search(option["Name"]) or re.match(r"(Optional )?[Pp]ath (and|to)\b", option["Help"])
    }

    # The flags of rclone itself, which people write here, too.
    assert naming == {*HOST_ONLY} - {"ca_cert", "client_cert", "client_key"}


def test_what_is_named_instead_exists() -> None:
    options = {name: mark for known in OPTIONS.values() for name, mark in known.items()}
    for remedy in HOST_ONLY.values():
        for secret in re.findall(r"secrets: \[(\w+)\]", str(remedy)):
            assert options[secret], secret
    assert all(name in options for name in FILE_CONTENTS)
    assert "host_keys" in OPTIONS["sftp"]
    assert "pubkey" in OPTIONS["sftp"]
