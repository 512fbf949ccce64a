"""The description of the JSON API (OpenAPI 3.1), at /api/openapi.json."""

import re
from importlib.metadata import version
from typing import Any

from starlette.responses import Response

from exports import jsonl, search
from exports.web import arguments, tables
from exports.web.room import Visit

_TEXT: dict[str, Any] = {"type": "string", "maxLength": arguments.LONGEST}
_DAY: dict[str, Any] = {"type": "string", "format": "date"}
_SWITCH: dict[str, Any] = {"type": "string", "enum": ["", "1"]}
_PARAMETERS: dict[str, tuple[str, dict[str, Any]]] = {
    "q": ('search text: all words must occur, "…" is a phrase, OR joins, - excludes, field:value narrows', _TEXT),
    "column": ("id or name of a column", _TEXT),
    "author": ("whole name of an author", _TEXT),
    "unit": ("part of the name of an author's unit", _TEXT),
    "source": ("part of the source (来源)", _TEXT),
    "has_attachment": ("1: only articles with an attachment", _SWITCH),
    "versions": ("1: search earlier versions too", _SWITCH),
    "attachments": ("1: search the text of attachments too", _SWITCH),
    "order": ("default: relevance where there is a text, else date", {"type": "string", "enum": [*search.ORDERS]}),
    "year": ("year of publication", {"type": "integer", "minimum": 1, "maximum": 9999}),
    "since": ("published on this day or later", _DAY),
    "until": ("published on this day or before", _DAY),
    "name": ("part of a name", _TEXT),
    "outcome": ("a name of the ledger", {"type": "string"}),
    "resolved": ("1 adds what was archived later", _SWITCH),
    "per": ("counted by", {"type": "string", "enum": ["month", "year"], "default": "month"}),
    "term": ("search texts to compare, repeated or between commas", _TEXT),
    "from": ("number of the older version", {"type": "integer", "minimum": 1}),
    "to": ("number of the newer version", {"type": "integer", "minimum": 1}),
    "page": ("page, from 1", {"type": "integer", "minimum": 1, "maximum": arguments.LAST_PAGE, "default": 1}),
    "limit": ("rows of a page", {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}),
}
_SEARCH = (
    *("q", "column", "author", "unit", "source", "year", "since", "until"),
    *("has_attachment", "versions", "attachments", "order"),
)
_LISTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "/api/articles": ("Articles found by text and filters, newest first", _SEARCH),
    "/api/articles/{id}/versions": ("The versions of an article, newest first", ()),
    "/api/people": ("Authors, most articles first", ("column", "name")),
    "/api/units": ("Units (单位), most articles first", ("column", "name")),
    "/api/coverage": ("The ledger of each column's last run", ("column",)),
    "/api/coverage/{column}": ("What became of each entry of a column's listing", ("outcome",)),
    "/api/runs": ("The runs, last one first", ("column",)),
    "/api/failures": ("What could not be archived", ("column", "resolved")),
    "/api/charts/column": ("Articles by column and month or year", ("column", "per")),
    "/api/charts/unit": ("Articles by unit and month or year", ("column", "per")),
    "/api/charts/terms": ("Articles with each of the terms, by month or year", ("term", "column", "per")),
}
_RECORDS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "/api/articles/{id}": ("An article as it is now, with text, evidence and citations", (), "Article"),
    "/api/articles/{id}/versions/{number}": ("One version of an article", (), "Article"),
    "/api/articles/{id}/diff": ("What changed between two versions, by default the last two", ("from", "to"), "Any"),
    "/api/captures/{id}": ("A response kept as evidence", (), "Any"),
    "/api/openapi.json": ("This description", (), "Any"),
}
_INTEGERS = ("id", "version", "duplicate_of", "capture_id", "run_id")
_ARRAYS = ("breadcrumb", "authors", "attachments", "images")


def document(address: str) -> dict[str, Any]:
    """The whole description; `address` is where the room is."""
    paths = {}
    for path, (summary, names) in _LISTS.items():
        paths[path] = _operation(path, summary, (*names, "page", "limit"), "List")
    for path, (summary, names, schema) in _RECORDS.items():
        paths[path] = _operation(path, summary, names, schema)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "zhuanti-archive",
            "version": version("zhuanti-archive"),
            "description": "Read-only. Every list is also there without /api as .csv, .jsonl and .atom. "
            "Versions by time: /timegate/{url} and /timemap/link/{url} (RFC 7089).",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": address}],
        "paths": paths,
        "components": {"schemas": _schemas()},
    }


def _operation(path: str, summary: str, names: tuple[str, ...], schema: str) -> dict[str, Any]:
    inside = re.findall(r"{(\w+)}", path)
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string" if name == "column" else "integer"}}
        for name in inside
    ]
    for name in names:
        about, kind = _PARAMETERS[name]
        parameters.append({"name": name, "in": "query", "description": about, "schema": kind})
    responses = {"200": _content("The answer", schema)}
    responses |= {"400": _content("An argument is wrong", "Error"), "503": _content("The database is away", "Error")}
    if inside:
        responses["404"] = _content("There is no such thing", "Error")
    identifier = re.sub(r"\W+", "_", path).strip("_")
    operation = {"operationId": identifier, "summary": summary, "parameters": parameters, "responses": responses}
    return {"get": operation}


def _content(about: str, schema: str) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {"description": about, "content": {"application/json": {"schema": reference}}}


def _schemas() -> dict[str, Any]:
    def kind(name: str) -> dict[str, Any]:
        if name in _ARRAYS:
            return {"type": "array"}
        return {"type": ["integer", "null"] if name in _INTEGERS else ["string", "null"]}

    fields = ("event", "id", *jsonl.FIELDS, "authors", "attachments", "images", "run_id")
    article = {name: kind(name) for name in fields} | {
        "permanent": {"type": "string", "format": "uri"},
        "capture": {"type": "object"},
        "citations": {"type": "object"},
    }
    numbers = {name: {"type": "integer"} for name in ("total", "page", "limit")}
    rows = {"rows": {"type": "array", "items": {"type": "object"}}}
    error = {"error": {"type": "string"}, "message": {"type": "string"}}
    return {
        "Any": {"type": "object"},
        "Article": {"type": "object", "properties": article},
        "List": {"type": "object", "properties": numbers | rows, "required": [*numbers, "rows"]},
        "Error": {"type": "object", "properties": error, "required": [*error]},
    }


def answer(visit: Visit) -> Response:
    """The description as JSON."""
    return tables.json_answer(document(visit.address))
