"""A crawl that is told to stop ends, also while items are in the pipelines."""

import asyncio
from typing import Self

from scrapy import signals
from scrapy.crawler import Crawler

_SOON = 0.05
"""Seconds after an item's signal by which Scrapy has counted it as done."""


class EndWithTheItems:
    """Scrapy 2.19 waits for the items of start() when it closes, but does not look again when the last one is done.

    A SIGTERM at such a moment would make it wait for ever.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        for signal in (signals.item_scraped, signals.item_dropped, signals.item_error):
            crawler.signals.connect(self._done, signal=signal)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way to build an extension."""
        return cls(crawler)

    def _done(self) -> None:
        asyncio.get_running_loop().call_later(_SOON, self._look)

    def _look(self) -> None:
        slot = self._crawler.engine.scraper.slot if self._crawler.engine else None
        if slot is not None and slot.closing is not None and not slot.closing.called and slot.is_idle():
            assert self._crawler.spider
            slot.closing.callback(self._crawler.spider)
