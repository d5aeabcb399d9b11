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
    """Return the ports of a section: `sync_port` answers on `sync_bind`, else on `bind`, without such a key on loopback."""
    fields = type(section).model_fields
    return tuple(
        HostPort(
            field=field,
            number=getattr(section, field),
            address_field=(address_field := own if (own := f"{field.removesuffix('port')}bind") in fields else "bind"),
            addresses=_listed(getattr(section, address_field, LOOPBACK)),
        )
        for field in fields
        if field.endswith("port")
    )


def _listed(addresses: str | tuple[str, ...]) -> tuple[str, ...]:
    return (addresses,) if isinstance(addresses, str) else addresses
