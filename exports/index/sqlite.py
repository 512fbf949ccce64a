"""The full-text index on SQLite: plain FTS5, one token per character, so that terms are phrases of any length.

Contentless: it holds positions only, the text stays in its own tables. Its price on this version of SQLite is that
a text can only be taken out by those who still have it, see documents.py.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from exports.index.document import Document
from exports.index.parse import Term
from exports.index.text import characters, folded

_INSERT = text("INSERT INTO search_index (rowid, title, body) VALUES (:id, :title, :body)")
_DELETE = text("INSERT INTO search_index (search_index, rowid, title, body) VALUES ('delete', :id, :title, :body)")
_MATCHING = text("SELECT rowid FROM search_index WHERE search_index MATCH :expression AND rowid >= :least")
_SCORES = text("SELECT rowid, -bm25(search_index, 1.0, 10.0) FROM search_index WHERE search_index MATCH :expression")


def create(session: Session) -> None:
    """An empty index in the place of the one there was."""
    session.execute(text("DROP TABLE IF EXISTS search_index"))
    # the body comes first: every entry of a further column takes two bytes more
    session.execute(text("CREATE VIRTUAL TABLE search_index USING fts5 (body, title, content='', tokenize='ascii')"))


def optimize(session: Session) -> None:
    """Bring a new index into its quickest and smallest form."""
    session.execute(text("INSERT INTO search_index (search_index) VALUES ('optimize')"))


def insert(session: Session, documents: Sequence[Document]) -> None:
    """Add texts."""
    if documents:
        session.execute(_INSERT, [_row(document) for document in documents])


def delete(session: Session, documents: Sequence[Document]) -> None:
    """Take texts out, which must be exactly those that were added."""
    if documents:
        session.execute(_DELETE, [_row(document) for document in documents])


def _row(document: Document) -> dict[str, int | str]:
    title, body = characters(document.title), characters(document.body)
    return {"id": document.id, "title": title, "body": body}


def matching(
    session: Session, wanted: Sequence[Sequence[Term]], unwanted: Sequence[Term], *, current: bool, title: bool = False
) -> list[int]:
    """The ids of the texts in which a term of each wanted group occurs, and no unwanted one.

    Needs a wanted group. `current`: only articles as they are; `title`: the wanted terms in the title alone.
    """
    expression = _expression(wanted, unwanted, title=title)
    given = {"expression": expression, "least": 1 if current else -(2**62)}
    # past the session, whose rows cost several times more
    return list(session.connection().scalars(_MATCHING, given))


def scores(
    session: Session, wanted: Sequence[Sequence[Term]], unwanted: Sequence[Term], ids: Iterable[int]
) -> dict[int, float]:
    """How well each text of matching() fits, higher is better: BM25, a word in the title counting ten times."""
    return {row[0]: row[1] for row in session.execute(_SCORES, {"expression": _expression(wanted, unwanted)})}


def _expression(wanted: Sequence[Sequence[Term]], unwanted: Sequence[Term], *, title: bool = False) -> str:
    groups = (" OR ".join(_phrase(term, title=title) for term in group) for group in wanted)
    expression = " AND ".join(f"({group})" for group in groups)
    if unwanted:
        expression = f"({expression}) NOT ({' OR '.join(_phrase(term) for term in unwanted)})"
    return expression


def _phrase(term: Term, *, title: bool = False) -> str:
    # no character of a token is a quote: those are spelled as x22
    column = "title : " if title or term.field == "title" else ""
    return f'{column}"{characters(folded(term.text))}"'
