"""`./photos phone`: add a phone by its QR code, see what each has sent, take one out; the photos stay."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import typer
from pydantic import ValidationError
from rich import box
from rich.table import Column, Table

from cli import containers, paths, qr, stack_config, stackfile, workspace
from cli.commands.options import StackOption as Stack
from cli.commands.options import Yes
from cli.commands.up import up
from cli.console import Unattended, confirm, fail, out, say, warn
from cli.phone_sights import PhoneSight, made_by_hand, reach, section, sights, troubles, undeclared
from components.addresses import ANY, in_url
from components.apps.resource import AppError
from components.apps.syncthing import SyncthingApi
from components.device_id import device_id
from components.messages import Said, message
from components.services.syncthing import Syncthing, SyncthingConfig
from components.storage import PHONES as PHONES_FOLDER
from stacks.host import lan
from stacks.host.machine import Machine
from stacks.host.machines import machine_with
from stacks.languages import text
from stacks.names import NAMESPACE
from stacks.problems import problems
from stacks.sections import Settings
from stacks.sections.phones import CERTIFICATE, PHONES, server_id

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="The phones: add one by its QR code, see what each has sent, take one out.",
)

Name = Annotated[str, typer.Argument(help="its name, e.g. mum: its photos lie in originals/phones/mum")]
LOOK_SECONDS = 2.0
HEADS = (
    message("head_phone", "phone"),
    message("head_seen", "last here"),
    message("head_folder", "folder"),
    message("head_files", "files"),
    message("head_deletions", "deleted on it"),
)


@dataclass(frozen=True)
class Device:
    """A phone's device, and its folder where that was made by hand."""

    id: str
    folder: str | None = None


@app.command()
def add(
    name: Name,
    stack: Stack = "dev",
    *,
    device: Annotated[str | None, typer.Option("--device", help="its device ID, instead of waiting for it")] = None,
    deletions: Annotated[
        Literal["keep", "follow"], typer.Option("--deletions", help="whether what is deleted on it stays in the album")
    ] = "keep",
    yes: Yes = False,
) -> None:
    """Show the server's QR code, wait for the phone that scans it, write it into the stack file, and run `up`."""
    Unattended.yes = yes
    config = _config(stack, stack_config.offline(stack).settings)
    if name in config.phones:
        fail(message("phone_known", '"{name}" is in the stack file already. See: ./photos phone list', name=name))
    own = _own_id(stack)
    # Before anybody fetches a phone: a name that cannot be, said at once. The server's own ID is nobody's.
    _checked(config, name, Device(own))
    found = _typed(stack, config, name, device) if device else _asking(stack, config, name, own)
    _checked(config, name, found)
    if found.id == own:
        fail(message("phone_is_here", "{id} is this server itself, not a phone.", id=own))
    for key, value in {"device": found.id, "deletions": deletions, "folder": found.folder}.items():
        if value:
            workspace.set_value(stack, f"{NAMESPACE}{PHONES}.{name}.{key}", value)
    _run_up(stack, yes=yes)
    if found.folder:
        say(message("phone_taken_over", "{name} goes on as before, now as the stack file says.", name=name))
        return
    say(
        message(
            "phone_last_step",
            'Now on the phone: it is offered the folder "{name}". Accept it, choose the camera\'s folder (DCIM), and as its type "Send Only". What it sent: ./photos phone list --stack {stack}',
            name=name,
            stack=stack,
        )
    )


@app.command(name="list")
def list_(stack: Stack = "dev") -> None:
    """Show each phone: when it was here, how its folder goes, what it has sent; and what nobody declared."""
    settings = stack_config.offline(stack).settings
    config = _config(stack, settings)
    with _syncthing(stack, config) as api:
        seen = sights(api, config)
        if seen:
            out.print(_table(seen, settings.timezone))
        else:
            say(message("no_phones", "No phone yet. Add one: ./photos phone add NAME --stack {stack}", stack=stack))
        told = [*troubles(seen, stack), *undeclared(api, config, stack)]
    for line in told:
        warn(line)
    raise typer.Exit(int(bool(told)))


