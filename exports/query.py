"""The questions readers ask: functions from a session to rows. Nothing here prints.

Readers name a column by its id or its name, an article by its id or an address.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from exports import ledger
from exports.database.models import (
    Article,
    ArticleVersion,
    Capture,
    Failure,
    GoneCheck,
    Listing,
    Run,
)
from exports.errors import StorageError
from exports.index.find import column_ids as column_ids
from exports.index.find import columns as columns
from exports.totals import counts as counts
from exports.totals import totals as totals

_CHUNK = 500
"""Articles loaded at a time, so that an export holds few long texts in memory."""
OUTCOMES = (
    *("archived", "unchanged", "revised", "duplicate", "external", "attachment", "excluded"),
    *("blocked", "failed", "gone"),
)
"""The names of the ledger: every listed entry ends in one of them."""
_LARGEST = 2**31 - 1
"""The largest id, and more rows than any table has."""


def articles(session: Session, ids: Sequence[int]) -> Iterator[Article]:
    """The articles in the order of the ids."""
    for chunk in _chunks(ids):
        by_id = {article.id: article for article in session.scalars(select(Article).where(Article.id.in_(chunk)))}
        yield from (by_id[article_id] for article_id in chunk)
        session.expunge_all()


def current_versions(session: Session, ids: Sequence[int]) -> Iterator[ArticleVersion]:
    """The current version of each article, in the order of the ids. Raises StorageError where one is missing."""
    current = and_(ArticleVersion.article_id == Article.id, ArticleVersion.version == Article.version)
    for chunk in _chunks(ids):
        rows = session.scalars(select(ArticleVersion).join(Article, current).where(Article.id.in_(chunk)))
        by_id = {version.article_id: version for version in rows}
        for article_id in chunk:
            if article_id not in by_id:
                raise StorageError(f"article {article_id} lacks the row of its current version in article_versions")
            yield by_id[article_id]
        session.expunge_all()


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))


def find_article(session: Session, reference: str) -> Article | None:
    """The article of an id or an address: its own, or one a column lists it under.

    An address may differ from the archived one in scheme and fragment, or by a query string that the
    archive does not know.
    """
    if re.fullmatch(r"[0-9]{1,12}", reference):
        return session.get(Article, int(reference)) if int(reference) <= _LARGEST else None
    address = reference.strip().partition("#")[0]
    for url in (address, address.partition("?")[0]):
        either = [url, re.sub("^http:", "https:", url), re.sub("^https:", "http:", url)]
        article = session.scalar(select(Article).where(Article.url.in_(either)).order_by(Article.id).limit(1))
        listed = select(Listing.article_id).where(Listing.url.in_(either), Listing.article_id.is_not(None)).limit(1)
        if article is None and (article_id := session.scalar(listed)) is not None:
            article = session.get(Article, article_id)
        if article is not None:
            return article
    return None


def versions(session: Session, article_id: int) -> list[ArticleVersion]:
    """All versions of an article, the first one first."""
    chosen = select(ArticleVersion).where(ArticleVersion.article_id == article_id)
    return list(session.scalars(chosen.order_by(ArticleVersion.version)))


def payload_capture(session: Session, capture: Capture) -> Capture:
    """The capture that holds the payload: itself, or the one its revisit record refers to."""
    seen = {capture.id}
    while capture.revisit_of is not None and capture.revisit_of not in seen:
        seen.add(capture.revisit_of)
        capture = session.get_one(Capture, capture.revisit_of)
    return capture


def runs(session: Session, column_ids: Sequence[str] = (), limit: int | None = None) -> list[Run]:
    """The runs, last one first."""
    chosen = select(Run).where(*_of_columns(Run.column_id, column_ids)).order_by(Run.id.desc())
    return list(session.scalars(chosen.limit(min(limit or _LARGEST, _LARGEST))))


def last_finished(session: Session) -> datetime | None:
    """When a run has last ended."""
    return session.scalar(select(Run.finished_at).order_by(Run.finished_at.desc().nulls_last()).limit(1))


def failures(session: Session, column_ids: Sequence[str] = (), *, resolved: bool = False) -> list[Failure]:
    """The dead letters that stand, last failure first; `resolved` adds those whose address a later run archived."""
    chosen = select(Failure).where(*_of_columns(Failure.column_id, column_ids))
    if not resolved:
        chosen = chosen.where(Failure.resolved_at.is_(None))
    return list(session.scalars(chosen.order_by(Failure.last_failed_at.desc(), Failure.id.desc())))


INCOMPLETE = ("failed", "blocked", "gone")
"""Outcomes that leave a listed article out of the archive."""


@dataclass(frozen=True)
class Coverage:
    """The ledger of a column's last run."""

    run: Run
    listed: int
    outcomes: dict[str, int]
    """outcome -> entries, every entry with an outcome; the names of OUTCOMES first."""
    pending: int
    """Entries the run has not come to."""
    noted: int = 0
    """Of the gone: archived before, and noted as evidence of a withdrawal. A harmless reason."""
    absent: int = 0
    """Archived entries that have left the listing; they are not listed, and are checked all the same."""

    @property
    def problems(self) -> list[str]:
        """Why the ledger does not close; empty when it does."""
        unnamed = [name for name in self.outcomes if name not in OUTCOMES]
        checks = {
            "nothing was listed": self.listed == 0,
            f"{self.pending} pending": self.pending > 0,
            f"the column declares {self.run.declared}, {self.listed} listed": not self.limited
            and self.run.declared not in (None, self.listed),
            f"not an outcome: {', '.join(unnamed)}": bool(unnamed),
            "the run has not finished": self.run.finished_at is None,
        }
        lost = {bad: self.outcomes.get(bad, 0) - (self.noted if bad == "gone" else 0) for bad in INCOMPLETE}
        checks |= {f"{number} {bad}": number > 0 for bad, number in lost.items()}
        found = [problem for problem, holds in checks.items() if holds]
        # what only the crawl itself saw: a lost listing page, a listing that never stood still
        return found or ([self.run.reason] if self.run.exit_code and self.run.reason else [])

    @property
    def limited(self) -> bool:
        """Whether the operator's limit ended the walk of the listing early."""
        return bool(self.run.arguments.get("limit"))


