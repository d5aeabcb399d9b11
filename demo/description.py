"""What the demo consists of: the `dev` example with ports, an id and secrets of its own, made once and kept private."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from cli import generated, paths, stackfile
from demo.folder import DESCRIPTION, LOGIN
from demo.ports import free_ports

REGISTRY = "photos-test.local"
PORTS = {"photoprism": ("port",), "syncthing": ("port", "sync_port"), "drive": ("port",)}
SECRETS = [
    "mariadb_root_password",
    "photoprism_admin_password",
    "drive_admin_password",
    "syncthing_gui_password",
    "syncthing_cert",
    "syncthing_key",
]


@dataclass(frozen=True, kw_only=True)
class Description:
    """The demo's stack file: `config` by full keys, and `secrets` in clear by keys without the namespace."""

    config: dict[str, Any]
    secrets: dict[str, str]

    @property
    def id(self) -> str:
        """The demo's identity."""
        return str(self.config["photos:id"])

    @property
    def album_port(self) -> int:
        """Where the album answers."""
        return int(self.config["photos:services"]["photoprism"]["port"])


def kept(folder: Path) -> Description | None:
    """Return the description that an earlier start wrote."""
    file = folder / DESCRIPTION
    return Description(**yaml.safe_load(file.read_text("utf-8"))) if file.exists() else None


def described(folder: Path) -> Description:
    """Return the kept description, or a new one that is kept from now on."""
    description = kept(folder)
    if description is None:
        description = _new(folder)
        paths.write_private(folder / DESCRIPTION, yaml.safe_dump(asdict(description), sort_keys=False))
    paths.write_private(folder / LOGIN, description.secrets["photoprism_admin_password"] + "\n")
    return description


def _new(folder: Path) -> Description:
    example = stackfile.read(paths.EXAMPLES / "Pulumi.dev.yaml")
    services = {name: dict(section) for name, section in example["photos:services"].items()}
    ports = free_ports(20000, 32000)
    for name, fields in PORTS.items():
        services[name] |= {field: next(ports) for field in fields}
    services["photoprism"] |= {"site_title": "Demo"}
    own = {
        "photos:id": str(uuid4()),
        "photos:image_registry": REGISTRY,
        # Sample photos behind a password, for an hour: no reason to change a machine's firewall.
        "photos:neighbours": "trusted",
        "photos:library": {"originals": str(folder / "originals"), "import": str(folder / "import")},
        "photos:services": services,
    }
    return Description(config=example | own, secrets=generated.values_for(SECRETS))
