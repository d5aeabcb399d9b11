"""What is wrong with the phones that the model alone cannot see."""

from __future__ import annotations

from collections.abc import Mapping

from components.device_id import device_id_of
from components.messages import message
from components.services.syncthing import PhoneConfig, Syncthing
from stacks.findings import Finding
from stacks.problems import problem
from stacks.sections import Settings
from stacks.sections.secrets import service_key

PHONES = f"services.{Syncthing.service}.phones"
CERTIFICATE = service_key(Syncthing.service, "cert")


def phones_of(settings: Settings) -> Mapping[str, PhoneConfig]:
    """Return the declared phones by name."""
    section = settings.enabled().get(Syncthing.service)
    return section.phones if isinstance(section, Syncthing.Config) else {}


def server_id(certificate: str) -> str | None:
    """Return the device ID that belongs to the certificate; None for what is none, as before the first `up`."""
    try:
        return device_id_of(certificate)
    except ValueError:
        return None


def phone_problems(settings: Settings, values: Mapping[str, str]) -> list[Finding]:
    """Return what is wrong with the phones beside the stack's secrets."""
    own = server_id(values.get(CERTIFICATE, ""))
    itself = message(
        "phone_is_server",
        "is the ID of this server itself. Write that of the phone; on the phone: menu, Show device ID",
    )
    phones = phones_of(settings).items()
    return [problem(f"{PHONES}.{name}.device", itself) for name, phone in phones if phone.device == own]
