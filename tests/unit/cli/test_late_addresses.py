"""The setting that lets containers start before their address is there: asked for, and a no is one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli import late_addresses, stack_config
from cli.moved import moved
from stacks.host import Finding, error, warning
from stacks.host.late_addresses import CHECK
from stacks.preflight import Report


@pytest.mark.parametrize("agrees", [True, False])
@pytest.mark.parametrize(
    ("findings", "asks"),
    [
        ([warning(CHECK, "late")], True),
        ([error(CHECK, "late")], False),
        ([warning(CHECK, "late"), error("docker", "x")], False),
        ([warning("memory", "tight")], False),
    ],
)
def test_it_is_set_where_it_helps_and_somebody_agrees(
    monkeypatch: pytest.MonkeyPatch, findings: list[Finding], *, asks: bool, agrees: bool
) -> None:
    did: list[str] = []
    questions: list[str] = []

    def answer(question: object) -> bool:
        questions.append(str(question))
        return agrees

    monkeypatch.setattr(late_addresses, "confirm", answer)
    monkeypatch.setattr(late_addresses, "as_root", lambda *words: did.append(" ".join(words)))
    monkeypatch.setattr(late_addresses, "install", lambda file, content, mode: did.append(f"{file} {mode} {content}"))

    assert late_addresses.offered(Report(None, findings)) is (asks and agrees)
    assert bool(questions) is asks
    assert ["\nnet.ipv4.ip_nonlocal_bind = 1\n" in words for words in did] == ([True, False] if asks and agrees else [])


def state(*bindings: tuple[str, int]) -> Any:
    ports = {"2342/tcp": [{"HostIp": ip, "HostPort": str(port)} for ip, port in bindings], "9/udp": None}
    return SimpleNamespace(name="photoprism", container=SimpleNamespace(attrs={"HostConfig": {"PortBindings": ports}}))


@pytest.mark.parametrize(
    ("bindings", "told"),
    [
        ([("127.0.0.1", 12343)], []),
        ([("192.168.1.5", 12343)], ["photoprism does not answer on 127.0.0.1"]),
        ([("192.168.1.5", 12343), ("127.0.0.1", 12343)], []),
        ([("192.168.1.5", 4)], []),
        ([], []),
    ],
)
def test_a_service_that_answers_elsewhere_is_named(
    checkout: Any, bindings: list[tuple[str, int]], told: list[str]
) -> None:
    checkout.write(None)
    found = [str(each) for each in moved([state(*bindings)], stack_config.offline("dev"))]

    assert [text.split(",")[0] for text in found] == told
    assert Path(checkout.file).exists()
