"""One run at a time per column, held by processes and dropped with them."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from exports import lock
from exports.database.migrate import upgrade
from exports.database.session import open_engine
from exports.errors import ColumnBusy, StorageError
from tests.crawling import ROOT
from tests.services import fresh_database
from tests.storage import open_archive

HOLD = """
import sys
from tests.storage import open_archive
from pathlib import Path
archive = open_archive(Path(sys.argv[1]), sys.argv[2])
try:
    archive.lock(sys.argv[3])
except Exception as error:
    print(type(error).__name__, error.exit_code, error, flush=True)
else:
    print("held", flush=True)
    sys.stdin.read()
archive.close()
"""


@contextmanager
def other_process(directory: Path, url: str, column_id: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", HOLD, str(directory), url, column_id]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.slow
def test_a_column_is_held_until_the_process_ends_or_dies(tmp_path: Path, database_url: str) -> None:
    archive = open_archive(tmp_path, database_url)
    with other_process(tmp_path, database_url, "c") as holder:
        assert said(holder) == "held"
        with pytest.raises(ColumnBusy, match="another run of column c is alive") as raised:
            archive.lock("c")
        assert raised.value.exit_code == 6
        archive.lock("d")
        with other_process(tmp_path, database_url, "d") as late:
            assert said(late) == "ColumnBusy 6 another run of column d is alive"
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        archive.lock("c")
    assert archive.close() is None
    with other_process(tmp_path, database_url, "c") as later:
        assert said(later) == "held"
        later.communicate("")
        assert later.returncode == 0
    again = open_archive(tmp_path, database_url)
    again.lock("c")
    again.close()


@pytest.mark.slow
def test_the_database_gone_while_locking(tmp_path: Path, postgres_url: str) -> None:
    with fresh_database(postgres_url) as url:
        engine = open_engine(url)
    with pytest.raises(StorageError, match="cannot lock column c"):  # it was dropped meanwhile
        lock.acquire(engine, tmp_path, "c")
    engine.dispose()


def test_a_start_waits_for_writers_and_writers_for_a_start(database_url: str) -> None:
    """What repair.py relies on: nobody else writes while it looks at the files."""
    engine = open_engine(database_url)
    upgrade(engine)
    order = []
    shared, entered = threading.Event(), threading.Event()

    def start() -> None:
        shared.wait(10)
        entered.set()
        with Session(engine) as session, session.begin():
            lock.alone(session)
            order.append("start")

    thread = threading.Thread(target=start)
    thread.start()
    with Session(engine) as session, session.begin():
        lock.share(session)
        session.connection()
        shared.set()
        entered.wait(10)
        thread.join(0.3)
        order.append("writer")
    thread.join(10)
    assert order == ["writer", "start"]
    engine.dispose()
