"""One run at a time per column, by a lock the system drops with the process that held it."""

import fcntl
import hashlib
import os
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, text

from exports.errors import ColumnBusy, StorageError


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


class AdvisoryLock:
    """A PostgreSQL session lock: holds across machines, ends with the connection."""

    def __init__(self, engine: Engine, column_id: str) -> None:
        key = int.from_bytes(hashlib.sha256(column_id.encode()).digest()[:8], "big", signed=True)
        self._connection: Connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if not self._connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}):
            self._connection.close()
            raise ColumnBusy(f"another run of column {column_id} is alive")

    def release(self) -> None:
        self._connection.close()


def acquire(engine: Engine, directory: Path, column_id: str) -> Lock:
    """The column's lock. Raises ColumnBusy at once where another process holds it."""
    if engine.dialect.name == "postgresql":
        return AdvisoryLock(engine, column_id)
    return FileLock(directory, column_id)
