"""Plain SQL, asked in one way of a session and of an SQLite file that was opened without SQLAlchemy.

Values stand in the SQL as `:name`. Where the two databases differ, a method says how.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:  # whoever has a session has loaded it
    from sqlalchemy.orm import Session


class Given(dict[str, Any]):
    """The values of one statement."""

    def add(self, value: Any) -> str:
        """How the SQL names the value."""
        name = f"v{len(self)}"
        self[name] = value
        return f":{name}"


class _Sqlite:
    dialect = "sqlite"

    def rows(self, sql: str, given: dict[str, Any] | None = None) -> Sequence[Sequence[Any]]:
        """The answer."""
        raise NotImplementedError

    def values(self, columns: Sequence[str], rest: str, given: dict[str, Any] | None = None) -> list[list[Any]]:
        """The values of each column of a long answer, the rest of the statement beginning with FROM.

        Gathered by the database into one row: that costs a third of what as many rows cost.
        """
        gathered = ", ".join(f"json_group_array({column})" for column in columns)
        (row,) = self.rows(f"SELECT {gathered} {rest}", given)
        return [json.loads(value) for value in row]

    def table_of(self, ids: Iterable[int], given: Given) -> str:
        """Numbers as a table with the column `id`."""
        return f"(SELECT value AS id FROM json_each({given.add(json.dumps(list(ids)))}))"

    def one_of(self, column: str, values: Iterable[int | str], given: Given) -> str:
        """The condition that the column holds one of the values."""
        return f"{column} IN (SELECT value FROM json_each({given.add(json.dumps(list(values)))}))"


@dataclass(frozen=True)
class File(_Sqlite):
    """An SQLite database opened by sqlite_file.py."""

    connection: sqlite3.Connection

    def rows(self, sql: str, given: dict[str, Any] | None = None) -> Sequence[Sequence[Any]]:
        return self.connection.execute(sql, given or {}).fetchall()

    def walk(self, sql: str) -> Iterator[Sequence[Any]]:
        """The rows one by one, for those who may not want all of them."""
        yield from self.connection.execute(sql)


class _SqliteSession(_Sqlite):
    def __init__(self, session: "Session") -> None:
        self.session = session

    def rows(self, sql: str, given: dict[str, Any] | None = None) -> Sequence[Sequence[Any]]:
        return self.session.connection().exec_driver_sql(sql, given or {}).fetchall()

    def walk(self, sql: str) -> Iterator[Sequence[Any]]:
        yield from self.session.connection().exec_driver_sql(sql)


class Postgresql:
    """A session on PostgreSQL."""

    dialect = "postgresql"

    def __init__(self, session: "Session") -> None:
        self.session = session

    def rows(self, sql: str, given: dict[str, Any] | None = None) -> Sequence[Sequence[Any]]:
        from sqlalchemy import text

        return self.session.connection().execute(text(sql), given or {}).fetchall()

    def walk(self, sql: str) -> Iterator[Sequence[Any]]:
        from sqlalchemy import text

        yield from self.session.connection().execute(text(sql).execution_options(yield_per=1000))

    def values(self, columns: Sequence[str], rest: str, given: dict[str, Any] | None = None) -> list[list[Any]]:
        gathered = ", ".join(f"array_agg({column})" for column in columns)
        (row,) = self.rows(f"SELECT {gathered} {rest}", given)
        return [value or [] for value in row]

    def table_of(self, ids: Iterable[int], given: Given) -> str:
        return f"(SELECT unnest(CAST({given.add(list(ids))} AS bigint[])) AS id)"

    def one_of(self, column: str, values: Iterable[int | str], given: Given) -> str:
        return f"{column} = ANY({given.add(list(values))})"


Plain = File | _SqliteSession | Postgresql
Source: TypeAlias = "Plain | Session"
"""What a search is asked of."""


def plain(source: Source) -> Plain:
    """The source as plain SQL is asked of it."""
    if isinstance(source, Plain):
        return source
    return _SqliteSession(source) if source.get_bind().dialect.name == "sqlite" else Postgresql(source)
