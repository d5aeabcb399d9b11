"""Secrets that the stack can heal by itself: lost or rotated, the next `up` sets a new one everywhere.

What data depends on (admin logins, identities, crypt keys) is never made here: a lost state would lose it.
Those are flat secrets of the stack file.
"""

from __future__ import annotations

import pulumi
import pulumi_random as random


def generated_password(name: str, *, parent: pulumi.Resource, rotation: int = 1) -> pulumi.Output[str]:
    """Return a random password of 32 letters and digits; a new one when `rotation` changes.

    Letters and digits only, so that it needs no quoting in SQL, in a URL or in a shell.
    """
    password = random.RandomPassword(
        name,
        length=32,
        special=False,
        keepers={"rotation": str(rotation)},
        # Every input replaces the password: only `rotation` may.
        opts=pulumi.ResourceOptions(parent=parent, ignore_changes=["length", "special"]),
    )
    return pulumi.Output.secret(password.result)
