"""The archive as a crawl sees it: one object, opened before the crawl and closed after it.

Methods that write return awaitables which resolve once the write is committed.
"""

import asyncio
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from crawler.items import Article, Attachment, Entry, Exchange, Pending
from exports import disk, failpoints, jsonl, ledger, letters, lock, manifest, repair, storing, worklist
from exports.checking import Checking
from exports.config import Config
from exports.database import migrate
from exports.database.models import Run
from exports.database.session import open_engine
from exports.errors import StorageError
from exports.evidence import Evidence, responses_since
from exports.index import maintain
from exports.kept_page import KeptPage, kept_page
from exports.operating import after
from exports.operating.settings import Settings as Operating
from exports.rebuilding import Rebuilding
from exports.replaying import Replaying
from exports.store import uploading
from exports.store.places import Places
from exports.texts import keeping
from exports.versions import COMPLETED
from exports.watching import Watching
from exports.writer import NEW_VERSIONS, Writer

T = TypeVar("T")


class Archive:
    """Opens (and where needed creates, migrates and repairs) the archive in ARCHIVE_DIR."""

    def __init__(self, settings: Mapping[str, Any], *, user_agent: str) -> None:
        """Raises ConfigError, SchemaError or StorageError, each with one line for people."""
        self.config = Config.from_settings(settings)
        self.started_at = _now()
        self._evidence = Evidence(self.config.directory, self.started_at, user_agent)
        self._locks: list[lock.Lock] = []
        self._columns: set[str] = set()
        self._operating = Operating.from_settings(settings)
        self._finished: list[int] = []
        self._runs: dict[int, Run] = {}
        self._places = Places(self.config)
        self._foreign: StorageError | None = None
        try:
            self._engine = self._open()
        except StorageError as error:
            after.storage_failed(self.config, self._operating, error)
            raise
        self._writer = Writer(self._engine, self._before_commit)
        self.watching = Watching(self._with_run, self.store, self.fail)
        self.rebuilding = Rebuilding(self.config, self._with_run, lambda work: self._writer.submit(work).result())
        self.replaying = Replaying(self._places, self._with_run)
        self.checking = Checking(self.config, self._with_run)

    def _open(self) -> Engine:
        disk.make_writable(self.config.directory)
        engine = open_engine(self.config.database_url)
        try:
            migrate.upgrade(engine)
            with Session(engine) as session, session.begin():
                repair.repair(session, self.config.directory, fleet=self._places.is_fleet(session))
            self._foreign = uploading.first(engine, self.config)
        except StorageError:
            engine.dispose()
            raise
        except (OSError, SQLAlchemyError) as error:
            raise StorageError(f"cannot open the archive: {' '.join(str(error).split())}") from None
        return engine

    # --- runs -----------------------------------------------------------------------------------------

    def lock(self, column_id: str) -> None:
        """Hold the column until close(). Raises ColumnBusy."""
        self._locks.append(lock.acquire(self._engine, self.config.directory, column_id))

    async def start_run(self, **about: Any) -> int:
        """Begin a run of one column; the arguments are columns of `runs`."""

        def work(session: Session) -> int:
            if self._foreign is not None and about["spider"] != "replay":  # which may rebuild a lost database
                raise self._foreign
            run = Run(started_at=_now(), ledger={}, **about)
            session.add(run)
            session.flush()
            return run.id

        self._columns.add(about["column_id"])
        run_id = await self._do(work)
        await self._do(lambda _session: failpoints.reach("after run record"))  # where a full disk is noticed, too
        return run_id

    async def finish_run(self, run_id: int, **outcome: Any) -> None:
        """Close the run; the arguments are columns of `runs`."""
        await self.watching.judge(run_id)  # what nobody asked about is settled all the same

        def work(session: Session) -> None:
            run = self._run(session, run_id)
            run.ledger = ledger.counts(session, run)
            for name, value in ({"finished_at": _now()} | outcome).items():
                setattr(run, name, value)

        await self._do(work)
        self._finished.append(run_id)

    async def counts(self, run_id: int) -> dict[str, int]:
        """outcome -> entries of the run so far."""
        return await self._do(lambda session: ledger.counts(session, self._run(session, run_id)))

    # --- evidence -------------------------------------------------------------------------------------

    async def keep(self, run_id: int, exchange: Exchange) -> int:
        """Write the exchange to the WARC file; returns the capture's id once it is durable."""
        return await self._do(lambda session: self._evidence.keep(session, run_id, exchange))

    async def requests_since(self, netloc: str, moment: datetime) -> int:
        """How many responses of a host (with its port) were kept since then, by all runs."""
        return await self._do(lambda session: responses_since(session, netloc, moment))

    async def keep_file(self, body: bytes, url: str, media_type: str) -> tuple[str, str]:
        """Store the bytes under their digest; returns (sha256, path relative to ARCHIVE_DIR)."""
        digest = hashlib.sha256(body).hexdigest()
        path = f"files/{digest[:2]}/{digest}{disk.extension(url, media_type)}"

        def work(session: Session) -> None:
            target = self.config.directory / path
            if target.exists() and target.stat().st_size == len(body):
                return
            with disk.replacing(target, self.config.directory / f"files/.{target.name}.{os.getpid()}") as file:
                file.write(body)

        await self._do(work)
        return digest, path

    # --- ledger ---------------------------------------------------------------------------------------

    async def listed(self, run_id: int, entries: list[Entry], position: int) -> int:
        """Record a listing page; returns how many entries this run had not seen before."""
        return await self._with_run(run_id, lambda s, run: ledger.listed(s, run, entries, position))

    async def is_familiar(self, run_id: int, newest: int) -> bool:
        """Whether the listing is as the run before saw it, but for entries among the ``newest`` first ones."""
        return await self._with_run(run_id, lambda s, run: ledger.is_familiar(s, run, newest))

    async def walked(self, run_id: int, pages: Sequence[str], *, complete: bool) -> int:
        """The listing was walked, these pages of it read; returns how many entries it does not name any more."""

        def work(session: Session, run: Run) -> int:
            letters.resolve_listing(session, run, None if complete else pages, _now())
            return ledger.walked(session, run, complete=complete, now=_now())

        return await self._with_run(run_id, work)

    async def plan(self, run_id: int, *, since: str | None, full: bool, retry: bool) -> None:
        """Settle the entries that need no fetch."""
        about = {"since": since, "full": full, "retry": retry}
        await self._with_run(run_id, lambda s, run: worklist.plan(s, self.config, run, now=_now(), **about))  # type: ignore[arg-type]

    async def pending(self, run_id: int, count: int, after: int) -> tuple[list[Pending], int]:
        """The next entries to fetch behind that position, and the position reached."""
        return await self._with_run(run_id, lambda s, run: worklist.pending(s, run, count, after))

    async def exclude_rest(self, run_id: int, after: int, reason: str) -> None:
        """Settle everything pending behind that position as excluded."""
        await self._with_run(run_id, lambda s, run: worklist.exclude_rest(s, run, after, reason))

    async def settle(self, run_id: int, url: str, outcome: str, reason: str | None = None) -> None:
        """Give an entry an outcome that is no failure."""
        await self._with_run(run_id, lambda s, run: ledger.settle(s, run, url, outcome, reason))

    async def unchanged(self, run_id: int, url: str) -> None:
        """The server said 304: the article is as we hold it."""

        def work(session: Session, run: Run) -> list[str]:
            article = storing.unchanged(session, run, url, _now())
            return self.watching.had(session, article) if article is not None else []

        self.watching.note_unchanged(run_id, await self._with_run(run_id, work))

    async def fail(self, run_id: int, url: str, *, kind: str, outcome: str, reason: str, **details: Any) -> None:
        """Write the dead letter and, for an article, the entry's outcome."""

        def work(session: Session, run: Run) -> None:
            letters.fail(session, run, url, kind=kind, outcome=outcome, reason=reason, now=_now(), **details)
            if kind == "article":
                ledger.settle(session, run, url, outcome, reason)

        await self._with_run(run_id, work)

    # --- articles -------------------------------------------------------------------------------------

    async def store(self, run_id: int, article: Article, *, since: str | None = None, judged: bool = False) -> str:
        """Bring the archive to the observed article and settle its entry; returns the outcome.

        "held": the revision loses a field, and watching.judge() decides at the end of the run; ``judged``: it has.
        """

        watching = None if judged or self.watching.is_full(run_id) else self.watching

        def work(session: Session, run: Run) -> tuple[str, list[str], dict[str, str]]:
            return storing.store(session, run, article, since, watching, _now())

        outcome, had, lost = await self._with_run(run_id, work)
        if not judged and outcome not in ("excluded", "failed"):
            self.watching.note(run_id, article, had, lost)
        return outcome

    def extract_texts(self) -> Counter[str]:
        """Read the attached files not read yet; returns how many ended how. After the crawl, before close()."""
        return keeping.extract_all(self._engine, self._places)

    def kept_page(self, reference: str) -> KeptPage | None:
        """The page an article (id or address) was read from; None for an unknown one. Raises StorageError."""
        with Session(self._engine) as session:
            return kept_page(session, self._places, reference)

    async def refile(self, run_id: int, url: str, files: Mapping[str, Attachment]) -> str:
        """The page stands as it was, but these files (by address) have other bytes; returns the outcome."""

        def work(session: Session, run: Run) -> Article:
            article = ledger.article_of(session, run, url)
            assert article is not None
            return storing.refiled(session, article, url, files, _now())

        return await self.store(run_id, await self._with_run(run_id, work))

    # --- inside ---------------------------------------------------------------------------------------

    def close(self) -> StorageError | None:
        """Finish what is queued, close and index the WARC file, release the locks.

        Returns the error that ended the writing, if one did.
        """
        self._writer.close()
        failed = self._writer.failed
        if failed is None:
            try:
                with Session(self._engine) as session, session.begin():
                    lock.alone(session)
                    self._evidence.finish(session)
                    repair.renew(session, self.config.directory)
                    manifest.seal(session, self._places, sorted(self._columns), _now())
            except (OSError, SQLAlchemyError) as error:
                failed = StorageError(f"storage failed: {' '.join(str(error).split())}")
        self._evidence.close()
        for held in self._locks:
            held.release()
        after.crawl(self.config, self._operating, self._engine, self._finished, failed)
        if failed is None:
            failed = uploading.last(self._engine, self.config, self._operating)
        self._engine.dispose()
        return failed

    async def _do(self, work: Callable[[Session], T]) -> T:
        return cast(T, await asyncio.wrap_future(self._writer.submit(work)))

    async def _with_run(self, run_id: int, work: Callable[[Session, Run], T]) -> T:
        """Run the function in the writing transaction; returns its result once that is committed."""
        return await self._do(lambda session: work(session, self._run(session, run_id)))

    def _run(self, session: Session, run_id: int) -> Run:
        """The run's row, asked for once: every function needs it, and only this process changes it."""
        if run_id not in self._runs:
            self._runs[run_id] = session.get_one(Run, run_id)
        session.add(run := self._runs[run_id])
        return run

    def _before_commit(self, session: Session) -> None:
        """Evidence and JSON lines reach the disk before the rows that cite them are committed."""
        maintain.update(session)
        new, completed = (session.info.pop(name, ()) for name in (NEW_VERSIONS, COMPLETED))
        if new or completed:
            fleet = self._places.is_fleet(session)
            jsonl.append(session, self.config.directory, new, completed, fleet=fleet)
        self._evidence.before_commit(session)


def _now() -> datetime:
    return datetime.now(UTC)
