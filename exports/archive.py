"""The archive as a crawl sees it: one object, opened before the crawl and closed after it.

Methods that write return awaitables which resolve once the write is committed.
"""

import asyncio
import hashlib
import mimetypes
import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from crawler.items import Article, Entry, Exchange
from exports import cdxj, jsonl, ledger, lock, repair, versions
from exports.config import Config
from exports.database import migrate
from exports.database.models import Capture, Run, Segment
from exports.database.models import Article as ArticleRow
from exports.database.session import open_engine
from exports.errors import ArchiveError, StorageError
from exports.warc import Reference, WarcWriter
from exports.writer import Writer

T = TypeVar("T")


class Archive:
    """Opens (and where needed creates, migrates and repairs) the archive in ARCHIVE_DIR."""

    def __init__(self, settings: Mapping[str, Any], *, user_agent: str) -> None:
        """Raises ConfigError, SchemaError or StorageError, each with one line for people."""
        self.config = Config.from_settings(settings)
        self.started_at = _now()
        self._user_agent = user_agent
        self._warc: WarcWriter | None = None
        self._locks: list[lock.Lock] = []
        self._make_directory()
        self._engine = open_engine(self.config.database_url)
        try:
            migrate.upgrade(self._engine)
            with Session(self._engine) as session, session.begin():
                repair.repair(session, self.config.directory)
        except ArchiveError:
            raise
        except (OSError, SQLAlchemyError) as error:
            raise StorageError(f"cannot open the archive: {' '.join(str(error).split())}") from None
        self._writer = Writer(self._engine, self._before_commit)

    # --- runs -----------------------------------------------------------------------------------------

    def lock(self, column_id: str) -> None:
        """Hold the column until close(). Raises ColumnBusy."""
        self._locks.append(lock.acquire(self._engine, self.config.directory, column_id))

    async def start_run(self, **about: Any) -> int:
        """Begin a run of one column; the arguments are columns of `runs`."""

        def work(session: Session) -> int:
            run = Run(started_at=_now(), ledger={}, **about)
            session.add(run)
            session.flush()
            return run.id

        return await self._do(work)

    async def finish_run(self, run_id: int, **outcome: Any) -> None:
        """Close the run; the arguments are columns of `runs`."""

        def work(session: Session) -> None:
            run = session.get_one(Run, run_id)
            run.ledger = ledger.counts(session, run)
            run.finished_at = _now()
            for name, value in outcome.items():
                setattr(run, name, value)

        await self._do(work)

    async def counts(self, run_id: int) -> dict[str, int]:
        """outcome -> entries of the run so far."""
        return await self._do(lambda session: ledger.counts(session, session.get_one(Run, run_id)))

    # --- evidence -------------------------------------------------------------------------------------

    async def keep(self, run_id: int, exchange: Exchange) -> int:
        """Write the exchange to the WARC file; returns the capture's id once it is durable."""
        return await self._do(lambda session: self._keep(session, run_id, exchange))

    def _keep(self, session: Session, run_id: int, exchange: Exchange) -> int:
        digest = hashlib.sha256(exchange.body).hexdigest()
        earlier = self._earlier(session, exchange, digest)
        if self._warc is None:
            about = {
                "software": f"zhuanti-archive/{version('zhuanti-archive')}",
                "format": "WARC File Format 1.1",
                "conformsTo": "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
                "http-header-user-agent": self._user_agent,
                "robots": "obey",
            }
            prefix = f"{self.started_at:%Y%m%d%H%M%S}-{uuid4().hex[:8]}"
            self._warc = WarcWriter(self.config.directory, prefix, about)
        refers_to = Reference(earlier.warc_record_id, earlier.url, earlier.fetched_at) if earlier else None
        position = self._warc.append(exchange, refers_to)
        headers = {name.lower(): value for name, value in exchange.response_headers}
        capture = Capture(
            url=exchange.url,
            fetched_at=exchange.fetched_at,
            status=exchange.status,
            role=exchange.role,
            run_id=run_id,
            warc_file=position.warc_file,
            warc_offset=position.offset,
            warc_record_id=position.record_id,
            payload_sha256=earlier.payload_sha256 if earlier and exchange.status == 304 else digest,
            revisit_of=earlier.id if earlier else None,
            etag=headers.get("etag"),
            last_modified=headers.get("last-modified"),
        )
        session.add(capture)
        session.flush()
        return capture.id

    def _earlier(self, session: Session, exchange: Exchange, digest: str) -> Capture | None:
        """The capture that already holds this payload: of the same bytes, or (304) the last full one."""
        if exchange.status == 304:
            same = (Capture.status == 200) & Capture.revisit_of.is_(None)
        elif exchange.body:
            same = (
                (Capture.status == exchange.status) & (Capture.payload_sha256 == digest) & Capture.revisit_of.is_(None)
            )
        else:
            return None
        return session.scalar(
            select(Capture).where(Capture.url == exchange.url, same).order_by(Capture.id.desc()).limit(1)
        )

    async def keep_file(self, body: bytes, url: str, media_type: str) -> tuple[str, str]:
        """Store the bytes under their digest; returns (sha256, path relative to ARCHIVE_DIR)."""
        digest = hashlib.sha256(body).hexdigest()
        path = f"files/{digest[:2]}/{digest}{_extension(url, media_type)}"

        def work(session: Session) -> None:
            target = self.config.directory / path
            if target.exists() and target.stat().st_size == len(body):
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            draft = target.with_name(f".{target.name}.{os.getpid()}")
            with draft.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, target)

        await self._do(work)
        return digest, path

    # --- ledger ---------------------------------------------------------------------------------------

    async def listed(self, run_id: int, entries: list[Entry], position: int) -> int:
        """Record a listing page; returns how many entries this run had not seen before."""
        return await self._with_run(run_id, lambda s, run: ledger.listed(s, run, entries, position))

    async def plan(self, run_id: int, *, since: str | None, full: bool) -> None:
        """Settle the entries that need no fetch."""
        await self._with_run(
            run_id, lambda s, run: ledger.plan(s, self.config, run, since=since, full=full, now=_now())
        )

    async def pending(self, run_id: int, count: int, after: int) -> tuple[list[ledger.Pending], int]:
        """The next entries to fetch behind that position, and the position reached."""
        return await self._with_run(run_id, lambda s, run: ledger.pending(s, run, count, after))

    async def exclude_rest(self, run_id: int, after: int, reason: str) -> None:
        """Settle everything pending behind that position as excluded."""
        await self._with_run(run_id, lambda s, run: ledger.exclude_rest(s, run, after, reason))

    async def settle(self, run_id: int, url: str, outcome: str, reason: str | None = None) -> None:
        """Give an entry an outcome that is no failure."""
        await self._with_run(run_id, lambda s, run: ledger.settle(s, run, url, outcome, reason))

    async def unchanged(self, run_id: int, url: str) -> None:
        """The server said 304: the article is as we hold it."""

        def work(session: Session, run: Run) -> None:
            ledger.settle(session, run, url, "unchanged", "not modified")
            if article := ledger.article_of(session, run, url):
                article.last_seen_at = _now()
            ledger.resolve(session, run, url, _now())

        await self._with_run(run_id, work)

    async def fail(self, run_id: int, url: str, *, kind: str, outcome: str, reason: str, **details: Any) -> None:
        """Write the dead letter and, for an article, the entry's outcome."""

        def work(session: Session, run: Run) -> None:
            ledger.fail(session, run, url, kind=kind, outcome=outcome, reason=reason, now=_now(), **details)
            if kind == "article":
                ledger.settle(session, run, url, outcome, reason)

        await self._with_run(run_id, work)

    # --- articles -------------------------------------------------------------------------------------

    async def store(self, run_id: int, article: Article, *, since: str | None = None) -> str:
        """Bring the archive to the observed article and settle its entry; returns the outcome."""

        def work(session: Session, run: Run) -> str:
            if since and article.published_at and article.published_at[:10] < since:
                ledger.settle(session, run, article.listed_url, "excluded", f"published before since={since}")
                return "excluded"
            now = _now()
            outcome, article_id = versions.store(session, run, article, now)
            row = session.get_one(ArticleRow, article_id)
            if outcome == "unchanged" and ledger.listed_elsewhere(session, run, article.listed_url, row.id):
                outcome = "duplicate"
            ledger.settle(session, run, article.listed_url, outcome, None, article_id)
            ledger.resolve(session, run, article.listed_url, now)
            return outcome

        return await self._with_run(run_id, work)

    # --- inside ---------------------------------------------------------------------------------------

    def close(self) -> StorageError | None:
        """Finish what is queued, close and index the WARC file, release the locks.

        Returns the error that ended the writing, if one did.
        """
        self._writer.close()
        failed = self._writer.failed
        if self._warc is not None and failed is None:
            try:
                with Session(self._engine) as session, session.begin():
                    self._close_warc(session, self._warc)
            except (OSError, SQLAlchemyError) as error:
                failed = StorageError(f"storage failed: {' '.join(str(error).split())}")
        for held in self._locks:
            held.release()
        self._engine.dispose()
        return failed

    def _make_directory(self) -> None:
        directory = self.config.directory
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"cannot create ARCHIVE_DIR {str(directory)!r}: {error.strerror}") from None
        if not os.access(directory, os.W_OK | os.X_OK):
            raise StorageError(f"cannot write in ARCHIVE_DIR {str(directory)!r}: permission denied")

    async def _do(self, work: Callable[[Session], T]) -> T:
        return await _bridge(self._writer.submit(work))

    async def _with_run(self, run_id: int, work: Callable[[Session, Run], T]) -> T:
        return await self._do(lambda session: work(session, session.get_one(Run, run_id)))

    def _before_commit(self, session: Session) -> None:
        """Evidence and JSON lines reach the disk before the rows that cite them are committed."""
        if new := session.info.pop("new_versions", None):
            jsonl.append(session, self.config.directory, new)
        if self._warc is not None:
            self._warc.sync()
            self._vouch(session, self._warc)
            if self._warc.full():
                self._close_warc(session, self._warc)
                self._warc.begin_next()

    def _vouch(self, session: Session, warc: WarcWriter) -> Segment:
        segment = session.get(Segment, warc.relative) or Segment(path=warc.relative, closed=False)
        segment.size = warc.size
        session.add(segment)
        return segment

    def _close_warc(self, session: Session, warc: WarcWriter) -> None:
        segment = self._vouch(session, warc)
        cdxj.write(self.config.directory / warc.relative)
        segment.closed = True


async def _bridge(future: "Future[T]") -> T:
    return await asyncio.wrap_future(future)


def _now() -> datetime:
    return datetime.now(UTC)


def _extension(url: str, media_type: str) -> str:
    """The file's extension, from its address or else its type; only plain short ones are taken over."""
    suffix = Path(url.partition("?")[0]).suffix.lower()
    if not (1 < len(suffix) <= 6 and suffix[1:].isascii() and suffix[1:].isalnum()):
        suffix = mimetypes.guess_extension(media_type) or ".bin"
    return suffix
