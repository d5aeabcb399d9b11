"""Names of the flat secrets of `photos:backup`."""

from __future__ import annotations

from stacks.sections.backup.keeper_defaults import REPOSITORY_PASSWORD

ALERT_KEYS = (ALERT_URLS, PING_URL) = ("backup_alert_urls", "backup_ping_url")
"""Flat keys that a person may set: where alerts go, and who notices when this machine is silent."""
TAKEN_NAMES = ("alert", "ping")
"""Names that no copy can have: their flat keys would be `backup_alert_urls` and `backup_ping_url`."""
OWN_KEYS = (REPOSITORY_PASSWORD,)
"""What `./photos` makes for each copy that is a repository; no option of rclone has such a name (tested)."""


def secret_key(remote: str, option: str) -> str:
    """Return the flat key of an option of a remote."""
    return f"backup_{remote}_{option}"
