"""Engines: how the archive's database is opened, for writing and for reading."""

import json
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from exports.database import sqlite_file
from exports.errors import StorageError, without_password


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
        # without_password too: a password may also be a parameter
        address = without_password(parsed.render_as_string(hide_password=True))
        raise StorageError(f"cannot open the database {address}: {cause}") from None
    return engine


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _postgresql(url: URL, read_only: bool) -> Engine:
    options = "-c timezone=UTC" + (" -c default_transaction_read_only=on" if read_only else "")
    arguments = {"options": options, "connect_timeout": 10}
    return create_engine(url, poolclass=NullPool, json_serializer=_json, connect_args=arguments)


def _sqlite(url: URL, read_only: bool, untouched: bool) -> Engine:
    path = Path(url.database or "")
    if read_only:
        sqlite_file.require(path)

    def connect() -> sqlite3.Connection:
        return sqlite_file.for_reading(path, untouched=untouched) if read_only else sqlite_file.for_writing(path)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, json_serializer=_json)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # IMMEDIATE: two writers queue up at BEGIN instead of failing with a deadlock at the first write
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine
