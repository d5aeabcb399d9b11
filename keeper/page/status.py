"""Everything that the keeper knows, as one: what the page shows, and the same facts for machines."""

from __future__ import annotations

from pydantic import BaseModel

from keeper.errors import Problem
from keeper.releases.asking import still
from keeper.service.kit import missing_keys
from keeper.settings import Settings
from keeper.state import (
    AlbumState,
    CopyState,
    DrivesState,
    DumpState,
    ImportState,
    IndexState,
    KitState,
    PhonesState,
    Progress,
    SchedulerState,
    ScrubState,
    State,
    TrialState,
    UpdatesState,
)


class Status(BaseModel):
    """All states. `kit_lacks`: the copies that the confirmed kit does not open. `findings`: of the stack, and what was tried."""

    copies: dict[str, CopyState] = {}
    progress: dict[str, Progress] = {}
    scheduler: SchedulerState = SchedulerState()
    dump: DumpState = DumpState()
    scrub: ScrubState = ScrubState()
    index: IndexState = IndexState()
    imports: ImportState = ImportState()
    album: AlbumState = AlbumState()
    drives: DrivesState = DrivesState()
    updates: UpdatesState = UpdatesState()
    phones: PhonesState = PhonesState()
    kit: KitState = KitState()
    kit_lacks: list[str] = []
    findings: list[Problem] = []


def read_status(settings: Settings) -> Status:
    """Read all states of the copies that are set up."""
    state = State(settings.state)
    kit = KitState.read(state.kit_file)
    names = [copy.name for copy in settings.copies]
    tried = [finding for name in names for finding in TrialState.read(state.trial_file(name)).findings]
    drives = DrivesState.read(state.drives_file)
    tried += [finding for name in names for finding in drives.findings.get(name, []) if finding not in tried]
    return Status(
        copies={name: state.copy(name) for name in names},
        progress={name: progress for name in names if (progress := state.progress(name))},
        scheduler=SchedulerState.read(state.scheduler_file),
        dump=DumpState.read(state.dump_file),
        scrub=ScrubState.read(state.scrub_file),
        index=IndexState.read(state.index_file),
        imports=ImportState.read(state.import_file) if settings.import_schedule else ImportState(),
        album=AlbumState.read(state.album_file) if settings.photoprism_url else AlbumState(),
        drives=drives,
        updates=still(settings.updates, UpdatesState.read(state.updates_file)),
        phones=PhonesState.read(state.phones_file),
        kit=kit,
        kit_lacks=missing_keys(settings, kit) if kit.confirmed else [],
        findings=[*settings.findings, *tried],
    )
