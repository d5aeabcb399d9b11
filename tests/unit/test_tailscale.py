"""Tailscale: the key is a file, the machine needs nothing of the host, and only the album is behind it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from example_stack import CANARY, changed, container, declare_stack, example, role

KEY = f"tskey-auth-{CANARY}"


def declared(section: dict[str, Any] | None = None) -> Any:
    return declare_stack(
        changed(example("dev"), {"services.tailscale": section or {}, "photos:tailscale_auth_key": KEY}), "dev"
    )


def machine(section: dict[str, Any] | None = None) -> dict[str, Any]:
    return container(declared(section), "tailscale")


def variables(section: dict[str, Any] | None = None) -> dict[str, str]:
    return dict(item.split("=", 1) for item in machine(section)["envs"])


def file(inputs: dict[str, Any], path: str) -> str:
    (content,) = [upload["content"] for upload in inputs["uploads"] if upload["file"] == path]
    return str(content)


def test_the_key_is_in_a_file_that_the_program_is_pointed_at() -> None:
    inputs = machine()

    assert file(inputs, "/run/secrets/tailscale_auth_key") == KEY
    assert variables()["TS_AUTHKEY"] == "file:/run/secrets/tailscale_auth_key"
    assert not any(KEY in str(value) for name, value in inputs.items() if name != "uploads")


def test_it_asks_nothing_of_the_host() -> None:
    inputs = machine()

    assert variables()["TS_USERSPACE"] == "true"
    assert inputs.get("ports", []) == []
    assert inputs["devices"] == []
    assert inputs["capabilities"] == {"drops": ["ALL"], "adds": []}
    assert [mount["target"] for mount in inputs["mounts"]] == ["/var/lib/tailscale"]


def test_only_the_album_is_behind_it_and_nobody_outside_of_the_tailnet_is_let_in() -> None:
    answers = json.loads(file(machine(), "/etc/tailscale/serve.json"))

    assert answers["TCP"] == {"443": {"HTTPS": True}}
    assert answers["Web"] == {
        "${TS_CERT_DOMAIN}:443": {"Handlers": {"/": {"Proxy": "http://photoprism:2342"}}},
    }
    assert "AllowFunnel" not in answers


def test_a_control_server_of_ones_own_signs_no_certificate() -> None:
    section = {"login_server": "https://headscale.example.com/"}

    assert json.loads(file(machine(section), "/etc/tailscale/serve.json")) == {
        "TCP": {"80": {"TCPForward": "photoprism:2342"}}
    }
    assert variables(section)["TS_EXTRA_ARGS"] == "--login-server=https://headscale.example.com"
    assert "TS_EXTRA_ARGS" not in variables()


@pytest.mark.parametrize("service", ["drive", "syncthing", "mariadb"])
def test_it_meets_no_service_but_the_album(service: str) -> None:
    recorder = declared()
    there = {each["name"] for each in container(recorder, "tailscale")["networksAdvanced"]}

    assert there == {"photos-dev-edge"}
    assert there & {each["name"] for each in container(recorder, "photoprism")["networksAdvanced"]}
    assert not there & {each["name"] for each in container(recorder, service)["networksAdvanced"]}


def test_the_machine_keeps_its_identity() -> None:
    (volume,) = [item for item in declared().of_type("Volume") if role(item) == "tailscale"]

    assert volume.options["retain_on_delete"] is True
    assert variables()["TS_AUTH_ONCE"] == "true", "with another key each start would join anew"
    assert variables()["TS_STATE_DIR"] == "/var/lib/tailscale"
