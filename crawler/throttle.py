"""AutoThrottle that slows down on errors too, and never goes below a Crawl-delay."""

from typing import Any

from scrapy import Request, Spider
from scrapy.core.downloader import Slot
from scrapy.extensions.throttle import AutoThrottle
from scrapy.http import Response

from crawler.blocking import BLOCKED_STATUS

MOST_FOR_ERRORS = 4
"""Times DOWNLOAD_DELAY that errors alone slow down to; who goes on failing is left alone, see patience.py."""


class Throttle(AutoThrottle):
    """Scrapy's own follows the latency and lets errors pass."""

    def _adjust_delay(self, slot: Slot, latency: float, response: Response) -> None:
        super()._adjust_delay(slot, latency, response)
        if response.status >= 500 or response.status in BLOCKED_STATUS:
            slower = 2 * max(slot.delay, self.mindelay)
            slot.delay = max(slot.delay, min(slower, MOST_FOR_ERRORS * self.mindelay, self.maxdelay))

    def _response_downloaded(self, response: Response, request: Request, spider: Spider) -> None:
        super()._response_downloaded(response, request, spider)
        key, slot = self._get_slot(request, spider)
        if slot is not None:
            slot.delay = max(slot.delay, least_delay(self.crawler.engine, key))


def least_delay(engine: Any, key: str | None) -> float:
    """Seconds that the host's robots.txt asks for between requests; 0 where it asks for none."""
    return float(engine.downloader.per_slot_settings.get(key, {}).get("delay", 0))


def keep_delay(engine: Any, key: str, delay: float) -> None:
    """From now on at least so many seconds lie between requests to the host."""
    engine.downloader.per_slot_settings.setdefault(key, {})["delay"] = max(delay, engine.downloader._delay)
    if (slot := engine.downloader.slots.get(key)) is not None:
        slot.delay = max(slot.delay, delay)
