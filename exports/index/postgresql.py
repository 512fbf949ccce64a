"""The full-text index on PostgreSQL: a GIN index over the numbers of characters and pairs of neighbours.

Pairs and single characters are found by the index alone; longer terms are looked for in the texts that hold all of
their pairs. Nothing but PostgreSQL itself is needed.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    and_,
    func,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from exports.database.asking import Given, Plain, Postgresql
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
_PAIRS = 16
"""Of a long phrase the index is asked for so many pairs: more would not narrow what is left to look through."""


def outgrown(_made_with: int, _articles: int) -> bool:
    """Never: nothing in the index depends on what else there is."""
    return False


def create(session: Session, _sample: Sequence[Document]) -> None:
    """An empty index in the place of the one there was; optimize() makes it quick."""
    connection = session.connection()
    _TABLE.drop(connection, checkfirst=True)
    _TABLE.create(connection)


def optimize(session: Session) -> None:
    """Nothing to do: the GIN index is made with the table."""


def count(_session: Session, _ids: Sequence[int]) -> None:
    """Nothing to note: articles are counted in the tables."""


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


def matching(ask: Plain, wanted: Sequence[Sequence[Term]], unwanted: Sequence[Term], *, current: bool) -> list[int]:
    """The ids of the texts in which a term of each wanted group occurs, and no unwanted one.

    Needs a wanted group. `current`: only articles as they are.
    """
    assert isinstance(ask, Postgresql)
    groups = [or_(*(_holds(term) for term in group)) for group in wanted]
    found = select(_TABLE.c.id).where(*groups, *(not_(_holds(term)) for term in unwanted))
    return list(ask.session.scalars(found.where(_TABLE.c.id > 0) if current else found))


def titled(ask: Plain, wanted: Sequence[Sequence[Term]]) -> list[int]:
    """The ids of the articles in whose title, as it is, a term of each wanted group occurs."""
    assert isinstance(ask, Postgresql)
    groups = [or_(*(_holds(term, title=True) for term in group)) for group in wanted]
    return list(ask.session.scalars(select(_TABLE.c.id).where(*groups, _TABLE.c.id > 0)))


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


def occurrences(ask: Plain, terms: Sequence[str], ids: Sequence[int]) -> Iterable[tuple[int, list[tuple[int, int]]]]:
    """(id in the index, for each folded term how often it occurs in title and body) of texts in the index."""
    assert isinstance(ask, Postgresql)
    counted = [_occurrences(column, term) for term in terms for column in (_TABLE.c.title, _TABLE.c.body)]
    for number, *counts in ask.session.execute(select(_TABLE.c.id, *counted).where(_TABLE.c.id.in_(ids))):
        yield number, list(zip(counts[::2], counts[1::2], strict=True))


def _occurrences(column: Column[Any], words: str) -> ColumnElement[Any]:
    left = func.length(func.replace(column, words, ""))
    return (func.length(column) - left) / func.length(words)


_COUNTED = {
    "month": "coalesce(substr(s.published_at, 1, 7), '')",
    "column": "s.column_id",
    "source": "s.source",
    "author": "coalesce(w.name, '')",
    "unit": "coalesce(w.unit, '')",
}


class Counting:
    """Counts some articles, or all of them where that is None."""

    def __init__(self, ask: Plain, articles: Collection[int] | None) -> None:
        self._ask = ask
        self._articles = articles

    def by(self, kind: str) -> Counter[str]:
        """value -> articles that count under it, by month, column, source, author or unit."""
        return Counter({row[0]: row[1] for row in self._counted(kind)})

    def by_month(self, kind: str) -> Counter[tuple[str, str]]:
        """(value, month) -> articles that count under both."""
        return Counter({(row[0], row[1]): row[2] for row in self._counted(kind, "month")})

    def _counted(self, *kinds: str) -> Sequence[Sequence[Any]]:
        given = Given()
        values, number, table = ", ".join(_COUNTED[kind] for kind in kinds), "count(*)", "search_articles s"
        if not {"author", "unit"}.isdisjoint(kinds):
            # once for a value, however many of the authors have it
            number, table = "count(DISTINCT s.id)", f"{table} LEFT JOIN article_authors w ON w.article_id = s.id"
        where = "" if self._articles is None else f"WHERE {self._ask.one_of('s.id', self._articles, given)}"
        return self._ask.rows(f"SELECT {values}, {number} FROM {table} {where} GROUP BY {values}", given)
