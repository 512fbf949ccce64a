"""The ledger: what a run listed, and what became of each entry.

Every function takes the writing session. What is to be fetched: worklist.py; what failed: letters.py.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, bindparam, exists, func, insert, select, update
from sqlalchemy.orm import Session

from crawler.items import Entry
from exports.database.models import Article, Base, Failure, Listing, Run

# Executed for every article: built once, and plain Core, which spares the session's bookkeeping
_entries = Base.metadata.tables["listings"]
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
_RENEW = update(_entries).where(_entries.c.column_id == bindparam("of_column"), _entries.c.url == bindparam("of_url"))
_CHECKED = (
    update(_entries)
    .where(_entries.c.column_id == bindparam("of_column"), _entries.c.url == bindparam("of_url"))
    .values(checked_at=bindparam("to_time"))
)


def listed(session: Session, run: Run, entries: Iterable[Entry], position: int) -> int:
    """Record a listing page's entries from that position on; returns how many this run had not seen."""
    unique: dict[str, Entry] = {}
    for entry in entries:
        unique.setdefault(entry.url, entry)
    query = select(_entries.c.url, _entries.c.last_run_id).where(
        _entries.c.column_id == run.column_id, _entries.c.url.in_(unique)
    )
    session.flush()  # plain statements follow, of which the session does not know
    connection = session.connection()
    known = {row.url: row.last_run_id for row in connection.execute(query)}
    rows: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for entry in unique.values():
        if known.get(entry.url) == run.id:
            continue
        values: dict[str, Any] = {
            "listed_title": entry.title,
            "listed_date": entry.date,
            "position": position + len(rows[True]) + len(rows[False]),
            "last_run_id": run.id,
            "outcome": None if entry.kind == "article" else entry.kind,
            "reason": entry.reason,
            "absent_since": None,
        }
        if entry.url in known:
            rows[True].append(values | {"of_column": run.column_id, "of_url": entry.url})
        else:
            rows[False].append(values | {"column_id": run.column_id, "url": entry.url, "first_run_id": run.id})
    if rows[True]:
        connection.execute(_RENEW, rows[True])
    if rows[False]:
        connection.execute(insert(_entries), rows[False])
    session.expire_all()
    return len(rows[True]) + len(rows[False])


def walked(session: Session, run: Run, *, complete: bool, now: datetime) -> int:
    """The listing was walked; where all of it was read, what it does not name any more is absent.

    Returns how many entries are newly so.
    """
    run.complete = complete
    if not complete:
        return 0
    left = (Listing.column_id == run.column_id) & (Listing.last_run_id != run.id)
    newly = left & Listing.absent_since.is_(None)
    count = session.scalar(select(func.count()).select_from(Listing).where(newly)) or 0
    session.execute(update(Listing).where(newly).values(absent_since=now))
    return count


def is_familiar(session: Session, run: Run, newest: int) -> bool:
    """Whether this run has met all that the run before it met in a complete walk, and what is new is among
    the ``newest`` first entries: then the listing is as it was, or grew at its head, and did not move meanwhile."""
    before = session.scalar(
        select(Run)
        .where(Run.column_id == run.column_id, Run.id < run.id, Run.spider != "replay")
        .order_by(Run.id.desc())
        .limit(1)
    )
    if before is None or not before.complete or before.finished_at is None:
        return False
    mine = (Listing.column_id == run.column_id) & (Listing.last_run_id == run.id)
    new = mine & (Listing.first_run_id == run.id)
    missed = (Listing.column_id == run.column_id) & (Listing.last_run_id == before.id)
    if session.scalar(select(Listing.url).where(missed | (new & (Listing.position >= newest))).limit(1)):
        return False
    known = session.scalar(select(func.count()).select_from(Listing).where(mine & (Listing.first_run_id != run.id)))
    return bool(known == sum(before.ledger.values()))


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
    session.connection().execute(_SETTLE, values | {"of_column": run.column_id, "of_run": run.id, "of_url": url})


def checked(session: Session, run: Run, url: str, now: datetime) -> None:
    """The address answered: with the article, or that it is gone."""
    session.connection().execute(_CHECKED, {"of_column": run.column_id, "of_url": url, "to_time": now})


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


def noted_gone(session: Session, run: Run) -> int:
    """Entries of this run that are gone, archived before, and noted: by a check that counts, or a tombstone."""
    letter = exists().where(
        Failure.column_id == Listing.column_id, Failure.url == Listing.url, Failure.resolved_at.is_(None)
    )
    return (
        session.scalar(
            select(func.count())
            .select_from(Listing)
            .where(
                Listing.column_id == run.column_id,
                Listing.last_run_id == run.id,
                Listing.outcome == "gone",
                Listing.article_id.is_not(None),
                ~letter,
            )
        )
        or 0
    )


def absent_count(session: Session, column_id: str) -> int:
    """Archived entries that have left the column's listing."""
    left = (Listing.column_id == column_id) & Listing.absent_since.is_not(None) & Listing.article_id.is_not(None)
    return session.scalar(select(func.count()).select_from(Listing).where(left)) or 0
