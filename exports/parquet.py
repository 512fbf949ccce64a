"""Parquet: one row per article with the right types, for DuckDB, pandas, Polars and R."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from itertools import islice
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

_TIMES = ("first_seen_at", "last_seen_at", "changed_at")
_NUMBERS = ("id", "version", "duplicate_of", "capture_id", "run_id")
_AUTHOR = pa.struct([(name, pa.string()) for name in ("name", "unit", "position", "role")])
_FILE = pa.struct(
    [
        *((name, pa.string()) for name in ("url", "name", "sha256", "media_type")),
        ("size", pa.int64()),
        *((name, pa.string()) for name in ("path", "text")),
    ]
)
_LISTS = {"breadcrumb": pa.string(), "authors": _AUTHOR, "attachments": _FILE, "images": _FILE}
_ROWS = 1000
"""Rows of a row group: what is held in memory."""


def write(stream: BinaryIO, rows: Iterable[Mapping[str, Any]], names: Iterable[str]) -> int:
    """Writes the JSON Lines records of these keys, and `published_on`. Returns the number of rows.

    `published_on` is the day of `published_at`, NULL where not even the day is known.
    """
    schema = pa.schema([(name, _type(name)) for name in (*names, "published_on")])
    written = 0
    with pq.ParquetWriter(stream, schema, compression="zstd") as writer:
        left = iter(rows)
        while chunk := list(islice(left, _ROWS)):
            writer.write_table(pa.Table.from_pylist([_row(row) for row in chunk], schema))
            written += len(chunk)
    return written


def _type(name: str) -> Any:
    if name in _LISTS:
        return pa.list_(_LISTS[name])
    if name in _NUMBERS:
        return pa.int64()
    if name == "published_on":
        return pa.date32()
    return pa.timestamp("s", "UTC") if name in _TIMES else pa.string()


def _row(record: Mapping[str, Any]) -> dict[str, Any]:
    row = dict(record)
    for name in _TIMES:
        row[name] = datetime.fromisoformat(row[name]) if row.get(name) else None
    day = row.get("published_at") or ""
    row["published_on"] = date.fromisoformat(day[:10]) if len(day) >= 10 else None
    return row
