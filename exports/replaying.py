"""What replay needs of the archive: the versions to read again, and an index of evidence nothing cites yet.

Two cases. The database is whole: every version is read again from its capture (see rereadings.py). The database
was lost: the WARC files are indexed first, then every listing and article is observed anew, at the time
it was fetched.
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from exports import failpoints, repair, rereadings, segments
from exports.database.models import ArticleVersion, Capture, Listing, Run, Segment
from exports.rereadings import Judgement, Reread
from exports.warc import Record, walk

T = TypeVar("T")


class WithRun(Protocol):
    """Archive's way to run a function in the writing transaction."""

    def __call__(self, run_id: int, work: Callable[[Session, Run], T]) -> Awaitable[T]: ...


@dataclass(frozen=True)
class Kept:
    """One response to read again."""

    capture_id: int
    role: str
    warc_file: str
    warc_offset: int
    """Of the record that holds the payload."""
    url: str
    fetched_at: datetime
    base_url: str = ""
    """Where the site was for the run that fetched it; this and the following for versions only."""
    article_id: int = 0
    version: int = 0
    listed_url: str = ""
    listed_title: str = ""
    listed_date: str | None = None


def is_lost(session: Session) -> bool:
    """Whether the database knows no article: then replay rebuilds it."""
    return session.scalar(select(ArticleVersion.article_id).limit(1)) is None


def count_versions(session: Session, column_id: str) -> int:
    """How many versions of the column are to be read again."""
    return session.scalar(select(func.count()).where(_replayable(column_id))) or 0


def versions(session: Session, column_id: str, after: tuple[int, int], count: int) -> list[Kept]:
    """The column's next versions behind (article_id, version), with the capture each was read from."""
    rows = session.execute(
        select(ArticleVersion, Capture, Run.base_url)
        .join(Capture, Capture.id == ArticleVersion.capture_id)
        .join(Run, Run.id == ArticleVersion.run_id)
        .where(
            _replayable(column_id),
            ~rereadings.is_read(ArticleVersion.article_id, ArticleVersion.version),
            (ArticleVersion.article_id > after[0])
            | ((ArticleVersion.article_id == after[0]) & (ArticleVersion.version > after[1])),
        )
        .order_by(ArticleVersion.article_id, ArticleVersion.version)
        .limit(count)
    ).all()
    kept = []
    for version, capture, base_url in rows:
        listing = session.scalar(
            select(Listing).where(Listing.article_id == version.article_id, Listing.column_id == column_id).limit(1)
        )
        kept.append(
            replace(
                _kept(session, capture),
                base_url=base_url,
                article_id=version.article_id,
                version=version.version,
                listed_url=listing.url if listing else version.url,
                listed_title=version.printed.get("title", {}).get("listing", ""),
                listed_date=version.printed.get("published_at", {}).get("listing"),
            )
        )
    return kept


def captured(session: Session, url: str, near: int | None = None) -> Kept | None:
    """The capture of an address that is a page or a redirect, with its payload.

    The first one behind the capture `near` (the page that made the crawl ask for it), else the latest.
    """
    answers = select(Capture).where(Capture.url == url, Capture.status < 400)
    capture = None
    if near is not None:
        capture = session.scalar(answers.where(Capture.id > near).order_by(Capture.id).limit(1))
    if capture is None:
        capture = session.scalar(answers.order_by(Capture.id.desc()).limit(1))
    return _kept(session, capture) if capture else None


def index(session: Session, directory: Path, run: Run) -> int:
    """Enter every response of the WARC files into `captures`; returns how many were new."""
    new = 0
    for warc in sorted((directory / "warc").glob("*.warc.gz")):
        path = f"warc/{warc.name}"
        for record in _responses(warc):
            if session.scalar(select(Capture.id).where(Capture.warc_record_id == record.record_id)):
                continue
            session.add(_capture(session, run, path, record))
            session.flush()
            new += 1
        segments.vouch(session, directory, path, closed=True)
    return new


def observed(session: Session, after: int, count: int) -> list[Kept]:
    """The next listing and article captures behind that id, in the order they were fetched."""
    rows = session.scalars(
        select(Capture)
        .where(Capture.id > after, Capture.status == 200, Capture.role.in_(("listing", "article")))
        .order_by(Capture.id)
        .limit(count)
    )
    return [_kept(session, capture) for capture in rows]


