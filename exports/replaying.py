"""What replay needs of the archive whose database is there: the versions to read again, each with its evidence.

What was read: rereadings.py. A database that was lost: rebuilding.py.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from exports import failpoints, jsonl, rereadings
from exports.database.models import ArticleVersion, Capture, Listing, Run
from exports.errors import StorageError
from exports.rereadings import Judgement, Reread
from exports.store.places import Places

T = TypeVar("T")


class WithRun(Protocol):
    """Archive's way to run a function in the writing transaction."""

    def __call__(self, run_id: int, work: Callable[[Session, Run], T]) -> Awaitable[T]: ...


@dataclass(frozen=True)
class Kept:
    """One response to read again, or to observe anew."""

    capture_id: int
    role: str
    warc_file: str
    warc_offset: int
    """Of the record that holds the payload."""
    url: str
    fetched_at: datetime
    column_id: str = ""
    base_url: str = ""
    """Where the site was for the run that fetched it."""
    article_id: int = 0
    version: int = 0
    """Those of the version to read again; 0: it is observed anew."""
    listed_url: str = ""
    listed_title: str = ""
    listed_date: str | None = None


def count_versions(session: Session, column_id: str) -> int:
    """How many versions of the column are to be read again."""
    return session.scalar(select(func.count()).where(ArticleVersion.column_id == column_id)) or 0


def versions(session: Session, column_id: str, after: tuple[int, int], count: int) -> list[Kept]:
    """The column's next versions behind (article_id, version), with the capture each was read from."""
    listed = (Listing.article_id == ArticleVersion.article_id) & (Listing.column_id == column_id)
    origin = aliased(Capture)
    rows = session.execute(
        select(
            *(ArticleVersion.article_id, ArticleVersion.version, ArticleVersion.url, ArticleVersion.printed),
            *(Capture.id, Capture.role, Capture.url.label("asked"), Capture.fetched_at, Run.base_url),
            func.coalesce(origin.warc_file, Capture.warc_file).label("warc_file"),
            func.coalesce(origin.warc_offset, Capture.warc_offset).label("warc_offset"),
            select(func.min(Listing.url)).where(listed).scalar_subquery().label("listed"),
        )
        .join(Capture, Capture.id == ArticleVersion.capture_id)
        .outerjoin(origin, origin.id == Capture.revisit_of)
        .join(Run, Run.id == ArticleVersion.run_id)
        .where(
            ArticleVersion.column_id == column_id,
            ~rereadings.is_read(ArticleVersion.article_id, ArticleVersion.version),
            (ArticleVersion.article_id > after[0])
            | ((ArticleVersion.article_id == after[0]) & (ArticleVersion.version > after[1])),
        )
        .order_by(ArticleVersion.article_id, ArticleVersion.version)
        .limit(count)
    )
    return [
        Kept(
            capture_id=row.id,
            role=row.role,
            warc_file=row.warc_file,
            warc_offset=row.warc_offset,
            url=row.asked,
            fetched_at=row.fetched_at,
            column_id=column_id,
            base_url=row.base_url,
            article_id=row.article_id,
            version=row.version,
            listed_url=row.listed or row.url,
            listed_title=row.printed.get("title", {}).get("listing", ""),
            listed_date=row.printed.get("published_at", {}).get("listing"),
        )
        for row in rows
    ]


def captured(
    session: Session, url: str, near: int | None = None, until: datetime | None = None, *, refused: bool = False
) -> Kept | None:
    """The capture of an address that is content or a redirect (``refused``: that is neither), with its payload.

    The first one behind the capture `near` (the page that made the crawl ask for it), else the latest, up to `until`.
    """
    answers = select(Capture).where(Capture.url == url, Capture.status >= 400 if refused else Capture.status < 400)
    answers = answers.where((Capture.status != 304) | Capture.revisit_of.is_not(None))
    if until is not None:
        answers = answers.where(Capture.fetched_at <= until)
    capture = None
    if near is not None:
        capture = session.scalar(answers.where(Capture.id > near).order_by(Capture.id).limit(1))
    if capture is None:
        capture = session.scalar(answers.order_by(Capture.id.desc()).limit(1))
    return kept_of(session, capture) if capture else None


def kept_of(session: Session, capture: Capture) -> Kept:
    """The capture, with the place of its payload."""
    origin = _payload(session, capture)
    return Kept(capture.id, capture.role, origin.warc_file, origin.warc_offset, capture.url, capture.fetched_at)


def _payload(session: Session, capture: Capture) -> Capture:
    """The capture that holds the payload: a revisit's origin."""
    return session.get_one(Capture, capture.revisit_of) if capture.revisit_of else capture


def _fail(error: StorageError, _session: Session, _run: Run) -> None:
    """In the writing thread: storage failed, which ends the run."""
    raise error


class Replaying:
    """The replay side of an Archive; every method returns once its write is durable."""

    def __init__(self, places: Places, with_run: WithRun) -> None:
        self.directory = places.directory
        self._places = places
        self._with_run = with_run

    async def prepare(self, run_id: int, column_id: str, reader: str) -> int:
        """The number of versions to read again; what a killed or refused replay by the same reader has read is kept."""

        def work(session: Session, _run: Run) -> int:
            rereadings.forget(session, column_id, reader)
            return count_versions(session, column_id)

        return await self._with_run(run_id, work)

    async def versions(self, run_id: int, column_id: str, after: tuple[int, int]) -> list[Kept]:
        """The next versions to read again."""
        found = await self._with_run(run_id, lambda s, _: versions(s, column_id, after, 200))
        await self._bring(run_id, found)
        return found

    async def captured(
        self, run_id: int, url: str, near: int | None = None, until: datetime | None = None, *, refused: bool = False
    ) -> Kept | None:
        """The answer to an address that is no error, or (refused) is one; see captured()."""
        found = await self._with_run(run_id, lambda s, _: captured(s, url, near, until, refused=refused))
        await self._bring(run_id, [found] if found else [])
        return found

    async def _bring(self, run_id: int, found: Sequence[Kept]) -> None:
        """Copy the evidence that is only in the store into the folder: a replay reads whole files."""
        if not self._places.has_store:
            return
        paths = {kept.warc_file for kept in found}
        elsewhere = await self._with_run(run_id, lambda s, _: self._places.elsewhere(s, paths))
        try:
            await asyncio.to_thread(self._places.bring, elsewhere)
        except StorageError as error:
            await self._with_run(run_id, partial(_fail, error))

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
        jsonl.rewrite(session, self.directory, path)
