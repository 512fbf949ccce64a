"""`scrapy crawl replay`: extracts again from kept evidence, without the network.

Every version in the archive is read again from the capture it cites, on all cores, and replaced where all of its
column was read and no required field drops below its floor (crawler/floors.py). Where the database was lost, it is
rebuilt from the WARC files: listings and articles in the order they came in.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from scrapy.http import TextResponse

from crawler import blocking, failures, floors, rereading
from crawler.archive import Kept, OpenRun
from crawler.exceptions import CrawlError, Gone, MarkupChanged, Unavailable
from crawler.items import Article
from crawler.pages.base import ListingPage
from crawler.processes import Workers, open_workers
from crawler.rebuilding import Rebuild
from crawler.report import Report
from crawler.site import Column, Site
from crawler.spiders.columns import ColumnsSpider
from exports.warc import Record, WarcDamage, read_record

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
    """reread; failed: the templates do not take the page; damaged: its evidence cannot be read.
    Of a response observed anew: a name of the ledger, or followed: it sends its reader on to another response."""
    reason: str | None = None
    how: str = ""
    """Of what is gone: how that was said; see crawler.exceptions.Gone."""
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
    rebuilds = True
    custom_settings = {  # noqa: RUF012  (Scrapy's own class attribute)
        "DOWNLOAD_HANDLERS": dict.fromkeys(("http", "https", "data", "file", "ftp", "s3")),
    }

    async def _columns(self) -> AsyncIterator[Article]:
        """Read all columns again, or make them anew. Nothing is handed to the pipelines: the readers ran them."""
        settings = self.crawler.settings
        self._reader = rereading.Reader(settings.copy_to_dict(), self.order.site)
        runs: dict[str, int] = {}
        for column in self.order.columns:
            about = {"site_id": self.order.site.id, "column_id": column.id, "column_name": column.name}
            runs[column.id] = await self.archive.start_run(spider=self.name, base_url="", arguments={}, **about)
            self.reports.append(Report(column.id, column.name))
        names = {column.id: column.name for column in self.order.site.columns}
        lost, damages = await self.archive.rebuilding.begin(next(iter(runs.values())), names)
        if lost:
            # whatever was asked for: what two columns list has its versions from the runs of both
            for column_id in sorted({run.column_id for run in lost} - runs.keys()):
                about = {"site_id": self.order.site.id, "column_id": column_id, "column_name": names[column_id]}
                runs[column_id] = await self.archive.start_run(spider=self.name, base_url="", arguments={}, **about)
                self.reports.append(Report(column_id, names[column_id]))
            await self._rebuild(runs, lost, damages)
        else:
            for column, report in zip(self.order.columns, self.reports, strict=True):
                self.run_id, self.report = runs[column.id], report
                await self._reread(column, rereading.fingerprint(settings))
                report.counts = await self._judge(column)
                await self._finish(report, ledger=report.counts)
        return
        yield  # a generator all the same

    async def _finish(self, report: Report, **outcome: Any) -> None:
        await self.archive.finish_run(self.run_id, exit_code=report.exit_code(), reason=report.reason(), **outcome)
        report.finished = True

    @contextmanager
    def _workers(self, amount: int) -> Iterator[Workers]:
        """Processes for reading so many responses."""
        settings = self.crawler.settings
        arguments = (settings.copy_to_dict(), self.order.site, self.archive.replaying.directory)
        with open_workers(settings.getint("ARCHIVE_PROCESSES"), amount // (10 * CHUNK), _begin, arguments) as workers:
            self._pool = workers
            yield workers

    # --- the database is there: read its versions again ---------------------------------------------------

    async def _reread(self, column: Column, reader: str) -> None:
        """Read the column's versions again on all cores; what was read is kept aside."""
        self.report.listed = total = await self.archive.replaying.prepare(self.run_id, column.id, reader)
        with self._workers(total) as workers:
            tasks: set[asyncio.Task[None]] = set()
            after = (0, 0)
            while batch := await self.archive.replaying.versions(self.run_id, column.id, after):
                after = (batch[-1].article_id, batch[-1].version)
                for start in range(0, len(batch), CHUNK):
                    tasks.add(asyncio.create_task(self._read(column, reader, batch[start : start + CHUNK])))
                while len(tasks) > 3 * workers.count:
                    done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
            await asyncio.gather(*tasks)

    async def _read(self, column: Column, reader: str, chunk: list[Kept]) -> None:
        found = await self._with_parts(chunk)
        for each in found:
            if each.article is None:
                log.error("version %d of article %d stays as it was: %s", each.version, each.article_id, each.reason)
        await self.archive.replaying.note(self.run_id, column.id, reader, found)
        self.report.settled += len(found)

    async def _with_parts(self, chunk: Sequence[Kept]) -> list[Reread]:
        """Each response read; again with one more part, until none is wanted."""
        found = []
        for each in await self._pool.run(_read_again, [(kept, {}) for kept in chunk], _ended):
            while isinstance(each, Wanted):
                kept = each.kept
                self._locate(kept.base_url)
                try:
                    part = await self.kept(each.url, kept.capture_id)
                except CrawlError as error:
                    each = Reread(kept.article_id, kept.version, None, "failed", str(error))
                else:
                    task = kept, each.beside | {each.url: part}
                    (each,) = await self._pool.run(_read_again, [task], _ended)
            found.append(each)
        return found

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

    # --- the database was lost: observe the evidence anew -------------------------------------------------

    async def _rebuild(self, runs: dict[str, int], lost: Sequence[OpenRun], damages: list[str]) -> None:
        self.run_id = next(iter(runs.values()))
        rebuild = Rebuild(self, lost)
        with self._workers(sum(run.responses for run in lost)):
            await rebuild.run()
        for number, report in enumerate(self.reports):
            column_id, name = report.column_id, report.column_name
            self.run_id = runs[column_id]
            events, missed = await self.archive.rebuilding.summary(self.run_id, column_id)
            if column_id in rebuild.reports:
                self.reports[number] = report = rebuild.reports[column_id]
                report.column_name = name
            else:  # a rebuilding that was killed had finished it
                report.listed = events.total()
                report.counts = {"unchanged": report.listed}
            said = ", ".join(f"{count} {event}" for event, count in events.items()) or "none"
            report.notes.append(f"Rebuilt from the evidence of {rebuild.counts[column_id]} runs; versions: {said}")
            report.problems += damages
            if missed:
                for line in missed:
                    log.error("%s: not in the evidence: %s", column_id, line)
                report.problems.append(
                    f"{len(missed)} versions of the lost database are not in the evidence: {missed[0]}"
                )
            await self._finish(report)

    async def again(self, chunk: Sequence[Kept]) -> list[Reread]:
        """Each response read, on all cores."""
        parts = [chunk[start : start + CHUNK] for start in range(0, len(chunk), CHUNK)]
        return [each for found in await asyncio.gather(*map(self._with_parts, parts)) for each in found]

    def listing(self, response: TextResponse, home: str, shell: ListingPage | None) -> ListingPage:
        """The listing page; a reply of a shell's API is read by the shell. Raises MarkupChanged."""
        self._locate(home)
        try:
            return self.template.listing(response, self.addresses)
        except MarkupChanged:
            if shell is None:
                raise
            return shell.read(response)

    # --- evidence instead of the network ------------------------------------------------------------------

    async def kept(self, url: str, near: int | None = None, until: datetime | None = None) -> Kept:
        """The kept answer to an address, kept redirects followed. Raises what a kept refusal says, else Gone."""
        for _hop in range(6):
            kept = await self.archive.replaying.captured(self.run_id, url, near, until)
            if kept is None:
                raise await self._refusal(url, until)
            response = self.response(kept)
            location = (response.headers.get("Location") or b"").decode("latin-1")
            target = self.addresses.resolve(location, url) if response.status != 200 else None
            if target is None:
                return kept
            url = target
        raise Unavailable(f"redirect loop at {url}")

    async def _refusal(self, url: str, until: datetime | None) -> CrawlError:
        """Why nothing was kept of an address: what its last answer said, or that there was none."""
        kept = await self.archive.replaying.captured(self.run_id, url, None, until, refused=True)
        if kept is None:
            return Gone(f"not in the evidence: {url}")
        response = self.response(kept)
        error = blocking.refusal(response, self.addresses, url)
        return failures.located(error or Unavailable(f"HTTP {response.status}"), response)

    def response(self, kept: Kept) -> TextResponse:
        """The response, decoded. Raises CrawlError where it cannot be read."""
        return _response(self._reader, self.archive.replaying.directory, kept)

    def context(self, kept: Kept) -> dict[str, str]:
        """What the crawl knew of the capture. Raises Unavailable where its record cannot be read."""
        return _record(self.archive.replaying.directory, kept).context

    def _locate(self, home: str) -> None:
        self.addresses = self._reader.addresses(home)


