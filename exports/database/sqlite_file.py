"""How the archive's SQLite file is opened; without SQLAlchemy, which takes longer to load than most questions take."""

import sqlite3
from pathlib import Path

from exports.errors import ConfigError

BUSY_MS = 60_000
"""How long a writer waits for another process's transaction before it gives up."""
IMPATIENT_MS = 2_000
"""The same for a long-lived reader, behind whom people wait."""


def require(path: Path) -> None:
    """Raise ConfigError, with what to do, where there is no file to read."""
    if not path.is_file():
        raise ConfigError(
            f"no archive at {str(path)!r}: run `scrapy crawl zhuanti` first, or set ARCHIVE_DIR to where it lies"
        )


def for_writing(path: Path) -> sqlite3.Connection:
    """A connection that makes the file where there is none."""
    connection = _connect(path, "mode=rwc")
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        # FULL: what a commit acknowledged survives a power cut; group commit pays for the fsync
        connection.execute("PRAGMA synchronous=FULL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def for_reading(path: Path, *, untouched: bool = False) -> sqlite3.Connection:
    """A connection that cannot write; with `untouched` (long-lived readers) the very file is opened read-only."""
    # As a rule not mode=ro: such a reader could not tidy up, and would leave a -wal and a -shm file behind
    connection = _connect(path, f"mode={'ro' if untouched else 'rw'}", IMPATIENT_MS if untouched else BUSY_MS)
    try:
        connection.execute("PRAGMA query_only=ON")
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1")
    except sqlite3.Error as error:
        connection.close()
        if not isinstance(error, sqlite3.OperationalError) or "locked" in str(error) or not _is_complete(path):
            raise
        # on read-only media SQLite cannot make the files readers and writers share, nor does it need them
        connection = _connect(path, "mode=ro&immutable=1")
    return connection


def _connect(path: Path, mode: str, busy_ms: int = BUSY_MS) -> sqlite3.Connection:
    # isolation_level=None: the driver must not open transactions behind our back
    address = f"{path.absolute().as_uri()}?{mode}"
    connection = sqlite3.connect(
        address, uri=True, isolation_level=None, check_same_thread=False, timeout=busy_ms / 1000
    )
    connection.execute("PRAGMA foreign_keys=ON")
    return connection


def _is_complete(path: Path) -> bool:
    """Whether no commits wait in the write-ahead log, which an immutable database is read without."""
    log = path.with_name(path.name + "-wal")
    return not log.exists() or log.stat().st_size == 0
