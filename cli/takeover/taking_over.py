"""`./photos adopt --database … --storage …`: look at all of the old set-up, then fill the stack's volumes, then start it.

Everything that can be wrong is told before anything is created. The old containers and folders are only read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker

from cli import docker_host, paths, setup, stack_config, stackfile, sweep, this_machine, workspace
from cli.console import confirm, fail, say, warn
from cli.takeover import albums, database, dump, findings, password, pending, storage, volumes
from components.messages import message
from components.services.photoprism import PhotoPrismConfig
from stacks.config import StackConfig
from stacks.host.library import library_owner
from stacks.names import NAMESPACE

INNODB_FACTOR = 3
"""So many times the size of its dump a database takes: rows, indexes, logs."""
EMPTY_SERVER = 300 << 20
NAME_OF_A_FILE = re.compile(r"/|\.sql(\.gz)?$|\.gz$|\.db$")
ROOT_KEY = f"{NAMESPACE}mariadb_root_password"


@dataclass(frozen=True)
class OldSetUp:
    """What is taken over. `rows`: what the old server counted, where there is one."""

    dump: dump.Dump
    storage: storage.Storage
    albums: list[albums.OldAlbum]
    rows: dict[str, int] | None

    @property
    def album_name(self) -> str:
        """The old album's container; "" where none is known."""
        return self.albums[0].name if self.albums else ""

    @property
    def bytes_needed(self) -> int:
        """How much room the stack's volumes will take."""
        return self.storage.size + INNODB_FACTOR * self.dump.size + EMPTY_SERVER


def take_over(stack: str, source: str, folder: Path, *, place: Path, database_name: str | None = None) -> int:
    """Take a set-up over and start the stack on it; return the exit code of `up`.

    `source` is a container or a dump, `place` is where a person stands.
    """
    this_machine.need(stack, "./photos adopt --database")
    if len(stackfile.docker_hosts(stack)) > 1:
        fail(
            message(
                "takeover_several_hosts",
                "./photos adopt --database fills one host. Take photos:hosts and photos:place out of stacks/Pulumi.{stack}.yaml, run it again, then write both back and move services: ./photos move SERVICE HOST --stack {stack}",
                stack=stack,
            )
        )
    docker_host.ensure(stack)
    config = stack_config.offline(stack)
    album = _album(config)
    names = volumes.Names.of(stack, config.settings)
    originals = Path(config.settings.library.originals)
    if not originals.is_dir():
        fail(
            message(
                "takeover_no_originals",
                "photos:library.originals is {originals}, which is not there. Write the old album's folder into stacks/Pulumi.{stack}.yaml. Is its drive mounted?",
                originals=originals,
                stack=stack,
            )
        )
    with pending.alone(stack), docker_host.connect(stack) as client:
        volumes.refuse_existing(client, stack, names)
        old_albums = albums.old_albums(client)
        library = list(map(Path, config.settings.library.library().folders))
        albums.refuse_two_on_one_library(old_albums, [*library, folder])
        kept = storage.look(folder, originals)
        with _dumped(client, stack, source, place=place, database_name=database_name, old=old_albums) as (found, rows):
            old = OldSetUp(found, kept, [each for each in old_albums if any(map(each.uses, library))], rows)
            findings.check_version(found.content, album.image, old.album_name)
            findings.check_photos(found.content, originals)
            database.refuse_small_disk(_docker_folder(client), old.bytes_needed)
            typed = password.settle(stack, findings.admin(found.content, old.album_name), old.album_name)
            _agree(stack, source, old)
            volumes.clear(client, stack, names)
            setup.begin(stack)
            password.write(stack, typed)
            setup.prepare(stack)
            _fill(client, stack, names, old)
    say(message("takeover_starting", "All of it is there. Starting the stack on it ..."))
    code = sweep.run_up(stack, "--yes")
    _tell_the_rest(stack, old)
    return code


def _album(config: StackConfig) -> PhotoPrismConfig:
    album = config.settings.enabled().get("photoprism")
    if not isinstance(album, PhotoPrismConfig):
        fail(
            message(
                "takeover_no_album",
                'The stack "{stack}" has no album. Write `photoprism: {}` below photos:services in stacks/Pulumi.{stack}.yaml',
                stack=config.stack,
            )
        )
    return album


