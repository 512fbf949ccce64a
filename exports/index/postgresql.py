"""The full-text index on PostgreSQL: a GIN index over the numbers of characters and pairs of neighbours.

Pairs and single characters are found by the index alone; longer terms are looked for in the texts that hold all of
their pairs. Nothing but PostgreSQL itself is needed.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    and_,
    func,
    literal,
    not_,
    or_,
    select,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from exports.index.document import Document
from exports.index.parse import Term
from exports.index.text import folded, grams

_TABLE = Table(
    "search_index",
    MetaData(),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("grams", ARRAY(Integer), nullable=False),
)
_INDEX = Index("search_index_grams", _TABLE.c.grams, postgresql_using="gin")
_TITLE_WEIGHT = 10.0
_PAIRS = 16
"""Of a long phrase the index is asked for so many pairs: more would not narrow what is left to look through."""


def create(session: Session) -> None:
    """An empty index in the place of the one there was; optimize() makes it quick."""
    connection = session.connection()
    _TABLE.drop(connection, checkfirst=True)
    _TABLE.create(connection)


def optimize(session: Session) -> None:
    """Nothing to do: the GIN index is made with the table."""


def insert(session: Session, documents: Sequence[Document]) -> None:
    """Add texts."""
    if documents:
        session.execute(_TABLE.insert(), [_row(document) for document in documents])


def delete(session: Session, documents: Sequence[Document]) -> None:
    """Take texts out."""
    session.execute(_TABLE.delete().where(_TABLE.c.id.in_([document.id for document in documents])))


def _row(document: Document) -> dict[str, Any]:
    numbers = sorted(grams(document.title) | grams(document.body))
    return {"id": document.id, "title": document.title, "body": document.body, "grams": numbers}


def matching(
    session: Session, wanted: Sequence[Sequence[Term]], unwanted: Sequence[Term], *, current: bool, title: bool = False
) -> list[int]:
    """The ids of the texts in which a term of each wanted group occurs, and no unwanted one.

    Needs a wanted group. `current`: only articles as they are; `title`: the wanted terms in the title alone.
    """
    groups = [or_(*(_holds(term, title=title) for term in group)) for group in wanted]
    found = select(_TABLE.c.id).where(*groups, *(not_(_holds(term)) for term in unwanted))
    return list(session.scalars(found.where(_TABLE.c.id > 0) if current else found))


def _holds(term: Term, *, title: bool = False) -> ColumnElement[bool]:
    words = folded(term.text)
    numbers = sorted(grams(words))
    pairs = [number for number in numbers if not 0 <= number < 2**16] or numbers
    indexed = _TABLE.c.grams.contains(pairs[:: -(-len(pairs) // _PAIRS)])
    if title or term.field == "title":
        return and_(indexed, func.strpos(_TABLE.c.title, words) > 0)
    if len(pairs) == 1 and len(words) <= 2:
        return indexed
    return and_(indexed, or_(func.strpos(_TABLE.c.title, words) > 0, func.strpos(_TABLE.c.body, words) > 0))


def scores(
    session: Session, wanted: Sequence[Sequence[Term]], unwanted: Sequence[Term], ids: Iterable[int]
) -> dict[int, float]:
    """How well each text of matching() fits, higher is better.

    PostgreSQL has no BM25: the sum over the terms of ln(1 + occurrences), one in the title counting ten times.
    """
    terms = sorted({folded(term.text) for group in wanted for term in group})
    score: ColumnElement[float] = literal(0.0)
    for words in terms:
        places = _TITLE_WEIGHT * _occurrences(_TABLE.c.title, words) + _occurrences(_TABLE.c.body, words)
        score = score + func.ln(1 + sql_cast(places, Float))
    rows = session.execute(select(_TABLE.c.id, score).where(_TABLE.c.id.in_(list(ids))))
    return {row[0]: float(row[1]) for row in rows}


def _occurrences(column: Column[Any], words: str) -> ColumnElement[Any]:
    left = func.length(func.replace(column, words, ""))
    return (func.length(column) - left) / func.length(words)
