"""The one writing thread: group commit.

Whoever wants to write submits a function of a Session and waits for its future. All functions that
queued up while the last transaction committed share the next one, and their futures are resolved
only after its commit: what is acknowledged is durable.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import nullcontext
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from exports import failpoints, lock
from exports.errors import StorageError

BATCH = 256
"""The most functions one transaction serves."""

NEW_VERSIONS = "new_versions"
"""The versions a session has added, in its `info`: their JSON lines are written before the commit."""

Work = Callable[[Session], Any]


class Writer:
    """Runs submitted functions in batches.

    A function that raises spoils only itself: its batch is rolled back and run again with a savepoint around
    each function, so functions must bear being run twice. When the disk or the database fails, the whole batch
    and everything after it fails with StorageError.
    """

    def __init__(self, engine: Engine, before_commit: Callable[[Session], None]) -> None:
        self._engine = engine
        self._before_commit = before_commit
        self._queue: queue.SimpleQueue[tuple[Work, Future[Any]] | None] = queue.SimpleQueue()
        self._closed = False
        self._connection: Connection | None = None
        self.failed: StorageError | None = None
        self._thread = threading.Thread(target=self._run, name="archive-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> "Future[Any]":
        """Queue the function; the future holds its result once it is committed.

        A future cancelled before its turn is left out. Raises StorageError after close().
        """
        if self._closed:
            raise StorageError("the archive is closed")
        future: Future[Any] = Future()
        self._queue.put((work, future))
        return future

    def close(self) -> None:
        """Finish what is queued and end the thread."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        self._serve()
        if self._connection is not None:
            self._connection.close()

    def _serve(self) -> None:
        closing = False
        while not closing:
            batch = []
            next_work = self._queue.get()
            while next_work is not None:
                batch.append(next_work)
                if len(batch) == BATCH:
                    break
                try:
                    next_work = self._queue.get_nowait()
                except queue.Empty:
                    break
            closing = next_work is None
            # whoever stopped waiting must not end this thread when the result is handed over
            batch = [(work, future) for work, future in batch if future.set_running_or_notify_cancel()]
            if batch:
                self._commit(batch)

    def _commit(self, batch: list[tuple[Work, "Future[Any]"]]) -> None:
        try:
            if self.failed:
                raise self.failed
            try:
                results = self._transaction([work for work, _ in batch], careful=False)
            except Exception as error:
                if _storage(error):
                    raise
                results = self._transaction([work for work, _ in batch], careful=True)
        except Exception as error:
            self.failed = self.failed or (error if isinstance(error, StorageError) else StorageError(_line(error)))
            results = [(None, self.failed) for _ in batch]
        for (_, future), (result, failure) in zip(batch, results, strict=True):
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)

    def _transaction(self, batch: list[Work], *, careful: bool) -> list[tuple[Any, Exception | None]]:
        """Run the functions and commit; returns result or error of each. A careful run isolates each function."""
        results: list[tuple[Any, Exception | None]] = []
        if self._connection is None:  # one for the thread's life: opening one a batch costs more than the batch
            self._connection = self._engine.connect()
        with Session(self._connection, expire_on_commit=False) as session, session.begin():
            lock.share(session)
            for work in batch:
                noted = len(session.info.get(NEW_VERSIONS, ()))
                try:
                    with session.begin_nested() if careful else nullcontext():
                        result = work(session)
                except Exception as error:
                    if not careful or _storage(error):
                        raise
                    del session.info.get(NEW_VERSIONS, [])[noted:]  # rolled back with the function
                    results.append((None, error))
                else:
                    results.append((result, None))
            self._before_commit(session)
            failpoints.reach("before commit")
        failpoints.reach("after commit")
        return results


def _storage(error: Exception) -> bool:
    """Whether the error is the disk's or the database's, not the one function's."""
    if isinstance(error, IntegrityError | DataError | ProgrammingError):
        return False
    return isinstance(error, OSError | DBAPIError | StorageError)


def _line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return f"storage failed: {' '.join(str(cause).split()) or type(cause).__name__}"
