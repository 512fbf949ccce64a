"""An article in several parts: an iframe that holds its text, further pages that go on with it.

Each part is fetched, kept as evidence of its own, and joined in order. A part that cannot be had fails the article
by name: half a text is never stored.
"""

import logging
from collections.abc import Awaitable
from typing import Protocol

from scrapy.http import TextResponse

from crawler import reading
from crawler.exceptions import Blocked, CrawlError, Incomplete, Unavailable
from crawler.items import Article, Part
from crawler.pages import Template
from crawler.pages.base import ArticlePage

log = logging.getLogger(__name__)


class Fetch(Protocol):
    """The spider's fetch()."""

    def __call__(self, url: str, role: str, /) -> Awaitable[TextResponse]: ...


async def gather(page: ArticlePage, template: Template, fetch: Fetch) -> Article:
    """The article that begins on the page, with all its parts. Raises CrawlError where one is missing."""
    article = await _read(page, fetch)
    texts = [article.body_html]
    wanted, number = page.parts(), 0
    while later := [known for known in sorted(wanted) if known > number]:
        number = later[0]
        about = f"part {wanted[number]} of {page.first}"
        response = await _fetch(wanted[number], about, fetch)
        try:
            further = template.article(response, page.addresses)
            further.first = page.first
            more = await _read(further, fetch)
        except CrawlError as error:
            raise _named(error, about) from error
        if more.body_html in texts:
            log.info("%s repeats an earlier one: the article ends before it", about)
            break
        texts.append(more.body_html)
        article.parts += [Part(wanted[number], "page", response.meta.get("capture_id")), *more.parts]
        _add_files(article, more)
        wanted |= further.parts()
    if len(texts) > 1:
        article.body_html = f"<div>{''.join(texts)}</div>"
    return article


async def _read(page: ArticlePage, fetch: Fetch) -> Article:
    frame = page.frame()
    if frame is None:
        return reading.article_of(page, None)
    response = await _fetch(frame, f"text of {page.response.url} in the iframe {frame}", fetch)
    article = reading.article_of(page, response)
    article.parts.append(Part(frame, "frame", response.meta.get("capture_id")))
    return article


async def _fetch(url: str, about: str, fetch: Fetch) -> TextResponse:
    try:
        return await fetch(url, "article")
    except CrawlError as error:
        raise _named(error, about) from error


def _named(error: CrawlError, about: str) -> CrawlError:
    """The same trouble, as the article's: a part that is gone does not make the article gone."""
    kind = next((kind for kind in (Blocked, Unavailable) if isinstance(error, kind)), Incomplete)
    named = kind(f"{about}: {error}")
    named.capture_id, named.attempts = error.capture_id, error.attempts
    return named


def _add_files(article: Article, more: Article) -> None:
    for files, further in ((article.attachments, more.attachments), (article.images, more.images)):
        known = {file.url for file in files}
        files += [file for file in further if file.url not in known]
