"""Copying an archive's database into another one, SQLite or PostgreSQL, and proving that it arrived.

The copy is one transaction: it arrives whole, or the target keeps no row. Files are not copied, they stay where they
are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, Integer, Table, func, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from exports.config import Config
from exports.database import migrate
from exports.database.models import Base
from exports.database.rows import Tally, chunks, tally
from exports.database.session import open_engine
from exports.errors import ConfigError, StorageError, without_password
from exports.index import maintain

_TABLES = [table for table in Base.metadata.sorted_tables if not table.name.startswith("search_")]
"""What is copied; the full-text index differs from database to database and is made anew."""


@dataclass(frozen=True)
class Copied:
    """One table that arrived."""

    table: str
    rows: int
    digest: str
    """The same in both databases; see exports.database.rows.Tally."""


def transfer(config: Config, url: str) -> list[Copied]:
    """Copy every table to the database at the URL, where the full-text index is made anew; returns what arrived.

    A crawl may go on meanwhile: what is copied is the state at the start. Raises ConfigError where the target is the
    archive itself or is not empty, StorageError where either database fails or a table did not arrive as it was.
    """
    if _same(config.database_url, url):
        raise ConfigError(f"--to {_shown(url)} is this archive's own database: name another one")
    source = open_engine(config.database_url, read_only=True)
    try:
        migrate.check_current(source)
        return copy(source, url)
    finally:
        source.dispose()


def copy(source: Engine, url: str) -> list[Copied]:
    """As transfer, from an open database of the current schema."""
    made = _file(url) if (_file(url) and not Path(str(_file(url))).exists()) else None
    target = open_engine(url)
    done = False
    try:
        _refuse_filled(target, url)
        migrate.upgrade(target)
        copied = _copy(_snapshot(source), target)
        done = True
        return copied
    except SQLAlchemyError as error:
        cause = " ".join(str(getattr(error, "orig", None) or error).split())
        raise StorageError(f"--to {_shown(url)}: {cause}; nothing was copied") from None
    finally:
        target.dispose()
        if made is not None and not done:
            for part in ("", "-wal", "-shm"):
                Path(made + part).unlink(missing_ok=True)


def _copy(source: Engine, target: Engine) -> list[Copied]:
    copied = []
    with source.connect() as old, target.begin() as new:
        for table in _TABLES:
            sent = _send(old, new, table)
            arrived = tally(new, table)
            if arrived != sent:
                raise StorageError(
                    f"table {table.name}: {sent.rows} rows were sent, {arrived.rows} arrived, or not as they were; "
                    "nothing was copied"
                )
            copied.append(Copied(table.name, sent.rows, sent.digest))
        if target.dialect.name == "postgresql":
            _set_sequences(new, _TABLES)
        with Session(new) as session:  # takes part in the transaction of its connection
            maintain.rebuild(session)
            session.flush()
    return copied


def _send(old: Connection, new: Connection, table: Table) -> Tally:
    sent = Tally()
    for chunk in chunks(old, table):
        for row in chunk:
            sent.add(row)
            for column, value in zip(table.columns, row, strict=True):
                if isinstance(value, str) and "\0" in value and new.dialect.name == "postgresql":
                    key = ", ".join(str(row[table.columns.keys().index(name.name)]) for name in table.primary_key)
                    raise StorageError(
                        f"table {table.name}, row {key}: {column.name} holds a NUL character, which PostgreSQL "
                        "cannot store; nothing was copied"
                    )
        names = table.columns.keys()
        new.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in chunk])
    return sent


def _set_sequences(new: Connection, tables: Iterable[Table]) -> None:
    """Rows arrived with their ids: the next id must lie behind the largest."""
    for table in tables:
        key = table.autoincrement_column
        if key is None or not isinstance(key.type, Integer):
            continue
        largest = new.scalar(select(func.max(key)))
        sequence = new.scalar(
            text("SELECT pg_get_serial_sequence(:table, :key)"), {"table": table.name, "key": key.name}
        )
        if largest is not None and sequence is not None:
            new.execute(text("SELECT setval(:sequence, :largest)"), {"sequence": sequence, "largest": largest})


def _refuse_filled(target: Engine, url: str) -> None:
    with target.connect() as connection:
        found = inspect(connection)  # not of the engine: a second connection would wait for this one's lock
        for table in _TABLES:
            if not found.has_table(table.name):
                continue
            if not found.has_table("alembic_version"):
                raise ConfigError(
                    f"--to {_shown(url)} has a table {table.name} of another program: name an empty database"
                )
            if connection.execute(text(f"SELECT 1 FROM {table.name} LIMIT 1")).first():  # noqa: S608  (our own names)
                raise ConfigError(f"--to {_shown(url)} is not empty: {table.name} has rows; name an empty database")


def _snapshot(source: Engine) -> Engine:
    """One state of the database, however long the copy takes; SQLite's transactions see one anyway."""
    if source.dialect.name == "postgresql":
        return source.execution_options(isolation_level="REPEATABLE READ")
    return source


def _file(url: str) -> str | None:
    parsed = make_url(url)
    return parsed.database if parsed.get_backend_name() == "sqlite" else None


def _same(first: str, second: str) -> bool:
    files = _file(first), _file(second)
    if all(files):
        return Path(str(files[0])).resolve() == Path(str(files[1])).resolve()
    one, other = make_url(first), make_url(second)
    return (one.host, one.port or 5432, one.database) == (other.host, other.port or 5432, other.database)


def _shown(url: str) -> str:
    return without_password(make_url(url).render_as_string(hide_password=True))
