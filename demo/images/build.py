"""Builds the images of the tests and the demo from Debian packages, since no image registry may be assumed.

One mmdebstrap run makes the base; every image is a thin layer on it. A tag that holds the hash of all it
was made from tells what need not be made again. `push` and `registry` are for tests that pull.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import io
import os
import re
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import APIError, BuildError, DockerException, ImageNotFound

HERE = Path(__file__).parent
SUITE = "trixie"
BASE = "photos-test-base"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PACKAGES = (
    "mariadb-server", "gosu", "pwgen", "zstd", "xz-utils", "tzdata",
    "syncthing", "libcap2-bin", "busybox", "curl", "ca-certificates",
    "python3", "python3-pil", "python3-pymysql",
)  # fmt: skip
# What no test needs; half of the size. The images say so by lacking it, never by having more than upstream.
EXCLUDED = (
    "/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*",
    "/usr/share/perl/*", "/usr/lib/*/perl/*", "/usr/bin/myisam*", "/usr/bin/aria_*", "/usr/bin/perror",
    "/usr/bin/mariadb-binlog", "/usr/bin/mariadb-conv", "/usr/bin/mariadb-plugin", "/usr/bin/mariadb-s*",
    "/usr/bin/mariadb-waitpid", "/usr/bin/replace", "/usr/bin/resolve*", "/usr/bin/innochecksum",
)  # fmt: skip
# The account has upstream's number before the package can choose one; a datadir that seems to exist is not made.
HOOK = (
    'echo "mysql:x:999:" >> "$1/etc/group"'
    ' && echo "mysql:x:999:999::/var/lib/mysql:/usr/sbin/nologin" >> "$1/etc/passwd"'
    ' && mkdir -p "$1/var/lib/mysql/mysql" && touch "$1/var/lib/mysql/mysql/user.frm"'
)
HOST_APT_OPTIONS = re.compile(
    r'^Acquire::(?:Check-\S+|https?::(?:\S+::)?Proxy|Retries|ForceIPv[46]) ".*";$', re.MULTILINE
)


class ImagesError(Exception):
    """Something the machine lacks; the message names the remedy."""


@dataclass(frozen=True)
class Recipe:
    """An image: `folder` holds its Dockerfile; images of one folder differ in their tag label only.

    `program` is a file of this machine that the build finds beside the Dockerfile, by that name; `suite` is the Debian
    whose packages it holds.
    """

    folder: str
    name: str
    program: Path | None = None
    suite: str = SUITE

    @property
    def repository(self) -> str:
        """The name without the tag."""
        return self.name.rpartition(":")[0]

    @property
    def tag(self) -> str:
        """What follows the colon."""
        return self.name.rpartition(":")[2]


IMAGES = (
    Recipe("mariadb", "library/mariadb:11.8.8"),
    Recipe("photoprism", "photoprism/photoprism:260728-ce"),
    Recipe("syncthing", "syncthing/syncthing:2.1.3"),
    Recipe("openlist", "openlistteam/openlist:v4.2.5"),
    Recipe("cloudflared", "cloudflare/cloudflared:2026.8.2"),
)
# The same programs under a later tag and with another image id: what a test upgrades to.
UPGRADES = (
    Recipe("mariadb", "library/mariadb:11.8.9"),
    Recipe("mariadb", "library/mariadb:12.3.2"),
    Recipe("photoprism", "photoprism/photoprism:260801-ce"),
)
OLDER = (Recipe("mariadb", "library/mariadb:10.11.14", suite="bookworm"),)
"""A server that is really older: what a test upgrades from."""


def build(
    registry: str,
    *,
    cache: Path,
    echo: Callable[[str], None],
    recipes: tuple[Recipe, ...] = IMAGES + UPGRADES,
    tell: Callable[[str], None] = lambda _: None,
    become_root: tuple[str, ...] = (),
    client: docker.DockerClient | None = None,
) -> dict[str, str]:
    """Makes what is missing, tags all as `<registry>/<name>` and returns name → image id.

    `echo` is told of each step, `tell` of each line of the step's program; `become_root` is put before mmdebstrap;
    `client` is the Docker to build on, by default that of the environment.
    """
    client = client or _client()
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        bases = {
            suite: _base(client, cache, echo, _bootstrapping(suite, echo, tell, become_root), suite)
            for suite in {recipe.suite for recipe in recipes}
        }
        return {recipe.name: _image(client, recipe, bases[recipe.suite], registry, echo) for recipe in recipes}


def push(registry: str, recipes: tuple[Recipe, ...] = IMAGES + UPGRADES) -> dict[str, str]:
    """Pushes the images that `build` tagged and returns name → digest."""
    client = _client()
    digests = {}
    for recipe in recipes:
        for line in client.api.push(f"{registry}/{recipe.repository}", tag=recipe.tag, stream=True, decode=True):
            if "error" in line:
                msg = f"{registry} does not take {recipe.name}: {line['error']}"
                raise ImagesError(msg)
            if "Digest" in line.get("aux", {}):
                digests[recipe.name] = line["aux"]["Digest"]
    return digests


@contextlib.contextmanager
def registry(port: int = 0, logins: Path | None = None) -> Iterator[str]:
    """Debian's docker-registry on loopback, empty, as "127.0.0.1:<port>"; docker takes plain HTTP from there.

    With `logins`, a file as htpasswd makes it, it asks everybody for one.
    """
    program = _program("docker-registry", "docker-registry")
    if not port:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    address = f"127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="photos-registry-") as folder:
        config = Path(folder) / "config.yml"
        config.write_text(
            f"version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\nhttp: {{addr: '{address}'}}\n"
            f"storage: {{filesystem: {{rootdirectory: '{folder}/data'}}, delete: {{enabled: true}}}}\n"
            + (f"auth: {{htpasswd: {{realm: photos, path: '{logins}'}}}}\n" if logins else "")
        )
        with subprocess.Popen([program, "serve", str(config)], stderr=subprocess.PIPE, text=True) as server:
            try:
                _await(f"http://{address}/v2/", server)
                yield address
            finally:
                server.terminate()


def _await(url: str, server: subprocess.Popen[str]) -> None:
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own address
                return
        except urllib.error.HTTPError:
            return  # it asks for a login
        except OSError:
            pass
        if server.poll() is not None:
            break
        time.sleep(0.1)
    server.terminate()
    msg = f"docker-registry does not answer on {url}: {server.communicate()[1].strip()[-500:]}"
    raise ImagesError(msg)


def _client() -> docker.DockerClient:
    try:
        client = docker.from_env(timeout=600)
        client.ping()
    except DockerException as error:
        msg = f"Docker does not answer ({error}). Install it (apt-get install docker.io), start dockerd, and be in its group."
        raise ImagesError(msg) from error
    return client


def _program(name: str, packages: str) -> str:
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if path is None:
        msg = f"{name} is missing: apt-get install {packages}"
        raise ImagesError(msg)
    return path


def lacks_base(client: docker.DockerClient, cache: Path) -> bool:
    """Whether `build` would have to run mmdebstrap, which takes root."""
    key = _base_key()
    if (cache / f"base-{key}.tar").exists():
        return False
    return not client.images.list(f"{BASE}:{key}")


def _base_key(suite: str = SUITE) -> str:
    return _hash(suite, *PACKAGES, *_excluded(suite), HOOK)


def _excluded(suite: str) -> tuple[str, ...]:
    """Return what is left out; before trixie a program of Perl lays out the folders."""
    return EXCLUDED if suite == SUITE else tuple(pattern for pattern in EXCLUDED if "/perl/" not in pattern)


def _base(
    client: docker.DockerClient,
    cache: Path,
    echo: Callable[[str], None],
    bootstrap: Callable[[Path], None],
    suite: str = SUITE,
) -> str:
    key = _base_key(suite)
    tag = f"{BASE}:{key}"
    with contextlib.suppress(ImageNotFound):
        client.images.get(tag)
        return tag
    for part in cache.glob("*.part"):
        part.unlink()  # of a run that was killed; its mmdebstrap may still write there
    archive = cache / f"base-{key}.tar"
    if not archive.exists():
        bootstrap(archive)
    echo(f"importing {tag} ({archive.stat().st_size >> 20} MiB)")
    try:
        client.api.import_image_from_file(str(archive), repository=BASE, tag=key)
        client.images.get(tag)
    except (APIError, ImageNotFound) as error:
        archive.unlink()
        msg = f"Docker does not take {archive}, so it was removed and is made anew the next time: {error}"
        raise ImagesError(msg) from error
    return tag


def _bootstrapping(
    suite: str, echo: Callable[[str], None], tell: Callable[[str], None], become_root: tuple[str, ...]
) -> Callable[[Path], None]:
    return lambda archive: _bootstrap(archive, echo, tell, become_root, suite)


def _bootstrap(
    archive: Path,
    echo: Callable[[str], None],
    tell: Callable[[str], None],
    become_root: tuple[str, ...],
    suite: str = SUITE,
) -> None:
    program = _program("mmdebstrap", "mmdebstrap debian-archive-keyring")
    if not KEYRING.exists():
        msg = f"{KEYRING} is missing: apt-get install debian-archive-keyring"
        raise ImagesError(msg)
    mirror = debian_mirror()
    echo(f"Debian {suite} from {mirror} (about 120 MB, once)")
    settings = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    part = archive.with_suffix(".part")
    command = [
        *become_root, program, "--variant=minbase", "--format=tar", f"--include={','.join(PACKAGES)}",
        '--aptopt=Apt::Install-Recommends "false"',
        *(f"--aptopt={line.rstrip(';')}" for line in HOST_APT_OPTIONS.findall(settings)),
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in _excluded(suite)),
        f"--essential-hook={HOOK}", suite, "-", mirror,
    ]  # fmt: skip
    said: deque[str] = deque(maxlen=15)
    # Through this file, so that it is ours whoever mmdebstrap runs as.
    with part.open("wb") as tar, subprocess.Popen(command, stdout=tar, stderr=subprocess.PIPE, text=True) as running:
        for line in running.stderr or ():
            said.append(line.strip())
            tell(line)
    if running.returncode:
        part.unlink(missing_ok=True)
        msg = f"mmdebstrap failed with {mirror} (PHOTOS_DEBIAN_MIRROR names another one; run as root):\n"
        raise ImagesError(msg + "\n".join(said))
    part.rename(archive)


def debian_mirror() -> str:
    """The Debian mirror that this machine's apt uses, so that a nearby one is used here too."""
    chosen = os.environ.get("PHOTOS_DEBIAN_MIRROR")
    if chosen:
        return chosen
    apt = Path("/etc/apt")
    for file in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]:
        if file.suffix in {".list", ".sources"} and file.is_file():
            for line in file.read_text(errors="replace").splitlines():
                found = re.search(r"https?://\S+/debian/?(?=\s|$)", line)
                if found and line.startswith(("deb ", "URIs:")):
                    return found[0]
    return "http://deb.debian.org/debian"


