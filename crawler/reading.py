"""Reading an article out of a response: the same for a crawl, which asks the site, and a replay, which does not."""

import logging
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape

from scrapy.http import TextResponse

from crawler import blocking, failures
from crawler.exceptions import CrawlError, MarkupChanged
from crawler.items import Article
from crawler.pages.base import ArticlePage
from crawler.site import Column

_TAG = re.compile("<[^<>]*>")
_NOT_IN_WORDS = re.compile(r"[\W_]")
NOTICE = 100
"""Characters, at most, of a notice (try again later, this page has moved) that stands in an article's place."""
KEPT = 1 / 4
"""Pairs of characters, of those of the listed title, that an article prints somewhere, whatever was edited in it."""
log = logging.getLogger(__name__)


@contextmanager
def explained(response: TextResponse) -> Iterator[None]:
    """Whatever reading the response raises becomes a CrawlError that names the reason and the capture."""
    try:
        yield
    except MarkupChanged as error:
        raise failures.located(blocking.explain(response) or error, response) from error
    except CrawlError as error:
        if error.capture_id is None:  # else it shows a part of the article
            failures.located(error, response)
        raise
    except Exception as error:  # whatever a hostile page makes a parser raise fails this article alone
        if failures.of_storage(error):
            raise
        log.exception("cannot read %s", response.url)
        broken = MarkupChanged(f"unexpected {type(error).__name__}: {error}")
        raise failures.located(broken, response) from error


def article_of(page: ArticlePage, frame: TextResponse | None) -> Article:
    """The article as printed; ``frame``: the document of the iframe that holds the text.

    Raises CrawlError where there is none.
    """
    article = page.article(frame)
    if said := blocking.notice(unescape(_TAG.sub("", article.body_html))):
        raise said
    return article


def _is_notice(article: Article, listed_title: str) -> bool:
    """Whether the page is a notice in the site's own frame, whatever its words.

    An article may be short, or undated where an include of the site failed, or renamed since it was listed; one that is
    all of this at once proves nothing of itself.
    """
    given = (any(article.printed.get(name, {}).values()) for name in ("published_at", "byline", "source"))
    if article.attachments or any(given):
        return False
    text = _words(unescape(_TAG.sub("", article.body_html)))
    if len(text) > NOTICE:
        return False
    listed, printed = _words(listed_title), _words("".join(article.printed.get("title", {}).values())) + text
    pairs = [listed[at : at + 2] for at in range(max(len(listed) - 1, 1))]
    return sum(pair in printed for pair in pairs) < KEPT * len(pairs)


def _words(text: str) -> str:
    return _NOT_IN_WORDS.sub("", unicodedata.normalize("NFKC", text))


def place(article: Article, response: TextResponse, site_id: str, column: Column) -> None:
    """Note where the article belongs and which response it was read from."""
    article.site_id, article.column_id, article.column_name = site_id, column.id, column.name
    article.capture_id, article.fetched_at = response.meta["capture_id"], response.meta["fetched_at"]


def note_listing(article: Article, listed_url: str, title: str, date: str | None) -> None:
    """Note what the column's listing says of the article. Raises MarkupChanged where the page is no article at all."""
    if title and _is_notice(article, title):
        raise MarkupChanged(f"a line or two without date and author, and nothing of the listed title {title[:40]!r}")
    article.listed_url = listed_url
    for name, value in (("title", title), ("published_at", date)):
        if value:
            article.printed.setdefault(name, {})["listing"] = value
