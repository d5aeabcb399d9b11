"""A second disk that is the same disk, a copy elsewhere that is at home, two copies in one account: told, and not believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from example_stack import canary, container, uploads
from fake_host import FakeHost

from keeper.settings import Settings
from stacks.sections.backup.copies import RemoteConfig
from stacks.sections.backup.nearness import account_of, host_of, is_at_home, servers
from stacks.sections.backup.secrets import OWN_KEYS, secret_key


def disk(folder: Path) -> dict[str, Any]:
    return {"kind": "disk", "type": "local", "path": str(folder)}


def bucket(**options: str) -> dict[str, Any]:
    return {"kind": "mirror", "type": "s3", "path": "bucket/x", "options": {"provider": "Other", **options}}


def use(host: FakeHost, remotes: dict[str, Any], **more: Any) -> None:
    options = [(name, option) for name in remotes for option in (*OWN_KEYS, *remotes[name].get("secrets", []))]
    keys = {f"photos:{secret_key(*pair)}": canary("-".join(pair)) for pair in options}
    host.more = {"backup": {"remotes": remotes, **more}, **keys}


@pytest.fixture
def warned(host: FakeHost) -> list[str]:
    seen: list[str] = []
    host.monkeypatch.setattr("pulumi.log.warn", seen.append)
    return seen


def a_folder_beside_the_library(host: FakeHost) -> Path:
    return host.make_folder(host.root / "bak", marker=None)


def a_folder_beside_docker(host: FakeHost) -> Path:
    host.second_disks.append(host.root / "system")
    return host.make_folder(host.root / "system" / "photos", marker=None)


@pytest.mark.parametrize(
    ("folder", "code", "says"),
    [
        (a_folder_beside_the_library, "disk_of_the_library", "is on the same disk as the library"),
        (
            a_folder_beside_docker,
            "disk_of_docker",
            "is on the same disk as /var/lib/docker, where the album's database",
        ),
    ],
)
def test_a_second_disk_that_is_none_is_a_finding_here_and_on_the_page(
    host: FakeHost, warned: list[str], folder: Any, code: str, says: str
) -> None:
    use(host, {"a": disk(folder(host))})

    text, recorder = host.run()

    assert text == "", "it stops nothing"
    assert [line for line in warned if says in line and "Use a folder on a second disk" in line]
    settings = Settings.model_validate_json(uploads(recorder, "keeper")["/etc/keeper/keeper.json"])
    assert f"finding.{code}" in [problem.code for problem in settings.findings]
    assert container(recorder, "keeper")


@pytest.mark.parametrize("folder", [a_folder_beside_the_library, a_folder_beside_docker])
def test_strict_makes_it_an_error(host: FakeHost, folder: Any) -> None:
    use(host, {"a": disk(folder(host))}, strict=True)

    text, recorder = host.run()

    assert "backup: " in text
    assert "is on the same disk as" in text
    assert recorder.resources == []


def test_a_disk_of_its_own_is_what_it_is_called(host: FakeHost, warned: list[str]) -> None:
    use(host, {"a": disk(host.add_disk())})
    host.run()

    assert not [line for line in warned if "same disk" in line]


def test_an_album_may_lie_where_it_likes(host: FakeHost, warned: list[str]) -> None:
    album = {**disk(a_folder_beside_the_library(host)), "kind": "album"}
    use(host, {"a": disk(host.add_disk()), "look": album})
    host.run()

    assert not [line for line in warned if "same disk" in line]
    assert [line for line in warned if "there is a (disk); 3-2-1-1-0 also needs a second copy" in line], (
        "it counts for none"
    )


def test_a_name_that_leads_into_this_house_is_a_finding_and_a_silent_name_server_is_none(
    host: FakeHost, warned: list[str]
) -> None:
    host.names = {"backup.example.org": ["192.168.1.9"], "far.example.org": ["192.168.1.9", "93.184.216.34"]}
    endpoints = {"a": "https://backup.example.org", "b": "far.example.org", "c": "silent.example.org"}
    use(host, {name: bucket(endpoint=address) for name, address in endpoints.items()})
    host.run()

    assert [line.split(":")[1].strip()[:1] for line in warned if "in this house: fire" in line] == ["a"]


@pytest.mark.parametrize(
    ("address", "at_home"),
    [
        ("https://192.168.1.5:5006/dav", True),
        ("nas", True),
        ("nas.local", True),
        ("http://box.lan:9000", True),
        ("[fd12::5]:22", True),
        ("127.0.0.1:9000", True),
        ("[fe80::1%eth0]:22", True),
        ("oss-cn-hangzhou.aliyuncs.com", False),
        ("https://93.184.216.34/", False),
        ("100.100.1.5", False),
        ("", False),
        ("http://[", False),
    ],
)
def test_what_stands_in_this_house_is_known_by_its_name(address: str, at_home: bool) -> None:
    assert is_at_home(host_of(address)) is at_home


def test_the_servers_of_a_copy_are_those_that_its_options_name() -> None:
    dav = RemoteConfig.model_validate(
        {"kind": "mirror", "type": "webdav", "path": "x", "options": {"url": "http://nas/d"}}
    )

    assert servers(dav) == ["nas"]


def account(name: str, values: dict[str, str], **remote: Any) -> tuple[str, ...] | None:
    config = RemoteConfig.model_validate({"kind": "mirror", "type": "s3", "path": "x", **remote})
    return account_of(name, config, values)


def test_one_account_is_known_by_its_login_whatever_else_differs() -> None:
    one = account("a", {}, options={"provider": "Minio", "access_key_id": "mum", "region": "x"})
    same = account("b", {}, options={"provider": "Minio", "access_key_id": "mum"}, secrets=["secret_access_key"])
    other = account("b", {}, options={"provider": "Minio", "access_key_id": "dad"})

    assert one == same != other


def test_a_login_that_is_a_secret_tells_accounts_apart_where_it_is_known() -> None:
    values = {"backup_a_token": "t1", "backup_b_token": "t1", "backup_c_token": "t2"}
    a, b, c, unknown = (
        account(name, known, type="onedrive", secrets=["token"])
        for name, known in (("a", values), ("b", values), ("c", values), ("d", {}))
    )

    assert a == b != c
    assert unknown is None


def test_each_drive_of_openlist_is_an_account() -> None:
    a, b, c = (account("a", {}, type="openlist", path=path) for path in ("/baidu/x", "baidu/y", "/quark/x"))

    assert a == b != c
