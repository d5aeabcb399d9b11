"""The running stack: order, logins, networks, index, refusals, hardening, secrets."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import ssl
from typing import Any

import httpx
import pytest
from docker.errors import ContainerError

from cli.docker_host import of_stack
from demo.samples import write_samples
from tests.docker.running_stack import REGISTRY, Stack

ANY = "0.0.0.0"  # noqa: S104 - mutual TLS
SERVICES = ("mariadb", "photoprism", "syncthing", "drive")
CAPABILITIES = {"syncthing": ["CAP_CHOWN", "CAP_KILL", "CAP_SETGID", "CAP_SETUID"]}
USERS = {"mariadb": "999:999", "photoprism": "1000:1000", "syncthing": "", "drive": "0:0"}


def album(stack: Stack) -> httpx.Client:
    """Return a client that is logged in to the album."""
    login = {"username": "admin", "password": stack.secrets["photoprism_admin_password"]}
    answer = httpx.post(f"{stack.url('photoprism')}/api/v1/session", json=login, timeout=30)
    assert answer.status_code == 200, answer.text
    return httpx.Client(
        base_url=stack.url("photoprism"), headers={"X-Auth-Token": answer.json()["access_token"]}, timeout=60
    )


def test_the_database_is_healthy_before_the_album_is_created(stack: Stack) -> None:
    assert set(stack.healthy_before) == set(SERVICES)
    assert "mariadb" in stack.healthy_before["photoprism"]
    for service in SERVICES:
        assert stack.container(service).attrs["State"]["Health"]["Status"] == "healthy"


def client_in(stack: Stack, network: str, user: str, password: str, host: str = "mariadb") -> str:
    """Log in to MariaDB from a throw-away container on a network of the stack."""
    output = stack.client.containers.run(
        f"{REGISTRY}/library/mariadb:11.8.8",
        ["-c", f"exec mariadb --connect-timeout=5 -h{host} -u{user} -N -B -e 'SELECT CURRENT_USER()'"],
        entrypoint=["sh"],
        environment={"MYSQL_PWD": password},
        network=f"photos-{stack.name}-{network}",
        remove=True,
        stderr=True,
    )
    return str(output.decode())


def test_the_generated_password_opens_the_database_from_its_own_network(stack: Stack) -> None:
    password = stack.secret_files("photoprism")["mariadb_password"]

    assert "photoprism@%" in client_in(stack, "db", "photoprism", password)


@pytest.mark.parametrize(
    ("network", "user", "password", "answer"),
    [
        ("apps", "photoprism", "right", "Unknown (MySQL )?server host"),
        ("edge", "photoprism", "right", "Unknown (MySQL )?server host"),
        ("db", "photoprism", "wrong", "Access denied"),
        ("db", "root", "root", "Access denied"),
    ],
)
def test_everybody_else_is_kept_out_of_the_database(
    stack: Stack, network: str, user: str, password: str, answer: str
) -> None:
    known = {
        "right": stack.secret_files("photoprism")["mariadb_password"],
        "root": stack.secrets["mariadb_root_password"],
    }
    with pytest.raises(ContainerError, match=answer):
        client_in(stack, network, user, known.get(password, password))


def test_the_database_has_no_way_out_and_the_others_have(stack: Stack) -> None:
    inside = {
        name: stack.client.networks.get(f"photos-{stack.name}-{name}").attrs["Internal"]
        for name in ("db", "edge", "apps")
    }

    assert inside == {"db": True, "edge": False, "apps": False}
    assert set(stack.container("mariadb").attrs["NetworkSettings"]["Networks"]) == {f"photos-{stack.name}-db"}


def test_the_album_indexes_real_jpegs_with_their_dates(stack: Stack) -> None:
    made = write_samples(stack.root / "originals")
    with album(stack) as client:
        client.post("/api/v1/index", json={"path": "/", "rescan": False}).raise_for_status()
        photos = client.get("/api/v1/photos", params={"count": 50}).json()

    assert int(stack.sql("SELECT COUNT(*) FROM files WHERE file_missing = 0")) == len(photos) == len(made)
    assert min(photo["TakenAt"] for photo in photos) == "2023-04-05T09:30:00Z"


def test_the_album_refuses_strangers(stack: Stack) -> None:
    assert httpx.get(f"{stack.url('photoprism')}/api/v1/photos?count=1").status_code == 401
    wrong = httpx.post(f"{stack.url('photoprism')}/api/v1/session", json={"username": "admin", "password": "wrong-one"})
    assert wrong.status_code == 401


def test_syncthing_refuses_strangers_and_knows_its_key(stack: Stack) -> None:
    key = stack.secret_files("syncthing")["syncthing_api_key"]
    address = f"{stack.url('syncthing')}/rest/system/status"

    assert httpx.get(address).status_code == 403
    assert httpx.get(address, headers={"X-API-Key": "wrong"}).status_code == 403
    assert httpx.get(address, headers={"X-API-Key": key}).json()["myID"] == device_id(stack.secrets["syncthing_cert"])
    assert httpx.get(f"{stack.url('syncthing')}/rest/noauth/health").json() == {"status": "OK"}


def test_syncthing_s_admin_page_has_a_login_before_its_first_serve(stack: Stack) -> None:
    key = stack.secret_files("syncthing")["syncthing_api_key"]
    gui = httpx.get(f"{stack.url('syncthing')}/rest/config/gui", headers={"X-API-Key": key}).json()

    assert gui["user"] == "admin"
    assert gui["password"].startswith("$2"), "a hash, never the password"


@pytest.mark.parametrize(("right", "status"), [(True, 204), (False, 403)])
def test_the_admin_page_of_syncthing_takes_its_login_and_no_other(stack: Stack, right: bool, status: int) -> None:
    password = stack.secrets["syncthing_gui_password"] if right else "wrong-one"
    login = {"username": "admin", "password": password}
    answer = httpx.post(f"{stack.url('syncthing')}/rest/noauth/auth/password", json=login)

    assert answer.status_code == status, answer.text


def device_id(certificate: str) -> str:
    """Return Syncthing's device id of a certificate (lib/protocol/deviceid.go, luhn.go)."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).digest()
    text = base64.b32encode(digest).decode().rstrip("=")
    groups = [text[start : start + 13] for start in range(0, 52, 13)]
    checked = ""
    for group in groups:
        total = 0
        for position, letter in enumerate(group):
            addend = letters.index(letter) * (1 + position % 2)
            total += addend // 32 + addend % 32
        checked += group + letters[(32 - total % 32) % 32]
    return "-".join(re.findall(".{7}", checked))


