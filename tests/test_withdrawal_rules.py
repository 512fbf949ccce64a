"""The rule of evidence for withdrawals, on any course of answers."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from crawler.items import Entry
from exports import ledger, versions, withdrawals, worklist
from exports.config import Config
from exports.database.migrate import upgrade
from exports.database.models import Article, ArticleVersion, Capture, Failure, GoneCheck, Listing, Run
from exports.database.session import open_engine
from exports.errors import ConfigError
from tests.services import fresh_database
from tests.storage import BASE, MOMENT, article

CONFIG = Config(Path(), "", gone_checks=3, gone_hours=72)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('rules')}/archive.db"
        else:
            url = stack.enter_context(fresh_database(request.getfixturevalue("postgres_url")))
        engine = open_engine(url)
        upgrade(engine)
        yield engine
        engine.dispose()


@contextmanager
def column(engine: Engine, names: str) -> Iterator["Column"]:
    """A column of articles of these names, archived at MOMENT; undone in the end."""
    with Session(engine) as session:
        yield Column(session, names)
        session.rollback()


class Column:
    """Plays runs of one column: which article answered how."""

    def __init__(self, session: Session, names: str) -> None:
        self.session = session
        self.run("".join(names), MOMENT, dict.fromkeys(names, "fine"))

    def run(self, listed: str, now: datetime, answers: dict[str, str]) -> list[str]:
        """One run that lists these and gets these answers: fine, gone or unavailable. Returns its lines."""
        session = self.session
        about = {"site_id": "s", "column_name": "栏目", "base_url": BASE, "arguments": {}, "ledger": {}}
        self.current = run = Run(spider="test", column_id="c", started_at=now, **about)
        session.add(run)
        session.flush()
        ledger.listed(session, run, [Entry(_url(name), name) for name in listed], 0)
        ledger.walked(session, run, complete=True, now=now)
        self.capture("listing", now, role="listing")
        for name, answer in answers.items():
            if answer == "fine":
                self.fine(name, now)
            elif answer == "gone":
                known = session.scalars(select(Article).where(Article.url == _url(name))).one()
                capture = self.capture(name, now, status=404)
                withdrawals.note(
                    session, run, known, _url(name), how="404", reason="HTTP 404", capture_id=capture, now=now
                )
        lines = withdrawals.judge(session, CONFIG, run)
        run.finished_at = now
        session.expire_all()
        return lines

    def fine(self, name: str, now: datetime) -> None:
        item = article(1, url=_url(name), title=name, capture_id=self.capture(name, now))
        outcome, article_id = versions.store(
            self.session, self.current, versions.known(self.session, item.url), item, now
        )
        withdrawals.void(self.session, article_id, now)
        ledger.settle(self.session, self.current, _url(name), outcome, None, article_id)
        self.session.get_one(Listing, ("c", _url(name))).article_id = article_id

    def capture(self, name: str, now: datetime, status: int = 200, role: str = "article") -> int:
        where = {"warc_file": "w", "warc_offset": 0, "warc_record_id": "r", "payload_sha256": name.ljust(64, "0")}
        row = Capture(url=_url(name), fetched_at=now, status=status, role=role, run_id=self.current.id, **where)
        self.session.add(row)
        self.session.flush()
        return row.id

    def events(self, name: str) -> list[str]:
        chosen = select(ArticleVersion).where(ArticleVersion.url == _url(name)).order_by(ArticleVersion.version)
        return [version.event for version in self.session.scalars(chosen)]

    def checks(self) -> list[GoneCheck]:
        return list(self.session.scalars(select(GoneCheck).order_by(GoneCheck.id)))


def _url(name: str) -> str:
    return f"{BASE}/{name}.html"


def hours(number: float) -> datetime:
    return MOMENT + timedelta(hours=number)


ANSWERS = st.sampled_from(["gone", "gone", "gone", "fine", "unavailable"])
COURSE = st.lists(st.tuples(st.integers(1, 40), ANSWERS, ANSWERS), min_size=1, max_size=9)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(COURSE)
@pytest.mark.slow
def test_a_tombstone_needs_checks_in_a_row_long_enough_from_a_healthy_host(
    engine: Engine, course: list[tuple[int, str, str]]
) -> None:
    """A model of the rule beside the rule, over random courses of two articles' answers."""
    with column(engine, "ab") as world:
        now, row, status, expected = 0, list[int](), "live", ["archived"]
        for later, a, b in course:
            now += later
            world.run("ab", hours(now), {"a": a, "b": b})
            if a == "fine":
                row = []
                if status == "withdrawn":
                    status, expected = "live", [*expected, "restored"]
            elif a == "gone" and b == "fine":
                row.append(now)
                if status == "live" and len(row) >= 3 and row[-1] - row[0] >= 72:
                    status, expected = "withdrawn", [*expected, "withdrawn"]
            assert world.events("a") == expected
            assert world.session.scalars(select(Article).where(Article.url == _url("a"))).one().status == status
        for check in world.checks():
            proof = [each for each in world.checks() if each.tombstone and each.tombstone == check.tombstone]
            assert check.tombstone is None or all(each.control_capture_id for each in proof)


