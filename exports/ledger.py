"""The ledger: what a run listed, what became of each entry, and the dead letters.

Every function takes the writing session; a run's work list is the rows of `listings` it has seen and
not yet settled, so that a crawl's memory does not grow with the column.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Integer, Select, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from crawler.items import Entry
from exports.config import Config
from exports.database.models import Article, Base, Capture, Failure, Listing, Run

RECENT = timedelta(days=90)
"""Articles published or listed so recently are checked again in every run."""


# Executed for every article: built once, and plain Core, which spares the session's bookkeeping
_entries, _letters = Base.metadata.tables["listings"], Base.metadata.tables["failures"]
_SETTLE = (
    update(_entries)
    .where(
        _entries.c.column_id == bindparam("of_column"),
        _entries.c.url == bindparam("of_url"),
        _entries.c.last_run_id == bindparam("of_run"),
        _entries.c.outcome.is_(None),
    )
    .values(
        outcome=bindparam("to_outcome"),
        reason=bindparam("to_reason"),
        article_id=func.coalesce(bindparam("to_article", type_=Integer), _entries.c.article_id),
    )
)
_RESOLVE = (
    update(_letters)
    .where(
        _letters.c.column_id == bindparam("of_column"),
        _letters.c.url == bindparam("of_url"),
        _letters.c.resolved_at.is_(None),
    )
    .values(resolved_at=bindparam("to_time"))
)


@dataclass(frozen=True)
class Pending:
    """One entry the run must fetch."""

    url: str
    listed_title: str
    listed_date: str | None
    etag: str | None = None
    """Of the last capture, for a conditional request; None for a first fetch."""
    last_modified: str | None = None


def listed(session: Session, run: Run, entries: Iterable[Entry], position: int) -> int:
    """Record a listing page's entries from that position on; returns how many this run had not seen."""
    new = 0
    for entry in entries:
        row = session.get(Listing, (run.column_id, entry.url))
        if row is None:
            row = Listing(column_id=run.column_id, url=entry.url, first_run_id=run.id, last_run_id=0)
            session.add(row)
        elif row.last_run_id == run.id:
            continue
        row.listed_title, row.listed_date, row.position = entry.title, entry.date, position + new
        row.last_run_id = run.id
        row.outcome = None if entry.kind == "article" else entry.kind
        row.reason = entry.reason
        new += 1
    session.flush()
    return new


def plan(session: Session, config: Config, run: Run, *, since: str | None, full: bool, now: datetime) -> None:
    """Settle without a fetch what needs none: too old for `since`, or archived and not due for a check."""
    mine = _pending(run)
    if since:
        excluded = mine & (Listing.listed_date < since)
        session.execute(update(Listing).where(excluded).values(outcome="excluded", reason=f"before since={since}"))
    if full:
        return
    known = mine & Listing.article_id.is_not(None) & ~_failing()
    recent = (now - RECENT).date().isoformat()
    newest = or_(
        func.coalesce(Listing.listed_date, "") >= recent,  # NULL would make the whole condition unknown
        select(Article.id).where(Article.id == Listing.article_id, Article.published_at >= recent).exists(),
    )
    total = session.scalar(select(func.count()).select_from(Listing).where(known)) or 0
    stale = (
        select(Listing.url)
        .join(Article, Article.id == Listing.article_id)
        .where(known, Article.last_seen_at < now - timedelta(days=config.revisit_days) / 2)
        .order_by(Article.last_seen_at)
        .limit(max(1, int(total * config.revisit_share)))
    )
    due = or_(newest, Listing.url.in_(stale.scalar_subquery()))
    session.execute(
        update(Listing)
        .where(known, ~due)
        .values(outcome="unchanged", reason="archived, not due for a check")
        .execution_options(synchronize_session=False)
    )


def pending(session: Session, run: Run, count: int, after: int) -> tuple[list[Pending], int]:
    """The next entries to fetch, in listed order behind that position, and the position reached."""
    rows = session.scalars(
        select(Listing).where(_pending(run), Listing.position > after).order_by(Listing.position).limit(count)
    ).all()
    work = []
    for row in rows:
        capture = None
        if row.article_id is not None:
            capture = _read_from(session, session.get_one(Article, row.article_id))
        work.append(
            Pending(
                row.url,
                row.listed_title,
                row.listed_date,
                capture.etag if capture else None,
                capture.last_modified if capture else None,
            )
        )
    return work, rows[-1].position if rows else after


