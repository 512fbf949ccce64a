"""Group commit: nothing is acknowledged before it is durable, and nobody spoils anybody else's write."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, StatementError
from sqlalchemy.orm import Session

from exports.archive import Archive
from exports.database.models import ArticleVersion, Segment
from exports.database.session import open_engine
from exports.errors import StorageError
from exports.writer import BATCH, Writer
from tests.storage import add, article, exchange, lines, open_archive, problems, start, version_lines, with_archive


class Held:
    """A writer whose first transaction waits, so that everything submitted meanwhile shares the second."""

    def __init__(self, engine: Engine) -> None:
        self.commits = 0
        self.go = threading.Event()
        self.writer = Writer(engine, self._before_commit)
        self.first = self.writer.submit(lambda session: self.go.wait(10))

    def _before_commit(self, session: Session) -> None:
        self.commits += 1


def insert(path: str) -> Callable[[Session], Any]:
    def work(session: Session) -> str:
        session.add(Segment(path=path, size=0, crc32=0, closed=False))
        session.flush()
        return path

    return work


def paths(engine: Engine) -> set[str]:
    with Session(engine) as session:
        return set(session.scalars(select(Segment.path)))


def test_what_queued_up_shares_one_commit(engine: Engine) -> None:
    held = Held(engine)
    futures = [held.writer.submit(insert(str(number))) for number in range(20)]
    held.go.set()
    assert [future.result(10) for future in futures] == [str(number) for number in range(20)]
    held.writer.close()
    assert held.commits <= 3  # the first, the 20 (some may have come along with the first), no more
    assert paths(engine) == {str(number) for number in range(20)}


def test_a_batch_has_a_limit(engine: Engine) -> None:
    held = Held(engine)
    futures = [held.writer.submit(lambda session: 1) for _ in range(BATCH + 10)]
    held.go.set()
    assert sum(future.result(30) for future in futures) == BATCH + 10
    held.writer.close()
    assert held.commits >= 2


def test_nothing_is_acknowledged_before_its_commit(engine: Engine) -> None:
    committing, go = threading.Event(), threading.Event()

    def before_commit(session: Session) -> None:
        committing.set()
        go.wait(10)

    writer = Writer(engine, before_commit)
    future = writer.submit(insert("x"))
    assert committing.wait(10)
    assert not future.done()
    if engine.dialect.name == "postgresql":
        assert paths(engine) == set()
    go.set()
    assert future.result(10) == "x"
    assert paths(engine) == {"x"}
    writer.close()


def _duplicate(session: Session) -> None:
    insert("good 1")(session)


def _unencodable(session: Session) -> None:
    insert("\udcff")(session)


def _own_error(session: Session) -> None:
    insert("never")(session)
    raise ValueError("this function's own")


def _fails_on_leaving(session: Session) -> None:
    session.add(Segment(path="good 1", size=0, closed=False))  # flushed only when the savepoint is released


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (_duplicate, IntegrityError),
        (_unencodable, (UnicodeEncodeError, StatementError, DataError)),
        (_own_error, ValueError),
        (_fails_on_leaving, IntegrityError),
    ],
)
def test_a_failing_function_spoils_only_itself(engine: Engine, bad: Callable[[Session], Any], error: Any) -> None:
    held = Held(engine)
    futures = [held.writer.submit(work) for work in (insert("good 1"), bad, insert("good 2"))]
    held.go.set()
    assert futures[0].result(10) == "good 1"
    with pytest.raises(error):
        futures[1].result(10)
    assert futures[2].result(10) == "good 2"
    assert held.writer.submit(insert("good 3")).result(10) == "good 3"
    held.writer.close()
    assert held.writer.failed is None
    assert paths(engine) == {"good 1", "good 2", "good 3"}


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), OperationalError("x", {}, Exception("gone"))]
)
def test_a_storage_failure_ends_everything(engine: Engine, error: Exception) -> None:
    def broken(session: Session) -> None:
        raise error

    held = Held(engine)
    futures = [held.writer.submit(work) for work in (insert("1"), broken, insert("2"))]
    held.go.set()
    for future in futures:
        with pytest.raises(StorageError, match=r"storage failed: .*(No space|gone)"):
            future.result(10)
    with pytest.raises(StorageError):
        held.writer.submit(insert("3")).result(10)
    held.writer.close()
    assert held.writer.failed is not None
    assert paths(engine) == set()


def test_a_failure_before_the_commit_fails_the_batch(engine: Engine) -> None:
    def before_commit(session: Session) -> None:
        raise OSError(5, "Input/output error")

    writer = Writer(engine, before_commit)
    with pytest.raises(StorageError, match="Input/output"):
        writer.submit(insert("x")).result(10)
    writer.close()
    assert paths(engine) == set()


def test_who_stops_waiting_does_not_stop_the_writer(engine: Engine) -> None:
    held = Held(engine)
    cancelled = held.writer.submit(insert("cancelled"))
    assert cancelled.cancel()
    held.first.cancel()  # already running: goes on
    other: Future[str] = held.writer.submit(insert("other"))
    held.go.set()
    assert other.result(10) == "other"
    with pytest.raises(CancelledError):
        cancelled.result(10)
    held.writer.close()
    assert paths(engine) == {"other"}


def test_after_close_nothing_is_taken(engine: Engine) -> None:
    writer = Writer(engine, lambda session: None)
    last = writer.submit(insert("last"))
    writer.close()
    assert last.result(0) == "last"
    with pytest.raises(StorageError, match="closed"):
        writer.submit(insert("late"))
    writer.close()


def test_a_version_rolled_back_leaves_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The function that stored it fails afterwards: the line must go with the row."""

    async def work(archive: Archive, run_id: int) -> None:
        await add(archive, run_id, 1)
        with monkeypatch.context() as patch:
            patch.setattr("exports.letters.resolve", _broken)
            with pytest.raises(ZeroDivisionError):
                await add(archive, run_id, 2)
        await add(archive, run_id, 3)

    with_archive(tmp_path, None, work)
    assert len(lines(tmp_path)) == 2
    assert sorted(lines(tmp_path)) == sorted(version_lines(tmp_path))
    assert problems(tmp_path) == []


