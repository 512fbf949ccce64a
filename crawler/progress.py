"""Progress: a bar on a terminal, a line a minute elsewhere (Scrapy's LogStats has no idea of the total).

What is left is known from the ledger: entries listed and not settled.
"""

import logging
import sys
import time
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.utils.asyncio import create_looping_call

from crawler import logformat

log = logging.getLogger(__name__)


class Progress:
    """Shows entries settled of entries listed."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._terminal = sys.stderr.isatty()
        self._started = time.monotonic()
        self._bar: Bar | None = None
        crawler.signals.connect(self._open, signals.spider_opened)
        crawler.signals.connect(self._close, signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    def _open(self) -> None:
        logformat.configure(self._crawler.settings)  # Scrapy has just installed its log handler anew
        if self._terminal:
            rate = TextColumn("{task.fields[rate]}")
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
            self._bar = Bar(*columns, console=Console(stderr=True))
            self._task = self._bar.add_task("…", total=None, rate="")
            self._bar.start()
            _follow_stderr()  # so that log lines appear above the bar
        self._loop = create_looping_call(self._tick)
        self._loop.start(0.2 if self._terminal else 60, now=False)

    def _tick(self) -> None:
        spider: Any = self._crawler.spider
        report = spider.report
        minutes = (time.monotonic() - self._started) / 60
        if self._bar is not None:
            self._bar.update(
                self._task,
                description=report.column_name,
                completed=report.settled,
                total=report.listed or None,
                rate=f"{report.settled / minutes:.0f}/min" if minutes else "",
            )
            return
        log.info(
            "%s: %d of %d settled, %d requests, %.0f a minute, %s left",
            *(report.column_name, report.settled, report.listed, report.requests, report.requests / minutes),
            remaining(report.listed - report.settled, report.settled / minutes),
        )

    def _close(self) -> None:
        if self._loop.running:
            self._loop.stop()
        if self._bar is not None:
            self._tick()
            self._bar.stop()
            _follow_stderr()


def remaining(entries: int, a_minute: float) -> str:
    """How long so many entries take at that rate, for people."""
    if not a_minute:
        return "unknown time"
    minutes = entries / a_minute
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"


def _follow_stderr() -> None:
    """Point the log at what sys.stderr is now: the bar replaces it while it is shown."""
    for handler in logging.getLogger().handlers:
        if type(handler) is logging.StreamHandler:
            handler.setStream(sys.stderr)
