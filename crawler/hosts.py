"""Where requests may go: this site and its file hosts, for every hop, retry and attachment."""

from typing import Any, Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from crawler.exceptions import Unavailable


class HostNotAllowed(IgnoreRequest):
    """The address is on none of the site's hosts. Raised here, also for the target of a redirect."""


class Forbidden(IgnoreRequest):
    """robots.txt forbids the address. Raised in robots.py."""


class AllowedHosts:
    """Refuses every request to a host the site file (or base_url) does not name."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        spider: Any = self._crawler.spider
        if request.method not in ("GET", "HEAD"):
            raise HostNotAllowed(f"only GET and HEAD leave the crawler, not {request.method}")
        if not spider.addresses.may_fetch(request.url):
            raise HostNotAllowed(f"host not allowed: {request.url}")


class Redirects(RedirectMiddleware):
    """Scrapy's redirects; a Location that is no address is an error with a name."""

    def process_response(self, request: Request, response: Response, spider: Any = None) -> Request | Response:
        try:
            return super().process_response(request, response)
        except ValueError as error:
            target = (response.headers.get("Location") or b"").decode("latin-1")[:100]
            refusal = Unavailable(f"redirects to {target!r}, which is no address: {error}")
            refusal.capture_id = request.meta.get("capture_id")
            raise refusal from None
