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


def open_engine(url: str, *, read_only: bool = False) -> Engine:
    """An engine whose connection was tried once.

    Read-only engines create nothing. Raises ConfigError where a reader finds no database file, and
    StorageError where the database does not answer.
    """
    parsed = make_url(url)
    engine = (
        _sqlite(parsed, read_only)
        if parsed.get_backend_name() == "sqlite"
        else _postgresql(parsed, read_only)
    )
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    except (SQLAlchemyError, OSError) as error:
        engine.dispose()
        cause = " ".join(str(getattr(error, "orig", None) or error).split())
        raise StorageError(
            f"cannot open the database {parsed.render_as_string(hide_password=True)}: {cause}"
        ) from None
    return engine


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _postgresql(url: URL, read_only: bool) -> Engine:
    options = "-c timezone=UTC" + (" -c default_transaction_read_only=on" if read_only else "")
    return create_engine(url, poolclass=NullPool, json_serializer=_json, connect_args={"options": options, "connect_timeout": 10})


def _sqlite(url: URL, read_only: bool) -> Engine:
    path = Path(url.database or "")
    if read_only and not path.is_file():
        raise ConfigError(
            f"no archive at {str(path)!r}: run `scrapy crawl zhuanti` first, or set ARCHIVE_DIR to where it lies"
        )
    mode = "ro" if read_only else "rwc"

    def connect() -> sqlite3.Connection:
        # isolation_level=None: the driver must not open transactions behind SQLAlchemy's back
        quoted = path.absolute().as_uri()
        return sqlite3.connect(
            f"{quoted}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=BUSY_MS / 1000,
        )

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, json_serializer=_json)

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
