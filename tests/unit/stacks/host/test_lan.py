"""What `lan` means on a machine, several addresses of one port, and addresses that come late."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from example_stack import changed, declare_stack, example, role
from fake_host import FakeHost

from components.container import PublishedPort
from components.service import _in_dockers_order
from components.services.photoprism import PhotoPrismConfig
from stacks import config as stack_file
from stacks.config import StackConfig
from stacks.host import docker as docker_checks
from stacks.host import lan, late_addresses, wsl
from stacks.host.machine import HERE
from stacks.preflight import Report, look
from stacks.problems import ConfigError
from stacks.recording import config_text, plain

BIND = "services.photoprism.bind"


@pytest.fixture
def nics(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, list[str]]:
    """A machine whose interfaces a test fills in."""
    found: dict[str, list[str]] = {"lo": ["127.0.0.1", "::1"]}
    monkeypatch.setattr(
        psutil,
        "net_if_addrs",
        lambda: {name: [SimpleNamespace(address=address) for address in some] for name, some in found.items()},
    )
    monkeypatch.setattr(wsl, "in_wsl", lambda _: False)
    monkeypatch.setattr(lan, "IPV6_ADDRESSES", tmp_path / "if_inet6")
    return found


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ({"eth0": ["192.168.1.5", "fd12::5", "fe80::1%eth0", "00:16:3e:00:00:01"]}, ["192.168.1.5"]),
        ({"wlan0": ["192.168.1.20"], "enp3s0": ["10.0.0.7"]}, ["10.0.0.7", "192.168.1.20"]),
        ({"br-lan": ["192.168.1.1"], "br-0123456789ab": ["172.18.0.1"], "docker0": ["172.17.0.1"]}, ["192.168.1.1"]),
        (
            {"eth0": ["93.184.216.34"], "wg0": ["10.8.0.2"], "tailscale0": ["100.64.0.3"], "virbr0": ["192.168.122.1"]},
            [],
        ),
        ({"eth0": ["169.254.3.4"]}, []),
        ({"eth0": ["fd12::5", "2606:4700::5", "fe80::1%eth0"]}, ["fd12::5"]),
        ({}, []),
    ],
)
def test_it_means_the_private_addresses_of_cards_and_not_of_containers_or_vpns(
    nics: dict[str, list[str]], there: dict[str, list[str]], expected: list[str]
) -> None:
    nics.update(there)

    assert list(lan.lan_addresses(HERE)) == expected


def test_an_address_of_ipv6_that_is_another_one_tomorrow_is_left_out(
    nics: dict[str, list[str]], tmp_path: Path
) -> None:
    nics["eth0"] = ["fd12::5", "fd12::99"]
    rows = ["fd120000000000000000000000000005 02 40 00 80 eth0", "fd120000000000000000000000000099 02 40 00 01 eth0"]
    (tmp_path / "if_inet6").write_text("\n".join(rows) + "\n")

    assert lan.lan_addresses(HERE) == ("fd12::5",)


@pytest.mark.parametrize(("mirrored", "expected"), [(False, ()), (True, ("192.168.1.5",))])
def test_a_wsl_behind_windows_has_none(
    nics: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch, mirrored: bool, expected: tuple[str, ...]
) -> None:
    monkeypatch.setattr(wsl, "in_wsl", lambda _: True)
    nics["eth0"] = ["192.168.1.5"]
    nics |= {"loopback0": []} if mirrored else {}

    assert lan.lan_addresses(HERE) == expected


def parsed(bind: Any, more: dict[str, Any] | None = None) -> StackConfig:
    values = config_text(changed(example("dev"), {BIND: bind, **(more or {})}))
    plain_keys = {key.removeprefix("photos:"): value for key, value in values.items() if key.startswith("photos:")}
    secrets = {key for key in plain_keys if "canary" in plain_keys[key]}
    return stack_file.parse("dev", plain_keys, secret_keys=secrets, dry_run=True)


def bound(config: StackConfig) -> PhotoPrismConfig:
    album = config.settings.enabled()["photoprism"]
    assert isinstance(album, PhotoPrismConfig)
    return album


@pytest.mark.parametrize(
    ("bind", "addresses", "url"),
    [
        ("lan", ("127.0.0.1", "192.168.1.5"), "http://192.168.1.5:12343/"),
        (["lan", "100.64.0.3"], ("127.0.0.1", "192.168.1.5", "100.64.0.3"), "http://192.168.1.5:12343/"),
        ("192.168.1.7", ("192.168.1.7",), "http://192.168.1.7:12343/"),
        (["fd12:0::5", "127.0.0.1"], ("fd12::5", "127.0.0.1"), "http://[fd12::5]:12343/"),
        ("::1", ("::1",), "http://localhost:12343/"),
        ("127.0.0.1", ("127.0.0.1",), "http://localhost:12343/"),
    ],
)
def test_the_album_answers_where_the_stack_file_says_and_its_address_is_the_one_of_the_lan(
    nics: dict[str, list[str]], bind: Any, addresses: tuple[str, ...], url: str
) -> None:
    nics["eth0"] = ["192.168.1.5"]
    config = parsed(bind)

    assert bound(config).bind == addresses
    assert bound(config).url == url


def test_on_another_day_it_is_another_address(nics: dict[str, list[str]]) -> None:
    nics["eth0"] = ["192.168.1.5"]
    before = bound(parsed("lan")).bind
    nics["eth0"] = ["192.168.1.9"]

    assert (before, bound(parsed("lan")).bind) == (("127.0.0.1", "192.168.1.5"), ("127.0.0.1", "192.168.1.9"))


@pytest.mark.usefixtures("nics")
def test_without_a_lan_the_word_stays_and_the_checks_say_so() -> None:
    config = parsed("lan")

    assert bound(config).bind == ("lan",)
    assert bound(config).url == "http://localhost:12343/"
    assert "this machine has no private address in a LAN now" in str(docker_checks._not_here("x", "lan", HERE))


def report(host: FakeHost, bind: Any) -> Report:
    host.more[BIND] = bind
    error, _ = host.run()
    assert "no resource was created" not in error, error
    return look(lambda: parsed(bind))


@pytest.mark.parametrize(
    ("bind", "switches", "named"),
    [
        ("192.168.1.5", {}, "192.168.1.5"),
        (["127.0.0.1", "192.168.1.5"], {4: "1\n"}, None),
        ("192.168.1.5", {4: "0\n", 6: "1\n"}, "192.168.1.5"),
        ("127.0.0.1", {}, None),
    ],
)
def test_an_address_that_may_come_late_is_named_until_linux_waits_for_it(
    host: FakeHost, bind: Any, switches: dict[int, str], named: str | None
) -> None:
    for version, text in switches.items():
        Path(late_addresses.SWITCHES[version]).write_text(text)
    found = [str(each.text) for each in report(host, bind).warnings if each.check == late_addresses.CHECK]

    assert [text.split(" comes late")[0] for text in found] == ([f"where {named}"] if named else [])


def test_an_address_that_is_not_here_stops_up_unless_linux_waits_for_it(host: FakeHost) -> None:
    host.more[BIND] = "192.168.1.77"
    assert "192.168.1.77 is not an address of this machine" in host.run()[0]

    Path(late_addresses.SWITCHES[4]).write_text("1\n")
    assert host.run()[0] == ""
    assert "this machine does not have 192.168.1.77 now" in str(report(host, "192.168.1.77").warnings[0])


def album_ports(bind: list[str], published: dict[str, Any]) -> Iterator[str]:
    config = changed(example("dev"), {BIND: bind})
    with pytest.MonkeyPatch.context() as patch:
        whole = stack_file.parse
        patch.setattr(stack_file, "parse", lambda *a, **k: _with(whole(*a, **k), published))
        recorder = declare_stack(config, "dev")
    (album,) = [plain(item.inputs) for item in recorder.of_type("Container") if role(item) == "photoprism"]
    return (port["ip"] for port in album["ports"])


def _with(config: StackConfig, published: dict[str, Any]) -> StackConfig:
    from dataclasses import replace  # noqa: PLC0415

    return replace(config, published=published)


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ([], ["127.0.0.1", "192.168.1.5", "fd12::5"]),
        (["fd12::5", "192.168.1.5", "127.0.0.1"], ["fd12::5", "192.168.1.5", "127.0.0.1"]),
        (["192.168.1.5"], ["192.168.1.5", "127.0.0.1", "fd12::5"]),
        (["10.9.9.9", "127.0.0.1"], ["127.0.0.1", "192.168.1.5", "fd12::5"]),
    ],
)
def test_ports_are_declared_in_the_order_in_which_docker_shows_them(there: list[str], expected: list[str]) -> None:
    """Otherwise each `up` would replace the album: seen with the real provider, tests/engine/test_addresses.py."""
    published = {"photos-dev-photoprism": [(2342, "tcp", address) for address in there]}

    assert list(album_ports(["127.0.0.1", "192.168.1.5", "fd12::5"], published)) == expected


def test_what_is_right_in_a_file_with_mistakes_is_looked_at_with_its_addresses(nics: dict[str, list[str]]) -> None:
    nics["eth0"] = ["192.168.1.5"]
    with pytest.raises(ConfigError) as caught:
        parsed("lan", {"database.image": "mariadb"})

    assert bound(caught.value.rest).bind == ("127.0.0.1", "192.168.1.5")


def test_of_several_ports_the_smaller_number_comes_first_whatever_its_digits_say() -> None:
    """The provider sorts so; Docker's own keys are texts, in which 22000 comes before 8384."""
    ports = [PublishedPort(internal=n, external=n, ip=ip) for n in (22000, 8384) for ip in ("127.0.0.1", "10.0.0.5")]
    published = [
        (22000, "tcp", "10.0.0.5"),
        (22000, "tcp", "127.0.0.1"),
        (8384, "tcp", "10.0.0.5"),
        (8384, "tcp", "127.0.0.1"),
    ]

    found = [(port.internal, port.ip) for port in _in_dockers_order(ports, published)]
    assert found == [(8384, "10.0.0.5"), (8384, "127.0.0.1"), (22000, "10.0.0.5"), (22000, "127.0.0.1")]
    assert _in_dockers_order(ports, []) == ports