def test_the_drive_refuses_strangers_and_takes_its_login(stack: Stack) -> None:
    base = stack.url("drive")
    login = {"username": "admin", "password": stack.secrets["drive_admin_password"]}
    token = httpx.post(f"{base}/api/auth/login", json=login).json()

    assert httpx.get(f"{base}/ping").text == "pong"
    assert httpx.get(f"{base}/api/admin/user/list").json()["code"] == 401
    assert token["code"] == 200
    listed = httpx.get(f"{base}/api/admin/user/list", headers={"Authorization": token["data"]["token"]}).json()
    assert listed["code"] == 200
    wrong = httpx.post(f"{base}/api/auth/login", json=login | {"password": "wrong-one"}).json()
    assert wrong["code"] != 200
    assert not wrong["data"]


def test_the_drive_cannot_change_a_photo(stack: Stack) -> None:
    done = stack.container("drive").exec_run(["sh", "-c", "echo x > /photos/originals/x"])

    assert done.exit_code != 0
    assert b"ead-only" in done.output
    assert not (stack.root / "originals/x").exists()


@pytest.mark.parametrize("service", SERVICES)
def test_each_container_is_hardened_as_declared(stack: Stack, service: str) -> None:
    attrs = stack.container(service).attrs
    host, config = attrs["HostConfig"], attrs["Config"]

    assert host["Privileged"] is False
    assert host["CapDrop"] == ["ALL"]
    assert sorted(host["CapAdd"] or []) == CAPABILITIES.get(service, [])
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert (host["PidMode"], host["IpcMode"], host["UTSMode"], host["UsernsMode"]) == ("", "private", "", "")
    assert host["NetworkMode"] not in ("host", "bridge", "default")
    assert host["Init"] is True
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-file": "3", "max-size": "10m"}}
    assert 0 < host["Memory"] < host["MemorySwap"]
    assert config["User"] == USERS[service]
    assert config["Healthcheck"]["Test"][0] == "CMD"
    assert not any("docker.sock" in mount["Source"] for mount in attrs["Mounts"])
    assert config["Labels"]["photos.id"] == stack.id
    assert config["Labels"]["com.docker.compose.project"] == f"photos-{stack.name}"


def test_only_the_declared_ports_answer_and_where_declared(stack: Stack) -> None:
    published = {
        (service, binding["HostIp"], int(binding["HostPort"]), internal)
        for service in SERVICES
        for internal, bindings in (stack.container(service).attrs["HostConfig"]["PortBindings"] or {}).items()
        for binding in bindings
    }
    sync = stack.port("syncthing", "sync_port")
    assert published == {
        ("photoprism", "127.0.0.1", stack.port("photoprism"), "2342/tcp"),
        ("drive", "127.0.0.1", stack.port("drive"), "5244/tcp"),
        ("syncthing", "127.0.0.1", stack.port("syncthing"), "8384/tcp"),
        ("syncthing", ANY, sync, "22000/tcp"),
        ("syncthing", ANY, sync, "22000/udp"),
    }


@pytest.mark.parametrize("service", SERVICES)
def test_no_secret_shows_in_inspect_processes_or_logs(stack: Stack, service: str) -> None:
    container = stack.container(service)
    secrets = dict(stack.secrets)
    for name in SERVICES:
        secrets |= stack.secret_files(name)
    shown: dict[str, Any] = {
        "inspect": json.dumps(container.attrs),
        "processes": json.dumps(container.top(ps_args="axww")),
        "log": container.logs().decode(errors="replace"),
    }

    assert len(secrets) >= 9
    assert [(name, place) for name, value in secrets.items() for place in shown if value in shown[place]] == []


def test_no_secret_shows_in_networks_and_volumes(stack: Stack) -> None:
    networks = stack.client.networks.list(filters=of_stack(stack.id))
    volumes = stack.client.volumes.list(filters=of_stack(stack.id))
    shown = json.dumps([thing.attrs for thing in (*networks, *volumes)])
    secrets = [*stack.secrets.values(), *(v for name in SERVICES for v in stack.secret_files(name).values())]

    assert (len(networks), len(volumes)) == (3, 4)
    assert [value for value in secrets if value in shown] == []


def test_the_log_of_the_drive_names_no_password_at_all(stack: Stack) -> None:
    assert b"initial password" not in stack.container("drive").logs()