def _replayable(column_id: str) -> ColumnElement[bool]:
    # a withdrawal or a restoration cites a capture that holds no new text
    return (ArticleVersion.column_id == column_id) & (ArticleVersion.status == "live")


def _kept(session: Session, capture: Capture) -> Kept:
    origin = _payload(session, capture)
    return Kept(capture.id, capture.role, origin.warc_file, origin.warc_offset, capture.url, capture.fetched_at)


def _payload(session: Session, capture: Capture) -> Capture:
    """The capture that holds the payload: a revisit's origin."""
    return session.get_one(Capture, capture.revisit_of) if capture.revisit_of else capture


def _responses(warc: Path) -> Iterator[Record]:
    return (record for record in walk(warc) if record.type in ("response", "revisit"))


def _capture(session: Session, run: Run, path: str, record: Record) -> Capture:
    headers = {name.lower(): value for name, value in record.headers}
    origin_id = record.warc_headers.get("WARC-Refers-To", "").strip("<>")
    origin = session.scalar(select(Capture).where(Capture.warc_record_id == origin_id)) if origin_id else None
    return Capture(
        url=record.url,
        fetched_at=record.fetched_at,
        status=record.status,
        role=record.context.get("role", ""),
        run_id=run.id,
        warc_file=path,
        warc_offset=record.offset,
        warc_record_id=record.record_id,
        payload_sha256=origin.payload_sha256 if origin else hashlib.sha256(record.payload).hexdigest(),
        revisit_of=origin.id if origin else None,
        etag=headers.get("etag"),
        last_modified=headers.get("last-modified"),
    )


class Replaying:
    """The replay side of an Archive; every method returns once its write is durable."""

    def __init__(self, directory: Path, with_run: WithRun) -> None:
        self.directory = directory
        self._with_run = with_run

    async def prepare(self, run_id: int, column_id: str, reader: str) -> int | None:
        """The number of versions to read again; None where the database was lost and evidence is indexed now.

        What a killed or refused replay by the same reader has read is kept.
        """

        def work(session: Session, run: Run) -> int | None:
            if not is_lost(session):
                rereadings.forget(session, column_id, reader)
                return count_versions(session, column_id)
            index(session, self.directory, run)
            return None

        return await self._with_run(run_id, work)

    async def versions(self, run_id: int, column_id: str, after: tuple[int, int]) -> list[Kept]:
        """The next versions to read again."""
        return await self._with_run(run_id, lambda s, _: versions(s, column_id, after, 100))

    async def observed(self, run_id: int, after: int) -> list[Kept]:
        """The next listing and article captures of a lost database."""
        return await self._with_run(run_id, lambda s, _: observed(s, after, 100))

    async def captured(self, run_id: int, url: str, near: int | None = None) -> Kept | None:
        """The answer to an address that is no error: the first one behind the capture `near`, else the latest."""
        return await self._with_run(run_id, lambda s, _: captured(s, url, near))

    async def note(self, run_id: int, column_id: str, reader: str, found: Sequence[Reread]) -> None:
        """Keep what was read again, until it is promoted."""
        await self._with_run(run_id, lambda s, _: rereadings.note(s, column_id, reader, found))
        failpoints.reach("after rereadings")

    async def judged(self, run_id: int, column_id: str) -> Judgement:
        """What promoting everything read again would change."""
        return await self._with_run(run_id, lambda s, _: rereadings.judged(s, column_id))

    async def promote(self, run_id: int, column_id: str) -> None:
        """Make what was read again the versions, all of it in one transaction, and write their JSON Lines files anew.

        A kill before the commit leaves every version as it was; one behind it leaves files the next start writes.
        """
        paths = await self._with_run(run_id, lambda s, _: rereadings.promote(s, column_id))
        failpoints.reach("after promotion")
        for path in paths:
            await self._with_run(run_id, partial(self._rewrite, path))

    def _rewrite(self, path: str, session: Session, _run: Run) -> None:
        repair.rewrite(session, self.directory, session.get_one(Segment, path))
