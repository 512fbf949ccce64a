"""A lost database made anew: every kept response observed once more, in the order in which they came in.

What an answer does to the archive is decided where it always is: by the blocking rules, the templates, the pipelines,
and the rule of evidence for withdrawals at the end of each run.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from scrapy.http import TextResponse

from crawler import failures
from crawler.archive import Archive, Kept, OpenRun
from crawler.exceptions import CrawlError
from crawler.files import Files
from crawler.items import Article
from crawler.pages.base import ListingPage
from crawler.report import Report
from crawler.urls import Addresses

log = logging.getLogger(__name__)


class Found(Protocol):
    """What became of reading a response; see spiders/replay.py."""

    @property
    def article(self) -> Article | None: ...
    @property
    def outcome(self) -> str: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def how(self) -> str: ...


class Source(Protocol):
    """Where the evidence is read: the replay spider."""

    archive: Archive
    addresses: Addresses

    def context(self, kept: Kept) -> dict[str, str]:
        """What the crawl knew of the capture. Raises Unavailable."""

    def response(self, kept: Kept) -> TextResponse:
        """The response. Raises CrawlError."""

    def listing(self, response: TextResponse, home: str, shell: ListingPage | None) -> ListingPage:
        """The listing page. Raises CrawlError."""

    async def again(self, chunk: Sequence[Kept]) -> Sequence[Found]:
        """Each response read, on all cores."""

    async def kept(self, url: str, near: int | None = None, until: Any = None) -> Kept:
        """The kept answer to an address, redirects followed. Raises CrawlError, located where an answer says why."""


@dataclass(frozen=True)
class Trouble:
    """Why an entry of a run has no article."""

    outcome: str
    reason: str
    attempts: int
    """Answers that said so, one after the other."""
    capture_id: int
    at: datetime


@dataclass
class _Run:
    """A run while it is rebuilt."""

    run: OpenRun
    report: Report
    files: Files
    left: int
    shell: ListingPage | None = None
    troubles: dict[str, Trouble] = field(default_factory=dict)
    """By entry, where nothing better was answered."""


class Rebuild:
    """Rebuilds these runs of one site."""

    def __init__(self, source: Source, runs: Sequence[OpenRun]) -> None:
        self._source = source
        self._archive = source.archive
        self._runs = {run.id: self._start(run) for run in runs}
        self._writes: list[Awaitable[Any]] = []
        self.reports: dict[str, Report] = {}
        """Column -> what its last run amounts to."""
        self.counts: dict[str, int] = defaultdict(int)
        """Column -> its runs."""

    def _start(self, run: OpenRun) -> _Run:
        async def fetch(url: str, role: str, **_: Any) -> TextResponse:
            return self._source.response(await self._source.kept(url, until=run.ended_at))

        async def lost(url: str, kind: str, error: CrawlError) -> None:
            log.info("%s %s: %s", kind, url, error)
            outcome = failures.outcome(error) if error.capture_id else "failed"
            about: dict[str, Any] = {"outcome": outcome, "reason": str(error), "capture_id": error.capture_id}
            self._writes.append(self._archive.rebuilding.file_failed(run.id, url, run.ended_at, **about))

        return _Run(run, Report(run.column_id), Files(fetch, self._archive, lost), run.responses)

    async def run(self) -> None:
        """Observe everything, and end each run behind its last response."""
        for running in [running for running in self._runs.values() if not running.left]:
            await self._end(running)
        after = None
        while self._runs and (batch := await self._archive.rebuilding.observed(list(self._runs), after)):
            after = batch[-1][2].fetched_at, batch[-1][2].capture_id
            tasks = [(self._runs[run_id], status, self._known(run_id, *kept)) for run_id, status, *kept in batch]
            pages = [kept for _, status, kept in tasks if kept is not None and _is_page(status, kept)]
            answers = dict(zip((kept.capture_id for kept in pages), await self._source.again(pages), strict=True))
            for running, status, kept in tasks:
                if kept is not None and (found := answers.get(kept.capture_id)) is not None:
                    await self._take(running, kept, found)
                elif kept is not None and kept.role == "listing" and status == 200:
                    await self._list(running, kept)
                elif kept is not None and status == 304 and kept.listed_url:
                    await self._unchanged(running, kept)
                running.left -= 1
                if not running.left:
                    await self._end(running)
            await self._write()

    def _known(self, run_id: int, payload: Kept, own: Kept) -> Kept | None:
        """The payload with what its own record says of it; None where that cannot be read."""
        try:
            context = self._source.context(own)
        except CrawlError as error:
            log.error("capture %d: %s", own.capture_id, error)
            self._runs[run_id].report.problems.append(f"capture {own.capture_id}: {error}")
            return None
        about = {"listed_title": context.get("title", ""), "listed_date": context.get("date") or None}
        about |= {"column_id": self._runs[run_id].run.column_id, "base_url": context.get("home", "")}
        return replace(payload, listed_url=context.get("url", ""), **about)  # type: ignore[type-var]

    async def _take(self, running: _Run, kept: Kept, found: Found) -> None:
        rebuilding, run_id, url = self._archive.rebuilding, running.run.id, kept.listed_url
        if found.article is not None:
            running.troubles.pop(url, None)
            for file in (*found.article.attachments, *found.article.images):
                await running.files.fill(file, ())
            self._writes.append(rebuilding.store(run_id, found.article))
        elif found.outcome == "gone":
            self._writes.append(rebuilding.gone(run_id, url, found.how, found.reason or "", kept))
        elif found.outcome != "followed":  # behind it stands the answer
            log.info("%s: %s: %s", url, found.outcome, found.reason)
            before = running.troubles.get(url)
            attempts = 1 + (before.attempts if before else 0)
            reason = found.reason or ""
            running.troubles[url] = Trouble(found.outcome, reason, attempts, kept.capture_id, kept.fetched_at)

    async def _unchanged(self, running: _Run, kept: Kept) -> None:
        await self._write()  # its files are those of the article as it is now
        running.troubles.pop(kept.listed_url, None)
        held = await self._archive.rebuilding.held(running.run.id, kept.listed_url)
        files = await running.files.changed(held)
        unchanged = self._archive.rebuilding.unchanged(running.run.id, kept.listed_url, files, kept.fetched_at)
        self._writes.append(unchanged)

    async def _list(self, running: _Run, kept: Kept) -> None:
        try:
            page = self._source.listing(self._source.response(kept), kept.base_url, running.shell)
        except CrawlError as error:
            log.info("%s: %s", kept.url, error)
            return
        if page.is_shell or running.shell is None:
            running.shell = page
        unique = {entry.url: entry for entry in reversed(page.entries())}
        await self._write()
        entries = list(unique.values())[::-1]
        running.report.listed += await self._archive.listed(running.run.id, entries, running.report.listed)

    async def _end(self, running: _Run) -> None:
        await self._write()
        run, report = running.run, running.report
        lines, report.counts, report.noted = await self._archive.rebuilding.judge(run.id, running.troubles)
        report.listed = sum(report.counts.values())  # also what a rebuilding that was killed had listed
        for line in lines:
            log.info("%s, run %d: %s", run.column_id, run.id, line)
        about = {"exit_code": report.exit_code(), "reason": report.reason(), "finished_at": run.ended_at}
        await self._archive.rebuilding.close(run.id, **about)
        del self._runs[run.id]
        self.reports[run.column_id] = report
        self.counts[run.column_id] += 1

    async def _write(self) -> None:
        """What was found, in order: the archive takes it in the order in which it is handed over."""
        writes, self._writes = self._writes, []
        if writes:
            await asyncio.gather(*writes)


def _is_page(status: int, kept: Kept) -> bool:
    """Whether it is the answer to an entry, and not its further part or a 304."""
    return kept.role == "article" and bool(kept.listed_url) and status != 304
