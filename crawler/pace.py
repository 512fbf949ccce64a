"""When and how often hosts are asked: quiet hours, requests a day, and one knob that slows everything."""

import asyncio
import logging
import re
from collections import Counter
from datetime import datetime, time, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.settings import BaseSettings
from scrapy.utils.httpobj import urlparse_cached

from crawler.exceptions import BadUsage, Settled

log = logging.getLogger(__name__)

SHANGHAI = ZoneInfo("Asia/Shanghai")
RECOUNT = 50
"""So many requests after which the day's requests are counted anew: other processes spend of the same budget."""
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_SLOWED = {
    "DOWNLOAD_DELAY": 1,
    "AUTOTHROTTLE_START_DELAY": 1,
    "AUTOTHROTTLE_MAX_DELAY": 1,
    "AUTOTHROTTLE_TARGET_CONCURRENCY": -1,
    "ARCHIVE_RETRY_DELAY": 1,
}
"""Setting -> power of the factor."""

Span = tuple[time, time]


class QuietHours:
    """The hours in which no request leaves."""

    def __init__(self, settings: BaseSettings) -> None:
        self._spans = quiet_hours(settings["ARCHIVE_QUIET_HOURS"])
        self._said: datetime | None = None

    async def over(self) -> bool:
        """Wait until they are over; returns whether there was anything to wait for."""
        waited = False
        while (end := quiet_until(self._spans, datetime.now(SHANGHAI))) is not None:
            waited = True
            if end != self._said:
                log.info("quiet hours: no request before %s (Beijing time)", end.strftime("%H:%M"))
                self._said = end
            await asyncio.sleep(max(0.05, (end - datetime.now(SHANGHAI)).total_seconds()))
        return waited


class Budget:
    """Refuses a request where the host's day is spent."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._budget = daily_requests(crawler.settings["ARCHIVE_DAILY_REQUESTS"])
        self._asked: Counter[str] = Counter()
        self._day: dict[str, datetime] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Raises Settled where the host was asked ARCHIVE_DAILY_REQUESTS times today."""
        if self._budget is not None and "role" in request.meta:  # robots.txt is asked for in any case
            await self._spend(request)

    async def _spend(self, request: Request) -> None:
        parts = urlparse_cached(request)
        today = datetime.now(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
        new_day = self._day.get(parts.netloc) != today
        if new_day or self._asked[parts.netloc] % RECOUNT == 0:
            spider: Any = self._crawler.spider
            self._day[parts.netloc] = today
            known = await spider.archive.requests_since(parts.netloc, today)
            self._asked[parts.netloc] = known if new_day else max(known, self._asked[parts.netloc])
        if self._asked[parts.netloc] >= (self._budget or 0):
            raise Settled("excluded", f"not asked: {parts.netloc} had its {self._budget} requests of today")
        self._asked[parts.netloc] += 1


def quiet_hours(text: str | None) -> tuple[Span, ...]:
    """Spans like 08:00-18:00, separated by commas, over midnight too; none without text. Raises BadUsage."""
    spans = []
    for part in (text or "").split(","):
        if not part.strip():
            continue
        match = _SPAN.fullmatch(part.strip())
        if match is None or match[1] + match[2] == match[3] + match[4]:
            raise BadUsage(f"ARCHIVE_QUIET_HOURS {part.strip()!r} is not a span of Beijing time like 08:00-18:00")
        spans.append((time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))))
    return tuple(spans)


def quiet_until(spans: tuple[Span, ...], now: datetime) -> datetime | None:
    """The end of the quiet hours that ``now`` lies in; None outside of them."""
    for start, end in spans:
        for day in (now.date() - timedelta(days=1), now.date()):
            begins = datetime.combine(day, start, now.tzinfo)
            ends = datetime.combine(day if start < end else day + timedelta(days=1), end, now.tzinfo)
            if begins <= now < ends:
                return ends
    return None


def daily_requests(text: str | int | None) -> int | None:
    """Requests a host may get a day, over all runs; None: as many as the pace allows. Raises BadUsage."""
    if text in (None, ""):
        return None
    if str(text).isascii() and str(text).isdecimal() and int(text or 0) > 0:
        return int(text or 0)
    raise BadUsage(f"ARCHIVE_DAILY_REQUESTS {text!r} is not a number of requests of at least 1")


def slow_down(settings: BaseSettings) -> None:
    """Multiply every pause by ARCHIVE_SLOWDOWN. Raises BadUsage."""
    try:
        factor = float(settings["ARCHIVE_SLOWDOWN"])
    except (TypeError, ValueError):
        factor = 0.0
    if not 1 <= factor <= 1000:
        raise BadUsage(f"ARCHIVE_SLOWDOWN {settings['ARCHIVE_SLOWDOWN']!r} is not a factor between 1 and 1000")
    for name, power in _SLOWED.items():
        settings.set(name, float(settings[name]) * factor**power, "cmdline")
