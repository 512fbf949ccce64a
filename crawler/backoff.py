"""Retries with growing pauses; Retry-After pauses the whole host."""

import asyncio
import time
from email.utils import parsedate_to_datetime
from typing import Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.retry import RetryMiddleware, get_retry_request
from scrapy.http import Response
from scrapy.utils.httpobj import urlparse_cached
from scrapy.utils.response import response_status_message

from crawler.failures import words

LONGEST = 600.0
"""Seconds; a host that asks for a longer pause is given up for this run."""


class BackOff(RetryMiddleware):
    """Scrapy's choice of what to retry, but each attempt waits: ARCHIVE_RETRY_DELAY · 1, 2, 4, …"""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler.settings)
        self.crawler = crawler
        self._base = float(crawler.settings["ARCHIVE_RETRY_DELAY"])
        self._paused_until: dict[str, float] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        pause = self._paused_until.get(urlparse_cached(request).netloc, 0) - time.monotonic()
        if pause > 0:
            await asyncio.sleep(pause)

    async def process_response(self, request: Request, response: Response) -> Request | Response:  # type: ignore[override]
        if response.status not in self.retry_http_codes:
            return response
        asked = retry_after(response)
        if asked > LONGEST:
            return response
        if asked:
            netloc = urlparse_cached(request).netloc
            self._paused_until[netloc] = max(self._paused_until.get(netloc, 0), time.monotonic() + asked)
        return await self._again(request, response_status_message(response.status)) or response

    async def process_exception(self, request: Request, exception: Exception) -> Request | None:  # type: ignore[override]
        if not isinstance(exception, self.exceptions_to_retry) or hasattr(exception, "exit_code"):
            return None
        exception.attempts = request.meta.get("retry_times", 0) + 1
        return await self._again(request, words(exception))

    async def _again(self, request: Request, reason: str) -> Request | None:
        assert self.crawler.spider
        retry = get_retry_request(request, spider=self.crawler.spider, reason=reason, give_up_log_level="INFO")
        if retry is not None:
            await asyncio.sleep(self._base * 2 ** (retry.meta["retry_times"] - 1))
        return retry


def retry_after(response: Response) -> float:
    """Seconds the server asks to wait, in either form of the header; 0 where it asks for none."""
    value = (response.headers.get("Retry-After") or b"").decode("latin-1").strip()
    if value.isdecimal():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):  # a year 99999, seconds without end
        return 0.0
