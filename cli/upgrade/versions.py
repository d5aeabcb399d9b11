"""Which of two images is the newer one, read from their tags."""

from __future__ import annotations

import re

Version = tuple[int, ...]


def version(image: str) -> Version | None:
    """Return the version that a tag begins with, None where it names none.

    >>> version("mariadb:11.8.8"), version("photoprism/photoprism:260728-ce"), version("openlistteam/openlist:v4.2.5")
    ((11, 8, 8), (260728,), (4, 2, 5))
    >>> version("mirror.lan:5000/mariadb@sha256:0"), version("x:latest")
    (None, None)
    """
    found = re.search(r":v?(\d+(?:\.\d+)*)(?=$|[-@+])[^/]*$", image.partition("@")[0])
    return tuple(map(int, found[1].split("."))) if found else None


def repository(image: str) -> str:
    """Return the name without tag and digest.

    >>> repository("mirror.lan:5000/library/mariadb:11.8.8@sha256:0"), repository("mariadb")
    ('mirror.lan:5000/library/mariadb', 'mariadb')
    """
    return re.sub(r":[^:/]*$", "", image.partition("@")[0])


def tag(image: str) -> str:
    """Return the tag, "" for none.

    >>> tag("mariadb:11.8.8@sha256:0"), tag("mirror.lan:5000/mariadb")
    ('11.8.8', '')
    """
    bare = image.partition("@")[0]
    return bare.removeprefix(repository(bare)).removeprefix(":")


def is_newer(image: str, than: str) -> bool:
    """Whether `image` is a later release of the same repository.

    >>> is_newer("mariadb:11.8.9", "mariadb:11.8.8"), is_newer("mariadb:11.8.8", "mariadb:11.8.8@sha256:0")
    (True, False)
    >>> is_newer("photoprism/photoprism:260801-ce", "ghcr.io/me/photoprism:1")
    False
    """
    new, old = version(image), version(than)
    return repository(image) == repository(than) and new is not None and old is not None and new > old


def series(version_text: str) -> Version | None:
    """Return the series of a MariaDB, e.g. (10, 11) of "10.11.14-MariaDB-log": within it data can go back, else not.

    >>> series("10.11.14-MariaDB"), series("x")
    ((10, 11), None)
    """
    found = re.match(r"(\d+)\.(\d+)", version_text)
    return (int(found[1]), int(found[2])) if found else None
