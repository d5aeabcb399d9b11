"""What a stack exports: for `./photos`, for a person, and for another stack (`pulumi.StackReference`)."""

from __future__ import annotations

from typing import Any

from components.messages import message
from components.photo_system import PhotoSystem
from stacks.config import StackConfig
from stacks.expected import expected
from stacks.sections.backup.rules import page_url, status_line
from stacks.sections.publish import BODY_LIMIT

NO_BACKUP = message(
    "no_backup",
    "No backup runs without photos:backup in the stack file: write it, or keep a second copy of your photos.",
)


def outputs(config: StackConfig, system: PhotoSystem) -> dict[str, Any]:
    """Return name → value, all texts in English: an output must not change with who runs `up`. `endpoints` are addresses in the networks that each is in, `networks` Docker's ids by role."""
    album, publish = config.settings.enabled().get("photoprism"), config.settings.publish
    backup = config.settings.backup
    return {
        "album_url": config.settings.public_urls().get("photoprism") or getattr(album, "url", None),
        "album_user": "admin" if album else None,
        "services": [service.name for service in expected(config.stack, config.settings).services if service.started],
        "library": config.settings.library.model_dump(by_alias=True),
        "public": [
            {"url": f"https://{entry.hostname}/", "protected_by": str(entry.protection), "body_limit": str(BODY_LIMIT)}
            for entry in (publish.hostnames if publish else ())
        ],
        "backup": str(status_line(backup) if backup else NO_BACKUP),
        "backup_page": page_url(backup) if backup else None,
        "backup_findings": [str(item) for item in (*config.shortcomings, *config.host_shortcomings)],
        "endpoints": system.endpoints,
        "networks": system.network_ids,
    }
