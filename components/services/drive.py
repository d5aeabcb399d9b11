"""OpenList: net drives and the library as one file tree, in the browser and over WebDAV.

Environment, entrypoint and first start: Dockerfile, entrypoint.sh, cmd/admin.go and internal/bootstrap in
OpenListTeam/OpenList.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from components.container import ContainerFile, ContainerSpec, Endpoint, HealthCheck, Login, PublishedPort
from components.fields import Image, Memory, Port
from components.messages import message
from components.service import Belongings, Platform, Secret, Service, ServiceArgs
from components.service_config import ServiceConfig

HTTP_PORT = 5244

# OpenList prints the password of the admin row when it makes it, so the row is made here, with the output thrown away.
# At every start: it changes nothing where the row is, and mends a first start that was cut short.
START = """#!/bin/sh
set -eu
cd /opt/openlist
password=$(cat /run/secrets/drive_admin_password)
JWT_SECRET=$(cat /run/secrets/drive_jwt_secret)
if [ -z "$password" ] || [ -z "$JWT_SECRET" ]; then
  echo "photos: an empty secret in /run/secrets" >&2
  exit 1
fi
# OpenList rewrites this file in place at every start; one that was cut short would stop it for ever.
if [ -e data/config.json ] && [ "$(tail -n 1 data/config.json)" != "}" ]; then
  mv data/config.json data/config.json.damaged
fi
if ! OPENLIST_ADMIN_PASSWORD="$password" ./openlist admin --no-prefix > /dev/null 2>&1; then
  echo "photos: OpenList could not prepare its data in /opt/openlist/data" >&2
  exit 1
fi
unset password
export JWT_SECRET
exec /entrypoint.sh
"""


class DriveConfig(ServiceConfig):
    """OpenList, net drives as one file tree."""

    ruled_variables: ClassVar = {
        r"(OPENLIST_|ALIST_)?(ADMIN_.*|JWT_SECRET|TOKEN_EXPIRES_IN|FORCE|CORS_.*)": message(
            "rule_drive_login", "decides who gets into OpenList"
        ),
        r"(OPENLIST_|ALIST_)?(DB_.*|DATABASE_.*|DATA|DATA_DIR|TEMP_DIR|BLEVE_DIR|RUN_ARIA2|P[UG]ID|UMASK)": (
            message("rule_data_place", "would move data out of its place")
        ),
        r"(OPENLIST_|ALIST_)?(SITE_URL|CDN|ADDR|ADDRESS|.*_PORT|CERT_FILE|KEY_FILE|UNIX_FILE.*|FTP_.*|SFTP_.*|S3_.*)": (
            message("rule_drive_network", "is how the network reaches OpenList")
        ),
    }

    image: Image = Field("openlistteam/openlist:v4.2.5", description="image with a fixed tag")
    memory: Memory = Field(256, description="memory limit, e.g. 512m or 4g")
    port: Port = Field(5244, description="port of its pages, on 127.0.0.1")


@dataclass(frozen=True, kw_only=True)
class DriveArgs(ServiceArgs):
    """OpenList's configuration and the password of its user `admin`, which only its first start takes over."""

    config: DriveConfig
    admin_password: Secret


class Drive(Service[DriveArgs, Platform]):
    """The file tree.

    Creates: a `docker.RemoteImage`, a `docker.Container`, a `docker.Volume` for its database and a
    `random.RandomPassword` that signs its sessions.
    """

    service = "drive"
    Args = DriveArgs
    Config = DriveConfig
    login = Login(argument="admin_password")
    data: ClassVar = {"": "/opt/openlist/data"}
    endpoint = Endpoint(port=HTTP_PORT, admin=True)

    @classmethod
    def rotations(cls, args: DriveArgs) -> dict[str, int]:
        """Return what signs its sessions."""
        del args
        return {"jwt-secret": 1}

    @classmethod
    def spec(cls, args: DriveArgs, base: Platform, belongings: Belongings) -> ContainerSpec:
        """Describe the service; see the class."""
        config = args.config
        return ContainerSpec(
            image=config.image,
            memory_mb=config.memory,
            networks=["apps"],
            # The image leaves its data folder to root; root without any capability may write there and nowhere else.
            user="0:0",
            entrypoint=["/photos/start"],
            env={"SITE_URL": base.public_urls.get("drive", f"http://localhost:{config.port}")},
            files=[
                ContainerFile(path="/photos/start", content=START, executable=True),
                ContainerFile(path="/run/secrets/drive_admin_password", content=belongings.secrets["admin_password"]),
                ContainerFile(path="/run/secrets/drive_jwt_secret", content=belongings.passwords["jwt-secret"]),
            ],
            volumes=[belongings.volumes[""]],
            binds=base.library.mounts("/photos/originals", "/photos/import", read_only=True),
            ports=[PublishedPort(internal=HTTP_PORT, external=config.port)],
            health=HealthCheck(command=["wget", "-qO-", f"http://127.0.0.1:{HTTP_PORT}/ping"]),
            wait_s=120,
        )
