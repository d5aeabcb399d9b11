"""What Pulumi's Docker provider is told, so that it works on the Docker that the checks have looked at.

Where nobody named a Docker and nobody logged in, that is nothing: the provider's own defaults are the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import pulumi
import pulumi_docker as docker

from components.hosts import Host, Hosts
from stacks.config import StackConfig
from stacks.host.credentials import DOCKER_HUB, GuardError, Login, login_at, registry_of
from stacks.host.endpoint import DockerEndpoint
from stacks.host.endpoints import endpoints
from stacks.host.images import images
from stacks.sections.places import KINDS, first_host, host_of

NO_CONTEXT = ""
"""Named, so that the provider does not take DOCKER_CONTEXT, which it prefers to any host."""
WHERE_DOCKER_HUB_PULLS = "registry-1.docker.io"


def docker_hosts(config: StackConfig) -> tuple[docker.Provider, Hosts]:
    """Declare a provider per Docker host; return that of the first, and the hosts with those of the others.

    Raises:
        EndpointError: when there is no Docker that could be used.
    """
    (_, here), *others = endpoints(config).items()
    first = docker.Provider("docker", docker_provider_args(config, here))
    further = {
        name: _host(endpoint, docker.Provider(f"docker-{name}", docker_provider_args(config, endpoint)))
        for name, endpoint in others
    }
    return first, Hosts(first=_host(here), others=further, place=_elsewhere(config))


def _host(endpoint: DockerEndpoint, provider: docker.Provider | None = None) -> Host:
    loopback = endpoint.line.address if endpoint.line else None
    return Host(provider=provider, environment=endpoint.environment, loopback=loopback)


def _elsewhere(config: StackConfig) -> dict[str, str]:
    """Return service → host of those that are not on the first."""
    first = first_host(config.settings)
    placed = {service: host_of(config.settings, service) for service in KINDS}
    return {service: host for service, host in placed.items() if host not in ("", first)}


def docker_provider_args(config: StackConfig, endpoint: DockerEndpoint) -> docker.ProviderArgs:
    """Return host, certificates and registries for the provider of one Docker."""
    logins = [_registry(login) for login in _logins(config)] or None
    if endpoint.named_by is None:
        return docker.ProviderArgs(registry_auth=logins)
    return docker.ProviderArgs(
        host=endpoint.url, context=NO_CONTEXT, cert_path=endpoint.certificates, registry_auth=logins
    )


def _logins(config: StackConfig) -> Iterator[Login]:
    for registry in sorted({registry_of(image) for image in images(config)}):
        try:
            if login := login_at(registry):
                yield login
        except GuardError:
            continue  # the images may be public, and the check of the images says more


def _registry(login: Login) -> docker.ProviderRegistryAuthArgs:
    """Name a registry; the provider then reads its login where `docker login` keeps it, and no state holds it.

    It cannot do so for Docker Hub where a program keeps the login (getAuthConfigFromConfigFile takes the empty entry of
    the file for it), so there it gets the login itself, as a secret.
    """
    if login.registry != DOCKER_HUB:
        return docker.ProviderRegistryAuthArgs(address=login.registry)
    if not login.guarded:
        return docker.ProviderRegistryAuthArgs(address=WHERE_DOCKER_HUB_PULLS)
    password = pulumi.Output.secret(login.password)
    return docker.ProviderRegistryAuthArgs(address=WHERE_DOCKER_HUB_PULLS, username=login.user, password=password)