@contextmanager
def _dumped(
    client: docker.DockerClient,
    stack: str,
    source: str,
    *,
    place: Path,
    database_name: str | None,
    old: list[albums.OldAlbum],
) -> Iterator[tuple[dump.Dump, dict[str, int] | None]]:
    """Yield the dump, and the rows that the old server counts; a dump that was made here is gone afterwards."""
    file = place / Path(source).expanduser()
    if file.is_file():
        yield dump.read(file, database_name), None
        return
    if NAME_OF_A_FILE.search(source):
        fail(message("takeover_no_file", "There is no file {file}. Is its drive mounted?", file=file))
    server = database.find(client, source, old)
    name = server.database(database_name)
    with pending.scratch(stack) as made:
        say(message("takeover_dumping", "Dumping {database} of {name} ...", database=name, name=source))
        written = made / "photoprism.sql"
        rows = server.rows(name)
        server.dump(name, written)
        yield dump.read(written, ""), rows


def _agree(stack: str, source: str, old: OldSetUp) -> None:
    say(
        message(
            "takeover_summary",
            "{source}: a database of PhotoPrism with {tables} tables.\n{folder}: {files} files, {megabytes} MB; its cache stays behind, thumbnails are made again.\nBoth stay as they are, and so do the photos.",
            source=source,
            tables=len(old.dump.content.tables),
            folder=old.storage.folder,
            files=len(old.storage.files),
            megabytes=f"{old.storage.size / 1e6:.0f}",
        )
    )
    if old.storage.dropped_options:
        warn(
            message(
                "takeover_options",
                "Not taken over from its options.yml, since the stack decides it: {keys}",
                keys=", ".join(old.storage.dropped_options),
            )
        )
    if not confirm(message("takeover_agree", 'Take this over into the stack "{stack}", and start it?', stack=stack)):
        fail(message("nothing_changed", "Nothing was changed."))


def _fill(client: docker.DockerClient, stack: str, names: volumes.Names, old: OldSetUp) -> None:
    """Fill the volumes of a stack that is set up."""
    settings = stack_config.offline(stack).settings
    identity = str(stackfile.stack_id(paths.stack_file(stack)))
    root_password = workspace.secret(stack, ROOT_KEY)
    with (
        volumes.being_filled(client, stack, identity, names),
        volumes.running(client, stack, settings, names, root_password) as server,
    ):
        say(message("takeover_copying", "Copying the storage folder ..."))
        server.take(old.storage, library_owner(settings))
        say(message("takeover_loading", "Loading the database ..."))
        server.load(old.dump.statements())
        _prove(server.rows(), old)
        if converted := server.make_utf8mb4():
            say(
                message(
                    "takeover_converted",
                    "Tables of an older character set were converted to utf8mb4: {names}",
                    names=", ".join(converted),
                )
            )
        server.proven()
        pending.end(stack)  # from here on it is the family's: a later try must not take it for half-made


def _prove(arrived: dict[str, int], old: OldSetUp) -> None:
    """Compare what was loaded with what was dumped; end the program where something is missing."""
    expected_rows = old.rows or dict.fromkeys(old.dump.content.tables)
    wrong = [
        table for table, rows in expected_rows.items() if table not in arrived or rows not in (None, arrived[table])
    ]
    if wrong:
        fail(
            message(
                "takeover_rows",
                "Not everything was loaded, so nothing of it was kept: {tables}. Is the old database still being written to? Run this again.",
                tables=", ".join(sorted(wrong)),
            )
        )


def _tell_the_rest(stack: str, old: OldSetUp) -> None:
    say(
        message(
            "takeover_done",
            "The old containers and {folder} are as they were; the stack does not need them any more. Back to them: ./photos destroy {stack}, then start them again. Never run both.",
            folder=old.storage.folder,
            stack=stack,
        )
    )
    for album in old.albums:
        if album.comes_back:
            warn(
                message(
                    "takeover_comes_back",
                    "{name} would start again at the next boot, beside the stack. Keep it from that: docker update --restart=no {name}",
                    name=album.name,
                )
            )


def _docker_folder(client: docker.DockerClient) -> Path:
    """Return where Docker keeps volumes; a Docker elsewhere keeps them where nobody can look."""
    folder = Path(str(client.info().get("DockerRootDir", "/")))
    return next(part for part in (folder, *folder.parents) if part.exists())