@given(st.lists(st.integers(0, 1000), max_size=8), st.integers(1, 5), st.integers(0, 200))
def test_proof_is_count_and_span(offsets: list[int], checks: int, span: int) -> None:
    times = [hours(offset) for offset in offsets]
    enough = len(times) >= checks and max(offsets) - min(offsets) >= span
    assert withdrawals.proves(times, checks, span) == enough


def test_the_text_stays_and_the_proof_is_named(engine: Engine) -> None:
    with column(engine, "ab") as world:
        for day in (24, 60):
            assert world.run("ab", hours(day), {"a": "gone", "b": "fine"}) == [
                "archived articles that are gone, not long enough yet to be called withdrawn: 1"
            ]
        (line,) = world.run("ab", hours(96), {"a": "gone", "b": "fine"})
        assert line.startswith("withdrawn: article")
        (last,) = [v for v in world.session.scalars(select(ArticleVersion)) if v.event == "withdrawn"]
        first = world.session.get_one(ArticleVersion, (last.article_id, 1))
        assert (last.body_text, last.capture_id, last.changed) == (first.body_text, first.capture_id, ["status"])
        assert last.valid_from == last.changed_at == hours(96)
        assert [check.tombstone for check in world.checks()] == [2, 2, 2]
        assert ledger.noted_gone(world.session, world.current) == 1


def test_a_column_where_everything_is_gone_is_an_outage(engine: Engine) -> None:
    with column(engine, "abc") as world:
        for day in (24, 60, 96, 200):
            (line,) = world.run("abc", hours(day), dict.fromkeys("abc", "gone"))
            assert "not counted" in line
        assert all(check.voided_at for check in world.checks())
        assert ledger.noted_gone(world.session, world.current) == 0
        letters = world.session.scalars(select(Failure)).all()
        assert [(letter.outcome, letter.resolved_at) for letter in letters] == [("gone", None)] * 3


def test_the_only_article_is_judged_by_its_listing(engine: Engine) -> None:
    with column(engine, "a") as world:
        for day in (24, 60, 96):
            world.run("a", hours(day), {"a": "gone"})
        assert world.events("a") == ["archived", "withdrawn"]
        listing = world.session.get_one(Capture, world.checks()[0].control_capture_id)
        assert listing.role == "listing"


def test_controls_are_asked_where_nothing_else_was(engine: Engine) -> None:
    with column(engine, "abcdef") as world:
        world.run("abcdef", hours(24), {"a": "unavailable"})
        assert withdrawals.controls(world.session, world.current) == []
        known = world.session.scalars(select(Article).where(Article.url == _url("a"))).one()
        capture = world.capture("a", hours(24), status=404)
        withdrawals.note(
            world.session, world.current, known, _url("a"), how="404", reason="", capture_id=capture, now=hours(24)
        )
        asked = withdrawals.controls(world.session, world.current)
        assert len(asked) == withdrawals.CONTROLS
        assert _url("a") not in {each.url for each in asked}
        world.fine("b", hours(24))
        assert withdrawals.controls(world.session, world.current) == []


def test_an_article_that_answers_under_another_address_is_not_withdrawn(engine: Engine) -> None:
    with column(engine, "ab") as world:
        known = world.session.scalars(select(Article).where(Article.url == _url("a"))).one()
        for day in (24, 60, 96, 130):
            ledger.listed(world.session, world.current, [Entry(_url("x"), "x")], 9)
            world.session.get_one(Listing, ("c", _url("x"))).article_id = known.id
            world.run("abx", hours(day), {"a": "gone", "b": "fine"})
        assert world.events("a") == ["archived"]
        world.run("ab", hours(160), {"a": "gone", "b": "fine"})  # listed there no more
        assert world.events("a") == ["archived", "withdrawn"]


def test_what_left_the_listing_is_checked_by_turns(engine: Engine) -> None:
    with column(engine, "abcd") as world:
        world.run("cd", hours(24), dict.fromkeys("cd", "fine"))

        def due(now: float, **given: bool) -> list[str]:
            about = {"full": False, "retry": False} | given
            found = worklist.absent(world.session, CONFIG, world.current, now=hours(now), **about)
            return [each.listed_title for each in found]

        assert due(24) == ["a", "b"]  # not looked at since they left
        for name in "ab":
            ledger.checked(world.session, world.current, _url(name), hours(25))
        assert due(25) == []
        assert due(25, full=True) == ["a", "b"]
        assert due(25, full=False, retry=True) == []
        assert due(25 + 24 * 16) == ["a", "b"]
        known = world.session.scalars(select(Article).where(Article.url == _url("a"))).one()
        capture = world.capture("a", hours(25), status=410)
        withdrawals.note(
            world.session, world.current, known, _url("a"), how="410", reason="", capture_id=capture, now=hours(25)
        )
        assert due(26) == ["a"]  # suspected
        assert ledger.absent_count(world.session, "c") == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [("ARCHIVE_GONE_CHECKS", "0"), ("ARCHIVE_GONE_HOURS", "-1"), ("ARCHIVE_GONE_HOURS", "three days")],
)
def test_a_bad_setting_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} '{value}'"):
        Config.from_settings({"ARCHIVE_DIR": str(tmp_path), name: value})
