"""What is worth an alert."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exports.database.models import Run
from exports.operating.facts import FIELDS, Facts
from exports.operating.settings import EVENTS, Settings

ENOUGH = 10
"""Versions below which the coverage of a field says nothing."""


@dataclass(frozen=True)
class Alert:
    """One thing an operator must know."""

    event: str
    text: str
    """One line."""
    column_id: str = ""
    column_name: str = ""
    run_id: int | None = None
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def subject(self) -> str:
        """The line a mail is headed with."""
        about = f" {self.column_name} ({self.column_id})" if self.column_id else ""
        return f"archive:{about} {EVENTS.get(self.event, self.event)}"


def of_run(facts: Facts, settings: Settings) -> Iterator[Alert]:
    """The alerts a finished run gives rise to."""
    run = facts.run
    about = {"column_id": run.column_id, "column_name": run.column_name}
    blocked = run.ledger.get("blocked", 0)
    if run.exit_code == 4 or blocked:
        yield Alert("block", run.reason or f"{blocked} entries blocked", run_id=run.id, **about)
    elif run.exit_code:
        yield Alert("ledger", run.reason or f"exit code {run.exit_code}", run_id=run.id, **about)
    if facts.new and not facts.new_archived:
        yield Alert("nothing-new", f"{facts.new} new entries listed, none archived", run_id=run.id, **about)
    if facts.now.versions >= ENOUGH and facts.before.versions >= ENOUGH:
        for name in FIELDS:
            before, now = facts.before.shares[name], facts.now.shares[name]
            if before - now > settings.drop:
                text = f"{name} is found in {now:.0%} of {facts.now.versions} articles, before in {before:.0%}"
                yield Alert("coverage-drop", text, run_id=run.id, **about)


def of_disk(directory: Path, settings: Settings) -> Iterator[Alert]:
    """An alert where the disk under the archive is nearly full."""
    free = shutil.disk_usage(directory).free / 2**20
    if free < settings.disk_mib:
        yield Alert("disk", f"{free:.0f} MiB are free where the archive lies, fewer than {settings.disk_mib:.0f}")


def of_time(session: Session, settings: Settings, now: datetime) -> Iterator[Alert]:
    """An alert for every column without a finished run for too long; one that never ran is not known here."""
    if not settings.overdue_hours:
        return
    last = select(Run.column_id, func.max(Run.column_name), func.max(Run.finished_at)).where(Run.spider != "replay")
    for column_id, name, finished in session.execute(last.group_by(Run.column_id).order_by(Run.column_id)):
        if finished is None:
            yield Alert("overdue", "no run has finished yet", column_id, name)
        elif now - finished > timedelta(hours=settings.overdue_hours):
            hours = (now - finished).total_seconds() / 3600
            yield Alert("overdue", f"the last run finished {hours:.0f} hours ago", column_id, name)
