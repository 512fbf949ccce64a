"""A lost database made anew from the WARC files.

A run is what one column left in one series of WARC files: it becomes a row of `runs` again (spider `rebuilt`), and its
responses are observed in the order in which they came in, at the time they came in. So the versions are those of the
lost database, and the checks that prove a withdrawal are found where they were. What is rebuilt stands; a rebuilding
that was killed goes on with the runs it had not finished.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import ColumnElement, exists, func, select, true, update
from sqlalchemy.orm import Session

from crawler import items
from exports import ledger, letters, recovery, repair, storing, withdrawals, worklist
from exports.checking import WithRun
from exports.config import Config
from exports.database.models import Article, ArticleVersion, Capture, Failure, GoneCheck, Listing, Run
from exports.replaying import Kept, kept_of
from exports.store import joining
from exports.store.places import Places

Ask = Callable[[Callable[[Session], bool]], bool]
Key = tuple[datetime, int]
"""Place of a capture in time: when it came in, its id."""


@dataclass(frozen=True)
class OpenRun:
    """A run that is being rebuilt."""

    id: int
    column_id: str
    responses: int
    """How many of its responses are to be observed."""
    ended_at: datetime
    """When the last of its responses came in."""


class Trouble(Protocol):
    """Why an entry of a run has no article; see crawler/rebuilding.py."""

    outcome: str
    reason: str
    attempts: int
    capture_id: int
    at: datetime


def open_runs(session: Session, columns: Sequence[str]) -> list[OpenRun]:
    """The runs of these columns that are not rebuilt to their end."""
    chosen = (
        select(Run.id, Run.column_id, func.count().filter(_observable()), func.max(Capture.fetched_at))
        .join(Capture, Capture.run_id == Run.id)
        .where(Run.spider == recovery.SPIDER, Run.finished_at.is_(None), Run.column_id.in_(columns))
        .group_by(Run.id, Run.column_id)
        .order_by(Run.started_at)
    )
    return [OpenRun(*row) for row in session.execute(chosen)]


def observed(session: Session, runs: Sequence[int], after: Key | None) -> list[tuple[int, int, Kept, Kept]]:
    """The runs' next responses in time, each with (run, status, its payload, its own record)."""
    chosen = select(Capture).where(Capture.run_id.in_(runs), _observable())
    if after is not None:
        moment, number = after
        same = (Capture.fetched_at == moment) & (Capture.id > number)
        chosen = chosen.where((Capture.fetched_at > moment) | same)
    found = []
    for capture in session.scalars(chosen.order_by(Capture.fetched_at, Capture.id).limit(100)):
        payload = kept_of(session, capture)
        own = replace(payload, warc_file=capture.warc_file, warc_offset=capture.warc_offset)
        found.append((capture.run_id, capture.status, payload, own))
    return found


def _observable() -> ColumnElement[bool]:
    """Pages, and what stands in their place; a redirect is followed by the response it leads to."""
    of_pages = Capture.role.in_(("listing", "article"))
    return of_pages & ((Capture.status < 300) | (Capture.status >= 400) | (Capture.status == 304))


def store(session: Session, run: Run, article: items.Article) -> None:
    """The response held this article, unless a rebuilding that was killed came as far."""
    assert article.fetched_at is not None
    seen = session.scalar(select(Article.last_seen_at).where(Article.url == article.url))
    if seen is None or seen < article.fetched_at:
        storing.store(session, run, article, None, None, article.fetched_at)


def unchanged(session: Session, run: Run, url: str, files: Mapping[str, items.Attachment], now: datetime) -> None:
    """The server said 304; these of the article's files (by address) had other bytes."""
    article = ledger.article_of(session, run, url)
    if article is None or article.last_seen_at >= now:
        return
    if files:
        store(session, run, storing.refiled(session, article, url, files, now))
    else:
        storing.unchanged(session, run, url, now)