@app.command()
def remove(name: Name, stack: Stack = "dev", *, yes: Yes = False) -> None:
    """Take a phone out: it may not connect any more, and its photos stay in the album."""
    Unattended.yes = yes
    config = _config(stack, stack_config.offline(stack).settings)
    if name not in config.phones:
        fail(
            message(
                "phone_unknown",
                '"{name}" is no phone of the stack "{stack}". Known: {known}',
                name=name,
                stack=stack,
                known=", ".join(config.phones) or "-",
            )
        )
    place = f"originals/{PHONES_FOLDER}/{name}"
    if not confirm(
        message(
            "phone_remove",
            "Remove {name}? It may not connect any more; its photos stay in {place} and on the phone.",
            name=name,
            place=place,
        )
    ):
        fail(message("nothing_changed", "Nothing was changed."))
    workspace.remove_value(stack, f"{NAMESPACE}{PHONES}.{name}")
    _run_up(stack, yes=yes)
    say(message("phone_removed", "{name} is out. Its photos: {place}", name=name, place=place))


def _run_up(stack: str, *, yes: bool) -> None:
    try:
        up(stack, yes=yes)
    except typer.Exit as end:
        if end.exit_code:
            raise


def _config(stack: str, settings: Settings) -> SyncthingConfig:
    return section(settings) or fail(
        message(
            "no_syncthing",
            'The stack "{stack}" has no Syncthing. Write `syncthing: {}` under photos:services in stacks/Pulumi.{stack}.yaml',
            stack=stack,
        )
    )


def _own_id(stack: str) -> str:
    """Return the device ID of the stack's Syncthing, which its certificate tells before the first start."""
    file = paths.stack_file(stack)
    key = NAMESPACE + CERTIFICATE
    if not file.exists() or key not in stackfile.read(file):
        fail(message("no_identity_yet", "This stack is not set up yet. First: ./photos up {stack}", stack=stack))
    return server_id(workspace.secret(stack, key)) or fail(
        message("no_certificate", "photos:{key} in stacks/{file} is no certificate.", key=CERTIFICATE, file=file.name)
    )


def _checked(config: SyncthingConfig, name: str, device: Device) -> None:
    """End the program with what is wrong with a phone of that name."""
    phones = {key: phone.model_dump(exclude_none=True) for key, phone in config.phones.items()}
    phones[name] = {"device": device.id} | ({"folder": device.folder} if device.folder else {})
    try:
        SyncthingConfig.model_validate({"phones": phones})
    except ValidationError as invalid:
        fail("\n".join(text(problem.line) for problem in problems(invalid, SyncthingConfig)))


def _typed(stack: str, config: SyncthingConfig, name: str, typed: str) -> Device:
    """Return the device that a person typed, with the folder that Syncthing has for it already."""
    try:
        id_ = device_id(typed)
    except ValueError as wrong:
        fail(getattr(wrong, "context", {}).get("said") or str(wrong))
    with containers.connected(stack, service=Syncthing.service) as dockers:
        api = reach(dockers, stack, config)
    folder = made_by_hand(api, config, name) if api else None
    return Device(id_, folder["id"] if folder else None)


def _asking(stack: str, config: SyncthingConfig, name: str, own: str) -> Device:
    """Return the device that is there by hand already, or the one that asks once the server's code was scanned."""
    if Unattended.yes or not sys.stdin.isatty():
        fail(
            message(
                "phone_needs_person",
                "Whoever asks must be compared with the phone, and nobody can do that here. Write its ID: ./photos phone add {name} --device ID",
                name=name,
            )
        )
    with _syncthing(stack, config) as api:
        if folder := made_by_hand(api, config, name):
            return _take_over(api, folder, name, own)
        _show_code(config, own, machine_with(stack_config.offline(stack).settings, Syncthing.service))
        return _who_asks(api, name)


