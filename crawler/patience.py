"""A host that only refuses or fails is left alone: pauses that grow, then no more requests in this run."""

import asyncio
from collections import defaultdict
from typing import Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.utils.httpobj import urlparse_cached

from crawler.blocking import BLOCKED_STATUS
from crawler.exceptions import Blocked, Unavailable

UNMOVED = 10
"""So many bad answers in a row are taken without a pause; retries have their own."""
LONGEST = 60.0
"""Seconds of one pause."""


class Patience:
    """The circuit breaker of each host. Stands near the network, so that every attempt counts."""

    def __init__(self, crawler: Crawler) -> None:
        self._most = crawler.settings.getint("ARCHIVE_PATIENCE")
        self._step = float(crawler.settings["ARCHIVE_RETRY_DELAY"])
        self._bad: defaultdict[str, int] = defaultdict(int)
        self._refused: dict[str, bool] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Raises Blocked or Unavailable once the host's answers were bad ARCHIVE_PATIENCE times in a row."""
        host = urlparse_cached(request).netloc
        bad = self._bad[host]
        if bad >= self._most:
            if self._refused[host]:
                raise Blocked(f"not asked: {host} refused {bad} requests in a row")
            raise Unavailable(f"not asked: {host} gave no usable answer {bad} times in a row")
        if bad > UNMOVED:
            await asyncio.sleep(min(self._step * (bad - UNMOVED), LONGEST))

    def process_response(self, request: Request, response: Response) -> Response:
        refused = response.status in BLOCKED_STATUS
        self._count(request, bad=refused or response.status >= 500, refused=refused)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        if not hasattr(exception, "exit_code"):  # ours are no fault of the host's
            self._count(request, bad=True, refused=False)

    def _count(self, request: Request, *, bad: bool, refused: bool) -> None:
        host = urlparse_cached(request).netloc
        self._bad[host] = self._bad[host] + 1 if bad else 0
        self._refused[host] = refused
