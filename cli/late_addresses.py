"""Let containers start before the address is there that they answer on: a setting of Linux, set after asking."""

from __future__ import annotations

from pathlib import Path

from cli.console import confirm
from cli.docker_host import as_root, install
from components.messages import message
from stacks.host.late_addresses import CHECK
from stacks.preflight import Report

SETTINGS = Path("/etc/sysctl.d/60-photos.conf")
CONTENT = """# Written by ./photos: a container starts although its address is not there yet (slow Wi-Fi, DHCP), and answers when it is.
# To take it back: delete this file, then sysctl net.ipv4.ip_nonlocal_bind=0 net.ipv6.ip_nonlocal_bind=0
net.ipv4.ip_nonlocal_bind = 1
-net.ipv6.ip_nonlocal_bind = 1
"""


def offered(report: Report) -> bool:
    """Whether an address may come late here, and is waited for now. A no is one: then it stays a warning."""
    if report.errors or not any(finding.check == CHECK for finding in report.warnings):
        return False
    if not confirm(
        message(
            "late_addresses_ask",
            "May containers start before the address of the LAN is there (net.ipv4.ip_nonlocal_bind, {file})? Otherwise the "
            "album can stay down after a boot with slow Wi-Fi.",
            file=SETTINGS,
        )
    ):
        return False
    install(SETTINGS, CONTENT, "0644")
    as_root("sysctl", "--quiet", "--load", str(SETTINGS))
    return True
