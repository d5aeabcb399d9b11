"""The logins that `docker login` keeps: for the check of the images and for Pulumi's provider.

The provider pulls with what its own settings name and looks at nothing else (kreuzwerker/terraform-provider-docker,
resource_docker_image_funcs.go): without them a registry with a password answers "no basic auth credentials".
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

from docker import auth
from docker.errors import DockerException

DOCKER_HUB = auth.INDEX_NAME


class GuardError(Exception):
    """The program that should keep the logins (`credsStore` in Docker's config.json) does not work. It is named."""


@dataclass(frozen=True, kw_only=True)
class Login:
    """A login at a registry. `words` are its user and password, or its token, as Docker's API takes them.

    `guarded`: a program keeps it, not the file.
    """

    registry: str
    words: Mapping[str, str] = field(repr=False)
    guarded: bool

    @property
    def user(self) -> str:
        """The name; empty for a token."""
        return self.words.get("username", "")

    @property
    def password(self) -> str:
        """The password; empty for a token, which only Docker's own command can use."""
        return self.words.get("password", "")


def registry_of(image: str) -> str:
    """Return the registry that an image comes from.

    >>> registry_of("mariadb:11.8.8"), registry_of("mirror.lan:5000/library/mariadb:11.8.8")
    ('docker.io', 'mirror.lan:5000')
    """
    return str(auth.resolve_repository_name(image)[0])


def login_at(registry: str) -> Login | None:
    """Return the login that `docker login` has kept for a registry.

    Raises:
        GuardError: when the program that keeps it does not work.
    """
    kept = auth.load_config()
    guard = kept.get_credential_store(registry)
    try:
        with warnings.catch_warnings(action="ignore"):  # of a program that is not there; the error says it, too
            words = kept.resolve_authconfig(registry)
    except DockerException as error:
        name = f"docker-credential-{guard}"
        raise GuardError(name) from error
    if not words:
        return None
    plain = {key.lower(): value for key, value in words.items() if value}
    return Login(registry=registry, words=plain, guarded=bool(guard) and not kept.auths.get(registry))


def login_command(registry: str) -> str:
    """Return what a person types to log in, as the one who runs `./photos`."""
    sudo = "sudo " if os.environ.get("SUDO_USER") else ""
    first = "" if shutil.which("docker") else "sudo apt-get install docker-cli, then "
    return f"{first}{sudo}docker login{'' if registry == DOCKER_HUB else f' {registry}'}"
