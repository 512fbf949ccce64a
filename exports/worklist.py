"""What a run fetches: the entries it listed and has not settled, those not due for a check left out.

The work list is in the database, so that a crawl's memory does not grow with the column and a killed run
loses nothing. Every function takes the writing session.
"""

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, update
from sqlalchemy.orm import Session

from crawler import items
from exports import letters
from exports.config import Config
from exports.database.models import (
    Article,
    ArticlePart,
    Attachment,
    Capture,
    FileFields,
    GoneCheck,
    Image,
    Listing,
    Run,
)

RECENT = timedelta(days=90)
"""Articles published or listed so recently are checked again in every run."""
FEWEST = 20
"""So many entries that left the listing are checked in a run, however small their share."""


_checked = func.coalesce(Listing.checked_at, Article.last_seen_at)


def of_run(run: Run) -> ColumnElement[bool]:
    """The entries the run listed and has not settled."""
    return (Listing.column_id == run.column_id) & (Listing.last_run_id == run.id) & Listing.outcome.is_(None)


def plan(
    session: Session, config: Config, run: Run, *, since: str | None, full: bool, retry: bool, now: datetime
) -> None:
    """Settle without a fetch what needs none: too old for `since`, a failure not yet to be tried again, or
    archived and not due for a check. With `retry` every failure is due, and nothing that is archived."""
    mine = of_run(run)
    if since:
        excluded = mine & (Listing.listed_date < since)
        session.execute(update(Listing).where(excluded).values(outcome="excluded", reason=f"before since={since}"))
    if full:
        return
    if not retry:
        for url, letter in letters.waiting(session, mine, now):
            entry = session.get_one(Listing, (run.column_id, url))
            entry.outcome = letter.outcome
            entry.reason = f"{letter.reason}; next attempt after {letter.next_attempt_at:%Y-%m-%d %H:%M} UTC"
        session.flush()
    known = mine & Listing.article_id.is_not(None) & ~letters.due(None if retry else now)
    due = None if retry else _due(session, config, known, now)
    for status, outcome, reason in (
        ("live", "unchanged", "archived, not due for a check"),
        ("withdrawn", "gone", "withdrawn, not due for a check"),
    ):
        has_status = exists().where(Article.id == Listing.article_id, Article.status == status)
        session.execute(
            update(Listing)
            .where(known, has_status, *([] if due is None else [~due]))
            .values(outcome=outcome, reason=reason)
            .execution_options(synchronize_session=False)
        )


def _due(session: Session, config: Config, known: ColumnElement[bool], now: datetime) -> ColumnElement[bool]:
    """Of the archived entries: the newest, those found gone before, and the oldest checks by turns."""
    recent = (now - RECENT).date().isoformat()
    newest = or_(
        func.coalesce(Listing.listed_date, "") >= recent,  # NULL would make the whole condition unknown
        exists().where(Article.id == Listing.article_id, Article.published_at >= recent),
    )
    total = session.scalar(select(func.count()).select_from(Listing).where(known)) or 0
    stale = _stale(known, config, now).limit(max(1, int(total * config.revisit_share)))
    return or_(newest, _suspected(), Listing.url.in_(stale.scalar_subquery()))


def _stale(entries: ColumnElement[bool], config: Config, now: datetime) -> Select[str]:
    """The addresses of those not checked for half the time in which all shall be, oldest check first."""
    return (
        select(Listing.url)
        .join(Article, Article.id == Listing.article_id)
        .where(entries, _checked < now - timedelta(days=config.revisit_days) / 2)
        .order_by(_checked)
    )


def _suspected() -> ColumnElement[bool]:
    """Entries with a check that found them gone, as long as no tombstone stands."""
    return exists().where(
        GoneCheck.article_id == Listing.article_id, GoneCheck.voided_at.is_(None), GoneCheck.tombstone.is_(None)
    )


def pending(session: Session, run: Run, count: int, after: int) -> tuple[list[items.Pending], int]:
    """The next entries to fetch, in listed order behind that position, and the position reached."""
    rows = session.scalars(
        select(Listing).where(of_run(run), Listing.position > after).order_by(Listing.position).limit(count)
    ).all()
    return requests(session, rows), rows[-1].position if rows else after


