"""OpenList: net drives and the library as one file tree, in the browser and over WebDAV.

Environment, entrypoint and first start: Dockerfile, entrypoint.sh, cmd/admin.go and internal/bootstrap in
OpenListTeam/OpenList.
"""

from __future__ import annotations

from pydantic import Field

from components.container import ContainerFile, ContainerSpec, HealthCheck, PublishedPort
from components.fields import Image, Memory, Port
from components.service import Platform, Service, ServiceConfig

HTTP_PORT = 5244

# OpenList prints the password of the admin row when it makes it: so the row is made here, with the output thrown
# away, and beside the data folder's own files, so that a kill never leaves a database without a login.
START = """#!/bin/sh
set -eu
cd /opt/openlist
if [ ! -e data/data.db ]; then
  rm -rf data/.photos-new
  OPENLIST_ADMIN_PASSWORD=$(cat /run/secrets/drive_admin_password) \\
    ./openlist admin --data data/.photos-new > /dev/null 2>&1 \\
    || { echo "photos: OpenList could not make its database" >&2; exit 1; }
  mv data/.photos-new/data.db data/data.db
  rm -rf data/.photos-new
fi
JWT_SECRET=$(cat /run/secrets/drive_jwt_secret)
export JWT_SECRET
exec /entrypoint.sh
"""


class DriveConfig(ServiceConfig):
    """OpenList, net drives as one file tree."""

    image: Image = Field("openlistteam/openlist:v4.2.5", description="image with a fixed tag")
    memory: Memory = Field(256, description="memory limit, e.g. 512m or 4g")
    port: Port = Field(5244, description="port of its pages, on 127.0.0.1")


class Drive(Service[DriveConfig, Platform]):
    """The file tree.

    Creates: a `docker.RemoteImage`, a `docker.Container`, a `docker.Volume` for its database and a
    `random.RandomPassword` that signs its sessions.
    """

    Config = DriveConfig
    secret_keys = ("drive_admin_password",)

    def spec(self, config: DriveConfig, base: Platform) -> ContainerSpec:
        """Describe the service; see the class."""
        return ContainerSpec(
            image=config.image,
            memory_mb=config.memory,
            networks=["apps"],
            # The image leaves its data folder to root; root without any capability may write there and nowhere else.
            user="0:0",
            entrypoint=["/photos/start"],
            env={"SITE_URL": f"http://localhost:{config.port}"},
            files=[
                ContainerFile(path="/photos/start", content=START, executable=True),
                ContainerFile(path="/run/secrets/drive_admin_password", content=base.secrets["drive_admin_password"]),
                ContainerFile(path="/run/secrets/drive_jwt_secret", content=self.password("jwt-secret")),
            ],
            volumes=[self.volume("", "/opt/openlist/data")],
            binds=base.library.mounts("/photos/originals", "/photos/import", read_only=True),
            ports=[PublishedPort(internal=HTTP_PORT, external=config.port)],
            health=HealthCheck(command=["wget", "-qO-", f"http://127.0.0.1:{HTTP_PORT}/ping"]),
            wait_s=120,
        )
