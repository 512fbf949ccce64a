"""The archive's state for Prometheus: read from the database whenever it is asked for."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exports import query
from exports.config import Config
from exports.database.models import Article, Failure, Run, Segment
from exports.database.session import open_engine

_LABELS = ["column"]


class ArchiveCollector(Collector):
    """Asks the archive at every scrape."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def collect(self) -> Iterator[Metric]:
        engine = open_engine(self._config.database_url, read_only=True)
        try:
            with Session(engine) as session:
                yield from _runs(session)
                yield from _stock(session)
        finally:
            engine.dispose()
        free = GaugeMetricFamily("archive_disk_free_bytes", "Free space where the archive lies")
        free.add_metric([], shutil.disk_usage(self._config.directory).free)
        yield free

    def describe(self) -> Iterator[Metric]:
        return iter(())


def _runs(session: Session) -> Iterator[Metric]:
    """The last finished crawl of each column."""
    closes = GaugeMetricFamily("archive_ledger_closes", "1: every listed entry is accounted for", labels=_LABELS)
    entries = GaugeMetricFamily(
        "archive_ledger_entries", "Entries of the last run by outcome", labels=["column", "outcome"]
    )
    for coverage in query.coverage(session):
        closes.add_metric([coverage.run.column_id], 0 if coverage.problems else 1)
        for outcome, count in coverage.outcomes.items():
            entries.add_metric([coverage.run.column_id, outcome], count)
    yield closes
    yield entries
    exit_code = GaugeMetricFamily("archive_run_exit_code", "Exit code of the last finished run", labels=_LABELS)
    finished = GaugeMetricFamily("archive_run_finished_timestamp_seconds", "When it finished", labels=_LABELS)
    seconds = GaugeMetricFamily("archive_run_duration_seconds", "How long it took", labels=_LABELS)
    requests = GaugeMetricFamily("archive_run_requests", "Requests it made", labels=_LABELS)
    received = GaugeMetricFamily("archive_run_bytes", "Bytes it received", labels=_LABELS)
    last = select(func.max(Run.id)).where(Run.finished_at.is_not(None), Run.spider != "replay").group_by(Run.column_id)
    for run in session.scalars(select(Run).where(Run.id.in_(last)).order_by(Run.column_id)):
        assert run.finished_at is not None
        exit_code.add_metric([run.column_id], run.exit_code or 0)
        finished.add_metric([run.column_id], run.finished_at.timestamp())
        seconds.add_metric([run.column_id], (run.finished_at - run.started_at).total_seconds())
        requests.add_metric([run.column_id], run.requests)
        received.add_metric([run.column_id], run.bytes)
    yield from (exit_code, finished, seconds, requests, received)


def _stock(session: Session) -> Iterator[Metric]:
    articles = GaugeMetricFamily("archive_articles", "Articles in the archive", labels=_LABELS)
    known = dict.fromkeys(session.scalars(select(Run.column_id).distinct().order_by(Run.column_id)), 0)
    kept = select(Article.column_id, func.count()).group_by(Article.column_id)
    for column_id, count in (known | {row[0]: row[1] for row in session.execute(kept)}).items():
        articles.add_metric([column_id], count)
    failures = GaugeMetricFamily("archive_failures", "Addresses that could not be archived", labels=_LABELS)
    standing = select(Failure.column_id, func.count()).where(Failure.resolved_at.is_(None)).group_by(Failure.column_id)
    # a gauge that is not there is no 0: a rule like `archive_failures > 0` could not tell it from a lost archive
    for column_id, count in (known | {row[0]: row[1] for row in session.execute(standing)}).items():
        failures.add_metric([column_id], count)
    evidence = GaugeMetricFamily("archive_evidence_bytes", "Size of the WARC files")
    size = session.scalar(select(func.sum(Segment.size)).where(Segment.path.like("warc/%")))
    evidence.add_metric([], float(size or 0))
    yield from (articles, failures, evidence)


def registry(config: Config) -> CollectorRegistry:
    """A registry that holds the archive's metrics alone."""
    found = CollectorRegistry(auto_describe=False)
    found.register(ArchiveCollector(config))
    return found


def text(config: Config) -> bytes:
    """The metrics in Prometheus's text format."""
    return generate_latest(registry(config))


def samples(config: Config) -> Iterator[dict[str, Any]]:
    """The same for other programs: a sample a row."""
    for family in registry(config).collect():
        for sample in family.samples:
            yield {"name": sample.name, "labels": sample.labels, "value": sample.value}


def write(config: Config, target: Path) -> None:
    """Write them to the file, whole or not at all. Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    draft.write_bytes(text(config))
    draft.replace(target)
