"""Searching: what readers of every kind call (command line, reading room, notebooks).

    found = search.page(session, search.Filters(text='党委 "理论学习" -转载 author:张三'), order="relevance", limit=20)
    found.total, [(hit.article.title, hit.snippet) for hit in found.hits]

Functions from a session to rows; nothing here prints. The same articles are found on every database.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from exports.database.models import Article, ArticleVersion, Attachment, Base, SearchDocument
from exports.index import find, marks, ranking
from exports.index.find import Filters
from exports.index.ranking import ORDERS, Order

__all__ = ["FACETS", "ORDERS", "Count", "Filters", "Hit", "Order", "Page"]

FACETS = ("column", "unit", "author", "source", "year")
_CHUNK = 500
"""Articles loaded at a time, so that an export holds few long texts in memory."""


@dataclass(frozen=True)
class Hit:
    """One line of a list of results."""

    article: Article
    """As it is now, whatever text of it matched."""
    snippet: str
    """A piece of the matching text around the first hit, cut at sentence ends; plain text, to be escaped."""
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


def count(session: Session, filters: Filters) -> int:
    """How many articles there are, withdrawn ones included."""
    return len(find.find(session, filters).articles)


def page(session: Session, filters: Filters, *, order: Order = "relevance", limit: int = 20, offset: int = 0) -> Page:
    """The results from `offset` on, at most `limit` of them, with snippets.

    Without a text there is nothing to be relevant to: the order is by date then.
    """
    found = find.find(session, filters)
    ids = list(islice(ranking.ordered(session, found, order), offset, offset + limit))
    return Page(len(found.articles), list(_hits(session, found, ids)), found.terms)


def matching(session: Session, filters: Filters, order: Order = "date") -> list[int]:
    """The ids of all articles found, withdrawn ones included, in that order."""
    return list(ranking.ordered(session, find.find(session, filters), order))


def results(session: Session, filters: Filters, order: Order = "date", limit: int | None = None) -> Iterator[Hit]:
    """All results in that order, or the first `limit`, loaded a few hundred at a time."""
    found = find.find(session, filters)
    yield from _hits(session, found, list(islice(ranking.ordered(session, found, order), limit)))


def hits(session: Session, ids: Sequence[int], terms: Sequence[str] = ()) -> Iterator[Hit]:
    """The articles of these ids in their order, as they are now, around the first of the folded terms."""
    yield from _hits(session, find.Found(set(ids), list(terms), current=set(ids)), ids)


def _hits(session: Session, found: find.Found, ids: Sequence[int]) -> Iterator[Hit]:
    further = {article: number for number, article in sorted(found.others.items()) if article not in found.current}
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        by_id = {article.id: article for article in session.scalars(select(Article).where(Article.id.in_(chunk)))}
        for article_id in chunk:
            article = by_id[article_id]
            if article_id in further:
                yield _further_hit(session, article, further[article_id], found.terms)
            else:
                yield Hit(article, marks.snippet(article.body_text, found.terms))
        session.expunge_all()


def _further_hit(session: Session, article: Article, number: int, terms: Sequence[str]) -> Hit:
    document = session.get_one(SearchDocument, number)
    if document.version is not None:
        version = session.get_one(ArticleVersion, (article.id, document.version))
        return Hit(article, marks.snippet(version.body_text, terms), f"version {version.version}", version.version)
    attachment = session.get_one(Attachment, (article.id, document.attachment))
    return Hit(article, marks.snippet(attachment.text or "", terms), attachment.name or attachment.url)


def facets(session: Session, filters: Filters, names: Sequence[str] = FACETS, most: int = 10) -> dict[str, list[Count]]:
    """How the articles found are spread: facet -> its `most` largest entries (years: all, the newest first).

    An article counts once for each of its authors and units. Articles that have no value count under the
    empty key, which comes last.
    """
    ids = find.find(session, filters).articles
    labels = find.columns(session) if "column" in names else {}
    result = {}
    for name in names:
        counted = _by_author(session, ids, name) if name in _AUTHORS else _by_article(session, ids, name)
        entries = [Count(key, labels.get(key, key) if name == "column" else key, n) for key, n in counted.items() if n]
        if name == "year":
            result[name] = sorted(entries, key=lambda entry: entry.key, reverse=True)
        else:
            result[name] = sorted(entries, key=lambda entry: (not entry.key, -entry.articles, entry.key))[:most]
    return result


def timeline(session: Session, filters: Filters, by: Literal["month", "year"] = "month") -> list[Count]:
    """The articles found by month (YYYY-MM) or year of publication, oldest first, without empty months.

    Those without a date, or for months with only a year, are left out.
    """
    counted = _by_article(session, find.find(session, filters).articles, by)
    return [Count(key, key, counted[key]) for key in sorted(counted) if len(key) == _PREFIX[by]]


_AUTHORS = {"author": "name", "unit": "unit"}
_ARTICLES, _WRITTEN = (Base.metadata.tables[name] for name in ("search_articles", "article_authors"))
_PREFIX = {"year": 4, "month": 7}
_FEW = 2000
"""Up to so many articles are looked up; for more, the whole (narrow) table is read."""


def _by_article(session: Session, ids: set[int], name: str) -> Counter[str]:
    column = {"column": "column_id", "source": "source"}.get(name, "published_at")
    chosen = select(_ARTICLES.c.id, _ARTICLES.c[column])
    if len(ids) <= _FEW:
        chosen = chosen.where(_ARTICLES.c.id.in_(ids))
    # of the plain table, past the session: its rows cost several times more, and there may be a hundred thousand
    values = Counter(value for article, value in session.connection().execute(chosen) if article in ids)
    counted: Counter[str] = Counter()
    for value, number in values.items():
        counted[(value or "")[: _PREFIX.get(name)]] += number
    return counted


def _by_author(session: Session, ids: set[int], name: str) -> Counter[str]:
    chosen = select(_WRITTEN.c.article_id, _WRITTEN.c[_AUTHORS[name]])
    if len(ids) <= _FEW:
        chosen = chosen.where(_WRITTEN.c.article_id.in_(ids))
    pairs = {(article, value) for article, value in session.connection().execute(chosen) if article in ids}
    counted = Counter(value for _, value in pairs)
    counted[""] += len(ids) - len({article for article, _ in pairs})
    return counted
