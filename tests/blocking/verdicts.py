"""What the crawl makes of one answer: the same calls as Network.fetch, reading.py and the pipelines, in their order."""

from collections import Counter
from typing import Any

from scrapy import Request

from crawler import blocking, settings
from crawler.exceptions import CrawlError, Unavailable
from crawler.network import MOST_HOPS
from crawler.pages import TEMPLATES
from crawler.reading import article_of, explained, note_listing
from crawler.urls import Addresses
from pipelines.errors import Refused
from tests.blocking.corpus import Sample, articles, block_pages
from tests.reading import HOME, response_of

ADDRESSES = Addresses.of(HOME, ["images.mofcom.gov.cn"], None)


def verdict(sample: Sample) -> str:
    """archived, or the class of the error that names what the page is."""
    response = _response(sample, sample.url)
    try:
        for _ in range(MOST_HOPS + 1):
            if refusal := blocking.refusal(response, ADDRESSES, sample.url):
                raise refusal
            if (target := blocking.script_redirect(response)) is None:
                break
            response = _response(sample, ADDRESSES.resolve(target, response.url) or HOME)
        else:
            raise Unavailable("redirect loop")
        with explained(response):
            page = TEMPLATES["mofcom"].article(response, ADDRESSES)
            frame = page.frame()
            article = article_of(page, _response(sample, frame) if frame else None)
            note_listing(article, sample.url, sample.listed_title, None)
        for path in sorted(settings.ITEM_PIPELINES, key=settings.ITEM_PIPELINES.__getitem__):
            module, _, name = path.rpartition(".")
            if name != "Store":
                article = getattr(__import__(module, fromlist=[name]), name)().process_item(article)
    except (CrawlError, Refused) as error:
        return type(error).__name__
    return "archived"


def _response(sample: Sample, url: str) -> Any:
    """What the sample's site answers: the sample itself, unless it has more pages or the home page is asked for."""
    status, body, headers = sample.status, sample.body, sample.headers
    if sample.fetch and url != sample.url:
        reply = sample.fetch(url.removeprefix(HOME.rstrip("/")))
        status, body, headers = reply.status, reply.body, dict(reply.headers)
    response = response_of(body, url, headers)
    return response.replace(status=status, request=Request(url))


def matrix() -> dict[str, Counter[str]]:
    """label -> verdict -> pages."""
    found: dict[str, Counter[str]] = {}
    for sample in (*block_pages(), *articles()):
        found.setdefault(sample.label, Counter())[verdict(sample)] += 1
    return found