def gone(session: Session, run: Run, url: str, how: str, reason: str, kept: Kept) -> None:
    """The response said that there is nothing."""
    article = ledger.article_of(session, run, url)
    if article is None:
        about = {"outcome": "gone", "reason": reason, "attempts": 1, "capture_id": kept.capture_id}
        fail(session, run, url, kind="article", now=kept.fetched_at, **about)
        ledger.settle(session, run, url, "gone", reason)
        return
    answer = kept.capture_id
    if how == "redirect":  # it is what proves it, not the page it leads to
        led = select(Capture.id).where(Capture.run_id == run.id, Capture.url == url, Capture.id < answer)
        led = led.where(Capture.status >= 300, Capture.status < 400).order_by(Capture.id.desc())
        answer = session.scalar(led.limit(1)) or answer
    if session.scalar(select(GoneCheck.id).where(GoneCheck.capture_id == answer)) is None:
        withdrawals.note(session, run, article, url, how=how, reason=reason, capture_id=answer, now=kept.fetched_at)


def fail(session: Session, run: Run, url: str, *, now: datetime, **about: Any) -> None:
    """The dead letter of an address, as the crawl wrote it, unless a rebuilding that was killed came as far."""
    later = (Failure.column_id == run.column_id) & (Failure.url == url) & (Failure.last_failed_at >= now)
    if session.scalar(select(Failure.id).where(later).limit(1)) is None:
        letters.fail(session, run, url, now=now, **about)


def judge(
    session: Session, config: Config, run: Run, troubles: Mapping[str, Trouble]
) -> tuple[list[str], dict[str, int], int]:
    """All of the run was observed: what people should know, its ledger, how many of the gone are noted."""
    for url, trouble in troubles.items():
        if trouble.outcome in ("failed", "blocked"):
            about = {"outcome": trouble.outcome, "reason": trouble.reason, "attempts": trouble.attempts}
            fail(session, run, url, kind="article", now=trouble.at, capture_id=trouble.capture_id, **about)
        ledger.settle(session, run, url, trouble.outcome, trouble.reason)
    session.flush()
    for status, outcome, reason in (
        ("live", "unchanged", "archived, not asked in this run"),
        ("withdrawn", "gone", "withdrawn, not asked in this run"),
    ):
        has_status = exists().where(Article.id == Listing.article_id, Article.status == status)
        _settle_rest(session, run, has_status, outcome, reason)
    _settle_rest(session, run, true(), "excluded", "not asked in this run, as far as the evidence tells")
    lines = withdrawals.judge(session, config, run)
    return lines, ledger.counts(session, run), ledger.noted_gone(session, run)


def _settle_rest(session: Session, run: Run, which: ColumnElement[bool], outcome: str, reason: str) -> None:
    rest = update(Listing).where(worklist.of_run(run), which).values(outcome=outcome, reason=reason)
    session.execute(rest.execution_options(synchronize_session=False))
    session.expire_all()


def events(session: Session, column_id: str) -> Counter[str]:
    """event -> versions of the column."""
    chosen = select(ArticleVersion.event, func.count()).where(ArticleVersion.column_id == column_id)
    return Counter(dict(session.execute(chosen.group_by(ArticleVersion.event)).tuples().all()))


def missed(session: Session, directory: Path, column_id: str) -> list[str]:
    """The versions that the JSON Lines of the lost database name and the evidence does not give, a line each."""
    kept = sorted(directory.glob(f"{repair.LOST}*"))
    chosen = select(ArticleVersion.url, ArticleVersion.version, ArticleVersion.event)
    known = set(session.execute(chosen.where(ArticleVersion.column_id == column_id)).tuples())
    found = []
    for file in sorted((kept[-1] / column_id).glob("*.jsonl")) if kept else []:
        for line in file.read_bytes().splitlines():
            try:
                version = json.loads(line)
                key = version["url"], version["version"], version["event"]
            except (ValueError, TypeError, KeyError):
                found.append(f"{file.relative_to(directory)} holds what is no line of an article")
                continue
            if key not in known:
                found.append(f"version {key[1]} ({key[2]}) of {key[0]} in {file.relative_to(directory)}")
    return found


