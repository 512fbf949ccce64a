"""The dead letters: kept, tried again at growing intervals, resolved when what they are about is archived."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from crawler.items import Attachment, Entry
from exports import ledger, letters, worklist
from exports.config import Config
from exports.database.migrate import upgrade
from exports.database.models import Article, Failure, Listing, Run
from exports.database.session import open_engine
from tests.archive_command import run as archive_command
from tests.crawling import crawl
from tests.replica import Replica
from tests.storage import BASE, MOMENT, a_file, add, article, with_archive

CONFIG = Config(Path(), "")


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine: Engine = open_engine(database_url)
    upgrade(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


def a_run(session: Session, names: str) -> Run:
    """A run that lists these."""
    about = {"site_id": "s", "column_name": "栏目", "base_url": BASE, "arguments": {}, "ledger": {}}
    started = Run(spider="test", column_id="c", started_at=MOMENT, **about)
    session.add(started)
    session.flush()
    ledger.listed(session, started, [Entry(url(name), name) for name in names], 0)
    return started


def url(name: str) -> str:
    return f"{BASE}/{name}.html"


def day(number: float) -> datetime:
    return MOMENT + timedelta(days=number)


def fail(session: Session, run: Run, name: str, now: datetime, **given: Any) -> None:
    about = {"kind": "article", "outcome": "failed", "reason": "HTTP 500", "attempts": 3, "capture_id": None}
    letters.fail(session, run, url(name), now=now, **about | given)


def planned(session: Session, run: Run, now: datetime, **given: Any) -> dict[str, str | None]:
    worklist.plan(session, CONFIG, run, now=now, **{"since": None, "full": False, "retry": False} | given)
    session.expire_all()
    rows = session.scalars(select(Listing).where(Listing.last_run_id == run.id))
    return {row.listed_title: row.outcome for row in rows}


@given(st.floats(0, 5000), st.floats(0.01, 5000))
def test_intervals_grow_and_end(stood: float, longer: float) -> None:
    def interval(days: float) -> timedelta:
        return (letters.next_attempt(MOMENT, day(days)) or day(days)) - day(days)

    assert timedelta(0) <= interval(stood) <= interval(stood + longer) <= letters.LONGEST
    assert (interval(stood) == timedelta(0)) == (timedelta(days=stood) < letters.YOUNG)


def test_nightly_runs_try_ever_more_seldom(session: Session) -> None:
    tried = []
    for number in range(60):
        run = a_run(session, "a")
        if planned(session, run, day(number)) == {"a": None}:
            tried.append(number)
            fail(session, run, "a", day(number))
            ledger.settle(session, run, url("a"), "failed")
        session.flush()
    assert tried == [0, 1, 2, 3, 4, 5, 7, 9, 12, 15, 19, 24, 30, 38, 48]
    (letter,) = session.scalars(select(Failure))
    assert (letter.attempts, letter.first_failed_at, letter.last_failed_at) == (45, day(0), day(48))


def test_one_that_waits_keeps_its_outcome_and_says_until_when(session: Session) -> None:
    run = a_run(session, "ab")
    for number in (0, 4):
        fail(session, run, "a", day(number), outcome="blocked", reason="HTTP 403")
    again = a_run(session, "ab")
    assert planned(session, again, day(4.5)) == {"a": "blocked", "b": None}
    row = session.get_one(Listing, ("c", url("a")))
    assert row.reason == "HTTP 403; next attempt after 2024-05-11 07:08 UTC"
    assert ledger.counts(session, again) == {"blocked": 1, "pending": 1}
    for argument in ({"full": True}, {"retry": True}):
        assert planned(session, a_run(session, "ab"), day(4.5), **argument) == {"a": None, "b": None}
    assert planned(session, a_run(session, "ab"), day(5.1)) == {"a": None, "b": None}


def test_a_letter_of_a_listing_page_is_resolved_by_reading_it_or_a_complete_walk(session: Session) -> None:
    run = a_run(session, "")
    for name in "ab":
        fail(session, run, name, day(0), kind="listing")
    fail(session, run, "x", day(0))
    letters.resolve_listing(session, run, [url("a")], day(1))
    standing = select(Failure.url).where(Failure.resolved_at.is_(None)).order_by(Failure.url)
    assert session.scalars(standing).all() == [url("b"), url("x")]
    letters.resolve_listing(session, run, None, day(2))
    assert session.scalars(standing).all() == [url("x")]


def test_the_article_of_a_file_that_failed_is_read_again(tmp_path: Path, database_url: str) -> None:
    """Without a condition, so that what it links to is asked for; the file's letter is resolved by its bytes."""

    async def work(archive: Any, first: int) -> None:
        file = a_file(b"%PDF")
        await add(archive, first, 1, attachments=[Attachment(file.url, file.name)])
        about = {"kind": "file", "outcome": "failed", "reason": "HTTP 500"}
        await archive.fail(first, file.url, attempts=3, capture_id=None, **about)
        run_id = await archive.start_run(
            spider="test", site_id="s", column_id="c", column_name="", base_url=BASE, arguments={}
        )
        await archive.listed(run_id, [Entry(article(1).url, "题目1", "2001-01-01")], 0)
        await archive.plan(run_id, since=None, full=False, retry=True)
        (entry,), _ = await archive.pending(run_id, 10, -1)
        assert (entry.etag, entry.files) == (None, ())
        assert await add(archive, run_id, 1, attachments=[replace(file)]) == "unchanged"  # the site did not change
        await archive.plan(run_id, since=None, full=False, retry=True)
        assert await archive.pending(run_id, 10, -1) == ([], -1)

    with_archive(tmp_path, database_url, work)
    engine = open_engine(database_url)
    with Session(engine) as session:
        assert session.scalars(select(Failure)).one().resolved_at is not None
        assert session.scalars(select(Article)).one().version == 1
    engine.dispose()


