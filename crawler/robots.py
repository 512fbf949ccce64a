"""robots.txt by RFC 9309: 4xx allows everything, 5xx and no answer allow nothing; Crawl-delay is kept."""

import logging
from typing import Any, Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.robotstxt import RobotParser
from scrapy.utils.httpobj import urlparse_cached

from crawler.exceptions import Unavailable


class Forbidden(IgnoreRequest):
    """robots.txt forbids the address. Raised here."""


class Robots(RobotsTxtMiddleware):
    """Scrapy's middleware with the RFC's reading of the status, and Crawl-delay."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        # its error with a traceback says no more than the outcome the ledger gets
        logging.getLogger(RobotsTxtMiddleware.__module__).setLevel(logging.CRITICAL)
        self._unavailable: dict[str, str] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:  # type: ignore[override]
        if request.meta.get("dont_obey_robotstxt"):
            return
        parser = await self.robot_parser(request)
        if why := self._unavailable.get(urlparse_cached(request).netloc):
            raise Unavailable(f"robots.txt {why}, so nothing may be fetched (RFC 9309)")
        agent = str(self._robotstxt_useragent or self._default_useragent)
        if parser is None:
            return
        if not parser.allowed(request.url, agent):
            raise Forbidden("robots.txt forbids it")
        self._keep_delay(request, parser, agent)

    async def _parse_robots(self, response: Response, netloc: str, request: Request) -> None:
        if response.status >= 500:
            self._unavailable[netloc] = f"answered HTTP {response.status}"
        body = response.body[: 500 * 1024].removeprefix(b"\xef\xbb\xbf") if response.status == 200 else b""
        await super()._parse_robots(response.replace(body=body), netloc, request)

    def _robots_error(self, exc: Exception, netloc: str) -> None:
        if not isinstance(exc, IgnoreRequest):
            self._unavailable[netloc] = f"could not be fetched ({exc})"
        super()._robots_error(exc, netloc)

    def _keep_delay(self, request: Request, parser: RobotParser, agent: str) -> None:
        rules: Any = getattr(parser, "rp", None)  # Protego, which alone knows Crawl-delay
        delay = rules.crawl_delay(agent) if rules is not None else None
        engine: Any = self.crawler.engine
        slot = engine.downloader.slots.get(urlparse_cached(request).hostname)
        if delay and slot is not None:
            slot.delay = max(slot.delay, float(delay))
