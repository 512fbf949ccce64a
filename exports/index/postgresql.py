"""The full-text index on PostgreSQL: lists of the texts that hold a pair of neighbouring characters, see lists.py.

Pairs and single characters are found by the lists alone. For longer terms the texts that hold all of their pairs are
looked through, and so are those that are in no list yet; both where they are printed, the index keeps none of the text.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from exports.database.asking import Given, Plain, Postgresql
from exports.errors import StorageError
from exports.index import lists
from exports.index.document import SEARCHED, Document
from exports.index.parse import Term
from exports.index.text import folded, ideographs

VERSION = "pairs 1"
"""What the index holds of a text; another one has every archive's index made anew."""
IS_SPREAD = False
"""Whether rows() is so much work that several processes share it."""
Value = TypeVar("Value")
_CHUNK = 500
"""Texts read at a time."""


def outgrown(_made_with: int, _articles: int) -> bool:
    """Never: nothing in the index depends on what else there is."""
    return False


def create(session: Session, _sample: Sequence[Document]) -> None:
    """An empty index in the place of the one there was."""
    encoding = session.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise StorageError(f"the database's encoding is {encoding}: an archive needs UTF8")
    lists.create(session)


def optimize(session: Session) -> None:
    """Make the lists, now that all texts are there."""
    lists.make_all(session, lambda ids: _texts(Postgresql(session), ids))


def condense(session: Session) -> None:
    """Make the lists of what was inserted lately, when it is enough."""
    lists.condense(session, lambda ids: _texts(Postgresql(session), ids))


def count(_session: Session, _ids: Sequence[int]) -> None:
    """Nothing to note: articles are counted in the tables."""


def terms(_session: Session) -> frozenset[str]:
    """What rows() needs to know of the index: nothing."""
    return frozenset()


def rows(documents: Sequence[Document], *, terms: frozenset[str]) -> list[int]:
    """The texts as the index takes them: their ids."""
    return [document.id for document in documents]


def insert(session: Session, rows: Sequence[int]) -> None:
    """Add texts, as rows() makes them."""
    lists.insert(session, rows)


def delete(session: Session, documents: Sequence[Document]) -> None:
    """Take texts out."""
    lists.delete(session, [document.id for document in documents])


def matching(ask: Plain, wanted: Sequence[Sequence[Term]], unwanted: Sequence[Term], *, current: bool) -> list[int]:
    """The ids of the texts in which a term of each wanted group occurs, and no unwanted one.

    Needs a wanted group. `current`: only articles as they are.
    """
    assert isinstance(ask, Postgresql)
    held = lists.Lists(ask, [folded(term.text) for group in (*wanted, unwanted) for term in group])

    def holding(group: Sequence[Term]) -> set[int]:
        return set().union(*(held.holding(folded(term.text)) for term in group))

    found = set.intersection(*map(holding, wanted)) - holding([term for term in unwanted if _is_listed(term)])
    new = held.new
    if current:
        found, new = ({number for number in numbers if number > 0} for numbers in (found, new))
    unsure = [group for group in wanted if not all(map(_is_listed, group))]
    unsure_not = [term for term in unwanted if not _is_listed(term)]
    if unsure or unsure_not:
        found = set(_looked_through(ask, found, unsure, unsure_not))
    return [*found, *_looked_through(ask, new, wanted, unwanted)]


def _is_listed(term: Term) -> bool:
    return not term.field and len(folded(term.text)) <= 2


def titled(ask: Plain, wanted: Sequence[Sequence[Term]]) -> list[int]:
    """The ids of the articles in whose title, as it is, a term of each wanted group occurs."""
    groups = [[Term(term.text, field="title") for term in group] for group in wanted]
    return matching(ask, groups, (), current=True)


def _looked_through(
    ask: Plain, ids: Collection[int], wanted: Sequence[Sequence[Term]], unwanted: Sequence[Term]
) -> Iterator[int]:
    """Of these texts the ones that hold the terms."""
    terms = {term for group in (*wanted, unwanted) for term in group}
    words = {term: folded(term.text) for term in terms}
    if all(map(ideographs, words.values())):
        given = Given()

        def printed(group: Sequence[Term]) -> str:
            some = ((words[term], name) for term in group for name in ("title", *(() if term.field else SEARCHED)))
            return f"({' OR '.join(f'strpos(t.{name}, {given.add(word)}) > 0' for word, name in some)})"

        conditions = [*map(printed, wanted), *(f"NOT {printed([term])}" for term in unwanted)]
        names = ", ".join(f"t.{name}" for name in ("title", *SEARCHED))
        # OFFSET keeps the planner from looking through all texts before it joins these
        these = f"SELECT s.id, s.as_printed, {names} {_ARTICLES % ask.table_of(ids, given)} OFFSET 0"
        possible = f"NOT t.as_printed OR ({' AND '.join(conditions)})"
        sql = f"SELECT t.id, t.as_printed FROM ({these}) t WHERE {possible}"
        found = ask.rows(sql, given) if ids else []
        yield from (number for number, as_printed in found if as_printed)
        ids = [number for number, as_printed in found if not as_printed] + [number for number in ids if number < 0]

    def holds(title: str, body: str, group: Sequence[Term]) -> bool:
        return any(words[term] in title or (not term.field and words[term] in body) for term in group)

    for number, title, body in _texts(ask, ids, bodies=not all(term.field for term in terms)):
        if all(holds(title, body, group) for group in wanted) and not holds(title, body, unwanted):
            yield number


def occurrences(ask: Plain, terms: Sequence[str], ids: Sequence[int]) -> Iterable[tuple[int, list[tuple[int, int]]]]:
    """(id in the index, for each folded term how often it occurs in title and body) of texts in the index."""
    for number, title, body in _texts(ask, ids, printed=all(map(ideographs, terms))):
        yield number, [(title.count(term), body.count(term)) for term in terms]


_ARTICLES = "FROM %s n JOIN search_articles s ON s.id = n.id JOIN articles t ON t.id = s.id"
_OTHERS = """
    FROM %s n JOIN search_documents d ON d.id = -n.id
    JOIN {table} t ON t.article_id = d.article_id AND t.{key} = d.{number}
"""
_VERSIONS = _OTHERS.format(table="article_versions", key="version", number="version")
_FILES = _OTHERS.format(table="attachments", key="seq", number="attachment")


def _texts(
    ask: Plain, ids: Collection[int], *, bodies: bool = True, printed: bool = False
) -> Iterator[tuple[int, str, str]]:
    """(id in the index, title, body) of texts in the index, folded; the bodies empty where none are asked for.

    `printed`: folded only as far as it matters to words of ideographs.
    """
    body = " || chr(10) || ".join(f"t.{name}" for name in SEARCHED) if bodies else "''"
    selects = (
        (f"SELECT n.id, t.title, {body}, s.as_printed {_ARTICLES}", lambda number: number > 0),
        (f"SELECT n.id, t.title, {body}, false {_VERSIONS}", lambda number: number < 0),
        (f"SELECT n.id, t.name, {'t.text' if bodies else body}, false {_FILES}", lambda number: number < 0),
    )
    for sql, belongs in selects:
        left = filter(belongs, ids)
        while chunk := list(islice(left, _CHUNK)):
            given = Given()
            for number, title, rest, as_printed in ask.rows(sql % ask.table_of(chunk, given), given):
                yield (number, title, rest) if printed and as_printed else (number, folded(title), folded(rest))


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