def _image(client: docker.DockerClient, recipe: Recipe, base: str, host: str, echo: Callable[[str], None]) -> str:
    context = _context(HERE / recipe.folder, recipe.program)
    made = f"photos-test-{recipe.folder}:{_hash(base, recipe.name, hashlib.sha256(context).hexdigest())}"
    try:
        image = client.images.get(made)
    except ImageNotFound:
        echo(f"building {recipe.name}")
        try:
            image, _ = client.images.build(
                fileobj=io.BytesIO(context), custom_context=True, tag=made, buildargs={"BASE": base, "TAG": recipe.tag}, network_mode="none",
                rm=True, forcerm=True, labels={"photos.test-image": recipe.name},
            )  # fmt: skip
        except BuildError as error:
            log = "".join(line.get("stream", "") for line in error.build_log)[-3000:]
            msg = f"{recipe.name} cannot be built: {error}\n{log}"
            raise ImagesError(msg) from error
    image.tag(f"{host}/{recipe.repository}", recipe.tag)
    return str(image.id)


def _context(folder: Path, program: Path | None = None) -> bytes:
    """Pack what the build reads: the same bytes under any umask of the checkout, and without an editor's files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as bundle:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = file.relative_to(folder)
            if "__pycache__" not in name.parts and not re.search(r"^[.#]|(~|\.orig)$", file.name):
                _add(bundle, str(name), file.read_bytes())
        if program:
            _add(bundle, "program", program.read_bytes())
    return buffer.getvalue()


def _add(bundle: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o755 if content.startswith((b"#!", b"\x7fELF")) else 0o644
    bundle.addfile(entry, io.BytesIO(content))


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.images.build", description=__doc__)
    parser.add_argument("--registry", required=True, help="prefix of the tags, such as photos-test.local")
    parser.add_argument("--push", action="store_true", help="push them there, too")
    parser.add_argument("--cache", type=Path, default=HERE.parents[1] / ".cache" / "images")
    options = parser.parse_args()
    try:
        for name, image in build(options.registry, cache=options.cache, echo=print).items():
            print(f"{options.registry}/{name}  {image[:19]}")
        if options.push:
            for name, digest in push(options.registry).items():
                print(f"pushed {options.registry}/{name}@{digest}")
    except ImagesError as error:
        msg = f"test images: {error}"
        raise SystemExit(msg) from error


if __name__ == "__main__":
    main()
