"""The common terms of the index: whatever is chosen the same is found; they are chosen anew when they are outgrown."""

import asyncio
import random
import unicodedata
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from exports import lock, query, search
from exports.archive import Archive
from exports.database.asking import plain
from exports.database.migrate import _config, upgrade
from exports.database.models import SearchState
from exports.database.session import open_engine
from exports.index import common, maintain, sqlite
from exports.index.document import Document
from exports.index.parse import parse
from exports.index.text import folded, ideographs, is_printed_so, may_hold
from tests.storage import add, problems, with_archive
from tests.test_search import Archive as Generated


@pytest.mark.slow
def test_ideographs_that_are_made_of_other_characters_are_known() -> None:
    for code in range(0x110000):
        char = chr(code)
        if not ideographs(char) and any(map(ideographs, folded(char))):
            assert not is_printed_so(f"党委{char}"), (hex(code), unicodedata.name(char, ""))
    assert is_printed_so("党委，GDP ５％。")


def test_what_is_part_of_a_common_term_is_common(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "_BUDGET", 1.0)
    sample = [Document(number, "全面从严治党", f"全面从严治党{number}，机关党委" * 3) for number in range(40)]
    terms = common.chosen(sample)
    assert {"全面从严治党", "治党", "党"} <= terms
    assert all(part in terms for term in terms for part in common.parts(term))
    held = common.held(sample[7], terms)
    assert held == {term for term in terms if len(term) > 1 and term in f"{sample[7].title}\n{sample[7].body}"}
    assert common.covering("全面从严治党好", terms) == ["全面从严治党"]


def test_words_of_common_characters_are_listed_though_few_texts_hold_them() -> None:
    chosen = random.Random(67)
    texts = ["".join(chosen.choices("一二三四五六七八九十", k=60)) + "，党，委，机，关" for _ in range(400)]
    sample = [Document(number, "", text + "，党委机关" * (number % 20 == 0)) for number, text in enumerate(texts)]
    terms = common.chosen(sample)
    # what one of its pairs begins with need not be listed for the word to be found in a text
    assert "党委机关" in terms
    assert "党委机" not in terms
    assert [document.id for document in sample if "党委机关" in common.held(document, terms)] == [*range(0, 400, 20)]
    assert sum(len(common.held(document, terms)) for document in sample) <= 400 * 0.17 * 3 * 76


def test_terms_of_any_characters_are_spelled_apart() -> None:
    terms = ["a ", "a-", "x2", "ax20", " ", "\ufdd2\ufde0", "\ufdd2", "党“", '党"', "，", ","]
    spelled = [common.spelled([term]) for term in terms]
    assert len(set(spelled)) == len(terms)
    assert all(char.isalnum() or not char.isascii() for token in spelled for char in token)


@pytest.mark.slow
def test_what_is_found_does_not_depend_on_the_common_terms(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Generated(seed=23, articles=80)
    queries = [archive.query() for _ in range(150)]
    with Session(engine) as session, session.begin():
        archive.write(session)
        for budget, few in ((0.0, 2000), (0.13, 2000), (5.0, 10), (0.05, 2)):
            monkeypatch.setattr(common, "_BUDGET", budget)
            monkeypatch.setattr(sqlite, "_FEW", few)
            maintain.rebuild(session)
            for filters in queries:
                assert set(search.matching(session, filters)) == archive.scan(filters), (budget, few, filters)


def test_common_terms_are_listed_and_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "_BUDGET", 1.0)
    engine = open_engine(f"sqlite:///{tmp_path}/archive.db")
    upgrade(engine)
    archive = Generated(seed=29, articles=60)
    with Session(engine) as session, session.begin():
        archive.write(session)
        maintain.rebuild(session)
        listed = session.scalars(text("SELECT term FROM search_index_terms WHERE length(term) = 2")).all()
        assert "党委" in listed
        # nothing but the list answers: the other index is empty
        session.execute(text("INSERT INTO search_index (search_index) VALUES ('delete-all')"))
        found = sqlite.matching(plain(session), parse("党委"), [], current=True)
        assert set(found) == archive.scan(search.Filters("党委"))
    engine.dispose()


