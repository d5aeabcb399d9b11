"""The state as Prometheus metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from keeper.copies.repository import newest
from keeper.page.status import Status, read_status
from keeper.service.limits import verified_share
from keeper.settings import Settings
from keeper.state import now


class StatusCollector(Collector):
    """Reads the state anew for every scrape. What is not known yet is left out."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield all metrics."""
        status = read_status(self._settings)
        yield _age("heartbeat", "the scheduler came round", status.scheduler.heartbeat)
        yield _age("dump", "the database was last dumped", status.dump.made)
        held = {alarm for known in status.copies.values() for alarm in known.held}
        yield _gauge("gate_waiting", "Alarms of the gate that wait for a person's answer.", len(held))
        yield _gauge("findings", "Findings about the set of copies.", len(status.findings))
        yield _gauge("rotten_files", "Files of the library that changed by themselves.", len(status.scrub.rotten))
        yield from self._of_copies(status)
        yield _each("index_age_seconds", "Seconds since new photos of a folder were indexed.", "folder", {
            folder: _seconds(moment) for folder, moment in status.index.indexed.items()
        })  # fmt: skip
        yield _each("phone_seen_age_seconds", "Seconds since a phone was last connected.", "phone", {
            name: _seconds(phone.seen) for name, phone in status.phones.phones.items() if phone.seen
        })  # fmt: skip
        yield _each("phone_troubled", "1 while a phone's folder takes nothing.", "folder", dict.fromkeys(status.index.troubled, 1))  # fmt: skip

    def _of_copies(self, status: Status) -> Iterator[GaugeMetricFamily]:
        copies = [(copy, status.copies[copy.name]) for copy in self._settings.copies]
        last = {copy.name: snapshot for copy, known in copies if (snapshot := newest(known.snapshots, now()))}
        runs = {copy.name: known.run for copy, known in copies if known.run}
        drills = {copy.name: known.drill for copy, known in copies if known.drill}
        for name, text, values in (
            ("last_good_age_seconds", "Seconds since the last good run there ended.", {
                copy.name: _seconds(known.last_good) for copy, known in copies if known.last_good
            }),
            ("newest_age_seconds", "Seconds since the newest snapshot there.", {
                name: _seconds(snapshot.time) for name, snapshot in last.items()
            }),
            ("snapshots", "Snapshots there.", {copy.name: len(known.snapshots) for copy, known in copies}),
            ("files", "Files in the newest snapshot.", {name: snapshot.files for name, snapshot in last.items()}),
            ("bytes", "Size of the newest snapshot.", {name: snapshot.bytes for name, snapshot in last.items()}),
            ("last_exit", "Exit code of the last run there; 0 is good.", {
                name: int(run.exit) for name, run in runs.items()
            }),
            ("sent_bytes", "Bytes that the last run sent there.", {name: run.sent_bytes for name, run in runs.items()}),
            ("unreadable_files", "Files that the last run there could not read.", {
                name: len(run.unreadable) for name, run in runs.items()
            }),
            ("damaged", "1 while what was found damaged there is not mended.", {
                copy.name: int(known.damage is not None) for copy, known in copies
            }),
            ("verified_ratio", "Share that was read back within verify_days.", {
                copy.name: verified_share(copy, known) for copy, known in copies if copy.is_repository
            }),
            ("drill_passed", "1 when the last test restore from there passed.", {
                name: int(drill.passed) for name, drill in drills.items()
            }),
            ("drill_age_seconds", "Seconds since the last test restore from there.", {
                name: _seconds(drill.ended) for name, drill in drills.items()
            }),
            ("job_done_bytes", "What the job that is at work there has done.", {
                name: progress.done for name, progress in status.progress.items()
            }),
            ("job_total_bytes", "What the job that is at work there has to do.", {
                name: progress.total for name, progress in status.progress.items() if progress.total
            }),
        ):  # fmt: skip
            yield _each(f"copy_{name}", text, "copy", values)


def _each(name: str, text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"photos_{name}", text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"photos_{name}", text, value=value)


def _seconds(moment: datetime) -> float:
    return (now() - moment).total_seconds()


def _age(name: str, what: str, moment: datetime | None) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"photos_{name}_age_seconds", f"Seconds since {what}.")
    if moment:
        family.add_metric([], _seconds(moment))
    return family
