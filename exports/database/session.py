"""Engines: how the archive's database is opened, for writing and for reading."""

import json
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from exports.errors import ConfigError, StorageError

BUSY_MS = 60_000
"""How long a writer waits for another process's transaction before it gives up."""
IMPATIENT_MS = 2_000
"""The same for a long-lived reader, behind whom people wait."""


def open_engine(url: str, *, read_only: bool = False, untouched: bool = False) -> Engine:
    """An engine whose connection was tried once.

    Read-only engines create nothing; with `untouched`, SQLite opens the very file read-only, for long-lived
    readers, which may leave its empty -wal and -shm files to the next writer. Raises ConfigError where a
    reader finds no database file, and StorageError where the database does not answer.
    """
    parsed = make_url(url)
    engine = (
        _sqlite(parsed, read_only, untouched)
        if parsed.get_backend_name() == "sqlite"
        else _postgresql(parsed, read_only)
    )
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    except (SQLAlchemyError, OSError) as error:
        engine.dispose()
        cause = " ".join(str(getattr(error, "orig", None) or error).split())
        raise StorageError(f"cannot open the database {parsed.render_as_string(hide_password=True)}: {cause}") from None
    return engine


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _postgresql(url: URL, read_only: bool) -> Engine:
    options = "-c timezone=UTC" + (" -c default_transaction_read_only=on" if read_only else "")
    arguments = {"options": options, "connect_timeout": 10}
    return create_engine(url, poolclass=NullPool, json_serializer=_json, connect_args=arguments)


def _sqlite(url: URL, read_only: bool, untouched: bool) -> Engine:
    path = Path(url.database or "")
    if read_only and not path.is_file():
        raise ConfigError(
            f"no archive at {str(path)!r}: run `scrapy crawl zhuanti` first, or set ARCHIVE_DIR to where it lies"
        )
    address = path.absolute().as_uri()

    def connect() -> sqlite3.Connection:
        return _connect(f"{address}?mode=rwc")

    def connect_reader() -> sqlite3.Connection:
        # As a rule not mode=ro: such a reader could not tidy up, and would leave a -wal and a -shm file behind
        connection = _connect(f"{address}?mode={'ro' if untouched else 'rw'}", IMPATIENT_MS if untouched else BUSY_MS)
        try:
            connection.execute("PRAGMA query_only=ON")
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1")
        except sqlite3.OperationalError as error:
            connection.close()
            if "locked" in str(error) or not _is_complete(path):
                raise
            # on read-only media SQLite cannot make the files readers and writers share, nor does it need them
            connection = _connect(f"{address}?mode=ro&immutable=1")
        return connection

    engine = create_engine(
        "sqlite://", creator=connect_reader if read_only else connect, poolclass=NullPool, json_serializer=_json
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        if not read_only:
            connection.execute("PRAGMA journal_mode=WAL")
            # FULL: what a commit acknowledged survives a power cut; group commit pays for the fsync
            connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # IMMEDIATE: two writers queue up at BEGIN instead of failing with a deadlock at the first write
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _connect(address: str, busy_ms: int = BUSY_MS) -> sqlite3.Connection:
    # isolation_level=None: the driver must not open transactions behind SQLAlchemy's back
    return sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False, timeout=busy_ms / 1000)


def _is_complete(path: Path) -> bool:
    """Whether no commits wait in the write-ahead log, which an immutable database is read without."""
    log = path.with_name(path.name + "-wal")
    return not log.exists() or log.stat().st_size == 0