def test_an_archive_that_has_outgrown_its_common_terms_chooses_anew(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Generated(seed=31, articles=40)
    with Session(engine) as session, session.begin():
        assert session.scalar(select(SearchState.articles)) == 0
        archive.write(session)
        maintain.added(session, *range(1, 41))
        maintain.update(session)
    upgrade(engine)
    with Session(engine) as session:
        assert session.scalar(select(SearchState.articles)) == 0  # forty are few
    monkeypatch.setattr(sqlite, "_SMALL", 3)
    upgrade(engine)
    with Session(engine) as session:
        on_sqlite = engine.dialect.name == "sqlite"
        assert session.scalar(select(SearchState.articles)) == (40 if on_sqlite else 0)
        archive.compare(session, 50)


def test_an_older_archive_is_brought_to_the_common_terms(engine: Engine) -> None:
    archive = Generated(seed=37, articles=30)
    with Session(engine) as session, session.begin():
        archive.write(session)
        maintain.rebuild(session)
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0008")
        connection.execute(text("INSERT INTO search_state (made_by) VALUES ('older')"))
    upgrade(engine)
    with Session(engine) as session, session.begin():
        assert session.scalar(select(SearchState.articles)) == 30
        archive.compare(session, 50)


def test_what_is_counted_of_all_is_what_is_counted_of_those_found(engine: Engine) -> None:
    archive = Generated(seed=41, articles=60)
    with Session(engine) as session, session.begin():
        archive.write(session)
        maintain.rebuild(session)
        of_all = search.facets(session, search.Filters(), most=100)
        assert {name: {each.key: each.articles for each in of_all[name]} for name in of_all} == archive.spread(
            search.Filters()
        )
        for by in ("author", "unit"):
            counted = {each.key: each.articles for each in query.counts(session, by)}
            assert counted == archive.spread(search.Filters())[by]


@pytest.mark.parametrize("other", [False, True])
def test_the_end_of_a_crawl_chooses_common_terms_unless_another_is_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: bool
) -> None:
    monkeypatch.setattr(sqlite, "_SMALL", 1)

    async def work(archive: Archive, run_id: int) -> None:
        archive.lock("c")
        await asyncio.gather(*(add(archive, run_id, number) for number in range(10)))

    held = [lock.FileLock(tmp_path, "another")] if other else []
    with_archive(tmp_path, None, work)
    for each in held:
        each.release()
    engine = open_engine(f"sqlite:///{tmp_path}/archive.db")
    with Session(engine) as session:
        assert session.scalar(select(SearchState.articles)) == (0 if other else 10)
        assert len(search.matching(session, search.Filters("的第一段"))) == 10
    engine.dispose()
    assert problems(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "text", "possible"),
    [
        ("党委", "机关党委", True),
        ("党委", "党 委", False),
        ("七七,乏", "一七七，乏", True),
        ("七七,乏", "一七七乏", False),
        ("七七,乏", "七七丁乏", False),
        ("七七...乏", "七七…乏", True),
        (",党委", "的，党委", True),
        (",党委", "丁党委", False),
        (",党委", "的党委", False),
        ("党委。", "党委｡的", True),
        ("党委。", "党委丁", False),
        ("党委。", "党委的", False),
        ("...", "党", True),
    ],
)
def test_what_a_text_cannot_hold_is_seen_in_it_as_printed(words: str, text: str, possible: bool) -> None:
    assert may_hold(words)(text.encode()) is possible
    assert possible or words not in folded(text)


@pytest.mark.slow
def test_no_text_that_holds_the_words_is_passed_over() -> None:
    chosen = random.Random(61)
    alphabet = "党委丁龥一乏，,。｡…．.aＡé 　\u0301😀"
    held = 0
    for _ in range(50_000):
        text = "".join(chosen.choices(alphabet, k=chosen.randint(1, 12)))
        start = chosen.randrange(len(folded(text)))
        words = folded(text)[start : start + chosen.randint(1, 5)].replace("\u0301", "")
        if words and words in folded(text) and is_printed_so(text):
            held += 1
            assert may_hold(words)(text.encode()), (words, text)
    assert held > 10_000
