"""The house rules, for every container, volume and network of every example stack, on one host and on two."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from example_stack import (
    EXAMPLES,
    STACK_ID,
    OnTwoHosts,
    changed,
    container,
    declare_stack,
    declared,
    example,
    outputs_of,
    plain_name,
    resource,
    role,
    secret_values,
)

from stacks.program import NAME
from stacks.recording import Recorded, is_secret, plain

STACKS = [*EXAMPLES, OnTwoHosts("home")]
CONTAINERS = [
    (name, service)
    for name in STACKS
    for service in (
        "mariadb",
        *example(name)["photos:services"],
        *(["cloudflared"] if "photos:publish" in example(name) else []),
        *(["keeper", "watch", "restore"] if "photos:backup" in example(name) else []),
    )
]
VOLUMES = [
    (name, volume)
    for name in STACKS
    for volume in (
        "mariadb",
        "drive",
        "photoprism-storage",
        "syncthing",
        *(["keeper", "watch"] if "photos:backup" in example(name) else []),
        *(["tailscale"] if "tailscale" in example(name)["photos:services"] else []),
    )
]
FILE_LABEL = "photos.file"
IMAGE_OF = {"watch": "keeper", "restore": "keeper"}
"""Services that run in another one's image."""


def id_of(value: str) -> str:
    return f"{value} on two hosts" if isinstance(value, OnTwoHosts) else value


each_container = pytest.mark.parametrize(("stack", "service"), CONTAINERS, ids=id_of)
each_volume = pytest.mark.parametrize(("stack", "volume"), VOLUMES, ids=id_of)
each_stack = pytest.mark.parametrize("stack", STACKS, ids=id_of)


def inputs_of(stack: str, service: str) -> dict[str, Any]:
    return container(declared(stack), service)


def labels_of(inputs: dict[str, Any]) -> dict[str, str]:
    return {item["label"]: item["value"] for item in inputs["labels"]}