def _take_over(api: SyncthingApi, folder: Mapping[str, Any], name: str, own: str) -> Device:
    """Return the device that shares a folder which was made by hand, once a person wants to keep both."""
    known = {device["deviceID"]: device["name"] for device in api.get("devices")}
    shared = [str(each["deviceID"]) for each in folder["devices"] if each["deviceID"] != own]
    if len(shared) != 1:
        fail(
            message(
                "phone_many_share",
                "Syncthing has the folder {id} at {path} already, shared with {count} devices. Say which one it is: ./photos phone add {name} --device ID. Known: {known}",
                id=folder["id"],
                path=folder["path"],
                count=len(shared),
                name=name,
                known=", ".join(f"{known.get(device)} {device}" for device in shared) or "-",
            )
        )
    (device,) = shared
    if not confirm(
        message(
            "phone_take_over",
            "Syncthing has a folder for it already: {id} at {path}, shared with {device} ({device_name}). Take both over as {name}?",
            id=folder["id"],
            path=folder["path"],
            device=device,
            device_name=known.get(device, ""),
            name=name,
        )
    ):
        fail(
            message(
                "phone_two_folders",
                "Two folders in one place would fight. Choose another name, or remove that folder on Syncthing's page: its files stay.",
            )
        )
    return Device(device, str(folder["id"]))


def _show_code(config: SyncthingConfig, own: str, machine: Machine) -> None:
    say(
        message(
            "phone_scan",
            "On the phone: install Syncthing, add a device, and scan this code. It is this server's ID:\n{id}",
            id=own,
        )
    )
    qr.show(own)
    if addresses := lan_addresses(config, machine):
        say(
            message(
                "phone_address",
                "In the same dialogue write as its address: {addresses}, dynamic",
                addresses=", ".join(f"tcp://{address}:{config.sync_port}" for address in addresses),
            )
        )
    elif config.relays or config.discovery:
        say(message("phone_by_relay", "Leave its address as it is: the phone comes through Syncthing's relays."))


def lan_addresses(config: SyncthingConfig, machine: Machine) -> list[str]:
    """Return where a phone at home reaches Syncthing, as far as this machine knows; the container cannot be discovered."""
    if config.sync_bind not in ANY:
        return [in_url(config.sync_bind)]
    return [in_url(address) for address in lan.lan_addresses(machine)]


def _who_asks(api: SyncthingApi, name: str) -> Device:
    """Wait for a device that Syncthing does not know, and for the person who says that it is the phone."""
    say(message("phone_waiting", "Waiting for the phone ... (Ctrl-C ends it; nothing was changed)"))
    strangers: set[str] = set()
    while True:
        asking = api.look("cluster/pending/devices") or {}
        for id_, asked in asking.items():
            if id_ in strangers:
                continue
            say(
                message(
                    "phone_asks",
                    "{called} asks, from {address}. Its ID:\n{id}",
                    called=asked.get("name") or "?",
                    address=asked.get("address", "?"),
                    id=id_,
                )
            )
            if confirm(
                message("phone_is_it", "Does the phone of {name} show this ID (menu, Show device ID)?", name=name)
            ):
                return Device(id_)
            strangers.add(id_)
        time.sleep(LOOK_SECONDS)


@contextmanager
def _syncthing(stack: str, config: SyncthingConfig) -> Iterator[SyncthingApi]:
    """Reach Syncthing; end the program where it does not run or does not answer."""
    with containers.connected(stack, service=Syncthing.service) as dockers:
        api = reach(dockers, stack, config)
    if api is None:
        fail(message("syncthing_not_running", "Syncthing does not run. Start it: ./photos up {stack}", stack=stack))
    try:
        yield api
    except AppError as problem:
        fail(str(problem))


def _table(seen: list[PhoneSight], timezone: str) -> Table:
    columns = (Column(text(head), overflow="fold") for head in HEADS)
    table = Table(*columns, box=box.SIMPLE)
    for phone in seen:
        table.add_row(
            phone.name,
            text(_when(phone, timezone)),
            text(phone.state),
            f"{phone.files:,} ({phone.size / 1e9:.1f} GB)",
            text(_deletions(phone)),
        )
    return table


def _when(phone: PhoneSight, timezone: str) -> Said:
    if phone.connected:
        return message("phone_connected", "now")
    if phone.seen is None:
        return message("phone_never_here", "never yet")
    return f"{phone.seen.astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M}"


def _deletions(phone: PhoneSight) -> Said:
    if phone.config.deletions == "keep":
        return message("deletions_kept", "stays in the album")
    return message("deletions_followed", "goes from the album")
