"""The walk of a column's listing: every page, until the listing ends and is known to have stood still.

Listings drift: what is published or removed during the walk moves entries over page boundaries. So the
walk is checked against the declared total; where there is none, or the total does not show it, the listing is
walked again until two walks in a row agree: then all of it stood as read at the moment between them.
"""

import asyncio
import logging
from array import array
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol, TypeVar

from scrapy.http import TextResponse

from crawler import blocking, failures
from crawler.archive import Archive
from crawler.exceptions import Blocked, CrawlError, Gone, MarkupChanged, Unavailable
from crawler.items import Entry
from crawler.pages import Template
from crawler.pages.base import ListingPage
from crawler.report import Report
from crawler.urls import Addresses

T = TypeVar("T")
log = logging.getLogger(__name__)

MOST_PAGES = 5_000
"""A listing longer than this is endless by mistake or malice."""
MOST_WALKS = 4
"""How often a listing that changes under the walk is walked again."""
MOST_AHEAD = 3
"""So many pages at most are asked for beside the one that is waited for."""
MOST_LOST = 2
"""So many pages in a row without an answer end the walk."""


class Fetch(Protocol):
    """The spider's fetch()."""

    def __call__(self, url: str, role: str, *, referer: str | None = None) -> Awaitable[TextResponse]: ...


class Walk:
    """Walks one column and records its entries; what went wrong is in the report."""

    def __init__(
        self,
        fetch: Fetch,
        archive: Archive,
        run_id: int,
        report: Report,
        template: Template,
        addresses: Addresses,
        enough: Callable[[], Awaitable[bool]] | None,
        ahead: int = 1,
    ) -> None:
        """``enough`` tells whether the entries recorded so far will do; None: only all of them will.

        ``ahead``: how many requests the host takes at a time, and so many pages are asked for beside one.
        """
        self._fetch = fetch
        self._archive = archive
        self._run_id = run_id
        self._report = report
        self._template = template
        self._addresses = addresses
        self._enough = enough
        self._ahead = min(ahead, MOST_AHEAD)
        self._asked: dict[int, asyncio.Task[ListingPage]] = {}
        """Pages under way, by number."""
        self._recording: asyncio.Task[None] | None = None
        self._stopped_early = False
        self._unanswered: CrawlError | None = None
        """The first refusal or outage met."""
        self._read: dict[str, None] = {}
        self.complete = False
        """Whether the listing was walked to its end, every page of it was read, and it names something."""

    @property
    def pages_read(self) -> list[str]:
        """The addresses of the pages that were read, when they were last asked."""
        return list(self._read)

    async def run(self, first: TextResponse) -> None:
        """Walk from the column's first page. Raises CrawlError where that page is no listing."""
        page = _explained(first, lambda: self._template.listing(first, self._addresses))
        problems: list[str] = []
        before = None
        for attempt in range(1, MOST_WALKS + 1):
            try:
                seen, problems = await self._once(page, fresh=attempt > 1)
            finally:
                await self._settle()
            agreed = seen.order == before
            if self._stopped_early or await self._holds(seen, problems, agreed) or agreed:
                break
            before = seen.order
            del seen  # a long column's takes megabytes
            log.info("%s: walk %d of the listing is not certain, walking again", self._report.column_name, attempt)
        else:
            problems.append(f"the listing kept changing over {MOST_WALKS} walks")
        self.complete = not problems and not self._stopped_early and self._report.listed > 0
        self._report.problems += problems
        if not self._report.listed:
            self._report.error = self._unanswered  # nothing of the column could be had

    async def _once(self, page: ListingPage, *, fresh: bool) -> tuple["_Seen", list[str]]:
        """One walk, with page 1 asked again where `fresh`; returns what was seen and what went wrong."""
        seen = _Seen()
        problems: list[str] = []
        lost = 0  # pages in a row without an answer
        for number in range(1, MOST_PAGES + 1):
            try:
                known = number == 1 and not page.is_shell and not fresh
                sure = number if lost or self._enough is not None else seen.last_page or number
                listing = page if known else await self._page(page, number, sure)
                entries = _explained(listing.response, lambda: seen.add(listing))  # noqa: B023
            except CrawlError as error:
                if isinstance(error, Gone) and number > 1 and number > (seen.last_page or 0):
                    break  # past the end
                problems.append(await self._lose(page, number, error))
                lost += 1
            else:
                lost = 0
                self._read[page.address(number)] = None
                await self._recorded()
                self._recording = asyncio.create_task(self._record(entries))  # while the next page is asked for
                if self._enough is not None:
                    await self._recorded()
                    if await self._enough():
                        self._stopped_early = True
                        return seen, problems
                if not entries and number < (seen.last_page or 0):
                    problems.append(f"listing page {number} of {seen.last_page} names nothing new")
                    lost = 1
                elif not entries:
                    break
            if lost >= MOST_LOST or (page.tells_last_page and seen.last_page and number >= seen.last_page):
                break
        else:
            problems.append(f"the listing has more than {MOST_PAGES} pages")
            self._stopped_early = True  # another walk would not end either
        return seen, problems

    async def _holds(self, seen: "_Seen", problems: list[str], agreed: bool) -> bool:
        """Whether the walk is certain to have met every entry; ``agreed``: the walk before met the same."""
        self._report.declared = max(seen.declared, default=None)
        if seen.declared:
            return await self._total_holds(seen, problems, agreed)
        if seen.pages < 2 or agreed:  # one page is one moment
            return True
        return not problems and await self._archive.is_familiar(self._run_id, seen.first)

    async def _page(self, page: ListingPage, number: int, sure: int) -> ListingPage:
        """That page of the listing; the next ones, of those up to ``sure`` to be wanted, are asked for beside it."""
        for wanted in range(number, max(number, min(number + self._ahead, sure)) + 1):
            if wanted not in self._asked:
                self._asked[wanted] = asyncio.create_task(self._ask(page, wanted))
        return await self._asked.pop(number)

    async def _ask(self, page: ListingPage, number: int) -> ListingPage:
        response = await self._fetch(page.address(number), "listing", referer=page.response.url)
        return _explained(response, lambda: page.read(response))

    async def _record(self, entries: list[Entry]) -> None:
        new = await self._archive.listed(self._run_id, entries, self._report.listed)
        self._report.listed += new

    async def _recorded(self) -> None:
        """Wait until the entries of the page before are in the ledger."""
        if self._recording is not None:
            recording, self._recording = self._recording, None
            await recording

    async def _settle(self) -> None:
        """Leave nothing under way behind."""
        asked, self._asked = self._asked, {}
        for task in asked.values():
            task.cancel()
        await asyncio.gather(*asked.values(), return_exceptions=True)
        await self._recorded()

    async def _lose(self, page: ListingPage, number: int, error: CrawlError) -> str:
        line = f"listing page {number}: {error}"
        self._unanswered = self._unanswered or (error if isinstance(error, Blocked | Unavailable) else None)
        log.error("%s: %s", self._report.column_name, line)
        await self._archive.fail(
            self._run_id,
            page.address(number),
            kind="listing",
            outcome=failures.outcome(error),
            reason=str(error),
            attempts=error.attempts,
            capture_id=error.capture_id,
        )
        self._read.pop(page.address(number), None)
        return line

    async def _total_holds(self, seen: "_Seen", problems: list[str], agreed: bool) -> bool:
        """Whether one total was declared throughout and it is what was seen."""
        total, constant = max(seen.declared), len(seen.declared) == 1
        if constant and total == len(seen.urls):
            return True
        # an entry met twice was moved, and another missed, unless the next walk meets it twice again
        if constant and total == seen.rows and agreed:
            # the column counts an entry it prints twice: a unit of its own, named duplicate
            twice = [
                replace(entry, url=f"{entry.url}#again-{number}", kind="duplicate", reason="listed twice")
                for number, entry in enumerate(seen.doubled, 1)
            ]
            await self._record(twice)
            return True
        if not problems:
            problems.append(f"the column declares {total} entries, {len(seen.urls)} were seen")
        return False


