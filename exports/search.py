"""Searching: what readers of every kind call (command line, reading room, notebooks).

    found = search.page(session, search.Filters(text='党委 "理论学习" -转载 author:张三'), order="relevance", limit=20)
    found.total, [(hit.article.title, hit.snippet) for hit in found.hits]

Functions from a session to rows; nothing here prints. The same articles are found on every database.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session

from exports.database.models import Article, ArticleAuthor, Attachment, Listing
from exports.index import marks, scan
from exports.index.parse import wanted

Order = Literal["relevance", "date", "oldest"]
ORDERS: tuple[Order, ...] = ("relevance", "date", "oldest")
"""relevance: see README, "Search"; date: newest first, those without a date last; oldest: the other way round,
those without a date last too."""
FACETS = ("column", "unit", "author", "source", "year")
_CHUNK = 500
"""Articles loaded at a time, so that an export holds few long texts in memory."""


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
    return len(matching(session, filters))


def page(session: Session, filters: Filters, *, order: Order = "relevance", limit: int = 20, offset: int = 0) -> Page:
    """The results from `offset` on, at most `limit` of them, with snippets.

    Without a text there is nothing to be relevant to: the order is by date then.
    """
    ids = matching(session, filters, order)
    terms = wanted(filters.text)
    return Page(len(ids), list(hits(session, ids[offset : offset + limit], terms)), terms)


def matching(session: Session, filters: Filters, order: Order = "date") -> list[int]:
    """The ids of all articles found, withdrawn ones included, in that order."""
    scan.prepare(session)
    wanted_ids = select(Article.id).where(*_conditions(filters))
    if order == "oldest":
        wanted_ids = wanted_ids.order_by(Article.published_at.asc().nulls_last(), Article.id)
    else:
        wanted_ids = wanted_ids.order_by(Article.published_at.desc().nulls_last(), Article.id.desc())
    return list(session.scalars(wanted_ids))


def hits(session: Session, ids: Sequence[int], terms: Sequence[str]) -> Iterator[Hit]:
    """The articles in the order of the ids, each with a snippet around the first hit of the folded terms."""
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        by_id = {article.id: article for article in session.scalars(select(Article).where(Article.id.in_(chunk)))}
        for article_id in chunk:
            yield Hit(by_id[article_id], marks.snippet(by_id[article_id].body_text, terms))
        session.expunge_all()


def facets(session: Session, filters: Filters, names: Sequence[str] = FACETS, most: int = 10) -> dict[str, list[Count]]:
    """How the articles found are spread: facet -> its `most` largest entries (years: all, the newest first).

    An article counts once for each of its authors and units. Articles that have no value count under the
    empty key, which comes last.
    """
    ids = set(matching(session, filters))
    result = {}
    for name in names:
        counted: Counter[tuple[str, str]] = Counter()
        if name in ("unit", "author"):
            key = ArticleAuthor.unit if name == "unit" else ArticleAuthor.name
            pairs = select(Article.id, func.coalesce(key, "")).outerjoin(ArticleAuthor).distinct()
            counted.update((value, value) for article_id, value in session.execute(pairs) if article_id in ids)
        else:
            year = func.coalesce(func.substr(Article.published_at, 1, 4), "")
            column = {"column": Article.column_id, "source": Article.source, "year": year}[name]
            label = Article.column_name if name == "column" else column
            rows = session.execute(select(Article.id, column, label))
            counted.update((value, shown) for article_id, value, shown in rows if article_id in ids)
        entries = [Count(value, shown, number) for (value, shown), number in counted.items()]
        if name == "year":
            result[name] = sorted(entries, key=lambda entry: entry.key, reverse=True)
        else:
            result[name] = sorted(entries, key=lambda entry: (not entry.key, -entry.articles, entry.key))[:most]
    return result


def timeline(session: Session, filters: Filters, by: Literal["month", "year"] = "month") -> list[Count]:
    """The articles found by month (YYYY-MM) or year of publication, oldest first, without empty months.

    Those without a date, or for months with only a year, are left out.
    """
    length = 7 if by == "month" else 4
    ids = set(matching(session, filters))
    rows = session.execute(select(Article.id, Article.published_at))
    counted = Counter(day[:length] for article_id, day in rows if article_id in ids and day and len(day) >= length)
    return [Count(key, key, counted[key]) for key in sorted(counted)]


def _conditions(filters: Filters) -> Iterator[ColumnElement[bool]]:
    # The cheap ones first: the text condition reads whole articles.
    if filters.columns:
        listed = or_(Listing.article_id == Article.id, Listing.url == Article.url)
        in_column = exists().where(Listing.column_id.in_(filters.columns), listed)
        yield or_(Article.column_id.in_(filters.columns), in_column)
    if filters.since:
        day = filters.since.isoformat()
        yield or_(Article.published_at >= day, Article.published_at.in_([day[:7], day[:4]]))
    if filters.until:
        yield func.substr(Article.published_at, 1, 10) <= filters.until.isoformat()
    if filters.author:
        same = scan.equal(ArticleAuthor.name, "".join(filters.author.split()))
        yield exists().where(ArticleAuthor.article_id == Article.id, same)
    if filters.unit:
        part = scan.contains(ArticleAuthor.unit, filters.unit.strip())
        yield exists().where(ArticleAuthor.article_id == Article.id, part)
    if filters.source:
        yield scan.contains(Article.source, filters.source.strip())
    if filters.has_attachment:
        yield exists().where(Attachment.article_id == Article.id)
    if filters.text:
        yield scan.condition(filters.text)
