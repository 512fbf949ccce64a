"""Articles are counted as a scan counts them, on both databases, however many they are and after every change."""

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, insert, update
from sqlalchemy.orm import Session

from crawler.items import Author
from crawler.spiders.replay import Reread
from exports import search
from exports.archive import Archive
from exports.database.models import Article, ArticleAuthor
from exports.database.session import open_engine
from exports.index import codes, maintain
from exports.web import questions
from tests.storage import add, article, with_archive
from tests.test_search import Archive as Generated


def _facets(session: Session, filters: search.Filters) -> dict[str, dict[str, int]]:
    return {
        name: {each.key: each.articles for each in entries}
        for name, entries in search.facets(session, filters, most=1000).items()
    }


@pytest.mark.parametrize("few", [0, 30, 5000])
def test_counts_of_several_blocks_are_those_of_a_scan(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(codes, "_FEW", few)
    archive = Generated(seed=43, articles=450)
    filters = [search.Filters(), search.Filters("党"), search.Filters("党委工作"), search.Filters("没有这样的话")]
    with Session(engine) as session, session.begin():
        archive.write(session)
        maintain.rebuild(session)
        for each in filters:
            assert _facets(session, each) == archive.spread(each), each


def test_months_are_counted_by_column_and_unit(engine: Engine) -> None:
    archive = Generated(seed=47, articles=250)
    expected: dict[str, Counter[tuple[str, str]]] = {"column": Counter(), "unit": Counter()}
    for one in archive.articles:
        if len(month := (one["published_at"] or "")[:7]) == 7:
            expected["column"][one["column"][0], month] += 1
            expected["unit"].update((unit, month) for unit in {unit for _, unit in one["authors"]} - {""})
    with Session(engine) as session, session.begin():
        archive.write(session)
        maintain.rebuild(session)
        for by, counted in expected.items():
            found = questions.monthly(session, by)
            assert {
                (key, month): number for key, months in found.items() for month, number in months.items()
            } == counted
        of_column = questions.monthly(session, "column", ["zhuanti"])
        assert of_column == {
            "zhuanti": {month: n for (key, month), n in expected["column"].items() if key == "zhuanti"}
        }


def test_counts_follow_the_article_in_its_transaction(engine: Engine) -> None:
    archive = Generated(seed=53, articles=30)
    with Session(engine) as session, session.begin():
        archive.write(session)
        maintain.rebuild(session)
    for number in (1, 2):
        with Session(engine) as session, session.begin():
            maintain.changing(session, number)
            session.execute(update(Article).where(Article.id == number).values(source="新来源", published_at="1999-01"))
            session.execute(delete(ArticleAuthor).where(ArticleAuthor.article_id == number))
            for seq, name in enumerate(("新人", "新人", "另一人")):
                who = {"name": name, "unit": "新单位", "position": "", "role": "作者"}
                session.execute(insert(ArticleAuthor).values(article_id=number, seq=seq, **who))
            maintain.update(session)
            if number == 2:
                session.rollback()
    archive.articles[0] |= {
        "source": "新来源",
        "published_at": "1999-01",
        "authors": [("新人", "新单位"), ("新人", "新单位"), ("另一人", "新单位")],
    }
    with Session(engine) as session, session.begin():
        assert _facets(session, search.Filters()) == archive.spread(search.Filters())
        assert _facets(session, search.Filters())["author"]["新人"] == 1
        maintain.rebuild(session)
        assert _facets(session, search.Filters()) == archive.spread(search.Filters())


def test_who_wrote_what_is_counted_anew_where_all_authors_together_are_as_before(
    tmp_path: Path, database_url: str
) -> None:
    joined = {"author": "张三、李四", "unit": "办公室"}

    async def work(archive: Archive, run_id: int) -> None:
        await add(archive, run_id, 1, **joined, authors=[Author("张三、李四", "办公室", "")])
        again = article(1, **joined, authors=[Author("张三", "办公室", ""), Author("李四", "", "")], capture_id=1)
        await archive.replaying.note(run_id, "c", "reader", [Reread(1, 1, again)])
        await archive.replaying.promote(run_id, "c")

    with_archive(tmp_path, database_url, work)
    engine = open_engine(database_url)
    with Session(engine) as session:
        assert _facets(session, search.Filters())["author"] == {"张三": 1, "李四": 1}
    engine.dispose()
