"""`scrapy crawl replay`: extracts again from kept evidence, without the network.

Every version in the archive is read again from the capture it cites, on all cores, and replaced where all of its
column was read and no required field drops below its floor (crawler/floors.py). Where the database was lost, it is
rebuilt from the WARC files: listings and articles in the order they came in.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

from scrapy.http import TextResponse

from crawler import floors, parts, rereading
from crawler.archive import Kept
from crawler.exceptions import CrawlError, Gone, MarkupChanged, Unavailable
from crawler.items import Article, Attachment, Held
from crawler.pages.base import ListingPage
from crawler.processes import open_pool
from crawler.report import Report
from crawler.site import Column, Site
from crawler.spiders.columns import ColumnsSpider
from exports.warc import WarcDamage, read_record

log = logging.getLogger(__name__)

CHUNK = 10
"""Versions one process reads in one go."""


@dataclass(frozen=True)
class Reread:
    """What became of reading a version again."""

    article_id: int
    version: int
    article: Article | None = None
    outcome: str = "reread"
    """reread; failed: the templates do not take the page; damaged: its evidence cannot be read"""
    reason: str | None = None
    required: tuple[str, ...] = floors.REQUIRED


@dataclass(frozen=True)
class Wanted:
    """A further part of the article is needed too."""

    kept: Kept
    beside: "dict[str, Kept]"
    url: str


class ReplaySpider(ColumnsSpider):
    """Same templates, same pipelines; responses come out of the WARC files."""

    name = "replay"
    custom_settings = {  # noqa: RUF012  (Scrapy's own class attribute)
        "DOWNLOAD_HANDLERS": dict.fromkeys(("http", "https", "data", "file", "ftp", "s3")),
    }

    async def _column(self, column: Column) -> AsyncIterator[Article]:
        report = self.report = Report(column.id, column.name)
        self.reports.append(report)
        settings = self.crawler.settings
        self._reader = rereading.Reader(settings.copy_to_dict(), self.order.site)
        reader = rereading.fingerprint(settings)
        about = {"site_id": self.order.site.id, "column_id": column.id, "column_name": column.name}
        self.run_id = await self.archive.start_run(spider=self.name, base_url="", arguments={}, **about)
        total = await self.archive.replaying.prepare(self.run_id, column.id, reader)
        self._rebuilding = total is None
        outcome: dict[str, Any] = {}
        if total is None:
            async for article in self._rebuilt(column):
                self._in_pipelines += 1
                yield article
                async with self._drained:
                    await self._drained.wait_for(lambda: self._in_pipelines < 64)
            async with self._drained:
                await self._drained.wait_for(lambda: not self._in_pipelines)
            report.counts = await self.archive.counts(self.run_id)
        else:
            report.listed = total
            await self._reread(column, reader, total)
            report.counts = outcome["ledger"] = await self._judge(column)
        await self.archive.finish_run(self.run_id, exit_code=report.exit_code(), reason=report.reason(), **outcome)
        report.finished = True

    # --- the database is there: read its versions again ---------------------------------------------------

    async def _reread(self, column: Column, reader: str, total: int) -> None:
        """Read the column's versions again on all cores; what was read is kept aside."""
        arguments = (self.crawler.settings.copy_to_dict(), self.order.site, column, self.archive.replaying.directory)
        processes = self.crawler.settings.getint("ARCHIVE_PROCESSES")
        with open_pool(processes, total // (10 * CHUNK), _begin, arguments) as (pool, workers):
            tasks: set[asyncio.Task[None]] = set()
            after = (0, 0)
            while batch := await self.archive.replaying.versions(self.run_id, column.id, after):
                after = (batch[-1].article_id, batch[-1].version)
                for start in range(0, len(batch), CHUNK):
                    tasks.add(asyncio.create_task(self._read(pool, column, reader, batch[start : start + CHUNK])))
                while len(tasks) > 3 * workers:
                    done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
            await asyncio.gather(*tasks)

    async def _read(self, pool: Executor, column: Column, reader: str, chunk: list[Kept]) -> None:
        found: list[Reread] = []
        for each in await self._in(pool, [(kept, {}) for kept in chunk]):
            found.append(await self._with_parts(pool, each) if isinstance(each, Wanted) else each)
        for each in found:
            if each.article is None:
                log.error("version %d of article %d stays as it was: %s", each.version, each.article_id, each.reason)
        await self.archive.replaying.note(self.run_id, column.id, reader, found)
        self.report.settled += len(found)

    async def _in(self, pool: Executor, chunk: "list[tuple[Kept, dict[str, Kept]]]") -> "list[Reread | Wanted]":
        return await asyncio.get_running_loop().run_in_executor(pool, _work, chunk)

    async def _with_parts(self, pool: Executor, wanted: Reread | Wanted) -> Reread:
        """Read again with one more part, until none is wanted."""
        while isinstance(wanted, Wanted):
            kept = wanted.kept
            self._locate(kept.base_url)
            try:
                part = await self._kept(wanted.url, kept.capture_id)
            except CrawlError as error:
                return Reread(kept.article_id, kept.version, None, "failed", str(error))
            (wanted,) = await self._in(pool, [(kept, wanted.beside | {wanted.url: part})])
        return wanted

    async def _judge(self, column: Column) -> dict[str, int]:
        """Promote what was read, or say in the report why not; returns outcome -> versions."""
        replaying, report = self.archive.replaying, self.report
        judgement = await replaying.judged(self.run_id, column.id)
        report.notes = [f"{field} {how}: {count} versions" for (field, how), count in sorted(judgement.changes.items())]
        counts = dict(judgement.outcomes)
        if broken := floors.broken(judgement.filled, judgement.total):
            report.problems += [f"nothing was replaced: {line}" for line in broken]
            counts["refused"] = counts.pop("reread", 0)
        else:
            await replaying.promote(self.run_id, column.id)
        return {outcome: count for outcome, count in counts.items() if count}

    async def _fail(self, url: str, kind: str, outcome: str, reason: str, **details: Any) -> None:
        """A page the templates of today do not take is no failure of the site: no dead letter."""
        log.error("%s %s: %s: %s", kind, url, outcome, reason)

    # --- the database was lost: observe the evidence anew -------------------------------------------------

    async def _rebuilt(self, column: Column) -> AsyncIterator[Article]:
        after, shell = 0, None
        while batch := await self.archive.replaying.observed(self.run_id, after):
            for kept in batch:
                after = kept.capture_id
                try:
                    response, context = self._response(kept)
                    if context.get("column") != column.id:
                        continue
                    self._locate(context["home"])
                    if kept.role == "listing":
                        shell = await self._listing(response, shell)
                    elif "url" in context:
                        title, date = context["title"], context["date"] or None
                        yield await self.read(response, column, context["url"], title, date)
                except CrawlError as error:
                    log.info("%s: %s", kept.url, error)

    async def _listing(self, response: TextResponse, shell: ListingPage | None) -> ListingPage | None:
        """Record the entries of a listing page; returns the shell that later API replies belong to."""
        try:
            page = self.template.listing(response, self.addresses)
        except MarkupChanged:
            if shell is None:
                raise
            page = shell.read(response)
        unique = {entry.url: entry for entry in reversed(page.entries())}
        entries = list(unique.values())[::-1]
        self.report.listed += await self.archive.listed(self.run_id, entries, self.report.listed)
        return page if page.is_shell or shell is None else shell

    async def _fetch_file(self, file: Attachment, held: Sequence[Held]) -> None:
        if self._rebuilding:  # a version read again keeps the files it has
            await super()._fetch_file(file, held)

    # --- evidence instead of the network ------------------------------------------------------------------

    async def fetch(self, url: str, role: str, *, near: int | None = None, **_: Any) -> TextResponse:
        """The kept answer to an address, kept redirects followed. Raises Gone where none was kept."""
        response, _context = self._response(await self._kept(url, near))
        return response

    def fetch_beside(self, response: TextResponse) -> parts.Fetch:
        """The parts as they were when this response came in, not as they are today."""
        return partial(self.fetch, near=response.meta["capture_id"])

    async def _kept(self, url: str, near: int | None = None) -> Kept:
        for _hop in range(6):
            kept = await self.archive.replaying.captured(self.run_id, url, near)
            if kept is None:
                raise Gone(f"not in the evidence: {url}")
            response, _context = self._response(kept)
            location = (response.headers.get("Location") or b"").decode("latin-1")
            target = self.addresses.resolve(location, url) if response.status != 200 else None
            if target is None:
                return kept
            url = target
        raise Unavailable(f"redirect loop at {url}")

    def _locate(self, home: str) -> None:
        self.addresses = self._reader.addresses(home)

    def _response(self, kept: Kept) -> tuple[TextResponse, dict[str, str]]:
        return _response(self._reader, self.archive.replaying.directory, kept)


# --- in the processes that read -------------------------------------------------------------------------------

_worker: tuple[rereading.Reader, Column, Any]


def _begin(settings: dict[str, Any], site: Site, column: Column, directory: Any) -> None:
    global _worker
    _worker = rereading.Reader(settings, site), column, directory


def _work(chunk: list[tuple[Kept, dict[str, Kept]]]) -> list[Reread | Wanted]:
    return [_read_again(kept, beside) for kept, beside in chunk]


def _read_again(kept: Kept, beside: dict[str, Kept]) -> Reread | Wanted:
    reader, column, directory = _worker
    try:
        response, _ = _response(reader, directory, kept)
        documents = {url: _response(reader, directory, part)[0] for url, part in beside.items()}
        return Reread(kept.article_id, kept.version, reader.article(kept, column, response, documents))
    except rereading.Wanted as wanted:
        return Wanted(kept, beside, wanted.url)
    except CrawlError as error:
        outcome = "damaged" if isinstance(error, Unavailable) else "failed"
        return Reread(kept.article_id, kept.version, None, outcome, str(error))


def _response(reader: rereading.Reader, directory: Any, kept: Kept) -> tuple[TextResponse, dict[str, str]]:
    """The kept response, and what the crawl knew of it. Raises Unavailable where the evidence is damaged."""
    try:
        record = read_record(directory / kept.warc_file, kept.warc_offset)
    except (OSError, WarcDamage) as error:
        raise Unavailable(f"evidence is damaged: {error}") from None
    exchanged = rereading.Exchanged(record.status, record.headers, record.payload)
    return reader.response(kept, exchanged), record.context
