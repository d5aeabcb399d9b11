"""A program of somebody's own with two photo systems, each on a provider of its own: what components are for."""

from __future__ import annotations

import pulumi
import pulumi_docker as docker
import pulumi_random as random

from components.database import DatabaseArgs, DatabaseConfig
from components.photo_system import PhotoSystem, PhotoSystemArgs
from components.service import Owner
from components.services.drive import DriveArgs, DriveConfig
from components.services.photoprism import PhotoPrismArgs, PhotoPrismConfig
from components.storage import Library

IDS = {"home": "11111111-2222-4333-8444-555555555555", "office": "99999999-2222-4333-8444-555555555555"}
PLAIN_PASSWORD = "canary-of-a-password-that-a-program-holds-as-text"


def args(name: str, root: str, first_port: int, image_registry: str | None = None) -> PhotoSystemArgs:
    """Return the arguments of one system: an album and a drive."""
    generated = random.RandomPassword(f"{name}-admin", length=20).result
    return PhotoSystemArgs(
        stack=name,
        prefix=f"photos-{name}",
        id=IDS[name],
        timezone="Asia/Shanghai",
        owner=Owner(uid=1000, gid=1000),
        library=Library(originals=f"{root}/{name}/originals", imports=f"{root}/{name}/import"),
        database=DatabaseArgs(
            config=DatabaseConfig.model_validate({"memory": "512m", "buffer_pool": "64m"}), root_password=generated
        ),
        services=[
            PhotoPrismArgs(
                config=PhotoPrismConfig.model_validate({"port": first_port, "memory": "1g"}),
                admin_password=PLAIN_PASSWORD,
            ),
            DriveArgs(config=DriveConfig(port=first_port + 1), admin_password=generated),
        ],
        public_urls={},
        image_registry=image_registry,
        keep_data=False,
        publish=None,
        backup=None,
    )


def program(root: str = "/srv", first_port: int = 21000, image_registry: str | None = None) -> None:
    """Declare both, and export what another stack can use of each."""
    for number, name in enumerate(IDS):
        provider = docker.Provider(f"docker-{name}")
        system = PhotoSystem(
            name,
            args(name, root, first_port + 10 * number, image_registry),
            pulumi.ResourceOptions(providers=[provider]),
        )
        pulumi.export(f"{name}_endpoints", system.endpoints)
        pulumi.export(f"{name}_networks", system.network_ids)
