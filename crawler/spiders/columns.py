"""The one crawling spider: for each column walk the listing, then fetch what the archive lacks.

The work list is in the archive, not in memory: entries this run has listed and not yet settled. Running
again is therefore resuming, and a killed run loses nothing but time.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any, ClassVar, Self

from scrapy import Spider, signals
from scrapy.crawler import Crawler
from scrapy.http import TextResponse

from crawler import blocking, drift, failures, parts, reading
from crawler.archive import Archive
from crawler.arguments import Order
from crawler.column_page import first_page
from crawler.exceptions import CrawlError, Gone, Settled
from crawler.files import Files
from crawler.items import Article, Held, Pending
from crawler.network import Network
from crawler.pages import TEMPLATES
from crawler.report import Report
from crawler.site import Column
from crawler.walk import Walk

log = logging.getLogger(__name__)


class ColumnsSpider(Spider):
    """Crawls the order's columns one after the other; `reports` holds what became of each."""

    name = "columns"
    only: ClassVar[str | None] = None
    """The column this spider is for; None: the argument `only` decides."""
    rebuilds: ClassVar[bool] = False
    """Whether it makes a lost database anew, and then all columns of the site."""

    def __init__(self, archive: Archive, order: Order, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.archive = archive
        self.order = order
        self.addresses = order.addresses
        self.template = TEMPLATES[order.site.template]
        self.report = Report()
        self.reports: list[Report] = []
        self.run_id = 0
        self._files = Files(self.fetch, archive, self._lose)
        self._in_pipelines = 0
        self._drained = asyncio.Condition()
        self._blocks = 0

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.item_done, signals.item_scraped)
        crawler.signals.connect(spider.item_refused, signals.item_dropped)
        crawler.signals.connect(spider.item_broken, signals.item_error)
        return spider

    async def start(self) -> AsyncIterator[Any]:
        try:
            async for article in self._columns():
                yield article
        except Exception as error:
            if not failures.of_storage(error):
                raise
            log.critical("the crawl ends here: %s", error)  # the command says so too, and exits 5

    async def _columns(self) -> AsyncIterator[Article]:
        for column in self.order.columns:
            async for article in self._column(column):
                yield article

    # --- one column -----------------------------------------------------------------------------------

    async def _column(self, column: Column) -> AsyncIterator[Article]:
        report = self.report = Report(column.id, column.name)
        self.reports.append(report)
        self._blocks = 0
        self.run_id = await self.archive.start_run(
            spider=self.name,
            site_id=self.order.site.id,
            column_id=column.id,
            column_name=column.name,
            base_url=self.addresses.home,
            arguments=self.order.arguments(),
        )
        enough = None if self.order.limit is None else self._enough_listed
        ahead = self.crawler.settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN")
        walk = Walk(self.fetch, self.archive, self.run_id, report, self.template, self.addresses, enough, ahead)
        try:
            await walk.run(await first_page(self.fetch, column, self.addresses))
        except CrawlError as error:
            report.error = error
            await self._lose(error.url or self.addresses.home, "listing", error)
        left = await self.archive.walked(self.run_id, walk.pages_read, complete=walk.complete)
        report.note_left(left)
        await self._plan()
        async for article in self._articles(column, self._listed()):
            yield article
        if walk.complete and self.order.since is None:
            absent = await self.archive.checking.absent(self.run_id, full=self.order.full, retry=self.order.retry)
            async for article in self._articles(column, self._unless_blocked(absent)):
                yield article
        controls = await self.archive.checking.controls(self.run_id)
        async for article in self._articles(column, self._unless_blocked(controls)):
            yield article
        report.problems += drift.lines(await self.archive.watching.judge(self.run_id), self.template)
        report.notes += await self.archive.checking.judge(self.run_id)
        report.counts = await self.archive.counts(self.run_id)
        report.noted = await self.archive.checking.noted(self.run_id)
        await self.archive.finish_run(
            self.run_id,
            exit_code=report.exit_code(),
            reason=report.reason(),
            declared=report.declared,
            requests=report.requests,
            bytes=report.bytes,
        )
        report.finished = True

    async def _plan(self) -> None:
        await self.archive.plan(self.run_id, since=self.order.since, full=self.order.full, retry=self.order.retry)

    async def _enough_listed(self) -> bool:
        await self._plan()
        pending = (await self.archive.counts(self.run_id)).get("pending", 0)
        return self.order.limit is not None and pending >= self.order.limit

    # --- articles -------------------------------------------------------------------------------------

    async def _articles(self, column: Column, work: AsyncIterator[Pending]) -> AsyncIterator[Article]:
        """Fetch and read these until all are stored, few at a time, politely two: a block spares the rest."""
        number = self.crawler.settings.getint
        at_once = min(4 * number("CONCURRENT_REQUESTS_PER_DOMAIN") - 2, number("CONCURRENT_REQUESTS"))
        most_items = number("CONCURRENT_ITEMS")
        exhausted = False
        tasks: set[asyncio.Task[Article | None]] = set()
        try:
            while True:
                while not exhausted and len(tasks) < at_once and self._in_pipelines < most_items:
                    entry = await anext(work, None)
                    if entry is None:
                        exhausted = True
                    else:
                        tasks.add(asyncio.create_task(self._article(column, entry)))
                if not tasks and exhausted:
                    break
                if not tasks:
                    async with self._drained:
                        await self._drained.wait_for(lambda: self._in_pipelines < most_items)
                    continue
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    tasks.remove(task)  # one by one: where one raises, the others are waited for below
                    if (article := task.result()) is not None:
                        self._in_pipelines += 1
                        yield article
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        async with self._drained:
            await self._drained.wait_for(lambda: not self._in_pipelines)

    async def _listed(self) -> AsyncIterator[Pending]:
        """The listed entries to fetch, from the archive's ledger, a few at a time."""
        after, left = -1, self.order.limit
        while left is None or left > 0:
            entries, after = await self.archive.pending(self.run_id, min(left or 50, 50), after)
            if not entries:
                return
            async for entry in self._unless_blocked(entries):
                yield entry
            left = None if left is None else left - len(entries)
        await self.archive.exclude_rest(self.run_id, after, f"beyond limit={self.order.limit}")

    async def _unless_blocked(self, entries: list[Pending]) -> AsyncIterator[Pending]:
        for entry in entries:
            if self._blocks >= blocking.IN_A_ROW:
                reason = "not asked: the site blocks this crawl"
                await self._fail(entry.url, "article", "blocked", reason, attempts=0)
            else:
                yield entry

    async def _article(self, column: Column, entry: Pending) -> Article | None:
        """Fetch and read one entry; whatever goes wrong becomes its outcome."""
        context = {"url": entry.url, "title": entry.listed_title, "date": entry.listed_date or ""}
        try:
            response = await self.fetch(
                entry.url, "article", context=context, etag=entry.etag, last_modified=entry.last_modified
            )
            if response.status == 304:
                if changed := await self._files.changed(entry.files):
                    await self.archive.refile(self.run_id, entry.url, changed)
                else:
                    await self.archive.unchanged(self.run_id, entry.url)
                self.report.settled += 1
                article = None
            else:
                listed = (entry.url, entry.listed_title, entry.listed_date)
                article = await self.read(response, column, *listed, held=entry.files)
            self._blocks = 0
            return article
        except Settled as settled:
            await self.archive.settle(self.run_id, entry.url, settled.outcome, str(settled))
            self.report.refused += settled.outcome == "excluded"
            self.report.settled += 1
        except Gone as error:
            log.warning("article %s: gone: %s", entry.url, error)
            await self.archive.checking.gone(
                self.run_id,
                entry.url,
                how=error.how,
                reason=str(error),
                attempts=error.attempts,
                capture_id=error.capture_id,
            )
            self.report.settled += 1
        except CrawlError as error:
            self._blocks += failures.outcome(error) == "blocked"
            await self._lose(entry.url, "article", error)
        return None

    async def read(
        self,
        response: TextResponse,
        column: Column,
        listed_url: str,
        title: str,
        date: str | None,
        *,
        held: Sequence[Held] = (),
    ) -> Article:
        """The article a response holds, its files fetched. Raises CrawlError where it holds none."""
        with reading.explained(response):
            page = self.template.article(response, self.addresses)
            article = await parts.gather(page, self.template, self.fetch)
            reading.place(article, response, self.order.site.id, column)
            reading.note_listing(article, listed_url, title, date)
        for file in (*article.attachments, *article.images):
            await self._files.fill(file, held)
        return article

    async def fetch(self, url: str, role: str, **details: Any) -> TextResponse:
        """The content behind an address; see Network.fetch."""
        about = {"site": self.order.site.id, "column": self.report.column_id, "home": self.addresses.home}
        details["context"] = about | details.get("context", {})
        try:
            return await Network(self.crawler, self.addresses).fetch(url, role, **details)
        except CrawlError as error:
            error.url = url
            raise

    async def hand_over(self, article: Article) -> None:
        """Called by the last pipeline."""
        try:
            await self.archive.store(self.run_id, article, since=self.order.since)
        except Exception as error:
            if not failures.of_storage(error):
                raise
            # the archive's next call fails too and ends start()

    async def _fail(
        self, url: str, kind: str, outcome: str, reason: str, *, attempts: int = 1, capture_id: int | None = None
    ) -> None:
        log.warning("%s %s: %s: %s", kind, url, outcome, reason)
        details = {"kind": kind, "outcome": outcome, "reason": reason}
        await self.archive.fail(self.run_id, url, attempts=attempts, capture_id=capture_id, **details)
        self.report.settled += kind == "article"

    async def _lose(self, url: str, kind: str, error: CrawlError) -> None:
        outcome = failures.outcome(error)
        await self._fail(url, kind, outcome, str(error), attempts=error.attempts, capture_id=error.capture_id)

    async def item_done(self, item: Article) -> None:
        self.report.settled += 1
        await self._leave()

    async def item_refused(self, item: Article, exception: Exception) -> None:
        """A pipeline refused the item: a half-empty page."""
        await self._lost(item, str(exception))

    async def item_broken(self, item: Article, failure: Any) -> None:
        """A pipeline raised: a defect met this page."""
        await self._lost(item, f"unexpected {type(failure.value).__name__}: {failure.value}")

    async def _lost(self, item: Article, reason: str) -> None:
        try:
            await self._fail(item.listed_url, "article", "failed", reason, capture_id=item.capture_id)
        finally:
            await self._leave()  # also where storage failed: the crawl waits for its items

    async def _leave(self) -> None:
        async with self._drained:
            self._in_pipelines -= 1
            self._drained.notify_all()
