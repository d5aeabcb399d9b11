"""The command line `keeper`: the services, and what a person asks for through `./photos keeper …`."""

from __future__ import annotations

from collections.abc import Callable

import typer

from keeper.commands import backup, kit, restore, service

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
COMMANDS: dict[str, Callable[..., None]] = {
    "serve": service.serve,
    "watch": service.watch,
    "health": service.health,
    "status": service.status,
    "import": service.import_,
    "scrub": service.scrub,
    "drives": service.drives,
    "updates": service.updates,
    "backup": backup.backup,
    "verify": backup.verify_,
    "accept": backup.accept,
    "restore": restore.restore_,
    "snapshots": restore.snapshots_,
    "find": restore.find,
    "diff": restore.diff,
    "drill": restore.drill,
    "forget": restore.forget,
    "keys": restore.keys,
    "add-key": restore.add_key,
    "rotate": restore.rotate,
    "kit-files": kit.kit_files,
    "kit-is-safe": kit.kit_is_safe,
}
for name, command in COMMANDS.items():
    app.command(name)(command)

if __name__ == "__main__":
    app(prog_name="keeper")
