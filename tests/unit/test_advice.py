"""What a message says to write is taken: each "Write X", "e.g. X" and "Did you mean X?" is tried."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, TypeAdapter, ValidationError

from components import fields, schedules
from components.services import photoprism
from stacks import stack_name
from stacks.sections.backup import copies, mirrors
from stacks.sections.backup.alerts import alert_problem, ping_problem
from stacks.sections.publish import fields as publish_fields

ODD = (
    "", " ", "x", "X", "Home", "a b", "相册", "Mum's birthday", "/", "C:\\Photos", "\\\\nas\\x", "~x", "../x", "/etc", "/mnt",
    "x" * 300, "/srv/" + "长" * 100, "/" + "/".join(["y" * 200] * 30), "yes", "0", "12:30", "2024-01-01", "http://nas/x?y#z",
    "https://Album.Family.org:443/x", "my_album.family.org", "@Example.org", "mum@gmail.com", "*.org", "localhost", "::1",
    "fd12:3456::5", "8.8.8.8", "0.0.0.0",  # noqa: S104
    "192.168.1.5/24", "192.168.1.5:80", "::ffff:10.0.0.1", "4G", "4gb", "4 g", "1.5g",
    "mariadb", "mariadb:latest", "Maria:1", "Peking", "Asia/Peking", "zh-CN", "EN", "0 3 * * 7", "0 0 3 * * *", "@daily",
    "@every 3d", "0 3 30 2 *", "* * * * *", "every night", "F174E90A-FAFE-4643-BBBC-4A0ED4FC8415", "AB" * 16, "g" * 32,
    "1000h", "24", "My-Family.cloudflareaccess.com", "My Laptop", "dav", "^dav", "^/(", "^/(?!x)", "one-drive", "oss",
    "baidu", "crypt", "fast", "2Mbit", "Access-Key-Id", "repository_password", "type", "/dev/../etc", "ftp://x", "mirrors.ustc.edu.cn",
)  # fmt: skip
TYPES: dict[str, Any] = {
    "path": fields.HostPath,
    "image": fields.Image,
    "time zone": fields.TimeZone,
    "memory": fields.Memory,
    "bind": fields.BindAddresses,
    "sync_bind": fields.AnyAddress,
    "site_url": fields.SiteUrl,
    "registry": fields.Registry,
    "index_schedule": fields.IndexSchedule,
    "hostname": publish_fields.HostnameText,
    "account": publish_fields.HexId,
    "id": publish_fields.ObjectId,
    "session": publish_fields.Session,
    "email": publish_fields.MailAddress,
    "email domain": publish_fields.MailDomain,
    "team": publish_fields.Team,
    "path of a name": publish_fields.PathPattern,
    "token": publish_fields.TokenName,
    "cron": schedules.Cron,
    "type": Annotated[str, AfterValidator(copies._type)],
    "folder of a copy": Annotated[str, AfterValidator(copies._remote_path)],
    "bandwidth": Annotated[str, AfterValidator(copies._bandwidth)],
    "option": Annotated[str, AfterValidator(copies._option_name)],
    "mirror": mirrors.Mirror,
    "locale": Annotated[str, AfterValidator(photoprism._locale)],
    "device": Annotated[str, AfterValidator(photoprism._device)],
}
VALUE = r"""("[^"]*"|`[^`]*`|[^\s,;?]+)"""
# What follows these words is a value when it is quoted, stands behind "e.g.", or looks like no word of a sentence.
ADVICE = re.compile(rf"(?:e\.g\.|Did you mean|in WSL write) {VALUE}(?: or {VALUE})?")
BARE = re.compile(r"Write (?!e\.g\.)([0-9a-z:./*-]*[0-9.:/-][0-9a-z:./-]*)(?=[,.]? |$)")


def advised(message: str) -> Iterator[str]:
    for found in (*ADVICE.finditer(message), *BARE.finditer(message)):
        for value in filter(None, found.groups()):
            yield value.strip('"`').rstrip(".")


@pytest.mark.parametrize("name", TYPES)
def test_what_is_advised_is_taken(name: str) -> None:
    kind = TypeAdapter(TYPES[name])
    tried = 0
    for odd in ODD:
        try:
            kind.validate_python(odd)
        except ValidationError as error:
            message = error.errors()[0]["msg"]
        else:
            continue
        assert re.search(r"\b([Ww]rite|Did you mean|Give|Use|Leave|Begin|Copy|Choose)\b", message), message
        for value in advised(message):
            tried += 1
            kind.validate_python(value)

    assert tried, "or nothing was tried"


@pytest.mark.parametrize("name", [odd for odd in ODD if stack_name.stack_name_problem(odd)])
def test_the_name_that_is_advised_for_a_stack_can_be_used(name: str) -> None:
    reason = stack_name.stack_name_problem(name)

    assert reason
    assert [stack_name.stack_name_problem(advice) for advice in advised(str(reason))] == [None]


@pytest.mark.parametrize("address", [odd for odd in ODD if odd.strip() and alert_problem(odd)])
def test_alert_addresses_of_the_advised_kinds_are_taken(address: str) -> None:
    reason = str(alert_problem(address) or "")

    schemes = re.findall(r"([a-z]+)://", reason.rpartition("Write")[2] or reason)
    assert schemes
    assert all(alert_problem(f"{scheme}://user:word@example.org/x") is None for scheme in schemes if scheme != "json")


def test_the_sample_of_a_ping_address_is_one() -> None:
    assert ping_problem("https://hc-ping.com/6f1d2a4e-0c3b-4a8e-9f57-2b1c8d7e6a90") is None
    assert ping_problem("https://kuma.example.org/api/push/abc?status=up&msg=OK&ping=") is None
    assert ping_problem("https://hc-ping.com/6f1d2a4e-0c3b-4a8e-9f57-2b1c8d7e6a90?create=1") is None
    assert ping_problem("http://192.168.1.5:3001/api/push/abc") is None
