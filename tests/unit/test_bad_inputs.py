"""What a person can get wrong, and what the whole program says before it declares anything.

B01-B29 and B43-B46 are rows of the table of bad inputs, B47 is a secret inside a section; PUB is publishing beyond them.
B30-B39 are in test_bad_backups.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from example_stack import CANARY, DROP, OTHER_ID, STACK_ID, changed, role, secret_keys
from fake_host import Break, FakeHost, every
from mistakes import Bad, key, on_host

from cli.generated import syncthing_identity
from components.device_id import device_id_of
from components.fields import PROJECT, host_path
from stacks.host import GIB

ROOT_PASSWORD = "photos:mariadb_root_password"


def password(value: str, *says: str) -> Bad:
    return Bad("B22", {ROOT_PASSWORD: value}, ("photos:mariadb_root_password: ", *says), hides=value, note=value[:6])


def is_a_file(host: FakeHost) -> None:
    (host.imports / ".photos-id").unlink()
    host.imports.rmdir()
    host.imports.write_text("")


def database_runs(image: str) -> Break:
    return lambda host: host.add_container("photos-dev-mariadb", {"photos.id": STACK_ID}, image=image)


PUBLISH = {
    "account": "a" * 32,
    "zones": {"family.org": "b" * 32},
    "access": {"team": "my-family"},
    "hostnames": [{"hostname": "album.family.org", "service": "photoprism", "allow": {"emails": ["mum@family.org"]}}],
}
NAMES = "publish.hostnames.0"


def publish(row: str, place: str, sections: dict[str, Any], *says: str, **more: Any) -> Bad:
    """Return the mistake of wrong values in `photos:publish`, reported at `place`."""
    return Bad(row, {"publish": {**PUBLISH, **sections}}, (f"config photos:{place}: ", *says), **more)


def name(row: str, place: str, entry: dict[str, Any], *says: str, **more: Any) -> Bad:
    """Return the mistake of one published name."""
    entry = {key: value for key, value in {**PUBLISH["hostnames"][0], **entry}.items() if value is not DROP}  # type: ignore[index]
    return publish(row, f"{NAMES}.{place}" if place else "publish", {"hostnames": [entry]}, *says, **more)


HTTPS = {"bind": "127.0.0.1"}


def at_home(place: str, section: dict[str, Any], *says: str, **more: Any) -> Bad:
    """Return the mistake of one value of HTTPS at home."""
    return Bad(
        "HOME", {"services.https": {**HTTPS, **section}}, (f"config photos:services.https{place}: ", *says), **more
    )


MUM = "MFZWI3D-BONSGYC-YLTMRWG-C43ENR5-QXGZDMM-FZWI3DP-BONSGYY-LTMRWAD"
DAD = "P56IOI7-MZJNU2Y-IQGDREY-DM2MGTI-MGL3BXN-PQ6W5BM-TBBZ4TJ-XZWICQ2"
IDENTITY = syncthing_identity()
ORIGINALS = "library.originals"
PORT = "services.photoprism.port"
BIND = "services.photoprism.bind"
BAD = [
    key("B01", "library", DROP, "required. Write the folders that hold your photos"),
    key("B01", ORIGINALS, DROP, "required. Write the folder of the sorted photos, e.g. /mnt/d"),
    key("B01", "library.import", DROP, "required. Write the folder from which PhotoPrism imports"),
    key("B01", "timezone", DROP, "required. Write the family's time zone, e.g. Asia/Shanghai"),
    key("B01", "services", DROP, "required. Write the services to run"),
    Bad("B01", {"id": DROP}, ("photos:id missing", "not set up yet", "Run ./photos setup")),
    Bad("B01", {ROOT_PASSWORD: DROP}, ("photos:mariadb_root_password missing", "Run ./photos setup")),
    *(
        key("B02", ORIGINALS, value, "is not a plain path", "Write an absolute path", "e.g. /mnt/d/Photos", note=value)
        for value in (
            "../Photos",
            "/mnt/d/../Photos",
            "/mnt/d/a\nb",
            "/mnt/d/a\0b",
            "/mnt/d/a:b",
            "",
            "~no-such-user/x",
        )
    ),
    *(
        key("B02", ORIGINALS, value, says, "Write a shorter one", note=f"{len(value)} characters")
        for value, says in (
            ("/srv/" + "x" * 256, "has 256 bytes, a disk takes at most 255"),
            ("/srv/" + "照" * 86, "has 258 bytes, a disk takes at most 255"),
            ("/srv" + "/" + "/".join(["x" * 200] * 21), "the path has 4225 bytes, Linux takes at most 4095"),
        )
    ),
    key("B02", ORIGINALS, "/srv/a\u2028b", "is not a plain path", note="line separator"),
    key("B03", ORIGINALS, "/srv/absent", "/srv/absent does not exist", "put the photos back there first"),
    key("B03", ORIGINALS, "/mnt/q/Photos", "/mnt/q/Photos does not exist", "Is drive Q: mounted?"),
    on_host("B04", is_a_file, "photos:library.import: ", "is a file", "Write the folder that holds it"),
    on_host(
        "B05",
        lambda host: host.mount_points.add(str(host.originals)),
        "photos:library.originals: ",
        "is a mount point",
        "an absent drive would look like an empty library. Use a folder on it",
    ),
    *(
        key("B06", ORIGINALS, value, "is a system folder", "Give the photos a folder of their own", note=value)
        for value in ("/", "/etc", "/etc/photos", "/home", "/mnt", "/var/lib/docker/volumes", "/usr/", "//etc")
    ),
    *(
        key("B06", ORIGINALS, value, "holds more than photos", "folder of their own", note=value)
        for value in (".", str(PROJECT))
    ),
    on_host(
        "B06",
        lambda host: host.info.update(DockerRootDir=str(host.root)),
        "photos:library.originals: ",
        "lies in Docker's own folder",
        "Use another one",
    ),
    key("B07", ORIGINALS, "D:\\Photos\\2024", "looks like a Windows path. In WSL write /mnt/d/Photos/2024"),
    key("B07", ORIGINALS, "\\\\wsl$\\Debian\\x", "looks like a Windows path. In WSL write /mnt/d/Photos"),
    *(
        on_host(
            "B08",
            lambda host, kind=kind: host.file_systems.update({"/var/lib": kind}),  # type: ignore[misc]
            "docker: ",
            f"(/var/lib/docker) is on {kind}, where MariaDB loses data",
            'Move "data-root" to a Linux disk (ext4)',
            note=kind,
        )
        for kind in ("9p", "drvfs", "ntfs", "fuseblk", "fuse.sshfs", "nfs4", "cifs", "tmpfs")
    ),
    *(
        Bad(
            "B09",
            {ORIGINALS: originals, "library.import": imports},
            ("config photos:library: ", "originals and import are the same folder or one", "Keep them apart"),
            note=f"{originals} {imports}",
        )
        for originals, imports in (("/srv/a", "/srv/a"), ("/srv/a", "/srv/a/b"), ("/srv/a/b", "/srv/a/"))
    ),
    Bad(
        "B09",
        {"library.others": {"scans": "/srv/a/b"}, ORIGINALS: "/srv/a"},
        ("config photos:library: ", "originals and others.scans are the same folder or one"),
    ),
    *(
        name("B13", "hostname", {"hostname": value}, "is not a bare hostname", f"e.g. {instead}", note=value)
        for value, instead in (
            ("https://album.family.org", "album.family.org"),
            ("album.family.org:443", "album.family.org"),
            ("album.family.org/x", "album.family.org"),
            ("my_album.family.org", "my-album.family.org"),
            ("Album.family.org", "album.family.org"),
            ("相册.family.org", "xn--26q252g.family.org"),
            ("album .family.org", "album.family.org"),
            ("album", "photos.example.com"),
        )
    ),
    name(
        "B14", "", {"hostname": "album.other.org"}, "album.other.org is not in family.org", "Add its domain under zones"
    ),
    name("B14", "", {"hostname": "xfamily.org"}, "xfamily.org is not in family.org"),
    name("B13", "hostname", {"hostname": "x" * 64 + ".family.org"}, "has 64 bytes, at most 63 fit between two dots"),
    name("B13", "hostname", {"hostname": "a." * 122 + "family.org"}, "has 254 bytes, at most 253", note="long"),
    name("B14", "hostname", {"hostname": "*.family.org"}, "would publish every name", "Write each hostname by itself"),
    publish("B14", "publish", {"hostnames": PUBLISH["hostnames"] * 2}, "stands here twice", "under its paths"),  # type: ignore[operator]
    publish("B14", "publish.zones", {"zones": {}}, "empty. Write at least one"),
    publish("B15", "publish.account", {"account": "AB" * 16}, "small and without anything between. Write " + "ab" * 16),
    publish("B15", "publish.account", {"account": "a" * 31}, "31 characters, 32 of 0-9 and a-f", "overview page"),
    publish("B15", "publish.zones.family.org", {"zones": {"family.org": "Z" * 32}}, '"Z" is none of 0-9 and a-f'),
    Bad(
        "B16",
        {"cloudflare:apiToken": "clear-token-0123456789"},
        ("config cloudflare:apiToken: stored in clear. Revoke it", "config set --secret cloudflare:apiToken"),
        hides="clear-token-0123456789",
    ),
    name("B17", "allow", {"allow": DROP}, "album.family.org would be open to everyone", "or write `access: public`"),
    name("B17", "allow", {"allow": {"emails": []}}, "album.family.org would be open to everyone"),
    *(
        name(
            "B18",
            "allow.emails.0",
            {"allow": {"emails": [value]}},
            f'"{value}"',
            "Write ",
            "e.g. mum@example.com",
            note=value,
        )
        for value in ("*", "everyone", "@gmail.com", "*@family.org", "mum", "mum@family", "mum@a.b, x@c.d")
    ),
    *(
        name("B18", "allow.email_domains.0", {"allow": {"email_domains": [value]}}, "would let anyone in", note=value)
        for value in ("*", "gmail.com", "@qq.com", "*.org", "everyone")
    ),
    *(
        name("B18", "allow.email_domains.0", {"allow": {"email_domains": [value]}}, f"Write {meant}", note=value)
        for value, meant in (
            ("@Example.org", "example.org"),
            ("mum@example.org", "example.org"),
            ("https://family.org/", "family.org"),
            ("family", "the domain, e.g. example.com"),
        )
    ),
    Bad(
        "B46",
        {"publish": PUBLISH, "services.photoprism.site_url": "https://old.family.org/"},
        (
            "config photos:services.photoprism.site_url: ",
            "does not match the published name",
            "https://album.family.org/",
        ),
    ),
    name("PUB", "service", {"service": "mariadb"}, '"mariadb" is not among services. Write one of: drive, photoprism'),
    name("PUB", "paths.0.service", {"paths": [{"path": "^/x", "service": "rclone"}]}, '"rclone" is not among services'),
    name("PUB", "paths.0.path", {"paths": [{"path": "/dav", "service": "drive"}]}, "inside other paths", "^/dav/"),
    name("PUB", "paths.0.path", {"paths": [{"path": "^/(", "service": "drive"}]}, "is not a regular expression"),
    *(
        name(
            "PUB",
            "paths.0.path",
            {"paths": [{"path": path, "service": "drive"}]},
            "which cloudflared cannot read",
            note=path,
        )
        for path in ("^/(?!dav)", "^/(?<=a)b", "^/(?>a)", r"^/(a)\1", "^/(?P<x>a)(?P=x)")
    ),
    name(
        "PUB",
        "access",
        {"service": "syncthing", "access": "public", "allow": DROP},
        "is an admin page and is never public",
    ),
    name(
        "PUB",
        "access",
        {"access": "public", "allow": DROP, "paths": [{"path": "^/d", "service": "drive"}]},
        "drive is an admin page and is never public",
    ),
    name("PUB", "allow.emails", {"service": "drive", "allow": {"service_tokens": ["x"]}}, "drive is an admin page"),
    name("PUB", "allow", {"access": "public"}, "has no effect with `access: public`"),
    name("PUB", "access", {"access": "everyone"}, "'login' or 'public' expected"),
    name("B18", "allow.emails.0", {"allow": {"emails": ["x" * 65 + "@family.org"]}}, "has 65 bytes before the @"),
    name("PUB", "session", {"session": "1000h"}, "Write one to three digits and m or h, e.g. 30m or 24h"),
    name("PUB", "session", {"session": "forever"}, "is not a session length", "e.g. 30m or 24h"),
    name("PUB", "allow.groups.0", {"allow": {"groups": ["family"]}}, "is not an id", "as Cloudflare shows it"),
    name("PUB", "allow.service_tokens.0", {"allow": {"service_tokens": ["My Laptop"]}}, "cannot name a service token"),
    name(
        "PUB", "allow.service_tokens", {"allow": {"service_tokens": ["drive"]}}, '"drive" is a service', "drive-rclone"
    ),
    *(
        name("PUB", f"allow.{key}", {"allow": {key: [value, value]}}, "stands here twice. Leave out one", note=key)
        for key, value in (
            ("emails", "mum@family.org"),
            ("email_domains", "family.org"),
            ("groups", "f174e90a-fafe-4643-bbbc-4a0ed4fc8415"),
            ("service_tokens", "laptop"),
        )
    ),
    at_home(".names.photos", {"names": {"photos": "photoprism"}}, "with a dot in it", "e.g. photos.local"),
    at_home(".names.Photos.local", {"names": {"Photos.local": "photoprism"}}, "is not a name in small letters"),
    at_home(
        ".names.photos.example.com",
        {"names": {"photos.example.com": "photoprism"}},
        "may be somebody's on the internet",
        "belong to photos:publish",
    ),
    at_home(
        ".names." + "x" * 64 + ".local",
        {"names": {"x" * 64 + ".local": "photoprism"}},
        "has 64 bytes",
        "e.g. photos.local",
    ),
    at_home(
        ".names.photos.local",
        {"names": {"photos.local": "album"}},
        '"album" is not among services. Write one of:',
        "photoprism",
    ),
    at_home(
        ".names.photos.local", {"names": {"photos.local": "https"}}, '"https" is not among services. Write one of:'
    ),
    at_home(".names", {"names": {}}, "empty. Write at least one"),
    at_home(".port", {"port": 0}, "0 is outside 1-65535", "e.g. 443"),
    at_home(".bind", {"bind": "8.8.8.8"}, "opens the port to the internet"),
    Bad(
        "HOME",
        {"services.https": {**HTTPS, "http_port": 443}},
        ("config photos:services", "https.http_port: port 443 is used by https.port already"),
    ),
    Bad(
        "HOME",
        {"services.https": {**HTTPS, "environment": {"XDG_DATA_HOME": "/x"}}},
        ("environment.XDG_DATA_HOME", "decides what the LAN reaches"),
    ),
    *(
        Bad(
            "TAILNET",
            {"services.tailscale": section, "photos:tailscale_auth_key": key},
            (f"config photos:{place}: ", *says),
            secret=frozenset(secret_keys() | {"photos:tailscale_auth_key"}),
        )
        for place, section, key, *says in (
            ("tailscale_auth_key", {}, f"tskey-api-{CANARY}", "not one that lets a machine in", "tskey-auth-"),
            ("tailscale_auth_key", {}, f" tskey-auth-{CANARY}", "begins or ends with a space"),
            (
                "services.tailscale.hostname",
                {"hostname": "Mums Photos"},
                CANARY,
                "cannot name a machine",
                "e.g. photos",
            ),
            (
                "services.tailscale.login_server",
                {"login_server": "headscale.example.com"},
                CANARY,
                "is not a web address",
            ),
            (
                "services.tailscale.login_server",
                {"login_server": "https://headscale.example.com/web"},
                CANARY,
                "has a path",
                "e.g. https://headscale.example.com",
            ),
        )
    ),
    Bad(
        "TAILNET",
        {"services": {"drive": {}, "tailscale": {}}, "photos:tailscale_auth_key": CANARY},
        ("config photos:services.tailscale: leads to the album", "Write `photoprism: {}`"),
        secret=frozenset(secret_keys() | {"photos:tailscale_auth_key"}),
    ),
    Bad(
        "TAILNET",
        {"services.tailscale": {}},
        ("config photos:tailscale_auth_key", "./photos config set --secret photos:tailscale_auth_key"),
    ),
    publish("PUB", "publish.access.team", {"access": {"team": "my-family.cloudflareaccess.com"}}, "is not a team name"),
    publish("PUB", "publish.access.team", {"access": {}}, "required. Write the name of your Zero Trust team"),
    publish("PUB", "publish.cloudflared.protocol", {"cloudflared": {"protocol": "tcp"}}, "'auto', 'quic' or 'http2'"),
    publish(
        "PUB", "publish", {"adopt": {"records": {"x.family.org": "c" * 32}}}, "x.family.org is not among hostnames"
    ),
    Bad(
        "PUB",
        {"publish": {**PUBLISH, "zones": {"example.com": "b" * 32, "family.org": "b" * 32}}},
        ("cloudflare: photos:publish stands as in the example", "or remove the section"),
    ),
    *(
        Bad(
            "PUB",
            {"publish": PUBLISH},
            ("cloudflare: ", says, "Make one as docs/remote-access.md says"),
            host=lambda host, token=token: host.monkeypatch.setenv("CLOUDFLARE_API_TOKEN", token),  # type: ignore[misc]
            hides=token or CANARY,
            note=says,
        )
        for token, says in (("", "needs an API token of Cloudflare"), ("short-token", "is not one"))
    ),
    Bad(
        "PUB",
        {"publish": PUBLISH},
        ("cloudflare: CLOUDFLARE_API_KEY would be sent", "unset CLOUDFLARE_API_KEY"),
        host=lambda host: host.monkeypatch.setenv("CLOUDFLARE_API_KEY", "k" * 37),
        hides="k" * 37,
    ),
    on_host(
        "B10",
        lambda host: host.make_folder(host.originals, OTHER_ID),
        "photos:library.originals: ",
        f"belongs to another stack (id {OTHER_ID})",
        "./photos adopt",
    ),
    Bad(
        "B11",
        {"owner": {"uid": 1111, "gid": 1111}},
        ("user 1111 cannot read and write", "mode 755)", "sudo chown -R 1111:1111"),
        host=lambda host: host.originals.chmod(0o755),
    ),
    on_host(
        "B12",
        lambda host: setattr(host, "free_bytes", GIB // 2),
        "photos:library.originals: 0.5 GB free",
        "1 GB needed. Free some space",
    ),
    *(
        key("B19", PORT, value, f"{value} is outside 1024-65535. Choose a free port", note=str(value))
        for value in (0, 80, 1023, 65536, -1)
    ),
    key("B19", PORT, "22k", "valid integer", "Write a whole number"),
    Bad(
        "B20",
        {PORT: 5244, "services.drive.port": 5244},
        ("config photos:services: ", "port 5244 is used by drive.port already. Choose another"),
    ),
    *(
        key("B20", BIND, value, *says, note=str(value))
        for value, *says in (
            ("0.0.0.0", "opens the port to the internet, past ufw: it stands for every address"),  # noqa: S104 - refused
            ("8.8.8.8", "opens the port to the internet, past ufw: it is a public address. Write 127.0.0.1"),
            ("::", "opens the port to the internet, past ufw: it stands for every address"),
            ("2606:4700::1111", "opens the port to the internet, past ufw: it is a public address. Write 127.0.0.1"),
            ("2001:db8::1", "is not an address of a machine in a LAN"),
            ("fe80::1%eth0", "holds on one cable only, and Docker cannot publish on it"),
            ("LAN", "is not an IP address: it is a name. Write 127.0.0.1"),
            (5, "is not an address. Write 127.0.0.1"),
            (True, "is not an address. Write 127.0.0.1"),
            ([], "empty: no address stands in the list"),
            (["192.168.1.5", "8.8.8.8"], "8.8.8.8 opens the port to the internet"),
            (["192.168.1.5", "192.168.1.5"], "192.168.1.5 stands in the list twice"),
            (["fd12::5", "FD12:0::5"], "FD12:0::5 stands in the list twice"),
            ([["lan"]], "is not an address"),
            ({"address": "lan"}, "is not an address"),
            ("::ffff:192.168.1.5", "is an IPv4 address in the form of IPv6. Write 192.168.1.5"),
            ("169.254.7.7", "is what a machine calls itself while it has no address"),
            ("224.0.0.1", "is not an address of a machine in a LAN"),
            ("255.255.255.255", "is not an address of a machine in a LAN"),
            ("localhost", "is not an IP address: it is a name. Write 127.0.0.1"),
            ("nas.lan", "is not an IP address: it is a name"),
            ("192.168.1.0/24", "is not an IP address: it is a network"),
            ("192.168.1.5:12343", "is not an IP address: it carries a port, which has a key of its own"),
            ("[fd12::5]:80", "is not an IP address: it carries a port"),
            ("192.168.1.500", "is not an IP address: four numbers from 0 to 255"),
            ("192.168.01.5", "none with a leading zero"),
            ("", "is not an IP address. Write 127.0.0.1"),
        )
    ),
    key("B20", "services.syncthing.sync_bind", "999.1.1", "is not an IP address: four numbers"),
    key("B20", "services.syncthing.sync_bind", "ff02::1", "is not an address of a machine. Write 0.0.0.0 for any"),
    key("B20", "services.syncthing.sync_bind", "lan", "lan is not possible here. Write 0.0.0.0 for any address"),
    key("B20", "services.syncthing.sync_bind", ["192.168.1.5"], "valid string expected"),
    *(
        Bad(
            "B20",
            {"services.syncthing.phones": {name: {"device": MUM}}},
            (f"config photos:services.syncthing.phones.{name}: ", "cannot be the name of a phone", "e.g. mum"),
            note=repr(name),
        )
        for name in (".mum", "@mum", "_mum", "mum/anna", "mum's", "a b", "m" * 33, "CON", "e\u0301", "")
    ),
    key(
        "B20",
        "services.syncthing.phones",
        {"mum": {"device": MUM}, "dad": {"device": MUM.lower()}},
        "mum and dad have the same device ID",
    ),
    key(
        "B20",
        "services.syncthing.phones",
        {"mum": {"device": MUM}, "Mum": {"device": DAD}},
        "mum and Mum have the same name: large and small",
    ),
    key(
        "B20",
        "services.syncthing.phones",
        {"mum": {"device": MUM, "folder": "phone-dad"}, "dad": {"device": DAD}},
        "mum and dad have the same folder ID",
    ),
    *(
        Bad(
            "B20",
            {"services.syncthing.phones.mum": phone},
            (f"config photos:services.syncthing.phones.mum.{place}: ", *says),
        )
        for phone, place, says in (
            ({"device": MUM[:-1] + "X"}, "device", ("has a typing mistake", "menu, Show device ID")),
            ({"device": "MFZWI3D"}, "device", ("is not a device ID. It has eight groups",)),
            ({}, "device", ("required. Write the device ID that the phone shows",)),
            ({"device": MUM, "folder": "a/b"}, "folder", ("is not the ID of a folder", "Edit, Folder ID")),
            ({"device": MUM, "deletions": "ask"}, "deletions", ("'keep' or 'follow' expected",)),
            ({"device": MUM, "quiet_days": -1}, "quiet_days", ("Write a larger number",)),
        )
    ),
    Bad(
        "B20",
        {"photos:syncthing_cert": IDENTITY[0], "services.syncthing.phones.mum": {"device": device_id_of(IDENTITY[0])}},
        ("config photos:services.syncthing.phones.mum.device: is the ID of this server itself",),
    ),
    key("B20", "services.syncthing.sync_bind", "239.1.1.1", "is not an address of a machine. Write 0.0.0.0 for any"),
    key(
        "B21", BIND, "192.168.9.9", "192.168.9.9 is not an address of this machine", "Write 127.0.0.1, lan, or one that"
    ),
    *(
        password(value, "is too weak. Write 8 characters or more, at most 72 bytes")
        for value in ("short", "insecure", "PhotoPrism", "12345678")
    ),
    password("x" * 73, "has 73 bytes, the limit is 72 bytes"),
    password("猫" * 26, "has 78 bytes in 26 characters, the limit is 72 bytes (a Chinese character has 3)"),
    password("tab\tinside", "holds a control character"),
    password("outer-space ", "a space at its begin or end, which the login drops"),
    password("$2a$12$" + "x" * 53, "is the hash of a password"),
    Bad(
        "B22",
        {},
        (
            "photos:mariadb_root_password: stored in clear. Choose a new one",
            "./photos config set --secret photos:mariadb_root_password --stack dev",
        ),
        secret=frozenset(secret_keys() - {ROOT_PASSWORD}),
        note="in clear",
    ),
    Bad(
        "B22",
        {"photos:syncthing_key": "hunter2 is no key"},
        ("photos:syncthing_key: is not a PEM block", "Take it back from the copy"),
        hides="hunter2",
        note="no PEM",
    ),
    Bad(
        "B22",
        {"database": {"memory": f"{CANARY}section"}},
        ("config photos:database: holds a secret inside a section", "Write it as the flat key", "choose a new one"),
        secret=frozenset({*secret_keys(), "photos:database"}),
        note="inside a section",
    ),
    Bad(
        "B47",
        {"services.photoprism.admin_password": f"{CANARY}nested"},
        (
            "config photos:services: holds a secret inside a section",
            "the flat key photos:photoprism_admin_password with",
        ),
        secret=frozenset({*secret_keys(), "photos:services"}),
        hides=f"{CANARY}nested",
        note="names its flat key",
    ),
    Bad(
        "B47",
        {"library.others": {"scans": f"{CANARY}nested"}},
        ("config photos:library: holds a secret", "photos:<section>_<name>_<field> (known: drive_admin_password"),
        secret=frozenset({*secret_keys(), "photos:library"}),
        hides=f"{CANARY}nested",
        note="no flat key is near",
    ),
    *(
        key("B23", "database.image", value, "has no fixed tag: it would change under you. Write one", note=value)
        for value in ("mariadb", "mariadb:latest", "localhost:5000/mariadb", f"mariadb@sha256:{'0' * 64}")
    ),
    *(
        key("B23", "database.image", value, "is not an image name. Write name:tag", note=value)
        for value in (
            "Maria DB:1",
            "MariaDB:11",
            "a..b:1",
            "-a:1",
            "a:x/b",
            "mariadb:11:8",
            "mariadb:11.8.8@",
            "mariadb:11.8.8@sha256:1234",
        )
    ),
    key("B23", "database.image", "x" * 256 + ":1", "the name has 256 bytes, Docker takes at most 255", note="long"),
    key("B23", "database.image", "x:" + "1" * 129, "the tag has 129 bytes, Docker takes at most 128", note="long tag"),
    *(
        key("B23", "image_registry", value, says, "Write its host", "e.g. docker.example.com", note=value[:20])
        for value, says in (
            ("https://docker.example.com", "is not a registry"),
            ("Docker.example.com", "is not a registry"),
            ("example", "is not a registry"),
            ("docker..example.com", "is not a registry"),
            ("docker.example.com/", "is not a registry"),
            ("x" * 64 + ".org", "has 64 bytes, at most 63"),
        )
    ),
    *(
        key("B23", "panel_network", value, says, "e.g. 1panel-network", note=value)
        for value, says in (
            ("bridge", "is Docker's own network"),
            ("host", "is Docker's own network"),
            ("my net", "is not the name of a Docker network"),
            ("-x", "is not the name of a Docker network"),
        )
    ),
    key(
        "B24",
        "panel_network",
        "1panel-network",
        "Docker here has no network 1panel-network",
        "Write one of: none is there",
    ),
    on_host(
        "B24",
        database_runs("mariadb:12.0.2"),
        "photos:database.image: ",
        "12.0 → 11.8 cannot read the data",
        "Keep the newer image, or go back together with the data: ./photos upgrade mariadb --back --stack dev",
    ),
    on_host(
        "B24",
        database_runs("mirror.lan:5000/library/mariadb:9.4"),
        "photos:database.image: ",
        "9.4 → 11.8 skips a major version",
        "Go to 10 first",
    ),
    key("B25", "owner.uid", 0, "0 is root", "Write your own number, from `id -u`"),
    key("B25", "owner.gid", 0, "0 is root"),
    key("B25", "owner.uid", 700, "700 is not supported by PhotoPrism. Use 33, 50-99", "e.g. 1000"),
    *(
        key("B26", "database.memory", value, "is not an amount of memory. Write megabytes", "512m or 4g", note=value)
        for value in ("2GBB", "0m", "-1g", "1.5g", "512", "", "4t")
    ),
    *(
        key("B26", "database.memory", value, f"with a small m or g: {meant}", note=value)
        for value, meant in (("4G", "4g"), ("4gb", "4g"), ("4 g", "4g"), ("512MiB", "512m"))
    ),
    key("B26", "database.memory", 512, '"512" is not an amount of memory', "e.g. 512m or 4g"),
    Bad("B26", {"services.photoprism.memory": "512m"}, ("512m is too little", "Write at least 1g")),
    key("B26", "database.buffer_pool", "300m", "300m is more than half of memory (512m). Write at most 256m"),
    key("B27", "libary", {}, "unknown. Did you mean library?"),
    *(
        key("B27", f"services.photoprism.{name}", "x", f"unknown. Did you mean {meant}?")
        for name, meant in (
            ("Read-Only", "read_only"),
            ("PORT", "port"),
            ("siteUrl", "site_url"),
            ("index schedule", "index_schedule"),
        )
    ),
    key("B27", "services.photoprism.prot", 2342, "unknown. Did you mean port?"),
    key("B27", "library.imports", "/srv/x", "unknown. Did you mean import?"),
    key("B27", "services.immich", {}, "unknown. Known here: drive, https, photoprism, syncthing, tailscale"),
    key("B28", "services.photoprism.read_only", "yes", "valid boolean", "Write true or false"),
    key("B28", "services.photoprism.site_title", ["a"], "valid string", "Write text"),
    key("B28", "services.photoprism.site_title", "x" * 101, "at most 100 characters. Write a shorter text"),
    key("B28", "services.photoprism.site_title", "two\nlines", "holds a line break", "Write one line", note="lines"),
    key("B28", "services.photoprism.originals_limit", 100001, "Write a smaller number"),
    key("B28", "services.photoprism.import_schedule", "daily", "is not a cron schedule", "30 3 * * *"),
    key("B28", "services.photoprism.import_schedule", "0 4 * * *", "is done by the keeper", "Write photos:backup"),
    Bad(
        "B28",
        {"services.photoprism.import_schedule": "0 4 * * *", "services.photoprism.read_only": True},
        ("lets nothing into the album", "Leave out import_schedule or read_only"),
    ),
    key("B28", "services.photoprism.transcoding.device", "/dev/../etc", "is not a device. Write its path"),
    *(
        key("B28", "services.photoprism.locale", value, "is not a language of PhotoPrism's pages", meant, note=value)
        for value, meant in (
            ("zh_CN", "Did you mean zh?"),
            ("zh-TW", "Did you mean zh_TW?"),
            ("en_US.UTF-8", "Did you mean en?"),
            ("DE", "Did you mean de?"),
            ("xx", "Write one of af, ar"),
        )
    ),
    *(
        key("B28", "services.photoprism.site_url", value, says, "Write it as the browser shows it", note=value[:30])
        for value, says in (
            ("192.168.1.5:12343", "is not a web address"),
            ("ftp://nas/", "is not a web address"),
            ("http://nas:99999/", "is not a web address"),
            ("http://nas:0/", "is not a web address"),
            ("http://999.1.1.1/", "is not a web address"),
            ("http://my nas/", "is not a web address"),
            ("http://-nas/", "is not a web address"),
            ("http:///x", "is not a web address"),
            ("http://nas/?q=1", "holds more than an address"),
            ("http://nas/#top", "holds more than an address"),
            ("http://mum:word@nas/", "holds more than an address"),
            ("http://" + "x" * 64 + ".org/", "has 64 bytes, at most 63 fit between two dots"),
            ("http://" + ".".join(["x" * 60] * 5) + "/", "has 304 bytes, at most 253"),
        )
    ),
    key("B28", "services.photoprism.site_title", 2024, "valid string", "Write text, in quotes"),
    key("B28", "services.photoprism.port", "12343", "valid integer", "Write a whole number"),
    key("B28", "services", ["photoprism"], "Write a section"),
    key("B28", "services.photoprism.transcoding.encoder", "amd", "'nvidia' expected"),
    key("B29", "timezone", "Asia/Peking", '"Asia/Peking" is not a known time zone. Did you mean Asia/Shanghai?'),
    key("B29", "timezone", "Europe/Berln", "Did you mean Europe/Berlin?"),
    *(
        key("B43", "database.flags", {name: "0"}, f"{name}=0 ", meaning, "Leave this flag out", note=name)
        for name, meaning in (
            ("innodb-flush-log-at-trx-commit", "loses confirmed rows at a power cut"),
            ("--innodb_flush_log_at_trx_commit", "loses confirmed rows at a power cut"),
            ("loose-innodb-doublewrite", "loses pages at a power cut"),
            ("skip-grant-tables", "lets everyone in"),
            ("init_file", "rotates the password"),
            ("datadir", "moves the data out of its volume"),
            ("skip-innodb-doublewrite", "is read as innodb-doublewrite, which loses pages"),
            ("disable_innodb_doublewrite", "is read as innodb-doublewrite, which loses pages"),
            ("innodb-flush-log-at", "is read as innodb-flush-log-at-trx-commit, which loses confirmed rows"),
            ("skip-grant-table", "is read as skip-grant-tables, which lets everyone in"),
        )
    ),
    *(
        key("B43", "database.flags", {name: value}, "is no flag, or its value holds a line break", note=name)
        for name, value in (("max connections", "64"), ("max-connections=64", ""), ("", "1"), ("sql-mode", "a\nb"))
    ),
    *(
        Bad("B44", {}, (f'stack "{name}": {why}. Write e.g. {instead}',), stack=name, note=name[:8])
        for name, why, instead in (
            ("Home 1", "only small letters a-z, digits and - can stand in it", "home-1"),
            ("HOME", "only small letters a-z, digits and - can stand in it", "home"),
            ("my_home", "only small letters a-z, digits and - can stand in it", "my-home"),
            ("家", "only small letters a-z, digits and - can stand in it", "home"),
            ("2home", 'it begins with "2", a name begins with a letter', "home"),
            ("1st", 'it begins with "1", a name begins with a letter', "st"),
            ("-x", 'it begins with "-", a name begins with a letter', "x"),
            ("a" * 41, "it has 41 characters, at most 40 are possible", "a" * 40),
        )
    ),
    on_host(
        "B44",
        lambda host: host.add_container("photos-dev-photoprism", {"photos.id": OTHER_ID}),
        f"container photos-dev-photoprism: is there already and belongs to the stack with id {OTHER_ID}",
        "./photos adopt, or choose another name",
    ),
    on_host(
        "B44",
        lambda host: host.taken.add(("127.0.0.1", 12343)),
        "photos:services.photoprism.port: port 12343 is in use by another program",
        "Choose another port, or see who it is: sudo ss",
    ),
    *(
        key("B45", "data.on_destroy", "delete", '"delete" loses the index', "Also write `confirm: dev`"),
        Bad("B45", {"data": {"on_destroy": "delete", "confirm": "home"}}, ("Also write `confirm: dev`",)),
    ),
]


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_a_mistake_is_explained_with_its_remedy_and_nothing_is_declared(bad: Bad, host: FakeHost) -> None:
    bad.is_explained(host)


def test_a_healthy_host_and_a_good_stack_file_are_declared(host: FakeHost) -> None:
    text, recorder = host.run()

    assert text == ""
    assert {role(item) for item in recorder.of_type("Container")} == {"mariadb", "photoprism", "syncthing", "drive"}
    assert host.open_clients == 0


@pytest.mark.parametrize(
    ("changes", "breaks"),
    [
        ({"timezone": "Mars/Base", PORT: 80, "libary": 1}, lambda _: None),
        (
            {},
            every(
                lambda host: host.imports.joinpath(".photos-id").unlink(),
                lambda host: host.taken.update({("127.0.0.1", 12343), ("0.0.0.0", 22000)}),  # noqa: S104 - made up
            ),
        ),
    ],
    ids=["stack file", "host"],
)
def test_three_mistakes_give_three_lines_at_once(changes: dict[str, Any], breaks: Break, host: FakeHost) -> None:
    breaks(host)

    text, recorder = host.run(host.config(changes))

    _, *lines = text.splitlines()
    assert len(lines) == 3, "a person mends all at once, not one per run"
    assert all(line.startswith("config photos:") for line in lines)
    assert recorder.resources == []


@pytest.mark.parametrize(
    ("path", "meant"),
    [("~/Photos", Path.home() / "Photos"), ("../Photos", None), ("private/photos", PROJECT / "private/photos")],
)
def test_paths_from_home_and_from_the_project_are_resolved_first(path: str, meant: Path | None, host: FakeHost) -> None:
    text, _ = host.run(host.config({ORIGINALS: path}))

    expected = f"{meant} does not exist" if meant else "is not a plain path"
    assert expected in text


@pytest.mark.parametrize("variable", ["DOCKER_HOST", "docker:host"])
def test_a_docker_host_over_ssh_is_refused(variable: str, host: FakeHost) -> None:
    remote = "ssh://nas.lan"
    if variable == "DOCKER_HOST":
        host.monkeypatch.setenv(variable, remote)
    config = host.config({} if variable == "DOCKER_HOST" else {variable: remote})

    text, recorder = host.run(config)

    assert (
        f"{variable} is {remote}, and the folders there are looked at, too. Write photos:host: ssh://nas.lan in the stack file instead"
        in text
    )
    assert recorder.resources == []


def test_a_destroy_that_has_no_docker_to_go_to_says_so(host: FakeHost) -> None:
    host.monkeypatch.setenv("PHOTOS_DESTROY", "1")
    host.monkeypatch.setenv("DOCKER_HOST", "ssh://nas.lan")

    text, recorder = host.run()

    assert "DOCKER_HOST is ssh://nas.lan, and the folders there are looked at, too" in text
    assert recorder.resources == []


def test_a_preview_before_the_first_run_passes_without_id_secrets_and_marker(host: FakeHost) -> None:
    for folder in (host.originals, host.imports):
        (folder / ".photos-id").unlink()
    fresh = changed(host.config(), dict.fromkeys((*secret_keys(), "id"), DROP))

    previewed, recorder = host.run(fresh, preview=True)
    applied, nothing = host.run(fresh)

    assert previewed == ""
    assert recorder.of_type("Container")
    assert "this stack is not set up yet" in applied, "only a preview may go on without an id"
    assert nothing.resources == []


def test_destroy_without_the_token_says_so_before_anything_is_removed(host: FakeHost) -> None:
    host.monkeypatch.setenv("PHOTOS_DESTROY", "1")
    host.monkeypatch.delenv("CLOUDFLARE_API_TOKEN")

    text, recorder = host.run(host.config({"publish": PUBLISH}))

    assert "cloudflare: photos:publish needs an API token of Cloudflare" in text
    assert recorder.resources == []


def test_destroy_needs_no_healthy_host(host: FakeHost) -> None:
    host.monkeypatch.setenv("PHOTOS_DESTROY", "1")
    host.imports.joinpath(".photos-id").unlink()

    text, recorder = host.run()

    assert text == ""
    assert recorder.of_type("Container")


def test_a_folder_that_holds_the_project_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.fields.PROJECT", Path("/srv/code/photos"))

    with pytest.raises(ValueError, match="holds more than photos"):
        host_path("/srv/code")
