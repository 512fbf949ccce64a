"""Rows as the database keeps them, in a form two databases can be compared by."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, select

CHUNK = 500
"""Rows read or written at a time: articles are long."""


@dataclass
class Tally:
    """How many rows a table has, and a digest of them that does not depend on their order.

    The digest is the sum of the rows' SHA-256 values: databases sort text differently, and a sum needs no order.
    """

    rows: int = 0
    total: int = 0

    def add(self, row: Sequence[Any]) -> None:
        """Count one row."""
        self.rows += 1
        self.total = (self.total + int.from_bytes(_digest(row), "big")) % 2**256

    @property
    def digest(self) -> str:
        """The digest in hexadecimal."""
        return f"{self.total:064x}"


def chunks(connection: Connection, table: Table) -> Iterator[Sequence[Sequence[Any]]]:
    """Every row of the table by its primary key, so many at a time, without holding them all."""
    query = select(table).order_by(*table.primary_key.columns)
    yield from connection.execute(query.execution_options(stream_results=True)).partitions(CHUNK)


def tally(connection: Connection, table: Table) -> Tally:
    """Count and digest of the table as it lies there."""
    counted = Tally()
    for chunk in chunks(connection, table):
        for row in chunk:
            counted.add(row)
    return counted


def _digest(row: Sequence[Any]) -> bytes:
    plain = [value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value for value in row]
    return hashlib.sha256(json.dumps(plain, ensure_ascii=False).encode("utf-8", "surrogatepass")).digest()
