"""Which keys of a stack file are flat secrets, and what is wrong with where and how they stand. Never a value is told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from components.messages import Message, Said, either, message
from components.services import SERVICES, services_by_name
from stacks.findings import Finding
from stacks.problems import problem
from stacks.sections.backup import rules as backup
from stacks.sections.backup.secret_values import typed_once_more
from stacks.sections.backup.secrets import secret_key
from stacks.sections.passwords import password_problem
from stacks.sections.secrets import all_service_keys, made_keys, typed_keys

DRIVES = ("services", "drive", "storages")
PEM_SECRETS = {"https_ca_cert", "https_ca_key", "syncthing_cert", "syncthing_key"}


def flat_secrets(values: Mapping[str, str] | None = None) -> set[str]:
    """Return every flat secret that some service knows, and those that the backup in `values` asks for."""
    values = values or {}
    services = _services(values)
    inner = {*typed_keys(services), *made_keys(services), *_kept(values)}
    return all_service_keys() | inner | backup.flat_keys(values)


def orphaned_keys(values: Mapping[str, str], flat: set[str]) -> list[str]:
    """Return the flat keys that look like those of something inside an app, and are none."""
    return sorted(key for key in set(values) - flat if key.partition("_")[0] in services_with_inner_secrets())


def orphan_problem(key: str, flat: set[str]) -> Finding:
    """Say what to do with a flat key that nothing inside an app asks for."""
    return problem(
        key,
        message(
            "flat_key_of_nothing",
            "nothing in services.{service} asks for it. {meant}: ./photos config rm photos:{key}",
            service=key.partition("_")[0],
            meant=backup.key_meant(key, flat),
            key=key,
        ),
    )


def _services(values: Mapping[str, str]) -> Mapping[str, object]:
    """Return `photos:services` as it was written."""
    try:
        section = json.loads(values.get("services") or "null")
    except ValueError:
        return {}
    return section if isinstance(section, dict) else {}


def _kept(values: Mapping[str, str]) -> set[str]:
    """Return the secrets inside services that are not there at the moment: they may come back."""
    away = services_with_inner_secrets() - set(_services(values))
    return {key for key in values if key.partition("_")[0] in away}


def services_with_inner_secrets() -> set[str]:
    """Return the services whose flat secrets carry names that a person chose."""
    return {service.service for service in SERVICES if service.Config.has_inner_secrets}


def misplaced_secrets(values: Mapping[str, str], secret_keys: set[str], flat: set[str]) -> list[Finding]:
    """Return what is wrong with secrets that stand inside a section."""
    return [
        problem(
            key,
            message(
                "secret_in_section",
                "holds a secret inside a section, which reaches the program and the state in clear. Write it as the flat "
                "key {flat_key} with `./photos config set --secret`, and choose a new one",
                flat_key=_flat_name(key, values.get(key, ""), flat),
            ),
        )
        for key in sorted(secret_keys - flat)
    ]


def _flat_name(key: str, text: str, flat: set[str]) -> Said:
    """Name the flat key that a secret below `key` belongs under, or say how such keys are called."""
    try:
        leaves = list(_leaves(json.loads(text), (key,)))
        if drives := [path for path in leaves if path[:3] == DRIVES and path[4:5] == ("options",)]:
            return either([f"photos:drive_{path[3]}_{path[-1]}" for path in drives])
        if key == backup.SECTION:
            return either([f"photos:{secret_key(path[2], path[-1])}" for path in leaves if "options" in path])
        places = ["_".join(path) for path in leaves]
    except ValueError:
        places = [key]
    meant = sorted(name for name in flat if any(place == name or place.endswith(f"_{name}") for place in places))
    if meant:
        return either([f"photos:{name}" for name in meant])
    return message(
        "flat_key_unknown",
        "{names} (known: {known})",
        names="photos:<section>_<name>_<field>",
        known=", ".join(sorted(flat)),
    )


def _leaves(value: object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, str(key)))
    else:
        yield path


def secrets_in_clear(values: Mapping[str, str], secret_keys: set[str], flat: set[str]) -> list[Finding]:
    """Return what is wrong with flat secrets: in clear, or no value that can be used."""
    mistakes = []
    typed = set(typed_keys(_services(values)))
    for key in sorted(flat & set(values)):
        value = values[key]
        if not value and key not in secret_keys:
            continue  # nothing after its colon: said to be missing where it is needed
        if key not in secret_keys:
            mistakes.append(
                problem(
                    key,
                    message(
                        "secret_in_clear",
                        "stored in clear. Choose a new one: ./photos config set --secret photos:{key}",
                        key=key,
                    ),
                )
            )
        elif key in PEM_SECRETS:
            if not value.startswith("-----BEGIN "):
                mistakes.append(
                    problem(
                        key, message("not_a_pem", "is not a PEM block. Take it back from the copy of the stack file")
                    )
                )
        elif key.startswith(backup.PREFIX):
            continue  # keys and addresses have rules of their own
        elif key in typed:
            if text := _typed_problem(key, value):
                mistakes.append(problem(key, typed_once_more(key, text)))
        elif reason := password_problem(value):
            mistakes.append(problem(key, reason))
    return mistakes


def _typed_problem(key: str, value: str) -> Message | None:
    """Say what is wrong with what a person copied from elsewhere, e.g. a token; never a part of it."""
    if not value.isprintable():
        return message("typed_not_printable", "holds a line break or another control character")
    if value != value.strip():
        return message("copied_outer_space", "begins or ends with a space")
    service, _, name = key.partition("_")
    return services_by_name()[service].Config.typed_secret_problem(name, value)