def texts(value: Any) -> Iterator[str]:
    """Yield every text inside `value`."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from (key, *texts(item))
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


@each_stack
def test_every_container_of_the_stack_is_under_these_rules(stack: str) -> None:
    services = [service for name, service in CONTAINERS if name is stack]

    assert sorted(services) == sorted(role(item) for item in declared(stack).of_type("Container"))


@each_stack
def test_every_volume_of_the_stack_is_under_these_rules(stack: str) -> None:
    volumes = [volume for name, volume in VOLUMES if name is stack]

    assert sorted(volumes) == sorted(role(item) for item in declared(stack).of_type("Volume"))


@each_container
def test_the_image_is_pinned_and_stays_on_the_host(stack: str, service: str) -> None:
    owner = IMAGE_OF.get(service, service)
    image = plain(resource(declared(stack), "RemoteImage", owner).inputs)

    assert re.search(r":[\w.-]*\d[\w.-]*$", image["name"]), "a moving tag changes the system behind the family's back"
    built = "build" in image
    assert image["keepLocally"] is not built, "another stack may use what is pulled; what is built here is this stack's"
    assert image.get("forceRemove") is (built or None), "a container that nobody knows of would stop destroy"
    assert not built or image["name"].startswith(f"photos-{stack}-{owner}:")
    assert inputs_of(stack, service)["image"] == f"sha256:{image['name']}", (
        "a name instead of the id is a diff for ever"
    )


# key → the only value that the rule allows; None: the key must be absent.
HOUSE_RULES: dict[str, Any] = {
    "capabilities.drops": ["ALL"],
    "securityOpts": ["no-new-privileges:true"],
    "init": True,
    "restart": "unless-stopped",
    "logDriver": "json-file",
    "logOpts": {"max-size": "10m", "max-file": "3"},
    "privileged": None,
    "networkMode": None,
    "pidMode": None,
    "ipcMode": None,
    "usernsMode": None,
    "publishAllPorts": None,
    "volumes": None,
    "hosts": None,
    "remove": None,
    "rm": None,
    "mustRun": None,
    "start": None,
}
ON_DEMAND = {"restore": {"restart": "no", "mustRun": False, "start": False}}
"""What a person starts, and what ends by itself: nothing starts it again, and it is no drift that it does not run."""


@pytest.mark.parametrize("rule", HOUSE_RULES)
@each_container
def test_a_house_rule_has_no_exception_but_for_what_a_person_starts(stack: str, service: str, rule: str) -> None:
    value: Any = inputs_of(stack, service)
    for key in rule.split("."):
        value = value.get(key)

    assert value == ON_DEMAND.get(service, {}).get(rule, HOUSE_RULES[rule])


CAPABILITIES = {
    "https": ["CAP_NET_BIND_SERVICE"],
    "syncthing": ["CAP_CHOWN", "CAP_KILL", "CAP_SETGID", "CAP_SETUID"],
}


@each_container
def test_no_capability_is_added_beyond_what_the_image_needs(stack: str, service: str) -> None:
    assert inputs_of(stack, service)["capabilities"]["adds"] == CAPABILITIES.get(service, [])


@each_container
def test_a_probe_that_runs_inside_the_container_says_whether_it_works(stack: str, service: str) -> None:
    if service in ON_DEMAND:
        assert "healthcheck" not in inputs_of(stack, service), "it ends, and its exit code tells how"
        return
    health = inputs_of(stack, service)["healthcheck"]

    assert health["tests"][0] == "CMD", "NONE switches the probe off, a shell is not in every image"
    assert len(health["tests"]) > 1
    assert health["retries"] >= 1
    for key in ("interval", "timeout", "startPeriod"):
        assert re.fullmatch(r"([1-9]\d*h[0-5]?\dm[0-5]?\ds|[1-9]\d?m[0-5]?\ds|[1-9]\d?s)", health[key]), (
            "Docker prints durations like that; another spelling is a diff for ever"
        )
        assert not re.search(r"[6-9]\d[ms]", health[key]), "60s is 1m0s"


@each_container
def test_the_memory_limit_comes_with_its_swap_limit(stack: str, service: str) -> None:
    inputs = inputs_of(stack, service)

    assert inputs["memory"] >= 64
    assert inputs["memorySwap"] == 2 * inputs["memory"], "alone, the limit is a diff for ever and swap is unlimited"


@each_container
def test_a_container_has_time_to_stop_and_its_successor_waits_for_it(stack: str, service: str) -> None:
    grace = inputs_of(stack, service)["destroyGraceSeconds"]
    options = resource(declared(stack), "Container", service).options

    assert grace >= (120 if service == "mariadb" else 10), "without it the provider kills at once"
    assert options["delete_before_replace"] is True, "the name is taken until the old one is gone"
    assert options["replace_on_changes"] == ["healthcheck", "tmpfs", "init"], "the provider says updated, does nothing"
    assert options["protect"] is False


@each_container
def test_up_waits_for_a_healthy_service(stack: str, service: str) -> None:
    inputs = inputs_of(stack, service)
    expected = {"mariadb": (True, 300), "photoprism": (True, 600)}
    expected |= dict.fromkeys(("cloudflared", "https", "tailscale", "keeper", "watch", "restore"), (False, 60))

    # Nothing depends on the connector and the keeper: without a network or an image the album still comes up.
    assert (inputs["wait"], inputs["waitTimeout"]) == expected.get(service, (True, 120))


@each_container
def test_envs_and_labels_never_become_empty(stack: str, service: str) -> None:
    inputs = inputs_of(stack, service)

    assert "TZ=Asia/Shanghai" in inputs["envs"], "down to zero is a change that the provider never makes"
    assert all(re.match(r"^[A-Z][A-Z0-9_]*=", line) for line in inputs["envs"])
    assert len(inputs["envs"]) == len({line.split("=")[0] for line in inputs["envs"]}), "one value per variable"


@each_container
def test_labels_say_whose_container_it_is(stack: str, service: str) -> None:
    expected = {
        "photos.id": STACK_ID,
        "photos.stack": stack,
        "photos.service": service,
        "com.docker.compose.project": f"photos-{stack}",
        "com.docker.compose.service": service,
    }

    labels = labels_of(inputs_of(stack, service))
    assert {key: value for key, value in labels.items() if not key.startswith(FILE_LABEL)} == expected


@each_container
def test_a_label_per_file_lets_preview_name_the_one_that_changes(stack: str, service: str) -> None:
    inputs = inputs_of(stack, service)
    files = {upload["file"]: upload["content"] for upload in inputs["uploads"]}
    digests = {key.removeprefix(FILE_LABEL): text for key, text in labels_of(inputs).items() if FILE_LABEL in key}

    assert digests.keys() == files.keys()
    assert all(re.fullmatch(r"[0-9a-f]{12}", digest) for digest in digests.values())
    raw = resource(declared(stack), "Container", service).inputs
    assert not is_secret(raw["labels"]), "a label that preview hides names nothing"
    for path, content in files.items():
        if path.startswith("/run/secrets/"):
            plain_digest = hashlib.sha256(content.encode()).hexdigest()
            assert digests[path] not in plain_digest, "whoever reads a label could try passwords on it"


def test_the_digest_of_a_file_follows_its_content_and_nothing_else() -> None:
    before = labels_of(container(declared("dev"), "photoprism"))
    other = example("dev") | {"photos:photoprism_admin_password": "canary-of-another-password"}
    after = labels_of(container(declare_stack(other), "photoprism"))
    changed_labels = {key for key in before if before[key] != after[key]}

    # The database's password is made anew in each recording.
    assert changed_labels == {
        f"{FILE_LABEL}/run/secrets/{name}" for name in ("photoprism_admin_password", "mariadb_password")
    }


@each_container
def test_physical_names_carry_the_stack_and_neighbours_find_the_service_by_its_short_name(
    stack: str, service: str
) -> None:
    inputs = inputs_of(stack, service)

    assert inputs["name"] == f"photos-{stack}-{service}"
    assert inputs["hostname"] == service
    assert all(network["aliases"] == [service] for network in inputs["networksAdvanced"])


NETWORKS = {
    "mariadb": ["db"],
    "photoprism": ["db", "edge"],
    "cloudflared": ["edge"],
    "keeper": ["db", "apps"],
    "https": ["edge"],
    "tailscale": ["edge"],
    "restore": ["db", "apps"],
}
ALSO = {("home", "drive"): ["edge"]}
"""Published there."""


@each_container
def test_a_service_meets_only_the_networks_it_needs(stack: str, service: str) -> None:
    found = [network["name"] for network in inputs_of(stack, service)["networksAdvanced"]]

    assert found == [
        f"photos-{stack}-{role}" for role in [*NETWORKS.get(service, ["apps"]), *ALSO.get((stack, service), [])]
    ]


PORTS: dict[str, list[tuple[str, int, int, str]]] = {
    "mariadb": [],
    "cloudflared": [],
    "tailscale": [],
    "keeper": [("127.0.0.1", 9410, 9410, "tcp")],
    "watch": [],
    "restore": [],
    "https": [("127.0.0.1", 443, 8443, "tcp"), ("127.0.0.1", 80, 8080, "tcp")],
    "photoprism": [("127.0.0.1", 12343, 2342, "tcp")],
    "drive": [("127.0.0.1", 5244, 5244, "tcp")],
    "syncthing": [
        ("127.0.0.1", 8384, 8384, "tcp"),
        ("0.0.0.0", 22000, 22000, "tcp"),  # noqa: S104 - mutual TLS
        ("0.0.0.0", 22000, 22000, "udp"),  # noqa: S104 - mutual TLS
    ],
}


@each_container
def test_only_declared_ports_are_open_and_only_phone_sync_beyond_this_machine(stack: str, service: str) -> None:
    found = inputs_of(stack, service).get("ports", [])

    assert [(p["ip"], p["external"], p["internal"], p["protocol"]) for p in found] == PORTS[service]


@each_container
def test_host_folders_are_bind_mounts_of_the_library_and_the_disks_and_nothing_else(stack: str, service: str) -> None:
    mounts = inputs_of(stack, service)["mounts"]
    library = [path for path in texts(example(stack)["photos:library"]) if "/" in path]
    disks = ["/mnt/backup/photos"] if service in ("keeper", "restore") else []

    assert {mount["type"] for mount in mounts} <= {"bind", "volume"}
    for mount in mounts:
        assert "docker.sock" not in json.dumps(mount), "who has the socket has the host"
        assert "propagation" not in json.dumps(mount)
        if mount["type"] == "bind":
            assert any(mount["source"].endswith(path.lstrip("~")) for path in (*library, "/originals/phones", *disks))
            assert mount["source"].startswith("/"), "Docker knows neither ~ nor a relative path"
        else:
            own = mount["source"].startswith(f"photos-{stack}-{service}")
            assert own or service == "restore" or mount["readOnly"] is True, "only a restore changes others' volumes"
            assert own or service in ("keeper", "watch", "restore")


@each_container
def test_uploads_exclude_a_read_only_root(stack: str, service: str) -> None:
    inputs = inputs_of(stack, service)

    assert not (inputs.get("uploads") and inputs.get("readOnly")), "the provider cannot upload into it"


@each_container
def test_uploaded_files_are_read_only_for_everyone_in_the_container(stack: str, service: str) -> None:
    for upload in inputs_of(stack, service)["uploads"]:
        script = upload["content"].startswith("#!") or upload["file"].startswith("/photos/")
        assert upload["permissions"] == ("0555" if script else "0444")
        assert upload["content"].endswith("\n") or upload["file"].startswith("/run/secrets/")


@each_container
def test_secrets_travel_wrapped_and_only_in_uploaded_files(stack: str, service: str) -> None:
    recorder = declared(stack)
    wire = resource(recorder, "Container", service).inputs
    clear = {key: value for key, value in wire.items() if not is_secret(value)}

    assert is_secret(wire["uploads"]), "a plain upload stands in the state file in clear"
    for name, value in secret_values(recorder).items():
        assert not any(value in text for text in texts(clear)), f"{name} is in clear"
        leaks = [key for key, item in plain(wire).items() if key != "uploads" and value in "\n".join(texts(item))]
        assert leaks == [], f"{name} shows in docker inspect"


RESTORE_LOGIN = "/run/secrets/restore_database_password"


@each_stack
def test_a_secret_file_holds_the_secret_and_only_where_it_is_needed(stack: str) -> None:
    recorder = declared(stack)
    password = secret_values(recorder)["mariadb-password"]
    holders = {
        role(item): [u["file"] for u in plain(item.inputs)["uploads"] if password in u["content"]]
        for item in recorder.of_type("Container")
    }

    assert holders == {
        "mariadb": ["/run/secrets/mariadb_password", "/etc/mysql/photos-init.sql"],
        "photoprism": ["/run/secrets/mariadb_password"],
        "drive": [],
        "syncthing": [],
    } | (
        {"cloudflared": [], "https": [], "tailscale": [], "keeper": [], "watch": [], "restore": [RESTORE_LOGIN]}
        if stack == "home"
        else {}
    )


@each_stack
def test_no_secret_is_in_any_other_resource(stack: str) -> None:
    recorder = declared(stack)
    others = [item for item in recorder.resources if not item.type.endswith(":Container")]

    for name, value in secret_values(recorder).items():
        leaks = [role(item) for item in others if any(value in text for text in texts(_seen(item)))]
        assert leaks == [], f"{name} is in clear"


def _seen(item: Recorded) -> Any:
    """Return the inputs of a resource; of one inside an app, which cannot do without its login, what is no secret."""
    return _without_secrets(item.inputs) if item.type.startswith("pulumi-python:dynamic") else plain(item.inputs)


def _without_secrets(value: Any) -> Any:
    if is_secret(value):
        return ""
    return {key: _without_secrets(each) for key, each in value.items()} if isinstance(value, dict) else value


def is_component(item: Recorded) -> bool:
    return not item.custom


@each_stack
def test_every_resource_belongs_to_a_component_and_every_component_is_complete(stack: str) -> None:
    recorder = declared(stack)
    components = {role(item): item for item in recorder.resources if is_component(item)}
    complete = {plain_name(urn) for urn in recorder.components_with_outputs if "Stack::" not in urn}

    assert set(components) == set(types_of(stack))
    assert complete == set(components), "register_outputs ends a component"
    for item in recorder.resources:
        owner = plain_name(item.parent)
        if item.name == NAME or item.type.startswith("pulumi:providers:"):
            assert "pulumi:pulumi:Stack::" in item.parent
        elif is_component(item):
            assert owner == NAME, "everything is below the one photo system"
        else:
            assert owner in components, f"{role(item)} belongs to nobody"
            assert f"${components[owner].type}::" in item.parent


TYPES = {
    "photos": "photos:system:PhotoSystem",
    "networks": "photos:network:Networks",
    "mariadb": "photos:service:Database",
    "photoprism": "photos:service:PhotoPrism",
    "syncthing": "photos:service:Syncthing",
    "drive": "photos:service:Drive",
}
HOME_TYPES = {
    "tunnel": "photos:tunnel:Tunnel",
    "cloudflared": "photos:service:Cloudflared",
    "https": "photos:service:Https",
    "tailscale": "photos:service:Tailscale",
    "keeper": "photos:service:Keeper",
    "watch": "photos:service:Watch",
    "restore": "photos:service:Restore",
}


def types_of(stack: str) -> dict[str, str]:
    return TYPES | (HOME_TYPES if stack == "home" else {})


@each_stack
def test_type_tokens_and_logical_names_are_frozen(stack: str) -> None:
    recorder = declared(stack)

    assert {role(item): item.type for item in recorder.resources if is_component(item)} == types_of(stack), (
        "both are part of every URN: a change replaces the family's data"
    )


@each_volume
def test_a_data_volume_outlives_the_stack_and_a_changed_label(stack: str, volume: str) -> None:
    recorded = resource(declared(stack), "Volume", volume)

    assert recorded.inputs["name"] == f"photos-{stack}-{volume}"
    assert recorded.options["retain_on_delete"] is True
    assert {"labels", "driver", "driverOpts"} <= set(recorded.options["ignore_changes"]), "replaced is emptied"
    assert recorded.options["protect"] is False, "protect makes plain `pulumi destroy` fail"
    assert labels_of(recorded.inputs) == {"photos.id": STACK_ID, "photos.stack": stack}


@each_stack
def test_confirmed_deletion_drops_the_retention_and_nothing_else(stack: str) -> None:
    config = changed(example(stack), {"data": {"on_destroy": "delete", "confirm": stack}})
    recorder = declare_stack(config, stack)

    for recorded in recorder.of_type("Volume"):
        kept = resource(declared(stack), "Volume", role(recorded))
        assert recorded.inputs == kept.inputs
        assert recorded.options == {**kept.options, "retain_on_delete": False, "replacement_trigger": None}


@each_stack
def test_outputs_are_plain_and_hold_no_secret(stack: str) -> None:
    outputs = outputs_of(example(stack), stack)

    text = json.dumps(outputs)
    for name, value in secret_values(declared(stack)).items():
        assert value not in text, f"{name} is exported"
    assert outputs["album_url"] == ("https://photos.example.com/" if stack == "home" else "http://localhost:12343/")
    more = {"https", "tailscale", "cloudflared", "keeper", "watch"} if stack == "home" else set()
    assert set(outputs["services"]) == {"mariadb", "drive", "photoprism", "syncthing"} | more
    assert set(outputs) >= {"album_url", "album_user", "services", "library", "public", "backup"}


@pytest.mark.parametrize("kind", ["Container", "Volume", "Network"])
@each_stack
def test_two_stacks_on_one_host_share_no_name(stack: str, kind: str) -> None:
    names = [item.inputs["name"] for item in declared(stack).of_type(kind)]

    assert len(names) == len(set(names))
    assert all(name.startswith(f"photos-{stack}-") for name in names)
