"""The order of what was found."""

from collections.abc import Iterator
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from exports.database.models import Base
from exports.index.find import Found
from exports.index.maintain import backend

Order = Literal["relevance", "date", "oldest"]
ORDERS: tuple[Order, ...] = ("relevance", "date", "oldest")
"""relevance: see ordered(); date: newest first; oldest: the other way round. Both with what has no date at the end."""
WEIGHED = 3000
"""Up to so many matching texts are weighed against one another. Of more, hardly anyone reads beyond the first pages,
and weighing them all takes longer than finding them."""
_FEW = 1000
"""Up to so many articles are sorted by the database; of more, the archive is walked through in its order."""


def ordered(session: Session, found: Found, order: Order) -> Iterator[int]:
    """The ids of the articles found.

    By relevance: the texts that fit best first, words in the title counting ten times, the newer of equals first.
    Where more than WEIGHED texts match: first the articles with all of the words in their title, then the others, each
    newest first.
    """
    if order == "relevance" and found.wanted:
        yield from _by_relevance(session, found)
    else:
        yield from _by_date(session, found.articles, newest_first=order != "oldest")


def _by_relevance(session: Session, found: Found) -> Iterator[int]:
    index = backend(session)
    if len(found.current) + len(found.others) > WEIGHED:
        titled = found.articles.intersection(
            index.matching(session, found.wanted, found.unwanted, current=True, title=True)
        )
        yield from _by_date(session, titled)
        yield from _by_date(session, found.articles - titled)
        return
    texts = found.current.union(-number for number in found.others)
    best: dict[int, float] = {}
    for number, score in index.scores(session, found.wanted, found.unwanted, texts).items():
        if number in texts:
            article = number if number > 0 else found.others[-number]
            best[article] = max(score, best.get(article, score))
    newest = {article: place for place, article in enumerate(_by_date(session, found.articles))}
    yield from sorted(newest, key=lambda article: (-best[article], newest[article]))


def _by_date(session: Session, articles: set[int], *, newest_first: bool = True) -> Iterator[int]:
    table = Base.metadata.tables["search_articles"]  # past the session, whose rows cost several times more
    published = table.c.published_at
    chosen = select(table.c.id)
    if newest_first:
        chosen = chosen.order_by(published.desc().nulls_last(), table.c.id.desc())
    else:
        chosen = chosen.order_by(published.asc().nulls_last(), table.c.id)
    if len(articles) <= _FEW:
        yield from session.connection().scalars(chosen.where(table.c.id.in_(articles)))
        return
    left = len(articles)
    for article in session.connection().scalars(chosen.execution_options(yield_per=1000)):
        if article in articles:
            yield article
            left -= 1
            if not left:
                return
