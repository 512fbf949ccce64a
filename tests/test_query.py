"""The readers' questions, on every supported database."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from exports import query, search
from exports.database.migrate import upgrade
from exports.database.models import Article, Attachment, Capture, Run
from exports.doubts import disputed, doubts
from exports.index import marks
from exports.index.parse import parse, shown
from exports.index.text import folded
from tests.archive_fixture import BASE, fill
from tests.services import fresh_database


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One filled database for all tests here: none of them commits."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('query')}/archive.db"
        else:
            url = stack.enter_context(fresh_database(request.getfixturevalue("postgres_url")))
        engine = create_engine(url, poolclass=NullPool)
        upgrade(engine)
        fill(engine)
        yield engine
        engine.dispose()


@pytest.fixture
def session(filled: Engine) -> Iterator[Session]:
    with Session(filled) as session:
        yield session


def ids(session: Session, text: str = "", **filters: Any) -> list[int]:
    return search.matching(session, search.Filters(text=text, **filters))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [1, 2, 3, 4, 5]),
        ("深入", [1, 5]),  # two characters; in title and in text
        ("入", [1, 5]),
        ("深入调研 三个县", [1]),
        ("深入　调研", [1]),  # an ideographic blank parts terms too
        ('"深入 调研"', []),
        ('"深入调研 推动工作"', [1]),
        ("深入 -调研", [5]),
        ('深入 -"三个县，完成率"', [5]),
        ("调研 OR 项目", [1, 2]),
        ("深入 调研 OR 日期", [1, 5]),  # OR binds closer than the blank
        ("项目 OR -深入", [2, 3, 4]),
        ("OR", []),
        ("调研 OR", []),
        ("100%", [1]),  # 100 人 is no match: % is no wildcard
        ("%", [1]),
        ("file_name", [2]),
        ("_", [2]),
        ("abc", [2]),
        ("ABC计划", [2]),
        ("ａｂｃ计划", [2]),
        ("A类", [2]),
        ("(第1期)", [2]),
        ("完成率为100％", [1]),
        ("三个县,完成率", [1]),  # half-width comma, full-width in the text
        ("王小明", [1, 4]),
        ("研究院", [2]),
        ("本文有删节", [2]),
        ("某处来稿", [3]),
        ("调研。 调研组", [1]),
        ('"', []),
        ('"深入', []),
        ("-", []),
        ("*", []),
        ("' OR 1=1 --", []),
        ("没有这样的词", []),
    ],
)
def test_search_text(session: Session, text: str, expected: list[int]) -> None:
    assert ids(session, text) == expected


def test_no_term_matches_across_two_fields(session: Session) -> None:
    assert ids(session, "推动工作信息中心") == []
    assert ids(session, '"推动工作\n信息中心"') == []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"columns": ("zhuanti",)}, [1, 2, 3, 5]),
        ({"columns": ("other",)}, [2, 4]),  # 2 is only listed there
        ({"author": "王小明"}, [1]),  # and not 王小明月
        ({"author": "王 小 明"}, [1]),
        ({"author": "王小"}, []),
        ({"author": "钱二"}, [2]),
        ({"unit": "信息中心"}, [1, 4]),
        ({"unit": "二处"}, [4]),
        ({"since": date(2023, 5, 4)}, [1]),
        ({"since": date(2023, 4, 15)}, [1, 2]),  # 2 is dated 2023-04
        ({"until": date(2022, 12, 31)}, [3, 4]),
        ({"since": date(2022, 1, 1), "until": date(2022, 1, 1)}, [4]),
        ({"since": date(2023, 4, 30), "until": date(2023, 5, 3)}, [2]),
        ({"until": date(9999, 12, 31)}, [1, 2, 3, 4]),  # never one without a date
    ],
)
def test_filters(session: Session, filters: dict[str, Any], expected: list[int]) -> None:
    assert ids(session, **filters) == expected


def test_columns_by_id_and_by_name(session: Session) -> None:
    assert query.column_ids(session, "zhuanti") == ["zhuanti"]
    assert query.column_ids(session, "重 要 专 题") == ["zhuanti"]
    assert query.column_ids(session, "别的") == []
    assert query.column_ids(session, "") == []


@pytest.mark.parametrize(
    "reference",
    [
        "2",
        f"{BASE}/article/2.shtml",
        f"{BASE}/article/2.shtml#top",
        f"{BASE.replace('http', 'https')}/article/2.shtml",
        f"{BASE}/article/2.shtml?from=message",
        f"{BASE}/listed/2.shtml",
    ],
)
def test_find_article(session: Session, reference: str) -> None:
    found = query.find_article(session, reference)
    assert found is not None
    assert found.id == 2


@pytest.mark.parametrize("reference", ["99", "0", "9" * 12, "9" * 5000, "２", "", "-1", f"{BASE}/article/", "' OR 1=1"])
def test_find_no_article(session: Session, reference: str) -> None:
    assert query.find_article(session, reference) is None


def test_articles_and_current_versions_keep_the_order(session: Session) -> None:
    assert [article.id for article in query.articles(session, [4, 1, 5])] == [4, 1, 5]
    current = [(version.article_id, version.version) for version in query.current_versions(session, [4, 1, 5])]
    assert current == [(4, 1), (1, 2), (5, 1)]


def test_payload_capture_follows_revisits(session: Session) -> None:
    session.get_one(Capture, 3).revisit_of = 2
    session.get_one(Capture, 2).revisit_of = 1
    assert query.payload_capture(session, session.get_one(Capture, 3)).id == 1
    session.get_one(Capture, 1).revisit_of = 3  # damage must not hang a reader
    query.payload_capture(session, session.get_one(Capture, 3))


def test_counts(session: Session) -> None:
    def counted(by: str, *columns: str) -> list[tuple[str, str, int]]:
        return [(count.key, count.label, count.articles) for count in query.counts(session, by, columns)]

    assert counted("column") == [("zhuanti", "重要专题", 4), ("other", "学习园地", 1)]
    assert [(key, number) for key, _, number in counted("month")] == [
        ("2022-01", 1),
        ("2022-12", 1),
        ("2023-04", 1),
        ("2023-05", 1),
        ("", 1),
    ]
    authors = {key: number for key, _, number in counted("author")}
    assert authors == {"王小明": 1, "赵一": 1, "钱二": 1, "王小明月": 1, "": 2}
    assert {key for key, _, _ in counted("unit", "other")} == {"信息中心二处"}


def test_totals_and_unsure(session: Session) -> None:
    totals = query.totals(session)
    assert totals["articles"] == 5
    assert totals["withdrawn"] == totals["revised"] == totals["attachments"] == totals["without a date"] == 1
    assert totals["versions"] == 6
    assert query.totals(session, ["other"])["articles"] == 1
    assert doubts(session) == {3: "no author recognised"}
    assert doubts(session, ["other"]) == {}
    article = session.scalars(select(Article).join(Attachment, Attachment.article_id == Article.id)).one()
    article.body_text = ""
    article.printed = {"source": {"row": "机关党委", "meta": "办公厅"}}
    session.flush()
    assert doubts(session)[article.id].endswith("the text is only in an attachment; source printed differently")
    session.rollback()


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        ({}, []),
        ({"title": {"row": "读书会 侧记", "listing": "读书会侧…", "meta": "读书会侧记"}}, []),
        ({"title": {"row": "读书会侧记", "script": "值班表"}}, ["title"]),
        ({"source": {"row": "机关党委", "meta": "办公厅"}}, ["source"]),
        ({"published_at": {"row": "2021-3-4 09:05", "meta": "2022年6月1日", "listing": "2021-03-04"}}, []),
        ({"published_at": {"row": "2021-3-4 09:05", "listing": "2021-03-05"}}, ["published_at"]),
        ({"published_at": {"row": "2021-03-04", "meta": "2020-01-01"}}, ["published_at"]),
        ({"published_at": {"row": "昨天", "meta": "2020-01-01"}, "byline": {"row": "甲", "meta": "乙"}}, []),
    ],
)
def test_places_that_contradict_each_other(printed: dict[str, dict[str, str]], found: list[str]) -> None:
    assert disputed(printed) == found


def test_coverage(session: Session) -> None:
    other, zhuanti = query.coverage(session)
    assert zhuanti.run.id == 3
    assert (zhuanti.listed, zhuanti.pending) == (5, 0)
    assert zhuanti.outcomes == {"archived": 3, "unchanged": 1, "external": 1}
    assert zhuanti.problems == []
    assert (other.listed, other.pending, other.outcomes) == (2, 1, {"archived": 1})
    assert other.problems == ["1 pending", "the run has not finished"]
    assert [ledger.run.id for ledger in query.coverage(session, ["other"])] == [2]


def test_coverage_names_each_problem(session: Session) -> None:
    run = session.get_one(Run, 3)
    run.declared = 7
    for row, outcome in zip(_rows(session), ("failed", "blocked", "odd"), strict=False):
        row.outcome = outcome
    session.flush()
    (ledger,) = query.coverage(session, ["zhuanti"])
    assert set(ledger.problems) == {
        "the column declares 7, 5 listed",
        "not an outcome: odd",
        "1 failed",
        "1 blocked",
    }


def test_views_say_what_the_questions_say(session: Session) -> None:
    def asked(sql: str) -> set[tuple[Any, ...]]:
        return {tuple(row) for row in session.execute(text(sql))}

    ledgers = asked("SELECT column_id, outcome, entries FROM column_ledgers")
    assert ledgers == {
        (ledger.run.column_id, outcome, entries)
        for ledger in query.coverage(session)
        for outcome, entries in [*ledger.outcomes.items(), *([("pending", ledger.pending)] if ledger.pending else [])]
    }
    written = asked("SELECT name, count(DISTINCT article_id) FROM authorships GROUP BY name")
    assert written == {(each.key, each.articles) for each in query.counts(session, "author") if each.key}
    assert len(asked("SELECT article_id, version, warc_record_id FROM version_evidence")) == 6
    live = asked("SELECT id, year, month, day FROM live_articles")
    assert {row[0] for row in live} == set(
        session.scalars(select(Article.id).where(Article.status == "live", Article.duplicate_of.is_(None)))
    )
    assert (2, "2023", "2023-04", None) in live


def _rows(session: Session) -> list[Any]:
    from exports.database.models import Listing

    return session.query(Listing).filter_by(column_id="zhuanti", last_run_id=3).order_by(Listing.url).all()


def test_runs_and_failures(session: Session) -> None:
    assert [run.id for run in query.runs(session)] == [3, 2, 1]
    assert [run.id for run in query.runs(session, ["zhuanti"], limit=1)] == [3]
    assert [failure.id for failure in query.failures(session)] == [1]
    assert [failure.id for failure in query.failures(session, resolved=True)] == [2, 1]
    assert query.failures(session, ["zhuanti"]) == []


def test_a_replay_is_no_crawl(session: Session) -> None:
    last = session.get_one(Run, 3)
    columns = {name: getattr(last, name) for name in Run.__table__.columns.keys() if name != "id"}  # noqa: SIM118
    session.add(Run(id=9, **columns | {"spider": "replay"}))
    session.flush()
    assert [ledger.run.id for ledger in query.coverage(session, ["zhuanti"])] == [3]


def test_snippet() -> None:
    text = "第一段。\n" + "前" * 100 + "ＡＢＣ" + "后" * 100
    cut = marks.snippet(text, shown(parse("abc")), width=60)
    assert cut == "…" + "前" * 20 + "ＡＢＣ" + "后" * 37 + "…"
    assert marks.snippet(text, shown(parse("不在")), width=5) == "第一段。"
    assert marks.snippet("短文", []) == "短文"


def test_a_snippet_shows_a_second_term_that_stands_elsewhere() -> None:
    text = "学习不能停留在本子上。写一篇短文。\n" + "中间的一段。" * 30 + "\n年底由党委讨论通过。其余从略。"
    assert marks.snippet(text, ["学习", "党委"], width=20) == "学习不能停留在本子上。写一篇短文。 年底由党委讨论通过。"
    assert marks.snippet(text, ["学习", "本子"], width=20) == "学习不能停留在本子上。写一篇短文。"
    assert marks.snippet("学习。" + "中间的一段。" * 30 + "党委。", ["学习", "党委"], width=20).endswith(" 党委。")
    assert marks.snippet("学习" * 50, ["学习" * 50, "党委"], width=20).endswith("…")


def test_hits_are_offsets_in_the_text_as_it_is() -> None:
    text = "……ＡＢＣ与abc"  # each … folds to three dots
    assert [text[start:end] for start, end in marks.hits(text, shown(parse("ABC")))] == ["ＡＢＣ", "abc"]


@given(st.text(), st.text(min_size=1))
def test_every_text_can_be_parsed_and_marked(query_text: str, text: str) -> None:
    terms = shown(parse(query_text))
    assert all(terms)
    for start, end in marks.hits(text, terms):
        assert 0 <= start < end <= len(text)
    marks.snippet(text, terms)


@given(st.text(alphabet="的一ａAＡ1１％%_ ，,", min_size=1, max_size=8))
def test_a_text_contains_its_own_phrase(text: str) -> None:
    words = " ".join(folded(text).split())
    if words:
        assert shown(parse(f'"{text}"')) == [words]
        assert marks.hits(words, [words]) == [(0, len(words))]


def test_article_ids_survive_many_chunks(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "_CHUNK", 2)
    assert [article.id for article in query.articles(session, ids(session))] == [1, 2, 3, 4, 5]
    assert isinstance(session.get(Article, 1), Article)
