"""The table in stacks/sections/backup/rclone_options.py, made from `rclone config providers`.

python -m tests.rclone_table        writes the table anew, and names what a person has to decide
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stacks.sections.backup import rclone_options
from stacks.sections.backup.rclone_options import COMMON, HOST_ONLY, OAUTH, OPTIONS
from tests.found import PINNED_RCLONE

Options = list[dict[str, Any]]
# Sensitive for rclone, which would not write them into a log; they name somebody or something and open nothing.
NAMES = [
    "access_key_id",
    "account",
    "account_id",
    "api_url",
    "app_id",
    "apple_id",
    "application_credential_id",
    "application_credential_name",
    "base_folder_uuid",
    "client_id",
    "client_uid",
    "cloud_name",
    "compartment",
    "deleted_id",
    "device_id",
    "domain",
    "drive_id",
    "email",
    "host",
    "impersonate",
    "impersonate_admin",
    "msi_client_id",
    "msi_mi_res_id",
    "msi_object_id",
    "namenode",
    "namespace",
    "project_number",
    "root_folder_id",
    "root_folder_slug",
    "root_id",
    "service_principal_name",
    "spn",
    "sse_customer_key_md5",
    "sse_kms_key_id",
    "team_drive",
    "tenant",
    "tenant_domain",
    "tenant_id",
    "url",
    "user",
    "user_id",
    "user_project",
    "username",
    "workspace_id",
]
# They open something, and rclone does not call them sensitive.
SECRETS_TOO = [
    "linkbox.web_token",
    "mega.2fa",
    "oos.sse_customer_key",
    "protondrive.2fa",
    "s3.ibm_api_key",
    "shade.token",
    "webdav.headers",
]
# Their help speaks of a file or a path, and they name nothing of this host.
ELSEWHERE = re.compile(
    r"path_override|server_command|user_agent|.*sum_command|(no_|skip_|use_|force_|disable_|shared_|expose_|original_|adjust_).*"
)
NAMES_A_FILE = re.compile(r"(^|_)(file|ccache|socket|command|agent|path|cert|ssh)$|^ask_|^use_az$|^use_kerberos$")


def providers(rclone: Path = PINNED_RCLONE) -> dict[str, Options]:
    """Return type → options, as this rclone tells them."""
    said = subprocess.run([rclone, "config", "providers"], capture_output=True, text=True, check=True).stdout
    return {provider["Prefix"]: provider["Options"] for provider in json.loads(said)}


def table(known: dict[str, Options]) -> str:
    """Return the table of the types that a copy can have."""
    lines = (f"{kind}: {' '.join(_words(kind, known[kind]))}" for kind in OPTIONS)
    return "\n".join(
        ["", *(textwrap.fill(line, 116, subsequent_indent="  ", break_on_hyphens=False) for line in lines), ""]
    )


def _words(kind: str, options: Options) -> Iterator[str]:
    # Some types name an option once per provider.
    marked = dict.fromkeys(_marked(kind, option) for option in options if option["Name"] not in COMMON)
    together = set(OAUTH) <= set(marked)
    yield from (word for word in marked if not (together and word in OAUTH))
    if together:
        yield "+oauth"


def _marked(kind: str, option: dict[str, Any]) -> str:
    name = str(option["Name"])
    if option["IsPassword"]:
        return f"{name}*"
    opens = (option["Sensitive"] and name not in NAMES) or f"{kind}.{name}" in SECRETS_TOO
    return f"{name}!" if opens else name


def of_this_host(known: dict[str, Options]) -> set[str]:
    """Return the options that name something of this host: a file, a program, an agent."""
    return {
        option["Name"]
        for kind in OPTIONS
        for option in known[kind]
        if not ELSEWHERE.fullmatch(option["Name"]) or option["Name"] in HOST_ONLY
        if NAMES_A_FILE.search(option["Name"]) or re.match(r"(Optional )?[Pp]ath (and|to)\b", option["Help"])
    }


def main() -> None:
    """Write the table anew."""
    known, file = providers(), Path(rclone_options.__file__)
    text = re.sub(
        r'(?<=TABLE = """).*?(?=""")', lambda _: table(known), file.read_text("utf-8"), count=1, flags=re.DOTALL
    )
    file.write_text(text, "utf-8")
    sys.stdout.write(f"new types, to be taken or left: {' '.join(sorted(known.keys() - OPTIONS.keys()))}\n")
    sys.stdout.write(
        f"of this host, and not in HOST_ONLY: {' '.join(sorted(of_this_host(known) - HOST_ONLY.keys()))}\n"
    )


if __name__ == "__main__":
    main()