class Rebuilding:
    """The rebuilding side of an Archive; every method returns once its write is durable."""

    def __init__(self, config: Config, with_run: WithRun, ask: Ask) -> None:
        """``ask`` runs a function in the writing transaction and waits for its result."""
        self._config = config
        self._with_run = with_run
        self._ask = ask

    def is_needed(self) -> bool:
        """Whether the database was lost, or a rebuilding of it was killed. Before the crawl begins."""
        return self._ask(lambda session: recovery.is_lost(session) or recovery.is_unfinished(session))

    async def begin(self, run_id: int, names: Mapping[str, str]) -> tuple[list[OpenRun], list[str]]:
        """The runs of these columns to rebuild (none where the database is whole), and what cannot be read."""

        def work(session: Session, _run: Run) -> tuple[list[OpenRun], list[str]]:
            directory = self._config.directory
            if recovery.is_lost(session):
                if self._config.store:
                    joining.adopt(session, Places(self._config))
                damages = recovery.index(session, directory, names)
            else:
                damages = recovery.damaged(directory) if recovery.is_unfinished(session) else []
            return open_runs(session, list(names)), damages

        return await self._with_run(run_id, work)

    async def observed(self, runs: Sequence[int], after: Key | None) -> list[tuple[int, int, Kept, Kept]]:
        """The runs' next responses in time; see observed()."""
        return await self._with_run(runs[0], lambda s, _: observed(s, runs, after))

    async def store(self, run_id: int, article: items.Article) -> None:
        """A response held this article."""
        await self._with_run(run_id, lambda s, run: store(s, run, article))

    async def unchanged(self, run_id: int, url: str, files: Mapping[str, items.Attachment], now: datetime) -> None:
        """The server said 304, while these files had changed."""
        await self._with_run(run_id, lambda s, run: unchanged(s, run, url, files, now))

    async def gone(self, run_id: int, url: str, how: str, reason: str, kept: Kept) -> None:
        """A response said that there is nothing."""
        await self._with_run(run_id, lambda s, run: gone(s, run, url, how, reason, kept))

    async def file_failed(self, run_id: int, url: str, now: datetime, **about: Any) -> None:
        """A file of an article could not be had."""

        def work(session: Session, run: Run) -> None:
            refused = (Capture.run_id == run.id) & (Capture.url == url) & (Capture.status >= 400)
            attempts = session.scalar(select(func.count()).where(refused)) or 1
            fail(session, run, url, now=now, kind="file", attempts=attempts, **about)

        await self._with_run(run_id, work)

    async def held(self, run_id: int, url: str) -> tuple[items.Held, ...]:
        """The files of the article a listed address leads to."""

        def work(session: Session, run: Run) -> tuple[items.Held, ...]:
            row = session.get(Listing, (run.column_id, url))
            return worklist.requests(session, [row])[0].files if row else ()

        return await self._with_run(run_id, work)

    async def judge(self, run_id: int, troubles: Mapping[str, Trouble]) -> tuple[list[str], dict[str, int], int]:
        """All of the run was observed; see judge()."""
        return await self._with_run(run_id, lambda s, run: judge(s, self._config, run, troubles))

    async def close(self, run_id: int, **outcome: Any) -> None:
        """The run is rebuilt; the arguments are columns of `runs`."""

        def work(session: Session, run: Run) -> None:
            run.ledger = ledger.counts(session, run)
            for name, value in outcome.items():
                setattr(run, name, value)

        await self._with_run(run_id, work)

    async def summary(self, run_id: int, column_id: str) -> tuple[Counter[str], list[str]]:
        """event -> versions of the column, and the versions that are known to be missing."""
        directory = self._config.directory
        return await self._with_run(run_id, lambda s, _: (events(s, column_id), missed(s, directory, column_id)))
