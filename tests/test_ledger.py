"""The ledger: every listed entry ends in exactly one named outcome."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from crawler.items import Entry
from exports import ledger, letters, worklist
from exports.archive import Archive
from exports.config import Config
from exports.database.migrate import upgrade
from exports.database.models import Article, Capture, Failure, Listing, Run
from exports.database.session import open_engine
from exports.versions import known, store
from tests.storage import BASE, MOMENT, add, article, exchange, with_archive

LONG_AGO = "2001-02-03"


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine: Engine = open_engine(database_url)
    upgrade(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


def run(session: Session, column_id: str = "c") -> Run:
    about = {"site_id": "s", "column_name": "栏目", "base_url": BASE, "arguments": {}, "ledger": {}}
    started = Run(spider="test", column_id=column_id, started_at=MOMENT, **about)
    session.add(started)
    session.flush()
    return started


def entry(name: str, date: str | None = LONG_AGO, **given: Any) -> Entry:
    return Entry(f"{BASE}/{name}.html", name, date, **given)


def url(name: str) -> str:
    return f"{BASE}/{name}.html"


def archived(session: Session, current: Run, name: str, seen: datetime = MOMENT, **given: Any) -> Article:
    """Keep and store an article and settle its entry."""
    kept = {"status": 200, "role": "article", "run_id": current.id, "warc_file": "w", "warc_offset": 0}
    capture = Capture(
        url=url(name),
        fetched_at=seen,
        warc_record_id=name,
        payload_sha256=name.ljust(64, "0"),
        etag=f'"{name}"',
        **kept,
    )
    session.add(capture)
    session.flush()
    item = article(1, **{"url": url(name), "title": name, "published_at": LONG_AGO, "capture_id": capture.id} | given)
    _, article_id = store(session, current, known(session, item.url), item, seen)
    ledger.settle(session, current, url(name), "archived", None, article_id)
    return session.get_one(Article, article_id)


def outcomes(session: Session, current: Run) -> dict[str, str | None]:
    session.expire_all()
    rows = session.scalars(select(Listing).where(Listing.last_run_id == current.id).order_by(Listing.position))
    return {row.url.removeprefix(f"{BASE}/").removesuffix(".html"): row.outcome for row in rows}


def pending(session: Session, current: Run, count: int = 100, after: int = -1) -> list[str]:
    return [found.listed_title for found in worklist.pending(session, current, count, after)[0]]


def plan(session: Session, current: Run, now: datetime = MOMENT, **given: Any) -> None:
    config = Config(Path(), "", revisit_days=30, revisit_share=0.05)
    worklist.plan(session, config, current, **{"since": None, "full": False, "retry": False, "now": now} | given)


def test_listing_pages_in_order(session: Session) -> None:
    current = run(session)
    assert ledger.listed(session, current, [entry("a"), entry("b"), entry("a")], 0) == 2
    assert ledger.listed(session, current, [entry("b"), entry("c"), entry("x", kind="external")], 2) == 2
    assert outcomes(session, current) == {"a": None, "b": None, "c": None, "x": "external"}
    assert ledger.counts(session, current) == {"pending": 3, "external": 1}
    first, reached = worklist.pending(session, current, 2, -1)
    assert [found.url for found in first] == [url("a"), url("b")]
    assert pending(session, current, after=reached) == ["c"]
    assert worklist.pending(session, current, 2, 99) == ([], 99)


def test_each_column_and_run_has_its_own_entries(session: Session) -> None:
    first, other = run(session), run(session, "d")
    ledger.listed(session, first, [entry("a")], 0)
    ledger.listed(session, other, [entry("a"), entry("b")], 0)
    ledger.settle(session, other, url("a"), "gone")
    assert ledger.counts(session, first) == {"pending": 1}
    again = run(session)
    assert ledger.listed(session, again, [entry("a")], 0) == 1
    row = session.get_one(Listing, ("c", url("a")))
    assert (row.first_run_id, row.last_run_id) == (first.id, again.id)
    assert ledger.counts(session, first) == {}


def test_the_first_outcome_stands(session: Session) -> None:
    current = run(session)
    ledger.listed(session, current, [entry("a"), entry("being fetched"), entry("b")], 0)
    ledger.settle(session, current, url("a"), "failed", "HTTP 500")
    ledger.settle(session, current, url("a"), "archived")
    ledger.settle(session, current, url("unlisted"), "archived")
    worklist.exclude_rest(session, current, 1, "limit=1")
    assert outcomes(session, current) == {"a": "failed", "being fetched": None, "b": "excluded"}
    assert session.get_one(Listing, ("c", url("a"))).reason == "HTTP 500"
    assert session.get_one(Listing, ("c", url("b"))).reason == "limit=1"


def test_since_excludes_what_is_listed_as_older(session: Session) -> None:
    current = run(session)
    entries = [entry("new", "2024-03-01"), entry("old", "2024-02-29"), entry("undated", None)]
    ledger.listed(session, current, entries, 0)
    plan(session, current, since="2024-03-01")
    assert outcomes(session, current) == {"new": None, "old": "excluded", "undated": None}


def _known(session: Session, seen: datetime, **dates: str | None) -> Run:
    """A run that lists these again: name -> listed date, all archived by an earlier run."""
    earlier = run(session)
    ledger.listed(session, earlier, [entry(name, date) for name, date in dates.items()], 0)
    for name in dates:
        archived(session, earlier, name, seen)
    later = run(session)
    ledger.listed(session, later, [*(entry(name, date) for name, date in dates.items()), entry("fresh")], 0)
    return later


def test_what_is_archived_and_old_is_not_fetched_again(session: Session) -> None:
    """With or without a date in the listing."""
    recent = (MOMENT - timedelta(days=10)).date().isoformat()
    current = _known(session, MOMENT, recent=recent, old=LONG_AGO, undated=None)
    plan(session, current)
    assert outcomes(session, current) == {"recent": None, "old": "unchanged", "undated": "unchanged", "fresh": None}


def test_full_fetches_everything_again(session: Session) -> None:
    current = _known(session, MOMENT, old=LONG_AGO)
    plan(session, current, full=True)
    assert pending(session, current) == ["old", "fresh"]


def test_old_articles_are_checked_again_in_turn(session: Session) -> None:
    names = {f"n{number:02}": LONG_AGO for number in range(40)}
    current = _known(session, MOMENT - timedelta(days=20), **names)
    archived_first = session.scalars(select(Article).where(Article.url == url("n07"))).one()
    archived_first.last_seen_at = MOMENT - timedelta(days=25)
    session.flush()
    plan(session, current)
    due = pending(session, current)
    assert len(due) == 3  # 5 % of 40, and the fresh one
    assert {"n07", "fresh"} < set(due)


def test_an_article_published_lately_is_checked_again(session: Session) -> None:
    earlier = run(session)
    ledger.listed(session, earlier, [entry("a", None)], 0)
    archived(session, earlier, "a", published_at=MOMENT.date().isoformat())
    current = run(session)
    ledger.listed(session, current, [entry("a", None)], 0)
    plan(session, current)
    assert pending(session, current) == ["a"]


def _fail(session: Session, current: Run, name: str, **given: Any) -> None:
    values = {"kind": "article", "outcome": "failed", "reason": "HTTP 500", "attempts": 3, "capture_id": None}
    letters.fail(session, current, url(name), **values | {"now": MOMENT} | given)


def test_dead_letters_are_renewed_and_resolved(session: Session) -> None:
    current = run(session)
    _fail(session, current, "a")
    _fail(session, current, "a", reason="HTTP 404", outcome="gone", now=MOMENT + timedelta(days=1), attempts=1)
    (row,) = session.scalars(select(Failure))
    assert (row.attempts, row.reason, row.outcome) == (4, "HTTP 404", "gone")
    assert row.last_failed_at - row.first_failed_at == timedelta(days=1)
    letters.resolve(session, current, [url("a")], MOMENT + timedelta(days=2))
    session.refresh(row)
    assert row.resolved_at == MOMENT + timedelta(days=2)
    _fail(session, current, "a")
    assert len(session.scalars(select(Failure)).all()) == 2


def test_what_failed_is_fetched_again_although_it_is_archived(session: Session) -> None:
    current = _known(session, MOMENT, old=LONG_AGO, failing=LONG_AGO)
    _fail(session, current, "failing")
    plan(session, current)
    assert pending(session, current) == ["failing", "fresh"]


def test_conditional_requests_ask_for_what_the_article_was_read_from(session: Session) -> None:
    current = _known(session, MOMENT, old=LONG_AGO)
    plan(session, current, full=True)
    known, fresh = worklist.pending(session, current, 10, -1)[0]
    assert (known.etag, fresh.etag) == ('"old"', None)


def test_a_response_nobody_read_is_not_taken_for_known(session: Session) -> None:
    """Kept just before a kill, or in a form that could not be read: a 304 to its ETag would lose a revision."""
    current = _known(session, MOMENT, old=LONG_AGO)
    kept = {"status": 200, "role": "article", "run_id": current.id, "warc_file": "w", "warc_offset": 9}
    session.add(
        Capture(url=url("old"), fetched_at=MOMENT, warc_record_id="r", payload_sha256="1" * 64, etag='"unread"', **kept)
    )
    session.flush()
    plan(session, current, full=True)
    assert worklist.pending(session, current, 10, -1)[0][0].etag == '"old"'


def test_article_of_and_listed_elsewhere(session: Session) -> None:
    current = run(session)
    ledger.listed(session, current, [entry("a"), entry("b")], 0)
    assert ledger.article_of(session, current, url("a")) is None
    row = archived(session, current, "a")
    assert ledger.article_of(session, current, url("a")) is row
    assert not ledger.listed_elsewhere(session, current, url("a"), row.id)
    assert ledger.listed_elsewhere(session, current, url("b"), row.id)


def test_through_the_archive(tmp_path: Path, database_url: str) -> None:
    async def work(archive: Archive, run_id: int) -> None:
        assert await add(archive, run_id, 1) == "archived"
        entries = [entry("1"), entry("2"), entry("3"), entry("4"), entry("5")]
        assert await archive.listed(run_id, entries, 1) == 4
        assert await archive.store(run_id, article(2, capture_id=1), since="2024-05-07") == "excluded"
        await archive.fail(
            run_id, url("3"), kind="article", outcome="blocked", reason="captcha", attempts=1, capture_id=None
        )
        await archive.settle(run_id, url("4"), "attachment")
        kept = await archive.keep(run_id, exchange(url("5"), b"same page"))
        same = article(1, capture_id=kept, listed_url=url("5"))
        assert await archive.store(run_id, same) == "duplicate"
        await archive.finish_run(run_id, exit_code=3, reason="1 blocked")

    with_archive(tmp_path, database_url, work)
    engine = open_engine(database_url)
    with Session(engine) as session:
        (current,) = session.scalars(select(Run))
        assert current.ledger == {"archived": 1, "excluded": 1, "blocked": 1, "attachment": 1, "duplicate": 1}
        assert current.finished_at is not None
        assert session.scalars(select(Failure)).one().reason == "captcha"
    engine.dispose()


def test_not_modified_settles_and_resolves(tmp_path: Path) -> None:
    async def work(archive: Archive, run_id: int) -> dict[str, int]:
        await add(archive, run_id, 1)
        again = await archive.start_run(
            spider="test", site_id="s", column_id="c", column_name="", base_url=BASE, arguments={}
        )
        await archive.listed(again, [entry("1")], 0)
        await archive.fail(again, url("1"), kind="file", outcome="failed", reason="x", attempts=1, capture_id=None)
        await archive.unchanged(again, url("1"))
        return await archive.counts(again)

    assert with_archive(tmp_path, None, work) == {"unchanged": 1}


def _walked(session: Session, names: str, complete: bool = True) -> Run:
    """A finished run that listed these in that order, the first two on its first page."""
    current = run(session)
    ledger.listed(session, current, [entry(name) for name in names], 0)
    ledger.walked(session, current, complete=complete, now=MOMENT)
    current.ledger, current.finished_at = {"archived": len(names)}, MOMENT
    session.flush()
    return current


@pytest.mark.parametrize(
    ("before", "now", "familiar"),
    [
        ("abcd", "abcd", True),
        ("abcd", "badc", True),  # the same entries
        ("abcd", "xabcd", True),  # grown at its head
        ("abcd", "abcxd", False),  # set in behind the first page: the listing moved
        ("abcd", "abc", False),  # one is missing: deleted, or missed
        ("abcd", "xabc", False),
        ("", "a", True),
    ],
)
def test_a_listing_is_familiar_when_it_is_as_the_last_walk_saw_it(
    session: Session, before: str, now: str, familiar: bool
) -> None:
    _walked(session, before)
    current = run(session)
    ledger.listed(session, current, [entry(name) for name in now], 0)
    assert ledger.is_familiar(session, current, newest=2) == familiar


@pytest.mark.parametrize("between", ["incomplete", "killed", "none"])
def test_only_a_complete_walk_makes_a_listing_familiar(session: Session, between: str) -> None:
    if between != "none":
        _walked(session, "abc")
        last = _walked(session, "abc", complete=between != "incomplete")
        if between == "killed":
            last.finished_at = None
    current = run(session)
    ledger.listed(session, current, [entry(name) for name in "abc"], 0)
    assert not ledger.is_familiar(session, current, newest=2)


def test_what_a_complete_walk_does_not_name_is_absent(session: Session) -> None:
    _walked(session, "abc")
    assert _absent(session) == set()
    later = run(session)
    ledger.listed(session, later, [entry("a")], 0)
    assert ledger.walked(session, later, complete=False, now=MOMENT) == 0
    assert _absent(session) == set()
    assert ledger.walked(session, later, complete=True, now=MOMENT) == 2
    assert _absent(session) == {"b", "c"}
    _walked(session, "ab")
    assert _absent(session) == {"c"}


def _absent(session: Session) -> set[str]:
    session.expire_all()
    return set(session.scalars(select(Listing.listed_title).where(Listing.absent_since.is_not(None))))
