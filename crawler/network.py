"""One address, one answer: requests through Scrapy's downloader, every kind of no-answer named."""

from typing import Any, cast

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response, TextResponse

from crawler import blocking, failures
from crawler.exceptions import MarkupChanged, Settled, Unavailable
from crawler.pages.encoding import of_text
from crawler.urls import Addresses

MOST_HOPS = 5
"""Redirects written in script that are followed from one address."""


class Network:
    """Fetches for one crawl; robots.txt, delays, retries and evidence are the downloader middlewares'."""

    def __init__(self, crawler: Crawler, addresses: Addresses) -> None:
        self._crawler = crawler
        self._addresses = addresses
        self._page_maxsize = crawler.settings.getint("ARCHIVE_PAGE_MAXSIZE")

    async def fetch(
        self,
        url: str,
        role: str,
        *,
        context: dict[str, str],
        referer: str | None = None,
        etag: str | None = None,
        last_modified: str | None = None,
    ) -> TextResponse:
        """The content behind an address, redirects followed, also those written in script.

        With etag or last_modified the request is conditional and the answer may be a 304. Raises CrawlError:
        whatever is no content has a name.
        """
        given = {"Referer": referer, "If-None-Match": etag, "If-Modified-Since": last_modified}
        headers = {name: value for name, value in given.items() if value}
        asked = url
        for _ in range(MOST_HOPS + 1):
            meta: dict[str, Any] = {"role": role, "context": context}
            if role != "file":
                meta["download_maxsize"] = self._page_maxsize
            response = await self._download(Request(url, headers=headers, meta=meta))
            if response.status == 304 and (etag or last_modified):
                return cast(TextResponse, response)
            if refusal := blocking.refusal(response, self._addresses, asked):
                raise failures.located(refusal, response)
            if role == "file":
                return cast(TextResponse, response)
            if not isinstance(response, TextResponse):
                raise failures.located(MarkupChanged(f"no page but {type(response).__name__}"), response)
            response = of_text(response)
            target = blocking.script_redirect(response)
            if target is None:
                return response
            resolved = self._addresses.resolve(target, response.url)
            if resolved is None:
                raise failures.located(MarkupChanged(f"redirects by script to {target!r}"), response)
            if not self._addresses.is_own(resolved):
                raise Settled("external", f"redirects by script to {resolved}")
            url = resolved
        raise Unavailable(f"redirect loop at {url}")

    async def _download(self, request: Request) -> Response:
        assert self._crawler.engine
        try:
            return await self._crawler.engine.download_async(request)
        except Exception as error:
            if (named := failures.named(error)) is None:
                raise
            raise named from error