def exclude_rest(session: Session, run: Run, after: int, reason: str) -> None:
    """Settle what is pending behind that position as excluded; what is before is being fetched."""
    rest = of_run(run) & (Listing.position > after)
    session.execute(update(Listing).where(rest).values(outcome="excluded", reason=reason))


def absent(
    session: Session, config: Config, run: Run, *, full: bool, retry: bool, now: datetime
) -> list[items.Pending]:
    """The entries that left the listing and are to be checked all the same: what is gone must be noticed.

    Those never looked at since they left, those found gone before, and the oldest checks by turns.
    """
    left = (Listing.column_id == run.column_id) & Listing.absent_since.is_not(None)
    archived = left & Listing.article_id.is_not(None)
    wanted = letters.due(None if full or retry else now)
    if full:
        wanted |= Listing.article_id.is_not(None)
    elif not retry:
        in_turn = archived & ~letters.due(None)
        total = session.scalar(select(func.count()).select_from(Listing).where(in_turn)) or 0
        share = max(FEWEST, int(total * config.revisit_share))
        unseen = select(Listing.url).join(Article, Article.id == Listing.article_id)
        unseen = unseen.where(in_turn, _checked < Listing.absent_since).order_by(_checked).limit(share)
        chosen = {*session.scalars(unseen), *session.scalars(_stale(in_turn, config, now).limit(share))}
        wanted |= _suspected() | Listing.url.in_(sorted(chosen)[:share])
    return requests(session, session.scalars(select(Listing).where(left, wanted).order_by(Listing.url)))


def requests(session: Session, entries: Iterable[Listing]) -> list[items.Pending]:
    """How each entry is asked for: conditionally where the archive holds what the answer would be."""
    work = []
    for row in entries:
        article = session.get(Article, row.article_id) if row.article_id is not None else None
        work.append(_request(session, row, article) if article is not None else _plain(row))
    return work


def _plain(row: Listing) -> items.Pending:
    return items.Pending(row.url, row.listed_title, row.listed_date)


def _request(session: Session, row: Listing, article: Article) -> items.Pending:
    files = tuple(_held(session, article))
    suspected = session.scalar(select(Listing.url).where(Listing.url == row.url, _suspected()).limit(1))
    failing = session.scalar(
        select(Listing.url).where(Listing.column_id == row.column_id, Listing.url == row.url, letters.due(None))
    )
    if article.status == "withdrawn" or suspected or failing or _in_parts(session, article):
        return replace(_plain(row), files=files)  # the answer must show the page, and lead to what it links to
    capture = _read_from(session, article)
    etag, last_modified = (capture.etag, capture.last_modified) if capture else (None, None)
    return items.Pending(row.url, row.listed_title, row.listed_date, etag, last_modified, files)


def _in_parts(session: Session, article: Article) -> bool:
    """Whether it was read from several responses: a 304 for its first page would say nothing of the others."""
    parts = select(ArticlePart.seq).where(ArticlePart.article_id == article.id, ArticlePart.version == article.version)
    return session.scalar(parts.limit(1)) is not None


def _read_from(session: Session, article: Article) -> Capture | None:
    """The latest response with the very bytes the article was read from.

    Not simply the latest: one that could not be read (or was kept just before a kill) must come again.
    """
    payload = select(Capture.payload_sha256).where(Capture.id == article.capture_id).scalar_subquery()
    return _latest(session, article.url, Capture.payload_sha256 == payload)


def _held(session: Session, article: Article) -> Iterator[items.Held]:
    for table in (Attachment, Image):
        chosen = select(table).where(table.article_id == article.id, table.sha256.is_not(None)).order_by(table.seq)
        for row in session.scalars(chosen):
            assert isinstance(row, FileFields)
            file = items.Attachment(**{field.name: getattr(row, field.name) for field in fields(items.Attachment)})
            # compressed answers have another digest than the file: they are asked for without a condition
            capture = _latest(session, row.url, Capture.payload_sha256 == row.sha256)
            etag, last_modified = (capture.etag, capture.last_modified) if capture else (None, None)
            yield items.Held(file, etag, last_modified)


def _latest(session: Session, url: str, condition: ColumnElement[bool]) -> Capture | None:
    chosen = select(Capture).where(Capture.url == url, Capture.status == 200, condition)
    return session.scalar(chosen.order_by(Capture.id.desc()).limit(1))
