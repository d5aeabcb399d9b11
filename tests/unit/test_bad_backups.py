"""What a person can get wrong in `photos:backup`, and what the whole program says before it declares anything.

B30-B39 are rows of the table of bad inputs, BAK is beyond them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from example_stack import CANARY, DROP, secret_keys
from fake_host import Break, FakeHost
from mistakes import Bad

from stacks.sections.backup.secrets import OWN_KEYS, secret_key

BUCKET: dict[str, Any] = {
    "kind": "mirror",
    "type": "s3",
    "path": "bucket/photos",
    "options": {"provider": "Minio", "access_key_id": "family"},
    "secrets": ["secret_access_key"],
}
VAULT = {**BUCKET, "kind": "vault", "path": "vault/photos"}
ALERTS = "photos:backup_alert_urls"
A_KEY, A_OPTION = (f"photos:backup_a_{name}" for name in (*OWN_KEYS, "secret_access_key"))
# rclone obscure canary-of-backup-password-long
OBSCURED = "T_eBtYapC60MtFWLFvnTCxwsL28cF-HcAI6fxGjyvg1Ug5YA4PTWn91ubw0Dfw"


def disk(path: str, **more: Any) -> dict[str, Any]:
    return {"kind": "disk", "type": "local", "path": path, **more}


def keys_of(remotes: dict[str, Any]) -> dict[str, str]:
    """Return good secrets for these copies."""
    names = [(name, option) for name in remotes for option in (*OWN_KEYS, *remotes[name].get("secrets", []))]
    return {f"photos:{secret_key(*pair)}": CANARY + "-".join(pair) for pair in names}


def copies(row: str, remotes: dict[str, Any], *says: str, changes: dict[str, Any] | None = None, **more: Any) -> Bad:
    """Return the mistake of these copies, or of what is changed beside them."""
    good = {"backup": {"remotes": remotes}, **keys_of(remotes), ALERTS: f"ntfys://ntfy.example.org/{CANARY}"}
    changes = {**good, **(changes or {})}
    return Bad(row, {key: value for key, value in changes.items() if value is not DROP}, says, **more)


def bucket(row: str, place: str, changes: dict[str, Any], *says: str, **more: Any) -> Bad:
    """Return the mistake of one copy, reported at `place` below its name."""
    entry = {**BUCKET, **changes}
    return copies(row, {"a": entry}, f"config photos:backup.remotes.a{place}: ", *says, **more)


def backup(row: str, changes: dict[str, Any], *says: str, **more: Any) -> Bad:
    """Return the mistake of `changes` beside one good copy."""
    return copies(row, {"a": BUCKET}, *says, changes=changes, **more)


def strict(row: str, remotes: dict[str, Any], *says: str, **more: Any) -> Bad:
    """Return what is a finding for others and an error here."""
    return copies(row, remotes, *says, changes={"backup.strict": True, **more.pop("changes", {})}, **more)


def on_host(row: str, note: str, breaks: Break, *says: str) -> Bad:
    """Return the mistake of one disk, which `breaks` chooses."""
    return Bad(row, {}, ("config photos:backup.remotes.a.path: ", *says), host=breaks, note=note)


def uses(host: FakeHost, folder: Path) -> None:
    """Let the stack file of `host` name `folder` as a second disk."""
    remotes = {"a": disk(str(folder))}
    host.more = {"backup": {"remotes": remotes}, **keys_of(remotes)}


def a_file(host: FakeHost) -> None:
    (host.root / "file").write_text("")
    uses(host, host.root / "file")


def a_mount_point(host: FakeHost) -> None:
    folder = host.add_disk()
    host.mount_points.add(str(folder))
    uses(host, folder)


def of_somebody_else(host: FakeHost) -> None:
    folder = host.add_disk()
    folder.chmod(0o555)  # whoever runs the tests: Debian's first user has the number of the services
    uses(host, folder)


BAD = [
    *(
        backup("B30", {"backup.schedule": value}, "config photos:backup.schedule: ", says, 'e.g. "', note=value)
        for value, says in (
            ("0 3 30 2 *", "never fires within a year"),
            ("0 3 29 2 *", "never fires within a year"),
            ("every night", "is not a cron schedule. Write minute, hour, day"),
            ("@daily", "is not a cron schedule"),
            ("0 3 * * * *", "is not a cron schedule"),
            ("61 3 * * *", "is not a cron schedule"),
            ("R 3 * * *", "is another time whenever it is asked for. Write a fixed one"),
            ("*/5 * * * *", "fires more often than a run lasts. Write at most one time an hour"),
            ("0,30 4 * * *", "fires more often than a run lasts"),
        )
    ),
    backup("B30", {"backup.drill_schedule": "* * * * *"}, "photos:backup.drill_schedule: ", "more often than a run"),
    *(
        backup("B31", {f"backup.keep.{name}": days}, f"photos:backup.keep.{name}: {days} would keep nothing. Write")
        for name in ("all_days", "weekly_days", "monthly_days")
        for days in (0, -3)
    ),
    backup("B31", {"backup.keep": {"all_days": 200}}, "photos:backup.keep: ", "weekly_days must not be below all_days"),
    backup(
        "B31",
        {"backup.schedule": "0 3 * * 0", "backup.keep": {"all_days": 3}},
        "photos:backup: keep.all_days: 3 is less than the 7 days between two runs. Write at least 7",
        note="interval",
    ),
    copies(
        "B31",
        {"a": {**BUCKET, "schedule": "0 3 1 * *"}},
        "photos:backup: remotes.a.keep.all_days: 30 is less than the 31 days between two runs. Write at least 31",
        note="interval of a copy",
    ),
    copies(
        "B31",
        {"a": {**BUCKET, "keep": {"all_days": 365}}},
        "photos:backup: remotes.a.keep: with what backup.keep says, weekly_days are below all_days",
        note="days of a copy",
    ),
    bucket("B31", ".keep.all_days", {"keep": {"all_days": 0}}, "0 would keep nothing. Write a number of days"),
    bucket("B30", ".schedule", {"schedule": "every night"}, "is not a cron schedule. Write minute, hour, day"),
    *(
        bucket("BAK", "", {key: value}, f"{key}: there is no such key any more: ", says, note=key)
        for key, value, says in (
            ("encrypt", False, "every copy is encrypted, and `kind: album` is the one to look at. Take the line out"),
            ("accept_plain", True, "`kind: album` is the one to look at"),
            ("name_encoding", "base64", "every name that a disk holds is backed up. Take the line out"),
            ("transfers", 2, "Write `connections` instead, e.g. `connections: 2`"),
        )
    ),
    *(
        copies(
            "BAK",
            {"a": BUCKET, "b": {"kind": "album", "type": "openlist", "path": "/quark/x", key: value}},
            f"photos:backup.remotes.b: {key}: an album holds no snapshots",
            note=key,
        )
        for key, value in (("keep", {"all_days": 90}), ("verify_days", 7))
    ),
    copies(
        "BAK",
        {"b": {"kind": "album", "type": "openlist", "path": "/quark/x"}},
        "photos:backup: remotes: an album is to look at and no backup",
        "Add a copy of the kind disk, mirror or vault",
    ),
    *(
        backup(
            "BAK",
            {f"backup.{key}": image},
            f"config photos:backup.{key}: {image}: the keeper needs {says} or newer. Write e.g. ",
            note=image,
        )
        for key, image, says in (
            ("restic_image", "restic/restic:0.18.1", "restic 0.19.1"),
            ("restic_image", "mirror.lan:5000/restic/restic:v0.19.0-rc1", "restic 0.19.1"),
            ("restic_image", "restic/restic:0.9", "restic 0.19.1"),
            ("rclone_image", f"rclone/rclone:1.60.1@sha256:{'a' * 64}", "rclone 1.70"),
        )
    ),
    *(
        strict(
            "B32", remotes, f"photos:backup.remotes: there is {have}; 3-2-1-1-0 also needs {lacks}. Add it", note=have
        )
        for remotes, have, lacks in (
            ({"a": BUCKET}, "a (mirror)", "a second copy and one that nobody can delete (kind: vault)"),
            ({"a": VAULT}, "a (vault)", "a second copy"),
            (
                {"a": BUCKET, "b": {**BUCKET, "path": "x"}},
                "a (mirror), b (mirror)",
                "one that nobody can delete (kind: vault)",
            ),
            (
                {"a": disk("/srv/x")},
                "a (disk)",
                "a second copy and one that is not in this house and one that nobody can delete (kind: vault)",
            ),
        )
    ),
    *(
        copies(
            "B33", {"a": one, "b": other}, '"a" and "b" are the same place or one lies', "Give each a place", note=note
        )
        for one, other, note in (
            (BUCKET, {**VAULT, "path": "bucket/photos/"}, "same path"),
            (BUCKET, {**BUCKET, "path": "bucket/photos/deep"}, "inside"),
            (disk("/mnt/x/p"), disk("/mnt/x/p/"), "one folder"),
            (disk("/mnt/x/p"), disk("/mnt/x/p/q"), "folder inside"),
        )
    ),
    on_host(
        "B34",
        "inside the library",
        lambda host: uses(host, host.originals / "backup"),
        "and the library",
        "lie in each other. Write a folder on another disk",
    ),
    on_host(
        "B34",
        "around the library",
        lambda host: uses(host, host.originals.parent),
        "lie in each other. Write a folder on another disk",
    ),
    on_host(
        "BAK",
        "absent",
        lambda host: uses(host, host.root / "x"),
        "does not exist",
        "If its disk is mounted: sudo install -d",
    ),
    on_host(
        "BAK", "not mounted", lambda host: uses(host, Path("/mnt/q/x")), "Is the disk mounted? (mount | grep /mnt/q"
    ),
    on_host("BAK", "a file", a_file, "is a file. Write the folder that holds it"),
    on_host(
        "BAK", "mount point", a_mount_point, "is a mount point, and an absent disk would look", "Use a folder on it"
    ),
    on_host("BAK", "not writable", of_somebody_else, "user 1000 cannot write into", "sudo chown 1000:1000"),
    copies("BAK", {"a": disk("/mnt/a:b")}, "photos:backup.remotes.a: path: ", "is not a plain path"),
    copies("BAK", {"a": disk("D:\\backup")}, "photos:backup.remotes.a: path: ", "In WSL write /mnt/d/backup"),
    bucket("BAK", "", {"kind": "disk"}, "a disk is a folder of this machine, and s3 is not. Write `type: local`"),
    bucket("BAK", ".path", {"path": "/"}, "is not a folder. Write a folder of its own", "e.g. photos-backup"),
    bucket("BAK", ".bandwidth", {"bandwidth": "fast"}, "is not a bandwidth. Write bytes per second, e.g. 2M"),
    bucket("BAK", ".kind", {"kind": "cloud"}, "'disk', 'mirror', 'vault' or 'album' expected"),
    bucket("BAK", "", {"options": {"region": "x\n[y]"}}, "options.region: holds a line break"),
    bucket("BAK", "", {"options": {"secret_access_key": "x"}}, "secret_access_key stands in options, too"),
    bucket(
        "BAK",
        ".secrets.0",
        {"secrets": ["repository_password"]},
        "is not the name of an option",
        "e.g. secret_access_key",
    ),
    backup("BAK", {"backup": {}, A_OPTION: DROP}, "config photos:backup.remotes: required. Write the copies, by name"),
    backup(
        "BAK", {"backup.port": 5244}, "config photos:backup.port: 5244 is used by drive.port already. Choose another"
    ),
    copies(
        "BAK",
        {"a": {"kind": "mirror", "type": "openlist", "path": "/baidu/x"}},
        "config photos:backup.remotes.a.type: openlist is the stack's OpenList",
        "Write `drive: {}` under photos:services",
        changes={"services": {"photoprism": {}}},
        note="no OpenList",
    ),
    *(
        copies(
            "BAK",
            {"a": {"kind": "mirror", "type": "openlist", "path": "/baidu/x", **own}},
            "config photos:backup.remotes.a: ",
            "the stack's own OpenList needs no login here. Leave it out, or for another server write `type: webdav`",
            note=str(own),
        )
        for own in ({"options": {"url": "http://nas/dav"}}, {"options": {"user": "admin"}}, {"secrets": ["pass"]})
    ),
    *(
        copies(
            "B35",
            {name: {**BUCKET, "secrets": []}},
            "photos:backup.remotes: ",
            f'"{name}" cannot name a copy{why}. Write up to 20 small letters and digits, a letter first',
            note=name,
        )
        for name, why in (
            *((name, "") for name in ("Disk", "my-disk", "a_b", "1st", "a" * 21, "")),
            *((name, ": it is the name of a key of the backup") for name in ("alert", "ping")),
        )
    ),
    *(
        bucket("B35", ".type", {"type": value}, f'"{value}"', says, note=value)
        for value, says in (
            ("baidu", "rclone has no such type. Add the drive in OpenList (services.drive) and write `type: openlist`"),
            ("AliyunDrive", "write `type: openlist`"),
            ("115", "write `type: openlist`"),
            ("quark", "write `type: openlist`"),
            ("oss", "Write s3 with `options: {provider: Alibaba"),
            ("one-drive", "Did you mean onedrive?"),
            ("crypt", "wraps another remote. Write the remote itself; what lies there is encrypted anyway"),
            ("memory", "rclone has no such type"),
        )
    ),
    *(
        backup("B36", {key: value}, f"config {key}: ", *says, hides=value, note=note)
        for key, value, note, *says in (
            (A_KEY, "tiny-word", "short", "is too short: 9 characters", "or take it out: ./photos up makes one"),
            (A_KEY, "tab\tinside-and-long", "tab", "is no plain text: it holds a control character"),
            (A_KEY, f"{CANARY}a-secret_access_key", "twin", "is the same as photos:backup_a_secret_access_key", "Take"),
            (A_KEY, f"{CANARY}mariadb_root_password", "root", "is the same as photos:mariadb_root_password"),
        )
    ),
    backup(
        "B36",
        {A_OPTION: DROP},
        f"config {A_OPTION}: missing. Type it here: ./photos config set --secret {A_OPTION} --stack dev",
        note="no option",
    ),
    backup("B36", {A_OPTION: "two\nlines"}, f"config {A_OPTION}: holds a line break", "Run ./photos config set"),
    backup("B36", {A_KEY: DROP}, f"{A_KEY} missing", "Run ./photos setup", note="no key"),
    *(
        backup(
            "BAK",
            {"timezone": "Asia/Nowhere", A_OPTION: value},
            "config photos:timezone: ",
            f"config {A_OPTION}: {says}",
            note=f"a wrong value beside it, {says[:7]}",
        )
        for value, says in ((DROP, "missing. Type it here"), (f"{CANARY}x ", "begins or ends with a space"))
    ),
    backup(
        "B36",
        {},
        f"config {A_KEY}: stored in clear. Choose a new one",
        secret=frozenset({*secret_keys(), A_OPTION, ALERTS}),
        note="in clear",
    ),
    *(
        copies(
            "B36",
            {"a": {**BUCKET, "options": {option: f"{CANARY}in-clear"}, "secrets": []}},
            f"photos:backup: remotes.a.options.{option}: stored in clear. Choose a new one, write `secrets: [{option}]`",
            f"run ./photos config set --secret photos:backup_a_{option}",
            note=option,
        )
        for option in (
            "pass",
            "password",
            "secret_access_key",
            "token",
            "client_secret",
            "key",
            "key_pem",
            "sas_url",
            "bearer_token",
            "headers",
            "api_key",
        )
    ),
    copies(
        "B47",
        {"a": {**BUCKET, "options": {"pass": f"{CANARY}nested"}}},
        "config photos:backup: holds a secret inside a section",
        "the flat key photos:backup_a_pass with",
        secret=frozenset({*secret_keys(), A_KEY, A_OPTION, ALERTS, "photos:backup"}),
        note="in options",
    ),
    backup(
        "B27",
        {"photos:backup_a_secret_acces_key": f"{CANARY}typo"},
        "config photos:backup_a_secret_acces_key: no copy asks for it. Did you mean photos:backup_a_secret_access_key?",
        "./photos config rm photos:backup_a_secret_acces_key",
        note="flat key",
    ),
    strict(
        "B37",
        {"a": BUCKET, "b": {**VAULT, "type": "local", "path": "/srv/x", "options": {}, "secrets": []}},
        "config photos:backup.remotes.b: b is called a vault and lies on this machine",
        note="a vault on this machine",
    ),
    strict(
        "B37",
        {"a": {**BUCKET, "options": {"provider": "Minio", "endpoint": "http://nas.lan:9000"}}},
        "config photos:backup.remotes.a: a is called a mirror, and nas.lan is in this house",
        note="a mirror in the house",
    ),
    *(
        backup(
            "B38",
            {f"backup.gate.{name}": value},
            f"photos:backup.gate.{name}: {value} is not a percentage. Write a whole number from 1 to 50",
            note=str(value),
        )
        for name in ("max_delete_percent", "max_change_percent")
        for value in (0, 51, 0.02, -1, "2%", True)
    ),
    strict(
        "B39",
        {"a": disk("/srv/x"), "b": VAULT},
        "config photos:backup: there is no alert target, a failed backup would stay unnoticed. Run ./photos config set --secret",
        changes={ALERTS: DROP},
        note="none",
    ),
    *(
        backup("B39", {ALERTS: value}, "config photos:backup_alert_urls: address ", *says, hides="hunter2", note=value)
        for value, *says in (
            ("mialto://a:hunter2@b.c", '1 begins with "mialto", which Apprise does not know. Did you mean mailto://?'),
            (
                "mailto://a:hunter2@b.c x:hunter2",
                "2 has no ://, so Apprise cannot know the service. Write e.g. mailto://",
            ),
            (
                "http://hunter2.example.org/x",
                "1 begins with http://. Write https:// where Apprise knows",
                "or jsons://",
            ),
            ("hunter2", "1 has no ://, so Apprise cannot know the service. Write e.g. mailto://"),
            ("json://hunter2.example.org/x", "in clear (json://). Write jsons://"),
            ("ntfy://8.8.8.8/hunter2", "in clear (ntfy://). Write ntfys://"),
        )
    ),
    *(
        backup(
            "B39",
            {"photos:backup_ping_url": address},
            f"config photos:backup_ping_url: {says}",
            "Write it as the watcher shows it, e.g. https://hc-ping.com/6f1d2a4e",
            hides="hunter2",
            note=address,
        )
        for address, says in (
            ("http://hc-ping.com/hunter2", "is not an https address"),
            ("hc-ping.com/hunter2", "is not an address"),
            ("ftp://hc-ping.com/hunter2", "is not an https address"),
            ("https://hc-ping.com:99999/hunter2", "is not an address"),
            ("https://[::1/hunter2", "is not an address"),
            ("https://", "is not an address"),
            ("https://hc-ping.com/hunter2 https://b.org/hunter2", "holds more than one address"),
            ("https://hc-ping.com/hunter2#x", "holds a #, and what follows it is never sent"),
            ("https://hc-ping.com/hunter2/fail", "ends with one outcome, which the keeper adds itself"),
            ("https://hc-ping.com/hunter2/start?create=1", "ends with one outcome"),
            ("https://h.org/11111111-2222-4333-8444-555555555555/0", "ends with one outcome"),
            ("https://cronitor.link/p/hunter2/x?state=complete", "tells the same outcome every time, a failure too"),
            ("https://sentry.io/api/hunter2?status=ok", "tells the same outcome every time, a failure too"),
            (
                "https://kuma.org/api/push/hunter2?status=down&msg=OK&ping=",
                "tells the same outcome every time (status=)",
            ),
        )
    ),
    *(
        copies(
            "BAK",
            {"a": {"kind": "mirror", "type": kind, "path": "x", **own}},
            f"photos:backup.remotes.a: {'secrets' if 'secrets' in own else 'options'}.{option}: names something of this host",
            instead,
            note=option,
        )
        for kind, option, own, instead in (
            ("sftp", "key_file", {"options": {"key_file": "/root/.ssh/id"}}, "Write `secrets: [key_pem]`"),
            ("sftp", "key_file", {"secrets": ["key_file"]}, "Write `secrets: [key_pem]`"),
            ("sftp", "known_hosts_file", {"options": {"known_hosts_file": "~/.ssh/known_hosts"}}, "Write host_keys"),
            ("sftp", "key_use_agent", {"options": {"key_use_agent": "true"}}, "`secrets: [key_pem]`"),
            (
                "drive",
                "service_account_file",
                {"options": {"service_account_file": "/x.json"}},
                "service_account_credentials",
            ),
            (
                "gcs",
                "service_account_file",
                {"options": {"service_account_file": "/x.json"}},
                "service_account_credentials",
            ),
            (
                "box",
                "box_config_file",
                {"options": {"box_config_file": "/x.json"}},
                "Write `secrets: [config_credentials]`",
            ),
            ("azureblob", "client_certificate_path", {"options": {"client_certificate_path": "/x"}}, "[client_secret]"),
            ("smb", "kerberos_ccache", {"options": {"kerberos_ccache": "/tmp/x"}}, "Write user, and `secrets: [pass]`"),
            ("s3", "shared_credentials_file", {"options": {"shared_credentials_file": "/x"}}, "[secret_access_key]"),
            ("webdav", "ca_cert", {"options": {"ca_cert": "/x.pem"}}, "Leave it out"),
            ("webdav", "bearer_token_command", {"options": {"bearer_token_command": "x"}}, "`secrets: [bearer_token]`"),
            ("oos", "config_file", {"options": {"config_file": "~/.oci/config"}}, "write `type: s3`"),
        )
    ),
    *(
        copies(
            "BAK",
            {"a": {"kind": "mirror", "type": kind, "path": "x", **own}},
            f"photos:backup: remotes.a.{place}: rclone's {kind} has no such option. {says}",
            note=place,
        )
        for kind, place, own, says in (
            ("s3", "options.acces_key_id", {"options": {"acces_key_id": "x"}}, "Did you mean access_key_id?"),
            ("webdav", "secrets.password", {"secrets": ["password"]}, "Did you mean pass?"),
            ("sftp", "options.zzz", {"options": {"zzz": "x"}}, "It knows: ask_password, blake3sum_command"),
            ("openlist", "options.region", {"options": {"region": "x"}}, "It knows: auth_redirect"),
        )
    ),
    bucket("BAK", ".options.Access-Key-Id", {"options": {"Access-Key-Id": "x"}}, "e.g. access_key_id", note="dashes"),
    bucket("BAK", "", {"options": {"region": " x"}}, "options.region: holds", "an outer space", note="space"),
    copies(
        "BAK",
        {"a": {"kind": "mirror", "type": "webdav", "path": "x", "options": {"url": f"https://mum:{CANARY}word@nas/"}}},
        "remotes.a.options.url: the address holds a password in clear. Choose a new one",
        note="url",
    ),
    *(
        copies(
            "BAK",
            {"a": {"kind": "mirror", "type": kind, "path": "x", "secrets": [option]}},
            f"config photos:backup_a_{option}: {says}",
            f"Run ./photos config set --secret photos:backup_a_{option} --stack dev once more",
            changes={f"photos:backup_a_{option}": value},
            note=f"{option} {says[:12]}",
        )
        for kind, option, value, says in (
            ("seafile", "library_key", OBSCURED, "looks obscured, as rclone.conf has it"),
            ("netstorage", "secret", f"{CANARY}x ", "begins or ends with a space"),
            ("filen", "api_key", f"{CANARY}\tx", "holds a line break or another control character"),
        )
    ),
    backup("B36", {A_KEY: "x" * 129}, f"config {A_KEY}: is too long: 129 characters. Write 12-128", hides="x" * 20),
    backup("B36", {A_KEY: f"{CANARY}space "}, f"config {A_KEY}: is no plain text", "a space at its begin or end"),
    *(
        bucket("BAK", ".path", {"path": value}, says, "Write a shorter one", note=f"{len(value)} characters")
        for value, says in (
            ("x" * 256, "has 256 bytes"),
            ("照" * 90, "has 270 bytes"),
            ("a/" * 2100 + "b", "4201 bytes"),
        )
    ),
    *(
        backup("BAK", {"backup.mirrors": {key: value}}, f"photos:backup.mirrors.{key}: ", says, note=value)
        for key, value, says in (
            ("apt", "mirrors.ustc.edu.cn", "is not the address of a mirror. Write scheme and host"),
            ("apt", "https://mirrors.ustc.edu.cn/debian", "holds a folder, which sources of apt bring along"),
            ("pip", "https://a b/simple", "is not the address of a mirror"),
        )
    ),
]


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_a_mistake_in_the_backup_is_explained_with_its_remedy_and_nothing_is_declared(bad: Bad, host: FakeHost) -> None:
    bad.is_explained(host)