# --- in the processes that read -------------------------------------------------------------------------------

_worker: tuple[rereading.Reader, Site, Path]


def _begin(settings: dict[str, Any], site: Site, directory: Path) -> None:
    global _worker
    _worker = rereading.Reader(settings, site), site, directory


def _read_again(task: tuple[Kept, dict[str, Kept]]) -> Reread | Wanted:
    kept, beside = task
    reader, site, directory = _worker
    known = kept.version > 0
    try:
        response = _response(reader, directory, kept)
        if not known:
            reader.check(kept, response)
        documents = {url: _response(reader, directory, part) for url, part in beside.items()}
        article = reader.article(kept, site.column(kept.column_id), response, documents)
        return Reread(kept.article_id, kept.version, article)
    except rereading.Wanted as wanted:
        return Wanted(kept, beside, wanted.url)
    except CrawlError as error:
        outcome = failures.outcome(error)
        if known:  # that it was an article is certain: it is the templates or the evidence
            outcome = "damaged" if isinstance(error, Unavailable) else "failed"
        return Reread(kept.article_id, kept.version, None, outcome, str(error), getattr(error, "how", ""))


def _ended(task: tuple[Kept, dict[str, Kept]], reason: str) -> Reread | Wanted:
    """The page was too much for the process that read it."""
    kept, _ = task
    log.error("%s (capture %d): %s", kept.url, kept.capture_id, reason)
    return Reread(kept.article_id, kept.version, None, "failed", reason)


def _response(reader: rereading.Reader, directory: Path, kept: Kept) -> TextResponse:
    record = _record(directory, kept)
    return reader.response(kept, rereading.Exchanged(record.status, record.headers, record.payload))


def _record(directory: Path, kept: Kept) -> Record:
    """Raises Unavailable where the evidence is damaged."""
    try:
        return read_record(directory / kept.warc_file, kept.warc_offset)
    except (OSError, WarcDamage) as error:
        raise Unavailable(f"evidence is damaged: {error}") from None
