"""The rule that keeps neighbours on the LAN out of an old Docker: shown, set after asking, taken away."""

from __future__ import annotations

import re
from pathlib import Path

import psutil

from cli.console import confirm, fail, out, say
from cli.docker_host import as_root, install
from components.messages import message
from stacks.host.neighbours import CHECK, RULES, SCRIPT
from stacks.preflight import Report

UNIT = Path("/etc/systemd/system/photos-firewall.service")
SYSTEMD = Path("/run/systemd/system")
SERVICE = f"""[Unit]
Description=Keep neighbours on the LAN out of what Docker publishes on 127.0.0.1 (./photos firewall)
Before=docker.service
After=nftables.service netfilter-persistent.service ufw.service firewalld.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={SCRIPT} set

[Install]
WantedBy=multi-user.target
"""
OF_DOCKER = re.compile(r"br-[0-9a-f]{12}")
NFT = """table ip photos-lan
delete table ip photos-lan
table ip photos-lan {
  chain loopback {
    type filter hook prerouting priority raw; policy accept;
    iifname != { "lo", "loopback0" } ip daddr 127.0.0.0/8 drop
  }
  chain direct {
    type filter hook forward priority filter - 1; policy accept;
    iifname "br-*" accept
    oifname "br-*" ct state new ct status & dnat != dnat drop
  }
}
"""
"""The same for who keeps his rules in /etc/nftables.conf; `delete` makes it the same however often it is loaded."""


def show() -> None:
    """Print the rule, as a script for iptables and in the form of nftables."""
    say(
        message(
            "firewall_what",
            "Docker before 28 lets whoever is on your LAN reach ports that are published on 127.0.0.1 only (moby#45610).\n"
            "This closes it. To set it now and at every boot: ./photos firewall --set. To take it away: --remove.",
        )
    )
    out.print(f"\n# {SCRIPT}")
    out.print(script())
    say(
        message(
            "firewall_nft",
            "The same for /etc/nftables.conf, if your rules are there (then write photos:neighbours: trusted):",
        )
    )
    out.print(f"\n{NFT}")


def set_rule() -> None:
    """Set the rule now and at every boot, after asking; end the program where nobody agrees."""
    if not _agreed():
        fail(message("firewall_not_set", "Nothing was changed. To see the rule: ./photos firewall"))
    _set()


def _agreed() -> bool:
    return confirm(
        message(
            "firewall_ask",
            "Set a rule in iptables that keeps neighbours on the LAN out of containers and of 127.0.0.1? Published ports, "
            "containers and this machine go on as before ({script}).",
            script=SCRIPT,
        )
    )


def _set() -> None:
    install(Path(SCRIPT), script(), "0755")
    as_root(SCRIPT, "set")
    if SYSTEMD.exists():
        install(UNIT, SERVICE, "0644")
        as_root("systemctl", "daemon-reload")
        as_root("systemctl", "enable", "--quiet", UNIT.name)
        say(message("firewall_set", "The rule is set, now and at every boot."))
    else:
        say(
            message(
                "firewall_until_reboot",
                "The rule is set until the next reboot: systemd is not running here. Let this run at boot, before Docker: "
                "{script} set",
                script=SCRIPT,
            )
        )


def remove_rule() -> None:
    """Take the rule away, and what sets it at boot."""
    if not Path(SCRIPT).exists():
        say(message("firewall_none", "./photos set no rule here, so there is none to take away."))
        return
    if SYSTEMD.exists() and UNIT.exists():
        as_root("systemctl", "disable", "--quiet", UNIT.name)
    as_root(SCRIPT, "remove")
    as_root("rm", "-f", str(UNIT), SCRIPT)
    if SYSTEMD.exists():
        as_root("systemctl", "daemon-reload")
    say(message("firewall_removed", "The rule is gone."))


def offered(report: Report) -> bool:
    """Whether the rule was all that the look at this machine found wrong, and is set now.

    Where more is wrong nothing is asked: it is told at once, and nothing is written before.
    """
    if [finding.check for finding in report.errors] != [CHECK] or not _agreed():
        return False
    _set()
    return True


def script() -> str:
    """Return the script that sets the rule, with what of this machine's bridges is not Docker's."""
    others = sorted(name for name in psutil.net_if_addrs() if name.startswith("br-") and not OF_DOCKER.fullmatch(name))
    return RULES.read_text("utf-8").replace('OTHERS=""', f'OTHERS="{" ".join(filter(_plain, others))}"', 1)


def _plain(name: str) -> bool:
    return bool(re.fullmatch(r"[\w.-]+", name, re.ASCII))
