"""The full-text index on SQLite: plain FTS5, one token per character, so that terms are phrases of any length.

Contentless: it holds positions only, the text stays in its own tables. Its price on this version of SQLite is that
a text can only be taken out by those who still have it, see maintain.py.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from exports.database.asking import Given, Plain
from exports.index.document import SEARCHED, Document
from exports.index.parse import Term
from exports.index.text import characters, folded

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_TABLES = {"search_index": ("body", "title"), "search_index_titles": ("title",)}
"""The index, and one of the titles of articles as they are: asked for the titles alone, the first would read all texts.
The body comes first: every entry of a further column takes two bytes more."""
_CHUNK = 200
"""Texts weighed at a time."""


def create(session: "Session") -> None:
    """An empty index in the place of the one there was."""
    connection = session.connection()
    for table, columns in _TABLES.items():
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")
        made = f"CREATE VIRTUAL TABLE {table} USING fts5 ({', '.join(columns)}, content='', tokenize='ascii')"
        connection.exec_driver_sql(made)


def optimize(session: "Session") -> None:
    """Bring a new index into its quickest and smallest form."""
    for table in _TABLES:
        session.connection().exec_driver_sql(f"INSERT INTO {table} ({table}) VALUES ('optimize')")


def insert(session: "Session", documents: Sequence[Document]) -> None:
    """Add texts."""
    _write(session, documents, "INSERT INTO {0} (rowid, {1}) VALUES (:id, {2})")


def delete(session: "Session", documents: Sequence[Document]) -> None:
    """Take texts out, which must be exactly those that were added."""
    _write(session, documents, "INSERT INTO {0} ({0}, rowid, {1}) VALUES ('delete', :id, {2})")


def _write(session: "Session", documents: Sequence[Document], sql: str) -> None:
    rows = [_row(document) for document in documents]
    for table, columns in _TABLES.items():
        chosen = rows if table == "search_index" else [row for row in rows if int(row["id"]) > 0]
        if chosen:
            values = ", ".join(f":{name}" for name in columns)
            session.connection().exec_driver_sql(sql.format(table, ", ".join(columns), values), chosen)


def _row(document: Document) -> dict[str, int | str]:
    title, body = characters(document.title), characters(document.body)
    return {"id": document.id, "title": title, "body": body}


def matching(ask: Plain, wanted: Sequence[Sequence[Term]], unwanted: Sequence[Term], *, current: bool) -> list[int]:
    """The ids of the texts in which a term of each wanted group occurs, and no unwanted one.

    Needs a wanted group. `current`: only articles as they are.
    """
    expression = _all_of(wanted)
    if unwanted:
        expression = f"({expression}) NOT ({' OR '.join(_phrase(term) for term in unwanted)})"
    return _matching(ask, "search_index", expression, least=1 if current else -(2**62))


def titled(ask: Plain, wanted: Sequence[Sequence[Term]]) -> list[int]:
    """The ids of the articles in whose title, as it is, a term of each wanted group occurs."""
    return _matching(ask, "search_index_titles", _all_of(wanted), least=1)


def _matching(ask: Plain, table: str, expression: str, least: int) -> list[int]:
    given = Given()
    found = f"FROM {table} WHERE {table} MATCH {given.add(expression)} AND rowid >= {given.add(least)}"
    (ids,) = ask.values(["rowid"], found, given)
    return ids


def texts(ask: Plain, ids: Sequence[int]) -> Iterator[tuple[int, str, str]]:
    """(id in the index, title, body) of texts in the index, folded."""
    articles = [number for number in ids if number > 0]
    body = " || char(10) || ".join(f"t.{name}" for name in SEARCHED)
    yield from _texts(ask, articles, f"SELECT t.id, t.title, {body} FROM articles t JOIN %s n ON n.id = t.id")
    others = [-number for number in ids if number < 0]
    belongs = "FROM search_documents d JOIN %s n ON n.id = d.id JOIN"
    of_version = f"{belongs} article_versions t ON t.article_id = d.article_id AND t.version = d.version"
    of_file = f"{belongs} attachments t ON t.article_id = d.article_id AND t.seq = d.attachment"
    yield from _texts(ask, others, f"SELECT -d.id, t.title, {body} {of_version}")
    yield from _texts(ask, others, f"SELECT -d.id, t.name, t.text {of_file}")


def _texts(ask: Plain, ids: Sequence[int], sql: str) -> Iterator[tuple[int, str, str]]:
    for start in range(0, len(ids), _CHUNK):
        given = Given()
        rows = ask.rows(sql % ask.table_of(ids[start : start + _CHUNK], given), given)
        yield from ((number, folded(title), folded(body)) for number, title, body in rows)


def occurrences(ask: Plain, terms: Sequence[str], ids: Sequence[int]) -> Iterable[tuple[int, list[tuple[int, int]]]]:
    """(id in the index, for each folded term how often it occurs in title and body) of texts in the index."""
    for number, title, body in texts(ask, ids):
        yield number, [(title.count(term), body.count(term)) for term in terms]


def _all_of(wanted: Sequence[Sequence[Term]]) -> str:
    groups = (" OR ".join(map(_phrase, group)) for group in wanted)
    return " AND ".join(f"({group})" for group in groups)


def _phrase(term: Term) -> str:
    # no character of a token is a quote: those are spelled as x22
    column = "title : " if term.field == "title" else ""
    return f'{column}"{characters(folded(term.text))}"'