def _explained(response: TextResponse, read: Callable[[], T]) -> T:
    """What read() reads; a page that is no listing because it is a block page or soft 404 is named so."""
    try:
        return read()
    except MarkupChanged as error:
        raise failures.located(blocking.explain(response) or error, response) from error


class _Hashes:
    """A set of hashes of addresses: a column of 100,000 entries takes 2 MB, a tenth of what their texts would."""

    _PARTS = 4096

    def __init__(self) -> None:
        self._parts = [array("q") for _ in range(self._PARTS)]
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, url: str) -> bool:
        value = hash(url)
        return value in self._parts[value % self._PARTS]

    def add(self, url: str) -> None:
        """The address must not be there yet."""
        value = hash(url)
        self._parts[value % self._PARTS].append(value)
        self._count += 1


class _Seen:
    """What one walk has seen so far."""

    def __init__(self) -> None:
        self.urls = _Hashes()
        self.rows = 0
        """Entries over all pages, doubled ones included."""
        self.doubled: list[Entry] = []
        """Entries met again."""
        self.declared: set[int] = set()
        self.last_page: int | None = None
        self.order = 0
        """Hash over all addresses in the order met: equal for two walks that agree."""
        self.first = 0
        """Entries of the first page."""
        self.pages = 0
        """Pages with new entries."""

    def add(self, listing: ListingPage) -> list[Entry]:
        """Take in one page; returns its entries that no page before had, each once."""
        entries = listing.entries()
        self.last_page = max(filter(None, (self.last_page, listing.last_page())), default=None)
        if (total := listing.declared()) is not None:
            self.declared.add(total)
        unique: dict[str, Entry] = {}
        for entry in entries:
            unique.setdefault(entry.url, entry)
        fresh = [entry for url, entry in unique.items() if url not in self.urls]
        if fresh:
            for entry in fresh:
                self.urls.add(entry.url)
            self.rows += len(entries)
            self.order = hash((self.order, *(entry.url for entry in entries)))
            again = list(entries)
            for entry in fresh:
                again.remove(entry)
            self.doubled += again
            self.pages += 1
            self.first = self.first or len(fresh)
        return fresh
