"""The ports of this machine that a section of the stack file asks for."""

from __future__ import annotations

from dataclasses import dataclass

from components.addresses import LOOPBACK
from components.fields import Section


@dataclass(frozen=True, kw_only=True)
class HostPort:
    """A port and the addresses that it answers on; the fields are the keys of the section that say so."""

    field: str
    number: int
    address_field: str
    addresses: tuple[str, ...]


def host_ports(section: Section) -> tuple[HostPort, ...]:
    """Return the ports of a section: `port` answers on `bind`, `sync_port` on `sync_bind`, without such a key on loopback."""
    return tuple(
        HostPort(
            field=field,
            number=getattr(section, field),
            address_field=(address_field := f"{field.removesuffix('port')}bind"),
            addresses=getattr(section, address_field, (LOOPBACK,)),
        )
        for field in type(section).model_fields
        if field.endswith("port")
    )
