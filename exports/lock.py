"""Who may write beside whom.

One run at a time per column, by a lock the system drops with the process that held it. Runs of different
columns write side by side, but a start repairs files alone.
"""

import fcntl
import hashlib
import os
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from exports.errors import ColumnBusy, StorageError

_REPAIR = 0x72657061  # any number, the same in every process


def share(session: Session) -> None:
    """Until the transaction ends, no start repairs files. On SQLite every transaction is alone anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": _REPAIR})


def alone(session: Session) -> None:
    """Wait until no other transaction writes; then nobody else writes until this one ends."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _REPAIR})
    else:
        session.connection()  # BEGIN IMMEDIATE; see database/session.py


class Lock(Protocol):
    """A held lock."""

    def release(self) -> None: ...


class FileLock:
    """flock on a file in ARCHIVE_DIR: for the embedded database."""

    def __init__(self, directory: Path, column_id: str) -> None:
        folder = directory / "locks"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(folder / f"{column_id}.lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StorageError(f"cannot write in ARCHIVE_DIR {str(directory)!r}: {error.strerror}") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise ColumnBusy(f"another run of column {column_id} is alive") from None

    def release(self) -> None:
        os.close(self._file)


def crawling(directory: Path) -> bool:
    """Whether a run on the embedded database is alive, of whatever column: someone holds a FileLock."""
    for path in (directory / "locks").glob("*.lock"):
        try:
            FileLock(directory, path.stem).release()
        except ColumnBusy:
            return True
    return False


class AdvisoryLock:
    """A PostgreSQL session lock: holds across machines, ends with the connection."""

    def __init__(self, engine: Engine, column_id: str) -> None:
        key = int.from_bytes(hashlib.sha256(column_id.encode()).digest()[:8], "big", signed=True)
        try:
            self._connection: Connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            free = self._connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": key})
        except SQLAlchemyError as error:
            raise StorageError(f"cannot lock column {column_id}: {' '.join(str(error).split())}") from None
        if not free:
            self._connection.close()
            raise ColumnBusy(f"another run of column {column_id} is alive")

    def release(self) -> None:
        self._connection.close()


def acquire(engine: Engine, directory: Path, column_id: str) -> Lock:
    """The column's lock. Raises ColumnBusy at once where another process holds it."""
    if engine.dialect.name == "postgresql":
        return AdvisoryLock(engine, column_id)
    return FileLock(directory, column_id)
