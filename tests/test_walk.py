"""The walk of a listing that changes under it: nothing that was listed throughout is missed."""

import asyncio
import json
import os
import random
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from crawler import failures
from crawler.exceptions import Blocked, CrawlError, Gone, MarkupChanged, Unavailable
from crawler.pages import TEMPLATES
from crawler.report import Report
from crawler.urls import Addresses
from crawler.walk import MOST_WALKS, Walk, _Seen
from tests.reading import HOME, response_of

WALKS = int(os.environ.get("ARCHIVE_WALKS", "100"))
"""Randomised walks of each kind; ARCHIVE_WALKS=1000 for the figure in the README."""
COLUMN = f"{HOME}article/zt_x/"
API = "/api-gateway/jpaas-publish-server/front/page/build/unit"
SHELL = f"""<html><head><meta name="ColId" content="c9"></head><body><script src="/unitbuild.js" url="{API}"
queryData="{{'webId':'w1','tplSetId':'t1','pageType':'column','tagId':'分页列表','pageId':'c9'}}"></script></body></html>"""


@dataclass
class Listing:
    """A column in memory. `past_end` is how it answers pages it does not have."""

    entries: list[int]
    per_page: int
    total: bool = False
    past_end: str = "empty"
    change: Callable[["Listing"], None] | None = None
    broken: dict[int, Exception] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    pager: bool = False
    """Whether pages without a total link to the last one."""
    hurry: random.Random | None = None
    """Decides how long an answer takes: what is asked for at the same time is then answered in any order."""

    async def fetch(self, url: str, role: str, *, referer: str | None = None) -> Any:
        parts = urlsplit(url)
        number = json.loads(parse_qs(parts.query)["paramJson"][0])["pageNo"] if self.total else int(parts.query or 1)
        self.asked.append(number)
        for _ in range(self.hurry.randrange(4) if self.hurry else 0):
            await asyncio.sleep(0)
        if number in self.broken:
            raise self.broken[number]
        answer = self.page(number, url)
        if self.change:
            self.change(self)
        return answer

    def page(self, number: int, url: str) -> Any:
        pages = max(1, -(-len(self.entries) // self.per_page))
        if number > pages:
            if self.past_end == "404":
                raise Gone("HTTP 404")
            number = {"last": pages, "first": 1}.get(self.past_end, number)
        shown = self.entries[(number - 1) * self.per_page : number * self.per_page]
        items = "".join(
            f'<li><a href="/article/zt_x/a/202101/202101{n:08}.shtml" title="t{n}">t</a></li>' for n in shown
        )
        html = f'<ul class="txtList_01">{items}</ul>'
        if not self.total:
            html += f'<a href="?{pages}">尾页</a>' if self.pager else ""
            return response_of(f"<html><body>{html}</body></html>", url)
        paging = f'<div class="pagination" rows="{self.per_page}" count="{len(self.entries)}" pageNo="{number}"></div>'
        reply = {"code": "200", "success": True, "data": {"html": html + paging}}
        return response_of(json.dumps(reply), url, {"Content-Type": "application/json"})


class Archive:
    """Records what the walk hands over."""

    def __init__(self, familiar: bool = False) -> None:
        self.familiar = familiar
        self.urls: dict[str, None] = {}
        self.failures: list[dict[str, Any]] = []

    async def listed(self, run_id: int, entries: list[Any], position: int) -> int:
        before = len(self.urls)
        self.urls.update(dict.fromkeys(entry.url for entry in entries))
        return len(self.urls) - before

    async def is_familiar(self, run_id: int, newest: int) -> bool:
        return self.familiar

    async def fail(self, run_id: int, url: str, **details: Any) -> None:
        self.failures.append({"url": url} | details)


def walk(listing: Listing, familiar: bool = False, ahead: int = 1) -> tuple[set[int], Report, Archive]:
    """Walk the listing; returns the serials met."""
    archive, report = Archive(familiar), Report("zhuanti", "重要专题")

    async def run() -> None:
        first = response_of(SHELL, COLUMN) if listing.total else await listing.fetch(COLUMN, "listing")
        about = (TEMPLATES["mofcom"], Addresses.of(HOME, [], None), None)
        await Walk(listing.fetch, archive, 1, report, *about, ahead).run(first)  # type: ignore[arg-type]

    asyncio.run(run())
    return {int(url[-14:-6]) for url in archive.urls if "#" not in url}, report, archive


def drifting(rng: random.Random, listing: Listing, changes: int) -> set[int]:
    """Lets the listing change so often between requests; returns a set that keeps what stayed throughout."""
    stayed = set(listing.entries)
    state = {"left": changes, "next": 90_000}

    def change(now: Listing) -> None:
        if not state["left"] or rng.random() > 0.25:
            return
        state["left"] -= 1
        kind = rng.choice(["insert", "insert", "delete", "move"])
        if kind == "insert":  # newest first, seldom elsewhere
            now.entries.insert(0 if rng.random() < 0.7 else rng.randrange(len(now.entries)), state["next"])
            state["next"] += 1
        elif kind == "delete":
            stayed.discard(now.entries.pop(rng.randrange(len(now.entries))))
        else:
            moved = now.entries.pop(rng.randrange(len(now.entries)))
            now.entries.insert(rng.randrange(len(now.entries) + 1), moved)

    listing.change = change
    return stayed


@pytest.mark.parametrize(("total", "pager"), [(False, False), (False, True), (True, False)], ids=["T3", "pager", "T4"])
@pytest.mark.slow
def test_nothing_is_missed_while_the_listing_drifts(total: bool, pager: bool) -> None:
    for seed in range(WALKS):
        rng = random.Random(seed)
        per_page = 15 if total else rng.choice([3, 5, 8])
        pages = rng.randrange(3, 13)
        count = per_page * (pages - 1) + rng.randrange(1, per_page + 1)
        listing = Listing(list(range(1, count + 1)), per_page, total, rng.choice(["empty", "last", "first", "404"]))
        listing.pager, listing.hurry = pager, random.Random(seed) if seed % 2 else None
        stayed = drifting(rng, listing, rng.randrange(1, 3))
        met, report, _ = walk(listing, ahead=3 if seed % 4 == 1 else 1)
        assert not stayed - met, f"seed {seed}: missed {sorted(stayed - met)}; {report.problems}"
        assert len(listing.asked) <= (MOST_WALKS + 1) * (pages + 4)


@pytest.mark.parametrize("total", [False, True], ids=["T3", "T4"])
@pytest.mark.slow
def test_a_listing_that_never_stands_still_is_bounded_and_never_silently_incomplete(total: bool) -> None:
    for seed in range(60):
        rng = random.Random(seed)
        listing = Listing(list(range(1, 60)), 15 if total else 6, total)
        stayed = drifting(rng, listing, 10_000)
        met, report, _ = walk(listing)
        assert not stayed - met or report.problems, f"seed {seed}"
        assert len(listing.asked) <= (MOST_WALKS + 1) * 40


@pytest.mark.parametrize("past_end", ["empty", "last", "first", "404"])
@pytest.mark.parametrize("count", [1, 4, 5, 6, 10, 23])
def test_the_end_is_found_however_the_server_answers_beyond_it(past_end: str, count: int) -> None:
    listing = Listing(list(range(1, count + 1)), 5, past_end=past_end)
    met, report, archive = walk(listing)
    assert met == set(listing.entries)
    assert (report.problems, archive.failures, report.listed) == ([], [], count)
    assert len(listing.asked) <= 2 * (-(-count // 5) + 1)  # without a total a second walk confirms the first


@pytest.mark.parametrize("total", [False, True], ids=["T3", "T4"])
@pytest.mark.parametrize("error", [Unavailable("HTTP 502"), Blocked("HTTP 403")], ids=["unavailable", "blocked"])
def test_a_lost_page_is_named_and_the_others_are_walked(total: bool, error: Exception) -> None:
    per_page = 15 if total else 5
    listing = Listing(list(range(1, per_page * 4 + 1)), per_page, total, broken={2: error})
    met, report, archive = walk(listing)
    assert met == set(listing.entries) - set(range(per_page + 1, 2 * per_page + 1))
    assert any("listing page 2" in problem and str(error) in problem for problem in report.problems)
    assert {failure["outcome"] for failure in archive.failures} == {failures.outcome(error)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "code"), [(Unavailable("HTTP 502"), 4), (Blocked("verification page"), 4), (MarkupChanged("no data"), 3)]
)
def test_a_column_of_which_nothing_could_be_had_was_blocked_or_not_reached(error: CrawlError, code: int) -> None:
    listing = Listing(list(range(1, 41)), 15, total=True, broken=dict.fromkeys(range(1, 5), error))
    met, report, _ = walk(listing)
    assert (met, report.exit_code()) == (set(), code)
    assert str(error) in (report.reason() or "")


def test_the_declared_total_is_compared_with_what_was_met() -> None:
    listing = Listing(list(range(1, 41)), 15, total=True)
    met, report, _ = walk(listing)
    assert (len(met), report.declared, report.problems) == (40, 40, [])


def test_an_empty_column_is_no_problem() -> None:
    met, report, _ = walk(Listing([], 15, total=True))
    assert (met, report.problems) == (set(), [])


@pytest.mark.parametrize("count", [4, 23])
def test_a_familiar_listing_is_walked_once(count: int) -> None:
    listing = Listing(list(range(1, count + 1)), 5, past_end="404")
    met, report, _ = walk(listing, familiar=True)
    assert (met, report.problems) == (set(listing.entries), [])
    assert listing.asked == list(range(1, -(-count // 5) + 2))


def test_a_familiar_listing_with_a_lost_page_is_walked_again() -> None:
    listing = Listing(list(range(1, 24)), 5, broken={3: Unavailable("HTTP 502")})
    _, report, archive = walk(listing, familiar=True)
    assert report.problems
    assert listing.asked.count(1) == 2
    assert {failure["attempts"] for failure in archive.failures} == {1}


@pytest.mark.parametrize("ahead", [1, 3])
def test_the_next_pages_are_asked_for_beside_a_page_before_the_last(ahead: int) -> None:
    listing = Listing(list(range(1, 24)), 5, pager=True, hurry=random.Random(3))
    asked_at_once: list[int] = []
    fetch, under_way = listing.fetch, [0]

    async def counted(*given: Any, **named: Any) -> Any:
        under_way[0] += 1
        asked_at_once.append(under_way[0])
        try:
            return await fetch(*given, **named)
        finally:
            under_way[0] -= 1

    listing.fetch = counted  # type: ignore[method-assign]
    met, report, _ = walk(listing, ahead=ahead)
    assert (met, report.problems) == (set(listing.entries), [])
    assert max(asked_at_once) == 1 + ahead
    assert listing.asked == [*range(1, 7), *range(1, 7)]


def test_a_long_column_takes_little_memory() -> None:
    seen = _Seen()
    tracemalloc.start()
    try:
        for number in range(100_000):
            url = f"{COLUMN}{number:08}.shtml"
            assert url not in seen.urls
            seen.urls.add(url)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(seen.urls) == 100_000
    assert f"{COLUMN}{7:08}.shtml" in seen.urls
    assert taken < 3_000_000  # bytes; a set of hashes took 8 million


@pytest.mark.parametrize("lost", [2, 3])
def test_a_lost_page_stops_asking_ahead(lost: int) -> None:
    broken: dict[int, Exception] = dict.fromkeys(range(lost, 9), Blocked("HTTP 403"))
    listing = Listing(list(range(1, 45)), 5, pager=True, broken=broken)
    walk(listing)
    assert max(listing.asked) == lost + 1


def test_a_listing_without_end_is_walked_once_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.walk.MOST_PAGES", 30)
    listing = Listing(list(range(1, 10_000)), 3)
    met, report, _ = walk(listing)
    assert (len(met), listing.asked) == (90, list(range(1, 31)))
    assert report.problems == ["the listing has more than 30 pages"]
