"""The dead letters: what could not be archived, kept with reason, attempts and evidence until it is.

Every function takes the writing session. A letter is tried again by each run of its first day, then ever more
seldom: after a quarter of the time it has stood, at most a month.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, bindparam, exists, or_, select, update
from sqlalchemy.orm import Session

from exports.database.models import Attachment, Base, Failure, Image, Listing, Run

YOUNG = timedelta(days=1)
"""A letter that has stood for less is tried again by every run."""
LONGEST = timedelta(days=30)
"""The longest a letter waits for its next attempt."""

# Executed for every article: built once, and plain Core, which spares the session's bookkeeping
_letters = Base.metadata.tables["failures"]
_RESOLVE = (
    update(_letters)
    .where(
        _letters.c.column_id == bindparam("of_column"),
        _letters.c.url.in_(bindparam("of_urls", expanding=True)),
        _letters.c.resolved_at.is_(None),
    )
    .values(resolved_at=bindparam("to_time"))
)


def next_attempt(first: datetime, last: datetime) -> datetime | None:
    """When a letter that failed first and last at these times is tried again; None: by the next run."""
    stood = last - first
    return None if stood < YOUNG else last + min(stood / 4, LONGEST)


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
    row.next_attempt_at = next_attempt(row.first_failed_at, now)
    row.capture_id = capture_id
    session.flush()


def resolve(session: Session, run: Run, urls: Sequence[str], now: datetime) -> None:
    """The addresses were archived (or, listing pages, read) after all."""
    session.connection().execute(_RESOLVE, {"of_column": run.column_id, "of_urls": list(urls), "to_time": now})


def resolve_listing(session: Session, run: Run, pages: Sequence[str] | None, now: datetime) -> None:
    """These pages of the column's listing were read; None: the whole of it, whatever its pages are called today."""
    letters = (Failure.column_id == run.column_id) & (Failure.kind == "listing") & Failure.resolved_at.is_(None)
    if pages is not None:
        letters &= Failure.url.in_(pages)
    session.execute(update(Failure).where(letters).values(resolved_at=now))


def due(now: datetime | None) -> ColumnElement[bool]:
    """Whether an entry (a row of listings), or a file of its article, has a letter to be tried again.

    Without a time every standing letter is.
    """
    letter = (Failure.column_id == Listing.column_id) & Failure.resolved_at.is_(None)
    if now is not None:
        letter &= or_(Failure.next_attempt_at.is_(None), Failure.next_attempt_at <= now)
    shows = [
        exists().where(table.article_id == Listing.article_id, table.url == Failure.url)
        for table in (Attachment, Image)
    ]
    of_a_file = letter & (Failure.kind == "file") & or_(*shows)
    return or_(exists().where(letter, Failure.url == Listing.url), exists().where(of_a_file))


def waiting(session: Session, entries: ColumnElement[bool], now: datetime) -> Sequence[tuple[str, Failure]]:
    """(address, letter) of those entries whose letter is not yet to be tried again."""
    chosen = select(Listing.url, Failure).join(
        Failure, (Failure.column_id == Listing.column_id) & (Failure.url == Listing.url)
    )
    chosen = chosen.where(entries, Failure.resolved_at.is_(None), Failure.next_attempt_at > now)
    return [(url, letter) for url, letter in session.execute(chosen)]


def _standing(column_id: str, url: str) -> Select[Failure]:
    return select(Failure).where(Failure.column_id == column_id, Failure.url == url, Failure.resolved_at.is_(None))
