"""Reading kept responses again: template and pipelines as in a crawl, without network and without a database.

A replay does this in several processes at once, so everything here can be built from plain settings.
"""

import hashlib
import inspect
import sys
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem, IgnoreRequest
from scrapy.http import Headers, Response, TextResponse
from scrapy.responsetypes import responsetypes
from scrapy.settings import Settings
from scrapy.statscollectors import DummyStatsCollector
from scrapy.utils.conf import build_component_list
from scrapy.utils.misc import build_from_crawler, load_object

from crawler import blocking, failures, parts, reading
from crawler.archive import Kept
from crawler.compression import Compression, Undecodable
from crawler.exceptions import CrawlError, Gone, MarkupChanged, Settled
from crawler.items import Article
from crawler.pages import TEMPLATES
from crawler.site import Column, Site
from crawler.urls import Addresses

STORE = "pipelines.store.Store"
"""The one pipeline that hands on instead of changing the item."""


class Wanted(Exception):
    """A further part of the article (a page, an iframe's document) must be given too. Raised by Reader.article."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


@dataclass(frozen=True)
class Exchanged:
    """The HTTP side of a kept response."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    """As received, content-encoded where the server encoded it."""


class Reader:
    """Reads kept responses of one site again."""

    def __init__(self, settings: Mapping[str, Any], site: Site) -> None:
        crawler = Crawler(Spider, Settings(cast(Any, settings)))
        crawler.stats = DummyStatsCollector(crawler)
        self._decompress = Compression.from_crawler(crawler)
        self._pipelines = [build_from_crawler(load_object(name), crawler) for name in pipelines(crawler.settings)]
        self._template = TEMPLATES[site.template]
        self._site = site
        self._addresses: dict[str, Addresses] = {}

    def addresses(self, home: str) -> Addresses:
        """The site's addresses as a run knew them that found its home page there."""
        site = self._site
        if home not in self._addresses:
            self._addresses[home] = Addresses.of(
                site.home, site.file_hosts, home if home and home != site.home else None
            )
        return self._addresses[home]

    def response(self, kept: Kept, exchanged: Exchanged) -> TextResponse:
        """The kept response, decoded as the crawl decoded it. Raises MarkupChanged where it cannot be."""
        headers = Headers()
        for name, value in exchanged.headers:
            headers.appendlist(name, value)
        kind = responsetypes.from_args(headers=headers, url=kept.url, body=exchanged.body)
        raw = kind(kept.url, status=exchanged.status, headers=headers, body=exchanged.body)
        request = Request(kept.url, meta={"capture_id": kept.capture_id, "fetched_at": kept.fetched_at})
        try:
            response = self._decompress.process_response(request, raw)
        except (IgnoreRequest, Undecodable) as error:
            broken = MarkupChanged(f"{kept.url} cannot be decoded: {error}")
            raise failures.located(broken, Response(kept.url, request=request)) from None
        response.request = request  # type: ignore[union-attr]
        return response  # type: ignore[return-value]

    def check(self, kept: Kept, response: Response) -> None:
        """Whether a response nobody has read yet is a page to read. Raises CrawlError where a crawl would."""
        addresses = self.addresses(kept.base_url)
        if refusal := blocking.refusal(response, addresses, kept.listed_url):
            raise refusal
        if not isinstance(response, TextResponse):
            raise MarkupChanged(f"no page but {type(response).__name__}")
        if target := blocking.script_redirect(response):
            resolved = addresses.resolve(target, response.url)
            if resolved is None:
                raise MarkupChanged(f"redirects by script to {target!r}")
            outcome = "followed" if addresses.is_own(resolved) else "external"
            raise Settled(outcome, f"redirects by script to {resolved}")

    def article(
        self, kept: Kept, column: Column, response: TextResponse, beside: Mapping[str, TextResponse]
    ) -> Article:
        """The version's article, through all pipelines but the storing one. ``beside``: its further parts by address.

        Raises Wanted for a part that is not among them, and CrawlError where there is no article.
        """
        missing: list[str] = []

        async def fetch(url: str, role: str, /) -> TextResponse:
            if url not in beside:
                missing.append(url)
                raise Gone(f"not at hand: {url}")
            return beside[url]

        try:
            with reading.explained(response):
                page = self._template.article(response, self.addresses(kept.base_url))
                article = _result(parts.gather(page, self._template, fetch))
        except CrawlError:
            if missing:
                raise Wanted(missing[0]) from None
            raise
        with reading.explained(response):
            reading.place(article, response, self._site.id, column)
            reading.note_listing(article, kept.listed_url, kept.listed_title, kept.listed_date)
            for pipeline in self._pipelines:
                article = _processed(pipeline, article)
        article.blocks = []
        return article


def pipelines(settings: Settings) -> list[str]:
    """The classes of ITEM_PIPELINES that change the item, in their order."""
    listed = build_component_list(settings.getwithbase("ITEM_PIPELINES"))
    return [name for name in listed if name != STORE]


def fingerprint(settings: Settings) -> str:
    """SHA-256 over the program that reads: two replays of one fingerprint read the same."""
    names = pipelines(settings)
    modules = [__name__, *(load_object(name).__module__ for name in names)]
    folders = {Path(str(sys.modules[module].__file__)).parent for module in modules}
    digest = hashlib.sha256("\n".join(names).encode())
    for folder in sorted(folders):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def _result(coroutine: Coroutine[Any, Any, Article]) -> Article:
    """What the coroutine returns; it waits for nothing, so an event loop of its own would be a sixth of the work."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        return cast(Article, ended.value)
    coroutine.close()
    raise RuntimeError(f"{coroutine!r} waits for something: what is read again is all at hand")


def _processed(pipeline: Any, article: Article) -> Article:
    try:
        result = pipeline.process_item(article)
        return cast(Article, _result(result) if inspect.iscoroutine(result) else result)
    except DropItem as refused:
        raise MarkupChanged(str(refused)) from None