@pytest.mark.slow
def test_from_the_failure_to_the_retry(tmp_path: Path) -> None:
    """An article, a listing page and an attachment fail for a week; then the operator does not wait."""
    setting = ("-s", f"ARCHIVE_DIR={tmp_path}")
    with Replica(generation="t3", articles=60, seed=31, page_size=10) as site:
        expected = next(each for each in site.expected.values() if each.attachments and each.column_id == "zhuanti")
        column = site.columns["zhuanti"]
        article = next(e.path for e in column.entries if e.kind == "article" and e.path != expected.path)
        broken = [article, f"{column.path}?2", expected.attachments[0][0]]
        for path in broken:
            site.fault(path, "502")
        first = crawl(tmp_path, base_url=site.base_url)
        assert first.code == 3
        kinds = first.rows("SELECT kind, outcome, capture_id, attempts FROM failures ORDER BY kind")
        assert [(row["kind"], row["outcome"]) for row in kinds] == [
            ("article", "failed"),
            ("file", "failed"),
            ("listing", "failed"),  # not blocked: it was a 502
        ]
        assert all(row["capture_id"] and row["attempts"] >= 3 for row in kinds)
        crawl(tmp_path, base_url=site.base_url, hours=24 * 7)
        for path in broken:
            site.fault(path, None)
        waiting = crawl(tmp_path, base_url=site.base_url, hours=24 * 8)
        assert waiting.code == 3
        assert "1 failed" in waiting.err
        listed = archive_command("failures", *setting).stdout
        assert "next attempt" in listed
        assert "502" in listed
        done = crawl(tmp_path, base_url=site.base_url, hours=24 * 8, retry="failures")
        assert done.code == 0, done.out
        assert done.rows("SELECT url FROM failures WHERE resolved_at IS NULL") == []
        files = done.rows("SELECT sha256 FROM attachments WHERE url LIKE ?", f"%{expected.attachments[0][0]}")
        assert files
        assert all(row["sha256"] for row in files)
    assert archive_command("failures", *setting).stdout.strip() == "no unresolved failure"
    wrong = crawl(tmp_path / "none", retry="everything")
    assert (wrong.code, (tmp_path / "none").exists()) == (2, False)
    assert "everything" in wrong.err
