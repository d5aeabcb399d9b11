"""What a scheduled import needs beside its own keys."""

from __future__ import annotations

from components.messages import message
from components.services.photoprism import PhotoPrism
from stacks.findings import Finding
from stacks.problems import problem
from stacks.sections import Settings


def import_problems(settings: Settings) -> list[Finding]:
    """Return what a scheduled import lacks: the keeper does it, and there is one where there is a backup."""
    section = settings.enabled().get(PhotoPrism.service)
    if settings.backup or not isinstance(section, PhotoPrism.Config) or not section.import_schedule:
        return []
    needs = message(
        "import_needs_keeper",
        "is done by the keeper, which comes with photos:backup. Write photos:backup (see the example home), or leave "
        "this key out and import on PhotoPrism's page",
    )
    return [problem(f"services.{PhotoPrism.service}.import_schedule", needs)]
