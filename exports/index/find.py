"""Which articles a search finds: the search text is asked of the index, the filters of the tables, and both are cut."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib import import_module
from typing import Any

from exports.database.asking import Given, Plain, Source, plain
from exports.index.parse import TEXT_FIELDS, Term, parse
from exports.index.text import folded, squeezed

_FEW = 500
"""Up to so many articles the filters are asked about those alone."""


def backend(ask: Plain) -> Any:
    """The module of the database's system, loaded when it is needed."""
    return import_module(f"exports.index.{ask.dialect}")


@dataclass(frozen=True)
class Filters:
    """What narrows a search; the empty value of each narrows nothing."""

    text: str = ""
    """See exports.index.parse.parse: words, "phrases", OR, NOT, field:value."""
    columns: tuple[str, ...] = ()
    """Column ids: articles of these columns, or listed in them."""
    author: str = ""
    """An author's whole name, blanks not counting."""
    unit: str = ""
    """Part of the name of an author's unit."""
    source: str = ""
    """Part of the source (来源)."""
    since: date | None = None
    until: date | None = None
    """First and last day of publication, both included. An article dated only by month or year counts where
    that month or year and the period overlap; one without a date never does."""
    has_attachment: bool = False
    """Only articles with an attachment."""
    versions: bool = False
    """Search earlier versions too: an article is found where any of its texts matches as a whole."""
    attachments: bool = False
    """Search the text of attachments too (one attachment is one text, its name is its title)."""


@dataclass
class Found:
    """What a search found, in no order."""

    articles: set[int]
    terms: list[str]
    """What to highlight, folded"""
    wanted: list[list[Term]] = field(default_factory=list)
    """The groups of terms the index was asked for: what an article can be relevant to"""
    unwanted: list[Term] = field(default_factory=list)
    others: dict[int, int] = field(default_factory=dict)
    """id of search_documents -> article, of the earlier versions and attachments that match"""
    current: set[int] = field(default_factory=set)
    """The articles that match as they are now"""
    everything: bool = False
    """Nothing was narrowed: all articles are found"""


def find(source: Source, filters: Filters) -> Found:
    """The articles, withdrawn ones included."""
    ask = plain(source)
    groups = parse(filters.text)
    terms = [folded(term.text) for group in groups for term in group if not term.excluded and term.field in TEXT_FIELDS]
    found = Found(set(), list(dict.fromkeys(terms)))
    mixed = []
    for group in groups:
        textual = all(term.field in TEXT_FIELDS for term in group)
        if textual and not any(term.excluded for term in group):
            found.wanted.append(group)
        elif textual and len(group) == 1:
            found.unwanted.append(group[0])
        else:
            mixed.append(group)
    documents = _Documents(ask, filters)
    texts = documents.matching(found.wanted, found.unwanted)
    for group in mixed:
        union: set[int] = set()
        for term in group:
            holds = documents.holding(term)
            union |= documents.all() - holds if term.excluded else holds
        texts = union if texts is None else texts & union
    given = Given()
    conditions = list(_conditions(ask, filters, given))
    if texts is None and not documents.further:
        texts = _of_articles(ask, conditions, given)
        found.everything = not conditions
    else:
        texts = documents.all() if texts is None else texts
        if conditions:
            articles = documents.articles(texts)
            if len(articles) <= _FEW:
                conditions.append(ask.one_of("s.id", articles, given))
            texts = documents.belonging(texts, _of_articles(ask, conditions, given))
    found.current = {number for number in texts if number > 0} if documents.further else texts
    found.others = {-number: documents.further[number] for number in texts if number < 0}
    found.articles = found.current.union(found.others.values())
    return found


def _of_articles(ask: Plain, conditions: Sequence[str], given: Given) -> set[int]:
    narrowed = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    (ids,) = ask.values(["s.id"], f"FROM search_articles s {narrowed}", given)
    return set(ids)


class _Documents:
    """The texts searched, by their ids in the index: positive of articles as they are, negative of others."""

    def __init__(self, ask: Plain, filters: Filters) -> None:
        self._plain = ask
        self._all: set[int] | None = None
        self.further: dict[int, int] = {}
        """id in the index -> article, of the texts that the flags add"""
        kinds = [name for name in ("versions", "attachments") if getattr(filters, name)]
        if kinds:
            chosen = " OR ".join(f"{name.removesuffix('s')} IS NOT NULL" for name in kinds)
            rows = ask.rows(f"SELECT -id, article_id FROM search_documents WHERE {chosen}")
            self.further = {row[0]: row[1] for row in rows}

    def all(self) -> set[int]:
        if self._all is None:
            self._all = _of_articles(self._plain, [], Given()).union(self.further)
        return self._all

    def matching(self, wanted: Sequence[Sequence[Term]], unwanted: Sequence[Term]) -> set[int] | None:
        """None where nothing is asked of the texts."""
        if wanted:
            return self._ask(wanted, unwanted)
        return self.all() - self._ask([unwanted]) if unwanted else None

    def holding(self, term: Term) -> set[int]:
        """The texts of which a term holds, its exclusion not counting."""
        if term.field in TEXT_FIELDS:
            return self._ask([[term]])
        given = Given()
        condition = _FIELD_CONDITIONS[term.field](self._plain, given, term.text)
        return self.belonging(self.all(), _of_articles(self._plain, [condition], given))

    def articles(self, texts: set[int]) -> set[int]:
        """The articles that texts belong to."""
        return {self.further.get(number, number) for number in texts} if self.further else texts

    def belonging(self, texts: set[int], articles: set[int]) -> set[int]:
        """The texts that belong to one of the articles."""
        if not self.further:
            return texts & articles
        return {number for number in texts if self.further.get(number, number) in articles}

    def _ask(self, wanted: Sequence[Sequence[Term]], unwanted: Sequence[Term] = ()) -> set[int]:
        numbers = backend(self._plain).matching(self._plain, wanted, unwanted, current=not self.further)
        if not self.further:
            return set(numbers)
        return {number for number in numbers if number > 0 or number in self.further}


