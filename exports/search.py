"""Searching: what readers of every kind call (command line, reading room, notebooks).

    found = search.page(session, search.Filters(text='党委 "理论学习" -转载 author:张三'), order="relevance", limit=20)
    found.total, [(hit.article.title, hit.snippet) for hit in found.hits]

Functions from a session (or what else exports/database/asking.py asks) to rows; nothing here prints. The same articles
are found on every database, and in the same order.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from typing import Any, Literal

from exports.database.asking import Given, Plain, Source, plain
from exports.index import find, marks, ranking
from exports.index.document import SEARCHED
from exports.index.find import Filters
from exports.index.ranking import ORDERS, Order
from exports.index.text import folded

__all__ = ["FACETS", "ORDERS", "Count", "Filters", "Hit", "Order", "Page", "Results", "Summary"]

FACETS = ("column", "unit", "author", "source", "year")
_DATED = {"month": "YYYY-MM", "year": "YYYY"}
_CHUNK = 500
"""Articles loaded at a time, so that an export holds few long texts in memory."""


@dataclass(frozen=True)
class Summary:
    """What a list shows of an article, as it is now."""

    id: int
    url: str
    column_id: str
    column_name: str
    title: str
    author: str
    unit: str
    source: str
    published_at: str | None
    status: str
    version: int
    changed_at: datetime
    content_hash: str


_SHOWN = tuple(Summary.__dataclass_fields__)
_BESIDE = tuple(name for name in SEARCHED if name != "body_text")


@dataclass(frozen=True)
class Hit:
    """One line of a list of results."""

    article: Summary
    """As it is now, whatever text of it matched."""
    snippet: str
    """A piece of the matching text around the first hit, cut at sentence ends; plain text, to be escaped.

    Of the byline, subtitle or editor's note where a word stands in none of what a list shows anyway.
    """
    where: str = ""
    """Empty: the article as it is; else the text that matched: "version 2" or the name of an attachment."""
    version: int | None = None
    """The number of that earlier version, where one matched."""

    def marks(self, text: str, terms: Sequence[str]) -> list[tuple[int, int]]:
        """The (start, end) offsets to highlight in a short text: `marks(hit.snippet, page.terms)`."""
        return marks.hits(text, terms)


@dataclass(frozen=True)
class Page:
    """A page of results."""

    total: int
    """Articles found in all."""
    hits: list[Hit]
    terms: list[str]
    """What to highlight, folded."""


@dataclass(frozen=True)
class Count:
    """One bar of a chart, one entry of a facet."""

    key: str
    """Column id, unit, author, source, year (YYYY) or month (YYYY-MM); empty for the articles that have none."""
    label: str
    """The column's name; else the key."""
    articles: int


class Results:
    """What a search found: counted, ordered, shown and spread over facets, with one look into the index."""

    def __init__(self, source: Source, filters: Filters) -> None:
        self._plain = plain(source)
        self._found = find.find(self._plain, filters)

    @property
    def total(self) -> int:
        """How many articles there are, withdrawn ones included."""
        return len(self._found.articles)

    @property
    def terms(self) -> list[str]:
        """What to highlight, folded."""
        return self._found.terms

    def ids(self, order: Order = "date") -> Iterator[int]:
        """The articles in that order: by date where there is no text to be relevant to."""
        return ranking.ordered(self._plain, self._found, order)

    def hits(self, ids: Sequence[int]) -> Iterator[Hit]:
        """Articles found, in the order of the ids, loaded a few hundred at a time."""
        return _hits(self._plain, self._found, ids)

    def facets(self, names: Sequence[str] = FACETS, most: int = 10) -> dict[str, list[Count]]:
        """How the articles found are spread: facet -> its `most` largest entries (years: all, the newest first).

        An article counts once for each of its authors and units. Articles that have no value count under the
        empty key, which comes last.
        """
        labels = find.columns(self._plain) if "column" in names else {}
        result = {}
        for name in names:
            counted = self._counted(name)
            entries = [Count(key, labels.get(key, key) if name == "column" else key, n) for key, n in counted.items()]
            if name == "year":
                result[name] = sorted(entries, key=lambda entry: entry.key, reverse=True)
            else:
                result[name] = sorted(entries, key=lambda entry: (not entry.key, -entry.articles, entry.key))[:most]
        return result

    def timeline(self, by: Literal["month", "year"] = "month") -> list[Count]:
        """The articles found by month (YYYY-MM) or year of publication, oldest first, without empty months.

        Those without a date, or for months with only a year, are left out.
        """
        counted = self._counted(by)
        return [Count(key, key, counted[key]) for key in sorted(counted) if len(key) == len(_DATED[by])]

    @cached_property
    def _counting(self) -> Any:
        articles = None if self._found.everything else self._found.articles
        return find.backend(self._plain).Counting(self._plain, articles)

    def _counted(self, name: str) -> Counter[str]:
        """value -> articles."""
        if name != "year":
            counted: Counter[str] = self._counting.by(name)
            return counted
        years: Counter[str] = Counter()
        for month, number in self._counting.by("month").items():
            years[month[:4]] += number
        return years


