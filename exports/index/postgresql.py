"""The full-text index on PostgreSQL: a GIN index over the numbers of characters and pairs of neighbours.

Pairs and single characters are found by the index alone; longer terms are looked for in the texts that hold all of
their pairs. Nothing but PostgreSQL itself is needed. The numbers are made by a function of the database's and lie in
the index alone: kept beside the texts, they took more than the texts and the index together. Conditions are put so that
the index answers all that needs the numbers: making those of a text takes a millisecond.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    MetaData,
    Table,
    Text,
    func,
    not_,
    or_,
    select,
    text,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from exports.database.asking import Given, Plain, Postgresql
from exports.errors import StorageError
from exports.index.document import Document
from exports.index.parse import Term
from exports.index.text import folded, grams

_TABLE = Table(
    "search_index",
    MetaData(),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
)
_GRAMS = type_coerce(func.search_index_grams(_TABLE.c.title, _TABLE.c.body), ARRAY(BigInteger))
# as exports.index.text.grams(). Its cost keeps the planner from calling it for every text instead of asking the index
_FUNCTION = """
    CREATE OR REPLACE FUNCTION search_index_grams (title text, body text) RETURNS bigint[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 100000 AS $$
        SELECT array_agg(DISTINCT number) FROM (
            SELECT unnest(ARRAY[one, one << 21 | lead(one) OVER (ORDER BY place)]) FROM (
                SELECT ascii(char)::bigint, place
                FROM unnest(string_to_array(title || chr(10) || body, NULL)) WITH ORDINALITY AS chars (char, place)
            ) AS ones (one, place)
        ) AS numbers (number) WHERE number IS NOT NULL
    $$
"""
# without statistics of the numbers, which the planner would read and vacuum would make at length
_INDEX = """
    CREATE INDEX search_index_grams ON search_index USING gin (search_index_grams(title, body));
    ALTER INDEX search_index_grams ALTER COLUMN 1 SET STATISTICS 0
"""
IS_SPREAD = False
"""Whether rows() is so much work that several processes share it."""
Value = TypeVar("Value")
_PAIRS = 16
"""Of a long phrase the index is asked for so many pairs: more would not narrow what is left to look through."""


def outgrown(_made_with: int, _articles: int) -> bool:
    """Never: nothing in the index depends on what else there is."""
    return False


def create(session: Session, _sample: Sequence[Document]) -> None:
    """An empty table in the place of the one there was; optimize() makes it an index."""
    connection = session.connection()
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise StorageError(f"the database's encoding is {encoding}: an archive needs UTF8")
    _TABLE.drop(connection, checkfirst=True)
    _TABLE.create(connection)
    connection.exec_driver_sql(_FUNCTION)


def optimize(session: Session) -> None:
    """The index of all texts there are: made at once it is smaller, and sooner made."""
    session.connection().exec_driver_sql(_INDEX)


def count(_session: Session, _ids: Sequence[int]) -> None:
    """Nothing to note: articles are counted in the tables."""


def terms(_session: Session) -> frozenset[str]:
    """What rows() needs to know of the index: nothing."""
    return frozenset()


def rows(documents: Sequence[Document], *, terms: frozenset[str]) -> list[dict[str, Any]]:
    """The texts as the index takes them."""
    return [vars(document) for document in documents]


def insert(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Add texts, as rows() makes them."""
    if rows:
        session.execute(_TABLE.insert(), rows)


def delete(session: Session, documents: Sequence[Document]) -> None:
    """Take texts out."""
    session.execute(_TABLE.delete().where(_TABLE.c.id.in_([document.id for document in documents])))


def matching(ask: Plain, wanted: Sequence[Sequence[Term]], unwanted: Sequence[Term], *, current: bool) -> list[int]:
    """The ids of the texts in which a term of each wanted group occurs, and no unwanted one.

    Needs a wanted group. `current`: only articles as they are.
    """
    assert isinstance(ask, Postgresql)
    excluded = (not_(_contains(term)) for term in unwanted)
    found = select(_TABLE.c.id).where(*(condition for group in wanted for condition in _any(group)), *excluded)
    return list(ask.session.scalars(found.where(_TABLE.c.id > 0) if current else found))


def titled(ask: Plain, wanted: Sequence[Sequence[Term]]) -> list[int]:
    """The ids of the articles in whose title, as it is, a term of each wanted group occurs."""
    groups = [[Term(term.text, field="title") for term in group] for group in wanted]
    return matching(ask, groups, (), current=True)


def _any(group: Sequence[Term]) -> Iterator[ColumnElement[bool]]:
    """That one of the terms occurs: what the index answers, and what is left to look through."""
    words = [folded(term.text) for term in group]
    pairs = map(sorted, map(grams, words))
    yield or_(*(_GRAMS.contains(some[:: -(-len(some) // _PAIRS)]) for some in pairs))
    if any(term.field for term in group) or max(map(len, words)) > 2:
        yield or_(*map(_contains, group))


def _contains(term: Term) -> ColumnElement[bool]:
    columns = [_TABLE.c.title] if term.field else [_TABLE.c.title, _TABLE.c.body]
    return or_(*(func.strpos(column, folded(term.text)) > 0 for column in columns))


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
    "article": "s.id",
    "month": "coalesce(substr(s.published_at, 1, 7), '')",
    "column": "s.column_id",
    "source": "s.source",
    "author": "coalesce(w.name, '')",
    "unit": "coalesce(w.unit, '')",
}


class Counting:
    """Counts some articles, or all of them where that is None."""

    def __init__(self, ask: Plain, articles: Collection[int] | None) -> None:
        given = Given()
        table = "search_articles s LEFT JOIN article_authors w ON w.article_id = s.id"
        if articles is not None:
            table = f"{ask.table_of(articles, given)} n JOIN ({table}) ON s.id = n.id"
        # all at once, one row an author: to send the articles again for each kind costs more than to count here
        values = ask.values(list(_COUNTED.values()), f"FROM {table}", given)
        self._values: dict[str, list[Any]] = dict(zip(_COUNTED, values, strict=True))

    def by(self, kind: str) -> Counter[str]:
        """value -> articles that count under it, by month, column, source, author or unit."""
        return self._once_each(self._values[kind])

    def by_month(self, kind: str) -> Counter[tuple[str, str]]:
        """(value, month) -> articles that count under both."""
        return self._once_each(list(zip(self._values[kind], self._values["month"], strict=True)))

    def _once_each(self, values: Sequence[Value]) -> Counter[Value]:
        """An article counts once for a value, however many of its authors have it."""
        articles = self._values["article"]
        if len(set(articles)) == len(articles):
            return Counter(values)
        return Counter(value for _, value in set(zip(articles, values, strict=True)))
