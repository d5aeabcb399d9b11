"""The network between several hosts: what is seen of it on each, and how `setup` makes it after asking."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from docker.errors import APIError, DockerException
from example_stack import changed, example, secret_keys, sections

from cli import console, swarm
from stacks.config import StackConfig, parse
from stacks.host import Finding, error
from stacks.host import swarm as checks
from stacks.host.machine import Here
from stacks.preflight import Report

TOKEN = "SWMTKN-1-canary"
ROUTE = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
LAN = "eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
DEFAULT = "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
OURS = "wg0\t0000DE0A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"


class FakeDocker:
    """A Docker and its part in a swarm."""

    def __init__(self, node: str, net: Net) -> None:
        self.node, self.net = node, net
        self.state, self.manages, self.address = "inactive", False, ""
        self.managers: dict[str, str] = {}
        self.swarm = SimpleNamespace(init=self._init, join=self._join, reload=lambda: None, attrs={})
        self.nodes = SimpleNamespace(list=self._nodes)
        self.off = False

    def connect(self, _: int) -> FakeDocker:
        if self.off:
            raise DockerException
        return self

    def close(self) -> None:
        """Say goodbye."""

    def info(self) -> dict[str, Any]:
        managers = [{"NodeID": node, "Addr": address} for node, address in self.managers.items()]
        return {
            "Swarm": {
                "LocalNodeState": self.state, "ControlAvailable": self.manages, "NodeID": self.node if managers else "",
                "NodeAddr": self.address, "RemoteManagers": managers or None,
            }
        }  # fmt: skip

    def _init(self, *, advertise_addr: str, default_addr_pool: list[str]) -> None:
        self.net.pools += default_addr_pool
        self.be("active", manages=True, address=advertise_addr, managers={self.node: f"{advertise_addr}:2377"})
        self.swarm.attrs = {"JoinTokens": {"Worker": TOKEN, "Manager": "another"}}

    def _join(self, remote_addrs: list[str], *, join_token: str, advertise_addr: str) -> None:
        assert join_token == TOKEN
        if self.net.refuses:
            raise APIError("500", explanation="Timeout was reached before node joined.")
        manager = next(each for each in self.net.hosts.values() if [f"{each.address}:2377"] == remote_addrs)
        self.be("active", address=advertise_addr, managers=dict(manager.managers))

    def be(
        self, state: str, *, manages: bool = False, address: str = "", managers: dict[str, str] | None = None
    ) -> None:
        self.state, self.manages, self.address, self.managers = state, manages, address, managers or {}

    def _nodes(self) -> list[SimpleNamespace]:
        heard = [each for each in self.net.hosts.values() if each.state == "active" and not self.net.deaf]
        return [SimpleNamespace(id=each.node, attrs={"Status": {"State": "ready"}}) for each in heard]


class Net:
    """Two hosts of one stack file."""

    def __init__(self) -> None:
        self.hosts = {"nas": FakeDocker("N", self), "gpu": FakeDocker("G", self)}
        self.pools: list[str] = []
        self.refuses = self.deaf = False
        self.written: dict[str, Any] = {
            "nas": {"address": "192.168.1.10"},
            "gpu": {"docker": "ssh://photos@gpu.lan", "address": "192.168.1.20"},
        }

    @property
    def config(self) -> StackConfig:
        values = changed(example("home"), {"hosts": self.written})
        keys = {key.removeprefix("photos:") for key in secret_keys(values)}
        return parse("home", sections(values), secret_keys=keys)

    def found(self) -> list[Finding]:
        return list(checks.check_swarm(self.config))

    def report(self, *more: Finding) -> Report:
        return Report(self.config, [*self.found(), *more])

    def join_all(self) -> None:
        self.hosts["nas"].be("active", manages=True, address="192.168.1.10", managers={"N": "192.168.1.10:2377"})
        self.hosts["nas"].swarm.attrs = {"JoinTokens": {"Worker": TOKEN}}
        self.hosts["gpu"].be("active", address="192.168.1.20", managers={"N": "192.168.1.10:2377"})


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Net:
    made = Net()
    for module in (checks, swarm):
        monkeypatch.setattr(module, "endpoints", lambda _: made.hosts)
    routes = tmp_path / "route"
    routes.write_text(ROUTE + DEFAULT + LAN)
    monkeypatch.setattr(checks, "ROUTES", str(routes))
    monkeypatch.setattr(swarm, "machine_of", lambda *_: Here())
    monkeypatch.setattr(swarm, "SECONDS_TO_SETTLE", 0)
    return made


@pytest.fixture
def agreeing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console.Unattended, "yes", True)


def codes(findings: list[Finding]) -> dict[str, str]:
    """Return check → code of the finding, or what is said where nothing is wrong."""
    return {str(each.check): getattr(each.text, "code", str(each.text)) for each in findings}


def test_hosts_in_one_swarm_are_told_by_their_addresses(net: Net) -> None:
    net.join_all()

    assert codes(net.found()) == {"swarm (nas)": "192.168.1.10", "swarm (gpu)": "192.168.1.20"}
    assert {finding.level for finding in net.found()} == {"ok"}


Change = Callable[[Net], object]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda net: net.hosts["nas"].be("inactive"), {"nas": "swarm_none", "gpu": "swarm_other"}),
        (lambda net: net.hosts["gpu"].be("inactive"), {"gpu": "swarm_outside"}),
        (lambda net: net.hosts["gpu"].be("active", managers={"X": "192.168.1.99:2377"}), {"gpu": "swarm_other"}),
        (
            lambda net: net.hosts["gpu"].be("active", manages=True, managers={"G": "192.168.1.20:2377"}),
            {"gpu": "swarm_other"},
        ),
        (
            lambda net: net.hosts["nas"].be("active", managers={"X": "192.168.1.99:2377"}),
            {"nas": "swarm_manager_is_worker"},
        ),
        (
            lambda net: net.hosts["nas"].be("active", manages=True, managers={"N": "a", "G": "b"}),
            {"nas": "swarm_managers"},
        ),
        (lambda net: net.hosts["gpu"].be("pending"), {"gpu": "swarm_ill"}),
        (lambda net: net.hosts["nas"].be("locked"), {"nas": "swarm_ill", "gpu": "swarm_other"}),
    ],
)
def test_what_is_wrong_with_a_host_is_one_line(net: Net, change: Change, expected: dict[str, str]) -> None:
    net.join_all()
    change(net)
    wrong = [finding for finding in net.found() if finding.level == "error"]

    assert codes(wrong) == {f"swarm ({host})": code for host, code in expected.items()}
    assert all(finding.fix for finding in wrong)


def test_an_address_that_the_swarm_does_not_have_is_a_warning(net: Net) -> None:
    net.join_all()
    net.written["gpu"]["address"] = "192.168.1.21"
    (found,) = [finding for finding in net.found() if finding.level == "warning"]

    assert "192.168.1.21" in str(found)
    assert "192.168.1.20" in str(found)


def test_a_host_whose_address_is_not_known_has_to_be_given_one(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    del net.written["gpu"]["address"]
    monkeypatch.setattr(checks, "lan_addresses", lambda _: ("192.168.1.20", "192.168.2.20"))
    assert codes(net.found())["config photos:hosts.gpu.address"] == "swarm_no_address"
    monkeypatch.setattr(checks, "lan_addresses", lambda _: ("192.168.1.20",))
    assert codes(net.found())["swarm (gpu)"] == "swarm_outside"
    net.written["gpu"]["docker"] = "unix:///run/gpu.sock"
    assert "config photos:hosts.gpu.address" in codes(net.found()), "whose machine is behind a socket is not known"


def test_a_host_that_is_off_is_told_by_others(net: Net) -> None:
    net.join_all()
    net.hosts["gpu"].off = True
    assert codes(net.found()) == {"swarm (nas)": "192.168.1.10"}
    net.hosts["nas"].off = True
    assert net.found() == []


@pytest.mark.usefixtures("agreeing")
def test_it_is_made_joined_and_told(net: Net, capsys: pytest.CaptureFixture[str]) -> None:
    assert swarm.offered(net.report())
    said = capsys.readouterr()

    assert [finding.level for finding in net.found()] == ["ok", "ok"]
    assert (net.hosts["nas"].manages, net.hosts["gpu"].manages) == (True, False)
    assert net.pools == ["10.222.0.0/16"]
    for port in ("2377/tcp", "7946/udp", "4789/udp", "nas (192.168.1.10)", "gpu (192.168.1.20)"):
        assert port in said.out
    assert TOKEN not in said.out + said.err
    assert not swarm.offered(net.report()), "nothing is missing any more"


@pytest.mark.usefixtures("agreeing")
def test_a_host_that_comes_later_joins_the_swarm_that_is_there(net: Net) -> None:
    net.join_all()
    net.hosts["gpu"].be("inactive")

    assert swarm.offered(net.report())
    assert net.pools == []
    assert [finding.level for finding in net.found()] == ["ok", "ok"]


@pytest.mark.usefixtures("agreeing")
def test_its_networks_are_where_nothing_leads_to(net: Net, tmp_path: Path) -> None:
    (tmp_path / "route").write_text(ROUTE + DEFAULT + LAN + OURS)
    swarm.offered(net.report())

    assert net.pools == ["10.223.0.0/16"]


@pytest.mark.usefixtures("net")
def test_an_address_without_a_route_is_left_out_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Here, "addresses", lambda _: {"wg0": ["10.222.0.7"], "eth0": ["fd12::5", "00:16:3e:00:00:01"]})

    assert checks.free_pool([Here()]) == "10.223.0.0/16"


def test_nothing_is_made_where_nobody_agrees_or_more_is_wrong(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(swarm, "confirm", lambda question: asked.append(str(question)))
    assert not swarm.offered(net.report(error("library", "is not there")))
    assert asked == []
    assert not swarm.offered(Report(None, [error("config", "wrong")]))
    assert not swarm.offered(net.report())

    assert len(asked) == 1
    assert (net.hosts["nas"].state, net.hosts["gpu"].state) == ("inactive", "inactive")


@pytest.mark.usefixtures("agreeing")
def test_a_swarm_of_somebody_else_is_never_left(net: Net) -> None:
    net.hosts["gpu"].be("active", managers={"X": "192.168.1.99:2377"})

    assert not swarm.offered(net.report())
    assert net.hosts["nas"].state == "inactive"


@pytest.mark.usefixtures("agreeing")
def test_a_host_that_cannot_join_ends_with_the_ports(net: Net, capsys: pytest.CaptureFixture[str]) -> None:
    net.refuses = True
    with pytest.raises(typer.Exit):
        swarm.offered(net.report())
    said = capsys.readouterr()
    assert "gpu is not in the swarm: Timeout was reached" in said.err
    assert "4789/udp" in said.err

    net.refuses = False
    assert swarm.offered(net.report()), "the next run goes on with it"


@pytest.mark.usefixtures("agreeing")
def test_a_host_that_the_manager_does_not_hear_is_told(net: Net, capsys: pytest.CaptureFixture[str]) -> None:
    net.deaf = True

    assert swarm.offered(net.report())
    assert "does not hear of gpu" in capsys.readouterr().err


def test_a_destroy_says_that_the_swarm_stays(net: Net, capsys: pytest.CaptureFixture[str]) -> None:
    swarm.stays(net.config)
    assert "docker swarm leave" in capsys.readouterr().out
    values = example("home")
    keys = {key.removeprefix("photos:") for key in secret_keys(values)}
    swarm.stays(parse("home", sections(values), secret_keys=keys))
    assert capsys.readouterr().out == "", "one host has none"
