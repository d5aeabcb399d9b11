"""Names of flat secrets: keys of their own in the stack file, because a secret inside a section would be in clear."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from components.database import Database
from components.service import Service
from components.service_config import ServiceConfig
from components.services import SERVICES


def service_key(service: str, argument: str) -> str:
    """Return the flat key of a secret argument of a service.

    >>> service_key("photoprism", "admin_password")
    'photoprism_admin_password'
    """
    return f"{service}_{argument}"


def service_keys(service: type[Service[Any, Any]]) -> dict[str, str]:
    """Return argument → flat key of the secrets that a service is handed."""
    return {name: service_key(service.service, name) for name in service.Args.secret_names()}


def typed_keys(services: Mapping[str, Any]) -> list[str]:
    """Return the flat keys of what only a person can supply, of `photos:services` as it was written."""
    return _inner_keys(services, lambda config, section: config.typed_secrets(section))


def made_keys(services: Mapping[str, Any]) -> list[str]:
    """Return the flat keys of passwords inside apps, which `./photos` makes."""
    return _inner_keys(services, lambda config, section: config.made_secrets(section))


def _inner_keys(
    services: Mapping[str, Any], named: Callable[[type[ServiceConfig], Mapping[str, Any]], list[str]]
) -> list[str]:
    return [
        service_key(service.service, name)
        for service in SERVICES
        if isinstance(section := services.get(service.service), Mapping)
        for name in named(service.Config, section)
    ]


def all_service_keys() -> set[str]:
    """Return the flat keys of all services that a stack may have."""
    services: tuple[type[Service[Any, Any]], ...] = (Database, *SERVICES)
    return {key for service in services for key in service_keys(service).values()}
