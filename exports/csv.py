"""Comma-separated values that a spreadsheet opens as text: UTF-8 with a byte order mark, no formulas."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from exports.printable import printable

_FORMULA = frozenset("=+-@＝＋－＠\t\r\n")
_NAMING = ("name", "unit", "position", "url")
"""What a cell says of an author or a file; the JSON lines hold the rest."""


def write(stream: BinaryIO, rows: Iterable[Mapping[str, Any]], names: Iterable[str] = ()) -> int:
    """Writes the rows under the keys of the first one; without rows, those names alone. Returns the number of rows."""
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    written = 0
    try:
        for row in rows:
            if not written:
                text.write("\ufeff")
                writer.writerow(row)
            writer.writerow([cell(value) for value in row.values()])
            written += 1
        if not written and names:
            text.write("\ufeff")
            writer.writerow(names)
    finally:
        text.detach()  # the stream stays open for its owner
    return written


def cell(value: Any) -> Any:
    """A value as a cell: lists joined by "; ", nothing that a spreadsheet would run as a formula."""
    if value is None or isinstance(value, int | float):
        return "" if value is None else value
    if isinstance(value, list | tuple):
        value = "; ".join(str(_named(entry)) for entry in value)
    return _neutral(printable(str(value), keep="\n\t"))


def _named(entry: Any) -> Any:
    if isinstance(entry, Mapping):
        return " ".join(str(entry[key]) for key in _NAMING if entry.get(key))
    return entry


def _neutral(text: str) -> str:
    # Spreadsheets trim before they decide what is a formula, so blanks and invisible characters do not count.
    start = next((i for i, char in enumerate(text) if not char.isspace() and _visible(char)), 0)
    return "'" + text if text[start : start + 1] in _FORMULA or text[:1] in _FORMULA else text


def _visible(char: str) -> bool:
    return unicodedata.category(char) != "Cf"
