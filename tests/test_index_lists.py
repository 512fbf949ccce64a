"""The lists of pairs of the full-text index on PostgreSQL: packed, in segments, beside other writers; their size."""

import random

import pytest
from sqlalchemy import Engine, text, update
from sqlalchemy.orm import Session

from benchmarks.articles import Writer, fill
from exports import search
from exports.database.migrate import upgrade
from exports.database.models import Article, ArticleVersion, SearchState
from exports.database.session import open_engine
from exports.index import lists, maintain, packed
from tests.test_search import ALPHABET
from tests.test_search import Archive as Generated


def test_rows_give_back_what_was_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = random.Random(61)
    texts = ["".join(chosen.choices(ALPHABET, k=chosen.choice((0, 1, 5, 300)))) for _ in range(300)]
    for size in (1, 100, packed._SIZE):
        monkeypatch.setattr(packed, "_SIZE", size)
        rows = list(packed.rows(texts))
        assert [first for first, _ in rows] == sorted(first for first, _ in rows)
        for piece in {*ALPHABET, *(one + other for one in ALPHABET[:9] for other in ALPHABET)} - {"\n"}:
            if "\n" not in piece:
                found = set().union(*(packed.places(content, piece) for _, content in rows))
                assert found == {place for place, some in enumerate(texts) if piece in some}, piece
    assert list(packed.rows([])) == list(packed.rows([""])) == []


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of a few texts."""
    monkeypatch.setattr(lists, "_NEW", 5)
    monkeypatch.setattr(lists, "_LARGE", 20)


@pytest.fixture
def postgresql(postgres_database: str) -> Engine:
    """An empty archive's database."""
    engine = open_engine(postgres_database)
    upgrade(engine)
    return engine


def _segments(session: Session) -> list[int]:
    """How many texts each has, the largest first; of the new ones the last."""
    counted = "SELECT count(*) FROM search_index GROUP BY segment ORDER BY segment IS NULL, 1 DESC"
    return list(session.scalars(text(counted)))


def _change(session: Session, archive: Generated, number: int, words: str) -> None:
    maintain.changing(session, number)
    texts = archive.articles[number - 1]["versions"][-1]
    texts["body_text"] = words
    session.execute(update(Article).where(Article.id == number).values(body_text=words))
    last = (
        ArticleVersion.article_id == number,
        ArticleVersion.version == len(archive.articles[number - 1]["versions"]),
    )
    session.execute(update(ArticleVersion).where(*last).values(body_text=words))
    maintain.update(session)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_new_texts_become_segments_and_small_ones_large_ones(postgresql: Engine) -> None:
    archive = Generated(seed=67, articles=90)
    with Session(postgresql) as session, session.begin():
        archive.write(session)
    for start in range(0, 90, 2):
        with Session(postgresql) as session, session.begin():
            maintain.added(session, start + 1, start + 2)
            maintain.update(session)
            if start > 30:
                _change(session, archive, archive.random.randint(1, start), archive.text(120))
            assert len(_segments(session)) < 2 * len(archive.articles) // 10 + 8
    with Session(postgresql) as session, session.begin():
        archive.compare(session, 200)
        assert session.scalar(text("SELECT count(*) FROM search_index_removed")) > 0
        for number in range(1, 91):
            _change(session, archive, number, archive.text(120))
        archive.compare(session, 100)
        maintain.rebuild(session)
        assert session.scalar(text("SELECT count(*) FROM search_index_removed")) == 0
        assert all(size == 20 for size in _segments(session)[:-1])
        archive.compare(session, 100)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kept", [True, False])
def test_what_another_transaction_takes_out_is_not_moved(postgresql: Engine, kept: bool) -> None:
    archive = Generated(seed=71, articles=40)
    for article in archive.articles:
        article["versions"], article["files"] = article["versions"][-1:], []
    with Session(postgresql) as session, session.begin():
        archive.write(session)
    for start in (1, 6, 11):
        with Session(postgresql) as session, session.begin():
            maintain.added(session, *range(start, start + 5))
            maintain.update(session)
    with Session(postgresql) as session, session.begin():
        assert _segments(session) == [5, 5, 5]
        maintain.added(session, *range(16, 20))
        maintain.update(session)
    with Session(postgresql) as other, Session(postgresql) as session:
        before = archive.articles[6]["versions"][-1]["body_text"]
        maintain.changing(other, 7)
        maintain.changing(other, 17)
        with session.begin():
            maintain.added(session, *range(20, 41))
            maintain.update(session)
            assert sorted(_segments(session)) == [1, 5, 14, 20]  # 7 stays where it is, with its segment, and 17 is new
        other.rollback()
        _change(other, archive, 7, "另一个事务写下的正文")
        if kept:
            other.commit()
        else:
            other.rollback()
            archive.articles[6]["versions"][-1]["body_text"] = before
    with Session(postgresql) as session, session.begin():
        archive.compare(session, 200)


@pytest.mark.slow
def test_the_index_takes_less_than_the_texts(postgresql: Engine) -> None:
    with Session(postgresql) as session, session.begin():
        fill(session, Writer(), 600)
        maintain.rebuild(session)
        texts = session.scalar(text("SELECT sum(octet_length(title) + octet_length(body_text)) FROM articles"))
        tables = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relname LIKE 'search%' AND relkind = 'r'"
        assert session.scalar(text(tables)) < texts


@pytest.mark.slow
def test_an_index_of_arrays_becomes_lists(postgresql: Engine) -> None:
    archive = Generated(seed=73, articles=10)
    with Session(postgresql) as session, session.begin():
        archive.write(session)
        maintain.rebuild(session)
        # as the version before left it
        for table in ("search_index", "search_index_segments", "search_index_pairs", "search_index_removed"):
            session.execute(text(f"DROP TABLE {table}"))
        session.execute(text("CREATE TABLE search_index (id bigint PRIMARY KEY, title text, body text)"))
        function = "FUNCTION search_index_grams (title text, body text) RETURNS bigint[] LANGUAGE sql IMMUTABLE"
        session.execute(text(f"CREATE {function} AS $$ SELECT ARRAY[1::bigint] $$"))
        made = "CREATE INDEX search_index_grams ON search_index USING gin (search_index_grams(title, body))"
        session.execute(text(made))
        session.execute(update(SearchState).values(made_by="postgresql, tokens 5, Unicode 14.0.0"))
        session.execute(text("UPDATE alembic_version SET version_num = '0012'"))
    upgrade(postgresql)
    with Session(postgresql) as session:
        archive.compare(session, 50)
        assert session.scalar(text("SELECT count(*) FROM pg_proc WHERE proname = 'search_index_grams'")) == 0
        assert search.count(session, search.Filters()) == 10
