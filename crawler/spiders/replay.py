"""`scrapy crawl replay`: extracts again from kept evidence, without the network.

Every version in the archive is read again from the capture it cites, and rewritten in place. Where the
database was lost, it is rebuilt from the WARC files: listings and articles in the order they came in.
"""

import logging
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

from scrapy import Request
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.http import Headers, Response, TextResponse
from scrapy.responsetypes import responsetypes

from crawler import failures
from crawler.archive import Kept
from crawler.exceptions import CrawlError, Gone, MarkupChanged, Unavailable
from crawler.items import Article, Attachment, Held
from crawler.pages.base import ListingPage
from crawler.report import Report
from crawler.site import Column
from crawler.spiders.columns import ColumnsSpider
from crawler.urls import Addresses
from exports.warc import Record, WarcDamage, read_record

log = logging.getLogger(__name__)


class ReplaySpider(ColumnsSpider):
    """Same templates, same pipelines; responses come out of the WARC files."""

    name = "replay"
    custom_settings = {  # noqa: RUF012  (Scrapy's own class attribute)
        "DOWNLOAD_HANDLERS": dict.fromkeys(("http", "https", "data", "file", "ftp", "s3")),
    }

    async def _column(self, column: Column) -> AsyncIterator[Article]:
        report = self.report = Report(column.id, column.name)
        self.reports.append(report)
        self._decompress = HttpCompressionMiddleware.from_crawler(self.crawler)
        self._targets: dict[int, tuple[int, int]] = {}
        self._changes: Counter[tuple[str, str]] = Counter()
        self._outcomes: Counter[str] = Counter()
        about = {"site_id": self.order.site.id, "column_id": column.id, "column_name": column.name}
        self.run_id = await self.archive.start_run(spider=self.name, base_url="", arguments={}, **about)
        total = await self.archive.replaying.prepare(self.run_id, column.id)
        self._rebuilding = total is None
        articles = self._rebuilt(column) if self._rebuilding else self._reread(column)
        report.listed = total or 0
        async for article in articles:
            self._in_pipelines += 1
            yield article
            async with self._drained:
                await self._drained.wait_for(lambda: self._in_pipelines < 64)
        async with self._drained:
            await self._drained.wait_for(lambda: not self._in_pipelines)
        await self.archive.replaying.finish(self.run_id)
        report.counts = await self.archive.counts(self.run_id) if self._rebuilding else dict(self._outcomes)
        report.notes = [f"{field} {how}: {count} versions" for (field, how), count in sorted(self._changes.items())]
        await self.archive.finish_run(self.run_id, exit_code=report.exit_code(), reason=report.reason())
        report.finished = True

    # --- the database is there: read its versions again ---------------------------------------------------

    async def _reread(self, column: Column) -> AsyncIterator[Article]:
        after = (0, 0)
        while batch := await self.archive.replaying.versions(self.run_id, column.id, after):
            for kept in batch:
                after = (kept.article_id, kept.version)
                self._locate(kept.base_url)
                try:
                    response, _ = self._response(kept)
                    article = await self.read(
                        response, column, kept.listed_url, kept.listed_title or "", kept.listed_date
                    )
                except CrawlError as error:
                    log.error("version %d of article %d stays as it was: %s", kept.version, kept.article_id, error)
                    self._outcomes["failed"] += 1
                    continue
                self._targets[id(article)] = after
                yield article

    async def hand_over(self, article: Article) -> None:
        if (target := self._targets.pop(id(article), None)) is None:
            await super().hand_over(article)
            return
        changes = await self.archive.replaying.rewrite(self.run_id, *target, article)
        self._changes.update(changes.items())
        self._outcomes["reread" if changes else "unchanged"] += 1

    async def _fail(self, url: str, kind: str, outcome: str, reason: str, **details: Any) -> None:
        """A page the templates of today do not take is no failure of the site: no dead letter."""
        log.error("%s %s: %s: %s", kind, url, outcome, reason)
        self._outcomes["failed"] += kind == "article"

    async def _fetch_file(self, file: Attachment, held: Sequence[Held]) -> None:
        """A version keeps the files it has; a lost database finds them in the evidence."""
        if self._rebuilding:
            await super()._fetch_file(file, held)

    # --- the database was lost: observe the evidence anew -------------------------------------------------

    async def _rebuilt(self, column: Column) -> AsyncIterator[Article]:
        after, shell = 0, None
        while batch := await self.archive.replaying.observed(self.run_id, after):
            for kept in batch:
                after = kept.capture_id
                response, context = self._response(kept)
                if context.get("column") != column.id:
                    continue
                self._locate(context["home"])
                try:
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
        return page if page.is_shell else shell

    # --- evidence instead of the network ------------------------------------------------------------------

    async def fetch(self, url: str, role: str, **_: Any) -> TextResponse:
        """The kept answer to an address, kept redirects followed. Raises Gone where none was kept."""
        for _hop in range(6):
            kept = await self.archive.replaying.captured(self.run_id, url)
            if kept is None:
                raise Gone(f"not in the evidence: {url}")
            response, _context = self._response(kept)
            location = (response.headers.get("Location") or b"").decode("latin-1")
            target = self.addresses.resolve(location, url) if response.status != 200 else None
            if target is None:
                return response
            url = target
        raise Unavailable(f"redirect loop at {url}")

    def _locate(self, home: str) -> None:
        site = self.order.site
        self.addresses = Addresses.of(site.home, site.file_hosts, home if home != site.home else None)

    def _response(self, kept: Kept) -> tuple[TextResponse, dict[str, str]]:
        """The kept response, decoded as the crawl decoded it, and what the crawl knew of it."""
        path = self.archive.replaying.directory / kept.warc_file
        try:
            record = read_record(path, kept.warc_offset)
        except (OSError, WarcDamage) as error:
            raise Unavailable(f"evidence is damaged: {error}") from None
        request = Request(kept.url, meta={"capture_id": kept.capture_id, "fetched_at": kept.fetched_at})
        response = HttpCompressionMiddleware.from_crawler(self.crawler).process_response(
            request, _raw(record, kept.url)
        )
        if not isinstance(response, Response):
            raise failures.located(MarkupChanged(f"no response at {kept.url}"), Response(kept.url, request=request))
        response.request = request
        return response, record.context  # type: ignore[return-value]


def _raw(record: Record, url: str) -> Response:
    headers = Headers()
    for name, value in record.headers:
        headers.appendlist(name, value)
    kind = responsetypes.from_args(headers=headers, url=url, body=record.payload)
    return kind(url, status=record.status, headers=headers, body=record.payload)
