"""Every list of the room as one kind of thing, so that each can be a page, CSV, JSON Lines, Atom or JSON."""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lxml import etree
from starlette.responses import JSONResponse, Response

from exports import csv, query
from exports.web import arguments, files
from exports.web.rendering import clean, segment
from exports.web.room import Visit

Row = dict[str, Any]
FORMATS = ("csv", "jsonl", "atom")
_ATOM = "http://www.w3.org/2005/Atom"
_ENTRIES = 50
_PAGE, _LARGEST_PAGE = 50, 500
"""Rows of one answer of the JSON API."""


@dataclass(frozen=True)
class Entry:
    """A row as a feed shows it."""

    link: str
    """A path of the room."""
    title: str
    updated: datetime | None
    summary: str = ""
    mark: str = ""
    """What tells it from other rows that have the same page."""


@dataclass(frozen=True)
class Table:
    """A list: what it is called, how long it is, how to get a part of it."""

    name: str
    title: str
    total: int
    rows: Callable[[int, int], list[Row]]
    """(start, how many) -> rows of plain values, in the list's order."""
    entry: Callable[[Row], Entry]


def of(name: str, title: str, rows: list[Row], entry: Callable[[Row], Entry]) -> Table:
    """A table of rows that are there already."""
    return Table(name, title, len(rows), lambda start, size: rows[start : start + size], entry)


def download(make: Callable[[Visit], Table], form: str) -> Callable[[Visit], Response]:
    """The table as a page of that format."""

    def answer(visit: Visit) -> Response:
        table = make(visit)
        if form == "atom":
            return _atom(visit, table)
        out = io.BytesIO()
        rows = _in_parts(table, arguments.MOST)
        if form == "csv":
            csv.write(out, ({name: _cell(value) for name, value in row.items()} for row in rows))
        else:
            out.writelines(_json(row).encode("utf-8", "backslashreplace") + b"\n" for row in rows)
        kind = "text/csv; charset=utf-8" if form == "csv" else "application/x-ndjson"
        response = Response(out.getvalue(), media_type=kind, headers={"X-Total-Count": str(table.total)})
        return files.to_save(response, f"{table.name}.{form}")

    return answer


def _cell(value: Any) -> Any:
    """A value as csv.py takes it: times as in the other formats, counts by name as text."""
    if isinstance(value, Mapping):
        return [f"{name} {number}" for name, number in value.items()]
    return plain(value) if isinstance(value, datetime) else value


def _in_parts(table: Table, most: int) -> Iterator[Row]:
    for start in range(0, min(table.total, most), 500):
        yield from table.rows(start, min(500, most - start))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=plain)


def plain(value: object) -> object:
    """A value JSON has no form for: times in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    raise TypeError(f"no JSON form of {type(value).__name__}")


def json_answer(value: object, status: int = 200) -> Response:
    """A value as JSON, Chinese as it is."""
    content = _json(value).encode("utf-8", "backslashreplace")
    return Response(content, status, media_type=JSONResponse.media_type)


def api(make: Callable[[Visit], Table]) -> Callable[[Visit], Response]:
    """The table as a page of the JSON API: `limit` rows from `page` on, and how many there are."""

    def answer(visit: Visit) -> Response:
        size = arguments.number(visit, "limit", _PAGE, _LARGEST_PAGE)
        part = arguments.pages(visit, size)
        table = make(visit)
        rows = table.rows(part.start, size)
        return json_answer({"total": table.total, "page": part.number, "limit": size, "rows": rows})

    return answer


def _atom(visit: Visit, table: Table) -> Response:
    entries = [table.entry(row) for row in table.rows(0, _ENTRIES)]
    feed = etree.Element(f"{{{_ATOM}}}feed", nsmap={None: _ATOM})
    here = f"{visit.address}{visit.request.url.path}"
    _add(feed, "id", here + (f"?{visit.request.url.query}" if visit.request.url.query else ""))
    _add(feed, "title", table.title)
    # what has no time of its own changes with the runs, so that an unchanged archive gives an unchanged feed
    last_run = query.last_finished(visit.session)
    updated = [_moment(entry.updated or last_run) for entry in entries]
    _add(feed, "updated", max(updated, default=_moment(last_run)))
    _add(_add(feed, "author"), "name", "zhuanti-archive")
    etree.SubElement(feed, f"{{{_ATOM}}}link", {"rel": "self", "href": clean(str(visit.request.url))})
    for entry, moment in zip(entries, updated, strict=True):
        element = _add(feed, "entry")
        # RFC 4287: two entries of one id would be one
        _add(element, "id", visit.address + entry.link + (f"#{segment(entry.mark)}" if entry.mark else ""))
        _add(element, "title", entry.title or entry.link)
        _add(element, "updated", moment)
        etree.SubElement(element, f"{{{_ATOM}}}link", {"rel": "alternate", "href": visit.address + entry.link})
        _add(element, "summary", entry.summary)
    content = etree.tostring(feed, xml_declaration=True, encoding="UTF-8")
    return Response(content, media_type="application/atom+xml; charset=utf-8")


def _add(parent: Any, name: str, text: str | None = None) -> Any:
    element = etree.SubElement(parent, f"{{{_ATOM}}}{name}")
    element.text = clean(text) if text is not None else None
    return element


def _moment(moment: datetime | None) -> str:
    return (moment or datetime(1970, 1, 1, tzinfo=UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def columns_of(row: object, names: Mapping[str, object] | tuple[str, ...]) -> Row:
    """The named attributes of a database row, as plain values."""
    return {name: getattr(row, name) for name in names}