def _conditions(ask: Plain, filters: Filters, given: Given) -> Iterator[str]:
    """SQL conditions on search_articles, there called s."""
    if filters.columns:
        yield _in_columns(ask, given, filters.columns)
    if filters.author:
        yield _by_author(ask, given, filters.author)
    if filters.unit:
        yield _of_unit(ask, given, filters.unit)
    if filters.source:
        yield _from_source(ask, given, filters.source)
    if filters.since:
        yield _after(ask, given, filters.since.isoformat())
    if filters.until:
        yield _before(ask, given, filters.until.isoformat())
    if filters.has_attachment:
        yield _with_attachment(ask, given, "")


def _in_columns(ask: Plain, given: Given, ids: Sequence[str]) -> str:
    of_column = ask.one_of("l.column_id", ids, given)
    listed = f"SELECT l.article_id FROM listings l WHERE {of_column} AND l.article_id IS NOT NULL"
    # an entry that was listed and not fetched, because its article came by another column
    met = f"SELECT a.id FROM articles a JOIN listings l ON l.url = a.url WHERE {of_column} AND l.article_id IS NULL"
    return f"({ask.one_of('s.column_id', ids, given)} OR s.id IN ({listed}) OR s.id IN ({met}))"


def _of_column(ask: Plain, given: Given, reference: str) -> str:
    return _in_columns(ask, given, column_ids(ask, reference))


def _by_author(ask: Plain, given: Given, name: str) -> str:
    return _written(ask, given, "name", lambda known: squeezed(known) == squeezed(name))


def _of_unit(ask: Plain, given: Given, part: str) -> str:
    return _written(ask, given, "unit", lambda known: folded(part.strip()) in folded(known))


def _written(ask: Plain, given: Given, column: str, suits: Callable[[str], bool]) -> str:
    # Names are few and compared here, so that both databases fold them alike.
    names = [name for (name,) in ask.rows(f"SELECT DISTINCT {column} FROM article_authors") if suits(name)]
    return f"s.id IN (SELECT w.article_id FROM article_authors w WHERE {ask.one_of(f'w.{column}', names, given)})"


def _from_source(ask: Plain, given: Given, part: str) -> str:
    known = [name for (name,) in ask.rows("SELECT DISTINCT source FROM search_articles")]
    return ask.one_of("s.source", [name for name in known if folded(part.strip()) in folded(name)], given)


def _after(_ask: Plain, given: Given, day: str) -> str:
    part = " OR ".join(f"s.published_at = {given.add(day[:length])}" for length in (7, 4))
    return f"(s.published_at >= {given.add(day)} OR {part})"


def _before(_ask: Plain, given: Given, day: str) -> str:
    return f"coalesce(substr(s.published_at, 1, 10) <= {given.add(day)}, 1 = 0)"


def _with_attachment(_ask: Plain, _given: Given, _value: str) -> str:
    return "s.attachments > 0"


_FIELD_CONDITIONS: dict[str, Callable[[Plain, Given, str], str]] = {
    "author": _by_author,
    "unit": _of_unit,
    "column": _of_column,
    "source": _from_source,
    "after": _after,
    "before": _before,
    "has": _with_attachment,
}


# From one column to the next by the index: reading all articles for a handful of columns would take a while
_COLUMNS = """
    WITH RECURSIVE found (id) AS (
        SELECT min(column_id) FROM articles
        UNION ALL
        SELECT (SELECT min(a.column_id) FROM articles a WHERE a.column_id > found.id) FROM found WHERE id IS NOT NULL
    )
    SELECT id, (SELECT a.column_name FROM articles a WHERE a.column_id = found.id LIMIT 1)
    FROM found WHERE id IS NOT NULL
"""


def columns(source: Source) -> dict[str, str]:
    """column_id -> name, of every column the archive has met."""
    ask = plain(source)
    crawled = ask.rows("SELECT column_id, column_name FROM runs ORDER BY id")
    known = {column_id: name for column_id, name in [*ask.rows(_COLUMNS), *crawled] if column_id}
    return dict(sorted(known.items()))


def column_ids(source: Source, reference: str) -> list[str]:
    """The ids of the columns an id or a name stands for; blanks and width in names do not count."""
    known = columns(source)
    if reference in known:
        return [reference]
    return [column_id for column_id, name in known.items() if squeezed(name) == squeezed(reference) != ""]