def coverage(session: Session, column_ids: Sequence[str] = ()) -> list[Coverage]:
    """The ledger of each column's last crawl (a replay lists nothing), by column id."""
    crawls = select(func.max(Run.id)).where(Run.spider != "replay", *_of_columns(Run.column_id, column_ids))
    last = select(Run).where(Run.id.in_(crawls.group_by(Run.column_id))).order_by(Run.column_id)
    result = []
    for run in session.scalars(last):
        entries = ledger.counts(session, run)
        pending = entries.pop("pending", 0)
        outcomes = {name: entries[name] for name in [*OUTCOMES, *sorted({*entries} - {*OUTCOMES})] if name in entries}
        noted, absent = ledger.noted_gone(session, run), ledger.absent_count(session, run.column_id)
        result.append(Coverage(run, sum(outcomes.values()) + pending, outcomes, pending, noted, absent))
    return result


def absences(session: Session, article_id: int) -> list[Listing]:
    """The columns' entries for the article that their listings do not name any more."""
    chosen = select(Listing).where(Listing.article_id == article_id, Listing.absent_since.is_not(None))
    return list(session.scalars(chosen.order_by(Listing.column_id, Listing.url)))


def gone_checks(session: Session, article_id: int) -> list[GoneCheck]:
    """Every answer that said the article is gone, the first one first."""
    return list(session.scalars(select(GoneCheck).where(GoneCheck.article_id == article_id).order_by(GoneCheck.id)))


def _of_columns(column: InstrumentedAttribute[str], ids: Iterable[str]) -> list[ColumnElement[bool]]:
    return [column.in_(list(ids))] if ids else []
