"""The keeper's image with `backup.mirrors.apt`: all its packages come from there, over HTTP and HTTPS."""

from __future__ import annotations

import io
import re
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from cli.docker_host import connect
from tests.apt_mirror import Mirror, apt_mirror
from tests.docker.running_stack import PROJECT
from tests.programs import build_args
from tests.wheels import wheel_index

# As on the official image: the distribution in the newer format, and MariaDB's own source with its pinning.
LIKE_UPSTREAM = """FROM {base}
RUN rm -f /etc/apt/sources.list; \\
    printf 'Types: deb\\nURIs: {debian}\\nSuites: trixie\\nComponents: main\\n' > /etc/apt/sources.list.d/debian.sources; \\
    echo 'deb https://deb.mariadb.invalid/ trixie main' > /etc/apt/sources.list.d/mariadb.list; \\
    printf 'Package: *\\nPin: release o=MariaDB\\nPin-Priority: 999\\n' > /etc/apt/preferences.d/mariadb
"""
WITHOUT_CERTIFICATES = "RUN dpkg --purge --force-depends ca-certificates && rm -rf /etc/ssl/certs\n"


pytestmark = pytest.mark.usefixtures("programs")


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    with connect() as found:
        yield found


def built(client: docker.DockerClient, images: str, mirror: Mirror, more: str = "") -> str:
    """Build the keeper's image through `mirror`, and return what the build printed."""
    name = f"photos-test-mirror:{mirror.port}"
    text = LIKE_UPSTREAM.format(base=f"{images}/library/mariadb:11.8.8", debian=f"http://debian.invalid{mirror.path}")
    client.images.build(fileobj=io.BytesIO((text + more).encode()), tag=name, rm=True, forcerm=True)
    try:
        with wheel_index() as wheels:
            arguments = {"BASE": name, "APT_MIRROR": mirror.url, **build_args(images), **wheels.build_args}
            image, log = client.images.build(path=str(PROJECT / "keeper"), buildargs=arguments, rm=True, forcerm=True)
        assert image.id
        client.images.remove(image.id, force=True)
    finally:
        client.images.remove(name, force=True)
    return "".join(str(line.get("stream", "")) for line in log if isinstance(line, dict))


def hosts_asked(log: str) -> set[str]:
    """Return where apt asked, whether or not it got an answer."""
    return set(re.findall(r"^(?:Get|Hit|Ign|Err):\d+ (\w+://[^/ ]+)", log, re.MULTILINE))


def test_every_package_comes_from_the_mirror(client: docker.DockerClient, images: str) -> None:
    with apt_mirror() as mirror:
        log = built(client, images, mirror)

    assert hosts_asked(log) == {mirror.url}
    assert [path for path in mirror.asked if "/python3-venv_" in path]


def test_a_mirror_with_https_serves_an_image_without_certificates(
    client: docker.DockerClient, images: str, tmp_path: Path
) -> None:
    key = tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=mirror", "-days", "2"]
    subprocess.run([*command, "-keyout", key, "-out", key.with_name("cert.pem")], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(key.with_name("cert.pem"), key)
    with apt_mirror(tls) as mirror:
        log = built(client, images, mirror, WITHOUT_CERTIFICATES)

    assert mirror.url.startswith("https://")
    assert hosts_asked(log) == {mirror.url}
    assert [path for path in mirror.asked if "/ca-certificates_" in path]