def counting(source: Source, columns: Sequence[str] = ()) -> Any:
    """What counts the articles of the columns, or all where none is named; see Counting in exports/index/."""
    ask, given = plain(source), Given()
    articles = None
    if columns:
        of_columns = ask.one_of("s.column_id", columns, given)
        (ids,) = ask.values(["s.id"], f"FROM search_articles s WHERE {of_columns}", given)
        articles = set(ids)
    return find.backend(ask).Counting(ask, articles)


def count(source: Source, filters: Filters) -> int:
    """How many articles there are, withdrawn ones included."""
    return Results(source, filters).total


def page(source: Source, filters: Filters, *, order: Order = "relevance", limit: int = 20, offset: int = 0) -> Page:
    """The results from `offset` on, at most `limit` of them, with snippets.

    Without a text there is nothing to be relevant to: the order is by date then.
    """
    found = Results(source, filters)
    ids = list(islice(found.ids(order), offset, offset + limit))
    return Page(found.total, list(found.hits(ids)), found.terms)


def matching(source: Source, filters: Filters, order: Order = "date") -> list[int]:
    """The ids of all articles found, withdrawn ones included, in that order."""
    return list(Results(source, filters).ids(order))


def results(source: Source, filters: Filters, order: Order = "date", limit: int | None = None) -> Iterator[Hit]:
    """All results in that order, or the first `limit`, loaded a few hundred at a time."""
    found = Results(source, filters)
    yield from found.hits(list(islice(found.ids(order), limit)))


def _hits(ask: Plain, found: find.Found, ids: Sequence[int]) -> Iterator[Hit]:
    further = {article: number for number, article in sorted(found.others.items()) if article not in found.current}
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        for summary, beside, body in _articles(ask, chunk):
            if summary.id in further:
                yield _further_hit(ask, summary, further[summary.id], found.terms)
            else:
                yield Hit(summary, _snippet(summary, beside, body, found.terms))


def _articles(ask: Plain, ids: Sequence[int]) -> Iterator[tuple[Summary, Sequence[str], str]]:
    """Each with what the index has of it beside title and text, and its text."""
    given = Given()
    names = ", ".join((*_SHOWN, *_BESIDE, "body_text"))
    chosen = f"SELECT {names} FROM articles WHERE {ask.one_of('id', ids, given)}"
    by_id = {row[0]: row for row in ask.rows(chosen, given)}
    for number in ids:
        *fields, body = by_id[number]
        values = dict(zip(_SHOWN, fields[: len(_SHOWN)], strict=True))
        yield Summary(**values | {"changed_at": _moment(values["changed_at"])}), fields[len(_SHOWN) :], body


def _snippet(shown: Summary, beside: Sequence[str], body: str, terms: Sequence[str]) -> str:
    """Of the text; then of those other fields without which a word would be seen nowhere in the list."""
    seen = folded("\n".join((shown.title, shown.author, shown.unit)))
    unseen = [term for term in terms if term not in seen]
    further = [text for text in beside if any(term in folded(text) for term in unseen)]
    return marks.snippet("\n".join((body, *further)), terms)


def _moment(stored: str | datetime) -> datetime:
    return stored if isinstance(stored, datetime) else datetime.fromisoformat(stored).replace(tzinfo=UTC)


def _further_hit(ask: Plain, article: Summary, number: int, terms: Sequence[str]) -> Hit:
    given = Given(id=number)
    of_document = "FROM search_documents d JOIN {0} t ON t.article_id = d.article_id AND t.{1} = d.{2} WHERE d.id = :id"
    versions = of_document.format("article_versions", "version", "version")
    fields = ", ".join(f"t.{name}" for name in ("version", "title", *_BESIDE, "body_text"))
    for version, *beside, body in ask.rows(f"SELECT {fields} {versions}", given):
        return Hit(article, _snippet(article, beside, body, terms), f"version {version}", version)
    files = of_document.format("attachments", "seq", "attachment")
    ((name, url, body),) = ask.rows(f"SELECT t.name, t.url, t.text {files}", given)
    return Hit(article, marks.snippet(body or "", terms), name or url)


def facets(source: Source, filters: Filters, names: Sequence[str] = FACETS, most: int = 10) -> dict[str, list[Count]]:
    """See Results.facets()."""
    return Results(source, filters).facets(names, most)


def timeline(source: Source, filters: Filters, by: Literal["month", "year"] = "month") -> list[Count]:
    """See Results.timeline()."""
    return Results(source, filters).timeline(by)
