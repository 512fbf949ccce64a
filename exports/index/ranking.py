"""The order of what was found."""

from collections.abc import Iterator
from math import prod
from typing import Literal

from exports.database.asking import Given, Plain
from exports.index.find import Found, backend
from exports.index.text import folded

Order = Literal["relevance", "date", "oldest"]
ORDERS: tuple[Order, ...] = ("relevance", "date", "oldest")
"""relevance: see ordered(); date: newest first; oldest: the other way round. Both with what has no date at the end."""
WEIGHED = 1000
"""Up to so many matching texts are weighed against one another. Of more, hardly anyone reads beyond the first pages,
and weighing them all takes longer than finding them."""
TITLE_WEIGHT = 10
"""As how many occurrences in the body one in the title counts."""
_FEW = 5000
"""Up to so many articles are sorted by the database; of more, the archive is walked through in its order."""


def ordered(ask: Plain, found: Found, order: Order) -> Iterator[int]:
    """The ids of the articles found.

    By relevance: the texts first in which the terms occur most, see _weight(), the newer of equals first. Where more
    than WEIGHED texts match: first the articles with all of the words in their title, then the others, each newest
    first. On every database the same.
    """
    if order != "relevance" or not found.wanted:
        return _by_date(ask, found.articles, newest_first=order != "oldest")
    if len(found.current) + len(found.others) > WEIGHED:
        return _titled_first(ask, found)
    return _by_weight(ask, found)


def _titled_first(ask: Plain, found: Found) -> Iterator[int]:
    titled = found.articles.intersection(backend(ask).titled(ask, found.wanted))
    yield from _by_date(ask, titled)
    yield from (article for article in _by_date(ask, found.articles) if article not in titled)


def _by_weight(ask: Plain, found: Found) -> Iterator[int]:
    texts = [*found.current, *(-number for number in found.others)]
    terms = sorted({folded(term.text) for group in found.wanted for term in group})
    best: dict[int, int] = {}
    for number, counts in backend(ask).occurrences(ask, terms, texts):
        article = number if number > 0 else found.others[-number]
        best[article] = max(_weight(counts), best.get(article, 0))
    # sorting keeps the order of equals, which is by date
    yield from sorted(_by_date(ask, found.articles), key=lambda article: -best[article])


def _weight(counts: list[tuple[int, int]]) -> int:
    """The product over the terms of one more than their occurrences, one in the title counting ten times.

    That orders as the sum of the logarithms does, without rounding.
    """
    return prod(1 + TITLE_WEIGHT * in_title + in_body for in_title, in_body in counts)


def _by_date(ask: Plain, articles: set[int], *, newest_first: bool = True) -> Iterator[int]:
    by = "s.published_at {0} NULLS LAST, s.id {0}".format("DESC" if newest_first else "ASC")
    if len(articles) <= _FEW:
        given = Given()
        chosen = ask.table_of(articles, given)
        sorted_ids = f"SELECT s.id FROM {chosen} n JOIN search_articles s ON s.id = n.id ORDER BY {by}"
        yield from (row[0] for row in ask.rows(sorted_ids, given))
        return
    left = len(articles)
    for (article,) in ask.walk(f"SELECT s.id FROM search_articles s ORDER BY {by}"):
        if article in articles:
            yield article
            left -= 1
            if not left:
                return
