"""What a run amounts to, beside the runs before it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from exports import ledger
from exports.database.models import ArticleVersion, Failure, Listing, Run

FIELDS = ("title", "author", "unit", "byline", "source", "published_at", "body_text")
"""Fields whose coverage is watched: a redesign of the site empties one of them first."""
HISTORY = 500
"""Versions of earlier runs that coverage is compared with."""


@dataclass(frozen=True)
class Coverage:
    """Of so many versions, the share that has each of FIELDS."""

    versions: int
    shares: dict[str, float]


@dataclass(frozen=True)
class Facts:
    """One finished run."""

    run: Run
    previous: Run | None
    """The finished run of the same spider and column before it."""
    listed: int
    new: int
    """Articles the column had not listed in any run before."""
    new_archived: int
    """… and those of them that are in the archive now."""
    now: Coverage
    """Of the versions this run wrote."""
    before: Coverage
    """Of the last versions earlier runs wrote."""
    failures: list[Failure]
    """The standing dead letters of the column, the last ones first; at most 50."""
    failing: int
    """How many there are."""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.run.finished_at - self.run.started_at).total_seconds() if self.run.finished_at else 0


def gather(session: Session, run_id: int) -> Facts:
    """The facts of the run."""
    run = session.get_one(Run, run_id)
    same = (Run.column_id == run.column_id) & (Run.spider == run.spider) & Run.finished_at.is_not(None)
    previous = session.scalar(select(Run).where(same, Run.id < run.id).order_by(Run.id.desc()).limit(1))
    counts = ledger.counts(session, run) if run.spider != "replay" else dict(run.ledger)
    first = (Listing.column_id == run.column_id) & (Listing.first_run_id == run.id) & (Listing.last_run_id == run.id)
    articles = first & Listing.outcome.not_in(("external", "attachment", "excluded"))
    standing = (Failure.column_id == run.column_id) & Failure.resolved_at.is_(None)
    failures = session.scalars(select(Failure).where(standing).order_by(Failure.last_failed_at.desc()).limit(50))
    return Facts(
        run=run,
        previous=previous,
        listed=sum(counts.values()),
        new=_count(session, articles),
        new_archived=_count(session, articles & Listing.article_id.is_not(None)),
        now=_coverage(session, ArticleVersion.run_id == run.id),
        before=_coverage(session, (ArticleVersion.run_id < run.id) & (ArticleVersion.column_id == run.column_id)),
        failures=list(failures),
        failing=session.scalar(select(func.count()).select_from(Failure).where(standing)) or 0,
    )


def trend(session: Session, column_ids: Sequence[str], runs: int) -> dict[str, list[Run]]:
    """The last finished crawls of each column, oldest first."""
    found: dict[str, list[Run]] = {}
    for column_id in column_ids:
        chosen = select(Run).where(Run.column_id == column_id, Run.finished_at.is_not(None), Run.spider != "replay")
        found[column_id] = list(session.scalars(chosen.order_by(Run.id.desc()).limit(runs)))[::-1]
    return found


def _count(session: Session, condition: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(Listing).where(condition)) or 0


def _coverage(session: Session, condition: ColumnElement[bool]) -> Coverage:
    columns = [getattr(ArticleVersion, name) for name in FIELDS]
    # body_text is long: ask the database whether it is empty, do not fetch it
    there = [case((column.is_(None) | (column == ""), 0), else_=1).label(column.key) for column in columns]
    last = (
        (select(*there).where(condition).order_by(ArticleVersion.run_id.desc(), ArticleVersion.article_id.desc()))
        .limit(HISTORY)
        .subquery()
    )
    row = session.execute(select(func.count(), *(func.sum(last.c[name]) for name in FIELDS)).select_from(last)).one()
    versions = row[0]
    return Coverage(versions, {name: (row[place] or 0) / (versions or 1) for place, name in enumerate(FIELDS, 1)})