def _read_from(session: Session, article: Article) -> Capture | None:
    """The latest response with the very bytes the article was read from.

    Not simply the latest: one that could not be read (or was kept just before a kill) must come again.
    """
    payload = select(Capture.payload_sha256).where(Capture.id == article.capture_id).scalar_subquery()
    return session.scalar(
        select(Capture)
        .where(Capture.url == article.url, Capture.status == 200, Capture.payload_sha256 == payload)
        .order_by(Capture.id.desc())
        .limit(1)
    )


def exclude_rest(session: Session, run: Run, after: int, reason: str) -> None:
    """Settle what is pending behind that position as excluded; what is before is being fetched."""
    rest = _pending(run) & (Listing.position > after)
    session.execute(update(Listing).where(rest).values(outcome="excluded", reason=reason))


def settle(
    session: Session,
    run: Run,
    url: str,
    outcome: str,
    reason: str | None = None,
    article_id: int | None = None,
) -> None:
    """Give the entry its outcome in this run; the first one given stands."""
    values = {"to_outcome": outcome, "to_reason": reason, "to_article": article_id}
    session.execute(_SETTLE, values | {"of_column": run.column_id, "of_run": run.id, "of_url": url})


def fail(
    session: Session,
    run: Run,
    url: str,
    *,
    kind: str,
    outcome: str,
    reason: str,
    attempts: int,
    capture_id: int | None,
    now: datetime,
) -> None:
    """Write or renew the dead letter of an address."""
    row = session.scalar(_standing(run.column_id, url))
    if row is None:
        row = Failure(column_id=run.column_id, url=url, first_failed_at=now, first_run_id=run.id, attempts=0)
        session.add(row)
    row.kind, row.outcome, row.reason = kind, outcome, reason
    row.attempts += attempts
    row.last_failed_at, row.last_run_id = now, run.id
    row.capture_id = capture_id
    session.flush()


def resolve(session: Session, run: Run, url: str, now: datetime) -> None:
    """The address was archived after all."""
    session.execute(_RESOLVE, {"of_column": run.column_id, "of_url": url, "to_time": now})


def article_of(session: Session, run: Run, url: str) -> Article | None:
    """The archived article a listed address leads to."""
    row = session.get(Listing, (run.column_id, url))
    return session.get(Article, row.article_id) if row and row.article_id else None


def listed_elsewhere(session: Session, run: Run, url: str, article_id: int) -> bool:
    """Whether another entry of this run already leads to the article (two addresses, one page)."""
    return (
        session.scalar(
            select(Listing.url)
            .where(
                Listing.column_id == run.column_id,
                Listing.last_run_id == run.id,
                Listing.article_id == article_id,
                Listing.url != url,
            )
            .limit(1)
        )
        is not None
    )


def counts(session: Session, run: Run) -> dict[str, int]:
    """outcome -> entries of this run; `pending` where one has none."""
    rows = session.execute(
        select(Listing.outcome, func.count())
        .where(Listing.column_id == run.column_id, Listing.last_run_id == run.id)
        .group_by(Listing.outcome)
    )
    return {outcome or "pending": count for outcome, count in rows}


def _pending(run: Run) -> ColumnElement[bool]:
    return (Listing.column_id == run.column_id) & (Listing.last_run_id == run.id) & Listing.outcome.is_(None)


def _failing() -> ColumnElement[bool]:
    """Entries with a standing dead letter are fetched again."""
    return (
        select(Failure.id)
        .where(Failure.column_id == Listing.column_id, Failure.url == Listing.url, Failure.resolved_at.is_(None))
        .exists()
    )


def _standing(column_id: str, url: str) -> Select[Failure]:
    return select(Failure).where(Failure.column_id == column_id, Failure.url == url, Failure.resolved_at.is_(None))
