"""robots.txt by RFC 9309: 4xx allows everything, 5xx and no answer allow nothing; Crawl-delay is kept.

A file holds for 24 hours, its first 500 KiB count, and it may be UTF-8 (with or without BOM) or GBK.
"""

import logging
import time
from typing import Self
from urllib.parse import quote

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.robotstxt import RobotParser
from scrapy.utils.httpobj import urlparse_cached

from crawler.backoff import LONGEST
from crawler.exceptions import Unavailable
from crawler.failures import words
from crawler.hosts import Forbidden, HostNotAllowed
from crawler.throttle import keep_delay

LIFETIME = 24 * 3600.0
"""Seconds after which a robots.txt is asked for again."""
MOST_BYTES = 500 * 1024


class Robots(RobotsTxtMiddleware):
    """Scrapy's middleware with the RFC's reading of the status, and Crawl-delay."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        # its error with a traceback says no more than the outcome the ledger gets
        logging.getLogger(RobotsTxtMiddleware.__module__).setLevel(logging.CRITICAL)
        self._unavailable: dict[str, str] = {}
        self._read_at: dict[str, float] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:  # type: ignore[override]
        if request.meta.get("dont_obey_robotstxt"):
            return
        netloc = urlparse_cached(request).netloc
        self._forget(netloc)
        parser = await self.robot_parser(request)
        if why := self._unavailable.get(netloc):
            raise Unavailable(f"robots.txt {why}, so nothing may be fetched (RFC 9309)")
        agent = str(self._robotstxt_useragent or self._default_useragent)
        if parser is None:
            return
        if not parser.allowed(request.url, agent):
            raise Forbidden("robots.txt forbids it")
        self._keep_delay(request, parser, agent)

    def _forget(self, netloc: str) -> None:
        now = time.monotonic()
        if now - self._read_at.get(netloc, now) > LIFETIME:
            for known in (self._parsers, self._unavailable, self._read_at):
                known.pop(netloc, None)
        self._read_at.setdefault(netloc, now)

    async def _parse_robots(self, response: Response, netloc: str, request: Request) -> None:
        if response.status >= 500:
            self._unavailable[netloc] = f"answered HTTP {response.status}"
        body = rules(response.body) if response.status == 200 else b""
        await super()._parse_robots(response.replace(body=body), netloc, request)

    def _robots_error(self, exc: Exception, netloc: str) -> None:
        if not isinstance(exc, IgnoreRequest) or isinstance(exc, HostNotAllowed):
            self._unavailable[netloc] = f"could not be fetched ({words(exc)})"
        super()._robots_error(exc, netloc)

    def _keep_delay(self, request: Request, parser: RobotParser, agent: str) -> None:
        delay = parser.crawl_delay(agent)
        if not delay or not delay > 0:
            return
        if delay > LONGEST:
            raise Unavailable(f"robots.txt asks for a Crawl-delay of {delay:g} s, more than {LONGEST:g} s")
        keep_delay(self.crawler.engine, urlparse_cached(request).hostname or "", delay)


def rules(body: bytes) -> bytes:
    """The first 500 KiB of a robots.txt, as UTF-8."""
    body = body[:MOST_BYTES].removeprefix(b"\xef\xbb\xbf")
    try:
        body.decode()
    except UnicodeDecodeError as error:
        if error.start >= MOST_BYTES - 4:
            return body[: error.start]  # a character cut in two by the limit
        # addresses spell a path in the site's own encoding or in UTF-8: both are meant
        lines = body.decode("gb18030", "replace").splitlines()
        forms = (
            form for line in lines for form in dict.fromkeys((line, quote(line, " :/*$?#=&%", "gb18030", "replace")))
        )
        return "\n".join(forms).encode()
    return body
