"""The status as Prometheus metrics."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from keeper.report import RemoteStatus, now, read_status
from keeper.settings import Settings
from keeper.view import verified_percent


class StatusCollector(Collector):
    """Reads the status file anew for every scrape. What is not known yet is left out."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield all metrics."""
        status = read_status(self._settings.state)
        yield _age("heartbeat", "the scheduler came round", status.heartbeat)
        yield _age("last_good", "the last good run ended", status.last_good)
        yield _age("last_verify", "a copy was last read back", status.last_verify)
        yield _gauge("gate_waiting", "1 while a run waits for a person's answer.", int(bool(status.waiting)))
        yield _gauge("findings", "Findings about the set of copies.", len(self._settings.findings))
        if report := status.last_run:
            yield _gauge("last_run_code", "Exit code of the last run; 0 is good.", report.code)
            yield _gauge("library_files", "Files in the last run.", report.files)
            yield _gauge("library_bytes", "Size of the library in the last run.", report.bytes)
            yield _gauge("skipped_files", "Files that the last run left out.", len(report.skipped))
            codes = _family("remote_last_code", "Exit code of the last run at this copy; 0 is good.", "remote")
            sent = _family("remote_sent_bytes", "Bytes that the last run sent there.", "remote")
            for name, remote in report.remotes.items():
                codes.add_metric([name], remote.code)
                sent.add_metric([name], remote.sent_bytes)
            yield from (codes, sent)
        yield from self._of_remotes(
            {r.name: status.remotes.get(r.name, RemoteStatus()) for r in self._settings.remotes}
        )
        indexed = _family("index_age_seconds", "Seconds since new photos of a folder were indexed.", "folder")
        for folder, moment in status.indexed.items():
            indexed.add_metric([folder], (now() - moment).total_seconds())
        yield indexed

    @staticmethod
    def _of_remotes(remotes: dict[str, RemoteStatus]) -> Iterator[GaugeMetricFamily]:
        newest = _family("remote_newest_age_seconds", "Seconds since the newest good run there.", "remote")
        verified = _family("remote_verified_ratio", "Share that was read back in the last 30 days.", "remote")
        passed = _family("remote_drill_passed", "1 when the last test restore from there passed.", "remote")
        drilled = _family("remote_drill_age_seconds", "Seconds since the last test restore from there.", "remote")
        for name, remote in remotes.items():
            verified.add_metric([name], verified_percent(remote) / 100)
            if remote.newest_at:
                newest.add_metric([name], (now() - remote.newest_at).total_seconds())
            if remote.last_drill:
                passed.add_metric([name], int(remote.last_drill.passed))
                drilled.add_metric([name], (now() - remote.last_drill.ended).total_seconds())
        yield from (newest, verified, passed, drilled)


def _family(name: str, text: str, label: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"photos_{name}", text, labels=[label])


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"photos_{name}", text, value=value)


def _age(name: str, what: str, moment: datetime | None) -> GaugeMetricFamily:
    text = f"Seconds since {what}."
    family = GaugeMetricFamily(f"photos_{name}_age_seconds", text)
    if moment:
        family.add_metric([], (now() - moment).total_seconds())
    return family
