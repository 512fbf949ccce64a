"""One pace for a host, however many processes crawl it: each request takes the host's next turn.

Scrapy's delay holds within a process. Runs of different columns share ARCHIVE_DIR, and in it a file for each host
that says when its next request may leave. A request sleeps until then and takes the turn as it leaves, so nobody holds
a lock while waiting, and a process that is killed leaves nothing behind but one delay. When its answer is there the
delay begins anew: only then is it sure that the host has seen the request, however long that was on its way.
"""

import asyncio
import fcntl
import hashlib
import logging
import os
import struct
import time
from pathlib import Path

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.utils.httpobj import urlparse_cached

from crawler.downloads import Downloads
from crawler.pace import QuietHours

log = logging.getLogger(__name__)

FURTHEST = 3600.0
"""Seconds; a turn further ahead is no queue but a clock that was set back."""
_MOMENT = struct.Struct("<d")  # seconds since the epoch: the one clock all processes share


class TurnTaking(Downloads):
    """Our handler, next to the network: the request leaves when it is the host's turn."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._folder = Path(crawler.settings["ARCHIVE_DIR"]) / "locks"
        self._quiet = QuietHours(crawler.settings)
        self._warned = False

    async def download_request(self, request: Request) -> Response:
        await self._quiet.over()  # asked here, where requests leave: those that stood in line wait too
        if not (delay := self._delay(request)):
            return await super().download_request(request)
        host = urlparse_cached(request).hostname or ""
        try:
            await take(self._folder, host, delay)
            while await self._quiet.over():
                await take(self._folder, host, delay)
        except OSError as error:  # then the delay within this process is all there is
            if not self._warned:
                log.warning("other processes' requests are not waited for: %s", error)
            self._warned = True
            return await super().download_request(request)
        try:
            return await super().download_request(request)
        finally:
            renew(self._folder, host, delay)

    def _delay(self, request: Request) -> float:
        """Seconds between two requests to the host as things are: Crawl-delay and slow-downs included."""
        assert self._crawler.engine
        slot = self._crawler.engine.downloader.slots.get(request.meta.get("download_slot", ""))
        return float(slot.delay) if slot else self._crawler.settings.getfloat("DOWNLOAD_DELAY")


async def take(folder: Path, host: str, delay: float) -> None:
    """Wait for the host's next turn and take it: the one after it comes no sooner than ``delay`` seconds from then.

    Raises OSError.
    """
    file = _open(folder, host)
    try:
        while (pause := _try(file, delay)) > 0:
            await asyncio.sleep(pause)
    finally:
        os.close(file)


def renew(folder: Path, host: str, delay: float) -> None:
    """The host has answered: its next turn comes no sooner than ``delay`` seconds from now."""
    try:
        file = _open(folder, host)
    except OSError:  # take() has warned or will
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX)  # held for microseconds
        turn = time.time() + delay
        kept = _read(file)
        if kept is None or not turn < kept < turn + FURTHEST:
            os.pwrite(file, _MOMENT.pack(turn), 0)
    finally:
        os.close(file)


def _open(folder: Path, host: str) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(host.lower().encode()).hexdigest()[:16]  # a host's name is no file name
    return os.open(folder / f"host-{name}.turn", os.O_RDWR | os.O_CREAT, 0o644)


def _read(file: int) -> float | None:
    kept = os.pread(file, _MOMENT.size, 0)
    return float(_MOMENT.unpack(kept)[0]) if len(kept) == _MOMENT.size else None


def _try(file: int, delay: float) -> float:
    """Take the turn if it has come; returns the seconds to wait before trying again, 0 where it was taken."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0.005
    try:
        now = time.time()
        turn = _read(file) or now
        if now < turn < now + FURTHEST:
            return turn - now
        os.pwrite(file, _MOMENT.pack(now + delay), 0)
        return 0
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
