"""The name at home with the real avahi-daemon: a neighbour on a cable asks for it as a phone does (mDNS, RFC 6762)."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli.home_name import unit

NAME, FIRST, LATER = "photos.local", "10.77.0.1", "10.77.0.9"
DBUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_destination="*"/>
<allow receive_sender="*"/></policy></busconfig>
"""
AVAHI = "[server]\nhost-name=nas\nuse-ipv6=no\nenable-dbus=yes\n[wide-area]\nenable-wide-area=no\n"
PHONE = """
import socket, struct, sys, time
parts = b"".join(bytes([len(part)]) + part.encode() for part in sys.argv[1].split("."))
question = struct.pack("!6H", 0, 0, 1, 0, 0, 0) + parts + b"\\0" + struct.pack("!2H", 1, 0x8001)
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
line.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.77.0.2"))
line.bind(("10.77.0.2", 0))
line.settimeout(2)
wanted, end = sys.argv[2], time.monotonic() + 60
while time.monotonic() < end:
    line.sendto(question, ("224.0.0.251", 5353))
    try:
        heard = ".".join(map(str, line.recv(9000)[-4:]))
    except TimeoutError:
        heard = "nobody"
    if heard == wanted:
        break
    time.sleep(0.5)
print(heard)
"""
# A house in namespaces of its own: its cable, its D-Bus, its avahi-daemon, and a phone at the other end.
HOUSE = """
set -eu
mount -t tmpfs none /run && mkdir -p /run/dbus /run/avahi-daemon
ip link set lo up && ip link add lan0 type veth peer name phone0
unshare -n sleep 600 & phone=$!
sleep 1
at_phone() {{ nsenter -t $phone -n "$@"; }}
ip link set phone0 netns $phone
ip addr add {first}/24 dev lan0 && ip link set lan0 up && ip route add default via 10.77.0.2
at_phone ip addr add 10.77.0.2/24 dev phone0 && at_phone ip link set phone0 up
at_phone ip route add 224.0.0.0/4 dev phone0
dbus-daemon --config-file={folder}/dbus.conf --fork
avahi-daemon -f {folder}/avahi.conf --no-drop-root --no-chroot --no-rlimits > {folder}/avahi.log 2>&1 &
ask() {{ at_phone {python} {folder}/phone.py "$@"; }}
ask nas.local {first}
ask {name} nobody
sh -c {command} > /dev/null 2>&1 & publisher=$!
ask {name} {first}
ip addr del {first}/24 dev lan0 && ip addr add {later}/24 dev lan0 && ip route add default via 10.77.0.2
kill $publisher && wait $publisher || true
ask {name} nobody
sh -c {command} > /dev/null 2>&1 &
ask {name} {later}
"""


def lacking() -> str | None:
    programs = ("avahi-daemon", "avahi-publish", "dbus-daemon", "ip", "unshare", "nsenter")
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [name for name in programs if not shutil.which(name, path=path)]
    return f"{', '.join(missing)} missing: apt-get install avahi-daemon avahi-utils dbus iproute2" if missing else None


def command_of(text: str) -> str:
    """Return what systemd runs for an instance of the unit: systemd.service(5), systemd.syntax(7)."""
    line = re.search(r'^ExecStart=/bin/sh -c "(.*)"$', text, re.MULTILINE)
    assert line
    return line[1].replace("\\\\", "\\").replace("$$", "$").replace("%i", NAME)


def test_a_phone_finds_the_name_follows_its_address_and_forgets_it_when_it_is_taken_back(tmp_path: Path) -> None:
    if reason := lacking():
        pytest.skip(reason)
    files = {"dbus.conf": DBUS, "avahi.conf": AVAHI, "phone.py": PHONE}
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    house = HOUSE.format(
        folder=tmp_path,
        python=sys.executable,
        name=NAME,
        first=FIRST,
        later=LATER,
        command=shlex.quote(command_of(unit("home", [FIRST], FIRST))),
    )
    (tmp_path / "house").write_text(house)
    isolated = ["unshare", "-n", "-m", "-p", "--mount-proc", "--fork", "--kill-child", "sh", str(tmp_path / "house")]

    done = subprocess.run(isolated, capture_output=True, text=True, timeout=400, check=False)

    assert done.stdout.split() == [FIRST, "nobody", FIRST, "nobody", LATER], done.stderr