def _broken(*_: Any) -> None:
    raise ZeroDivisionError


def test_many_at_once(tmp_path: Path, database_url: str) -> None:
    async def work(archive: Archive, run_id: int) -> None:
        outcomes = await asyncio.gather(*(add(archive, run_id, number) for number in range(60)))
        assert outcomes == ["archived"] * 60
        assert await archive.counts(run_id) == {"archived": 60}

    with_archive(tmp_path, database_url, work)
    assert len(set(lines(tmp_path))) == 60
    assert problems(tmp_path, database_url) == []


@pytest.mark.slow
def test_two_columns_at_once_on_one_database(tmp_path: Path, database_url: str) -> None:
    """Two runs, as two processes would hold them, write side by side while others start and repair."""
    archives = [open_archive(tmp_path, database_url) for _ in range(2)]

    async def crawl(archive: Archive, column: int) -> None:
        run_id = await start(archive, f"c{column}")
        for number in range(15):
            item = article(column * 100 + number, column_id=f"c{column}")
            item.capture_id = await archive.keep(run_id, exchange(item.url))
            await archive.store(run_id, item)

    async def restart() -> None:
        for _ in range(3):
            later = await asyncio.to_thread(open_archive, tmp_path, database_url)
            await asyncio.to_thread(later.close)

    async def both() -> None:
        await asyncio.gather(*(crawl(archive, column) for column, archive in enumerate(archives)), restart())

    asyncio.run(both())
    assert [archive.close() for archive in archives] == [None, None]
    assert len(lines(tmp_path)) == 30
    assert problems(tmp_path, database_url) == []


@pytest.mark.slow
def test_the_database_gone_is_one_clear_line(tmp_path: Path, postgres_database: str) -> None:
    archive = open_archive(tmp_path, postgres_database)

    async def work() -> None:
        run_id = await start(archive)
        await add(archive, run_id, 1)
        await add(archive, run_id, 2)

        def hang_up(session: Session) -> None:
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

        with pytest.raises(StorageError, match="storage failed: "):
            await archive._do(hang_up)

    asyncio.run(work())
    assert "storage failed" in str(archive.close())
    engine = open_engine(postgres_database)
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(ArticleVersion)) == 2
    engine.dispose()
    open_archive(tmp_path, postgres_database).close()
    assert problems(tmp_path, postgres_database) == []
