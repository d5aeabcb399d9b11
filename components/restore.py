"""The restore: the keeper once more, but with the library writable. It is declared, and not started.

`./photos keeper restore` gives it an order and starts it; it does that once, ends, and stays for its log.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pulumi

from components.container import ContainerFile, ContainerSpec
from components.keeper import LIBRARY, SECRETS, STATE, Keeper, keeper_files, kept_volumes, local_copies, settings_of
from components.service import Belongings, Platform, Service, ServiceArgs

ORDER_FILE = "/photos/order"
"""Lines of shell: ORDER, which tells one order from another, variables of the person's terminal, and `set -- WORDS`."""
START = f"""#!/bin/sh
# What a person ordered is restored once. A panel, or whoever starts this container again, restores nothing: what the
# database holds by then is newer.
set -eu
taken={STATE}/restore-order
ORDER=
[ ! -e {ORDER_FILE} ] || . {ORDER_FILE}
if [ -z "$ORDER" ] || [ "$ORDER" = "$(cat "$taken" 2>/dev/null)" ]; then
  echo "No restore was ordered, so nothing was restored. Order one: ./photos keeper restore" >&2
  exit 1
fi
echo "$ORDER" >"$taken"
exec keeper restore "$@"
"""
LOGIN = "restore_database_password"
"""The file with the password of the album's own database user, who may change it: keeper/exchange.py (tested)."""


@dataclass(frozen=True, kw_only=True)
class RestoreArgs(ServiceArgs):
    """The keeper whose copies are restored from."""

    keeper: Keeper


class Restore(Service[RestoreArgs, Platform]):
    """A container like the keeper's that may write photos, services' volumes and the album's database.

    Creates: a `docker.Container` of the keeper's image, which is not started.
    """

    service = "restore"
    beside = Keeper.service
    in_library = True
    Args = RestoreArgs
    waited_for = False
    started = False

    @classmethod
    def spec(cls, args: RestoreArgs, base: Platform, belongings: Belongings) -> ContainerSpec:
        """Describe the restore; see the class."""
        del belongings
        keeper = args.keeper
        login = ContainerFile(path=str(SECRETS / LOGIN), content=pulumi.Output.secret(base.database.password))
        return ContainerSpec(
            image=keeper.image,
            image_id=keeper.image_id,
            health=None,
            memory_mb=keeper.args.backup.memory_mb,
            networks=["db", "apps"],
            user=f"{base.owner.uid}:{base.owner.gid}",
            entrypoint=["/photos/start"],
            files=[
                *keeper_files(keeper.args, settings_of(keeper.args, base)),
                login,
                ContainerFile(path="/photos/start", content=START, executable=True),
            ],
            volumes=[
                replace(keeper.volumes[""], target=STATE),
                *(replace(volume, read_only=False) for volume in kept_volumes(keeper.args)),
            ],
            binds=[
                *base.library.mounts(str(LIBRARY / "originals"), str(LIBRARY / "import")),
                *local_copies(keeper.args.backup),
            ],
            stop_grace_s=120,
            # A fresh volume takes its mode over from whoever mounts it first.
            depends_on=[keeper.container],
        )
