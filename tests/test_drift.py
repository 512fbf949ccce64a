"""The drift alarm: a redesign that loses a field fails the run before rows are replaced; an editor does not."""

from pathlib import Path
from typing import Any

import pytest
from scrapy.settings import Settings
from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler import drift as crawler_drift
from crawler.arguments import read as read_order
from crawler.exceptions import BadUsage
from crawler.items import GUARDED
from crawler.pages import TEMPLATES
from exports.archive import Archive
from exports.database.models import Article, Listing, Run
from exports.database.session import open_engine
from exports.drift import Loss
from tests.crawling import Crawl, crawl
from tests.storage import article, config, exchange, open_archive, problems, start, with_archive
from tests.tiny_site import Answer, serve

COUNT = 12
NONE: dict[str, Any] = {"byline": "", "source": "", "content_type": "", "published_at": None, "breadcrumb": []}


async def observe(archive: Archive, run_id: int, numbers: dict[int, dict[str, Any]]) -> list[Loss]:
    """List and store these articles, first the newest, as a crawl does; returns the judgement."""
    from crawler.items import Entry

    entries = [Entry(article(number).url, f"题目{number}") for number in sorted(numbers, reverse=True)]
    await archive.listed(run_id, entries, 0)
    for number, given in numbers.items():
        observed = article(number, **given)
        observed.capture_id = await archive.keep(run_id, exchange(observed.url, f"{number} {given}".encode()))
        await archive.store(run_id, observed)
    return list(await archive.watching.judge(run_id))


def runs(
    directory: Path, *observed: dict[int, dict[str, Any]], url: str | None = None, **about: Any
) -> list[list[Loss]]:
    """One run for each; the judgements."""
    found = []
    for numbers in observed:

        async def work(archive: Archive, run_id: int, numbers: dict[int, dict[str, Any]] = numbers) -> list[Loss]:
            return await observe(archive, run_id, numbers)

        found.append(with_archive(directory, url, work))
    return found


def rows(directory: Path, url: str | None = None) -> dict[int, Article]:
    engine = open_engine(config(directory, url).database_url, read_only=True)
    with Session(engine) as session:
        found = {int(row.title.removeprefix("题目")): row for row in session.scalars(select(Article))}
    engine.dispose()
    return found


ALL: dict[int, dict[str, Any]] = {number: {} for number in range(1, COUNT + 1)}


@pytest.mark.parametrize("name", NONE)
@pytest.mark.slow
def test_a_field_lost_by_all_replaces_no_row(name: str, tmp_path: Path) -> None:
    first, second = runs(tmp_path, ALL, {number: {name: NONE[name]} for number in ALL})
    assert first == []
    assert [(loss.field, loss.lost, loss.of, loss.newest) for loss in second] == [(name, COUNT, COUNT, False)]
    assert all(row.version == 1 and getattr(row, name) for row in rows(tmp_path).values())
    engine = open_engine(config(tmp_path).database_url, read_only=True)
    with Session(engine) as session:
        entries = session.scalars(select(Listing)).all()
        assert {entry.outcome for entry in entries} == {"failed"}
        assert all(f"field lost: {name}" in (entry.reason or "") for entry in entries)
        assert session.scalars(select(Run.fields).order_by(Run.id.desc())).first()[name] == [COUNT, 0, COUNT]  # type: ignore[index]
    engine.dispose()
    assert problems(tmp_path) == []


@pytest.mark.slow
def test_what_is_held_is_stored_on_both_databases(tmp_path: Path, database_url: str) -> None:
    changed = ALL | {3: {"source": "", "title": "题目3"}}
    assert runs(tmp_path, ALL, changed, url=database_url) == [[], []]
    found = rows(tmp_path, database_url)
    assert (found[3].version, found[3].source) == (2, "")
    assert all(row.version == 1 for number, row in found.items() if number != 3)


def test_single_edits_stay_revisions(tmp_path: Path) -> None:
    changed = ALL | {3: {"source": ""}, 7: {"source": "", "byline": ""}}
    assert runs(tmp_path, ALL, changed) == [[], []]
    assert {number for number, row in rows(tmp_path).items() if row.version == 2} == {3, 7}


def test_one_article_read_alone_and_changed_is_an_edit(tmp_path: Path) -> None:
    assert runs(tmp_path, ALL, {5: {"source": ""}}) == [[], []]
    assert rows(tmp_path)[5].source == ""


def test_what_the_server_calls_unmodified_counts_as_kept(tmp_path: Path) -> None:
    runs(tmp_path, ALL)

    async def work(archive: Archive, run_id: int) -> list[Loss]:
        from crawler.items import Entry

        await archive.listed(run_id, [Entry(article(number).url, "x") for number in ALL], 0)
        for number in range(3, COUNT + 1):
            await archive.unchanged(run_id, article(number).url)
        return await observe(archive, run_id, {1: {"source": ""}, 2: {"source": ""}})

    assert with_archive(tmp_path, None, work) == []
    assert rows(tmp_path)[1].source == ""


@pytest.mark.slow
def test_a_text_that_shrinks_everywhere_is_held_back(tmp_path: Path) -> None:
    long = {number: {"body_text": f"第{number}篇。\n" + "很长的正文。" * 60} for number in ALL}
    cut = {number: {"body_text": f"第{number}篇。"} for number in ALL}
    _, second = runs(tmp_path, long, cut)
    assert [loss.field for loss in second] == ["body_text"]
    assert all(len(row.body_text) > 300 for row in rows(tmp_path).values())


@pytest.mark.slow
def test_new_entries_without_a_field_all_older_ones_have(tmp_path: Path) -> None:
    more = {number: {} for number in range(1, 21)}
    first, second = runs(tmp_path, more, more | {number: {"source": ""} for number in (21, 22, 23)})
    assert first == []
    assert [(loss.field, loss.lost, loss.of, loss.newest) for loss in second] == [("source", 3, 3, True)]
    assert len(rows(tmp_path)) == 23  # nothing good is replaced: they are kept


@pytest.mark.parametrize(
    "new",
    [
        {21: {"source": ""}},  # one
        {21: {"source": ""}, 22: {}, 23: {}},
        {number: {"subtitle": "", "editor_note": ""} for number in range(21, 26)},  # not watched
    ],
)
@pytest.mark.slow
def test_new_entries_that_only_differ_now_and_then(new: dict[int, dict[str, Any]], tmp_path: Path) -> None:
    more = {number: {} for number in range(1, 21)}
    assert runs(tmp_path, more, more | new) == [[], []]


@pytest.mark.slow
def test_an_old_part_of_the_column_read_later_is_no_drift(tmp_path: Path) -> None:
    """A limit stopped the first run; older pages, of an older system, print no type."""
    new = {number: {} for number in range(21, 41)}
    old = {number: {"content_type": "", "source": ""} for number in range(1, 21)}
    assert runs(tmp_path, new, new | old) == [[], []]


@pytest.mark.slow
def test_an_accepted_loss_is_accepted_for_good(tmp_path: Path) -> None:
    lost = {number: {"source": ""} for number in ALL}
    runs(tmp_path, ALL)
    archive = open_archive(tmp_path)
    archive.close()

    async def accepting(archive: Archive, run_id: int) -> list[Loss]:
        def accept(session: Session, run: Run) -> None:
            run.arguments = {"accept": ["source"]}

        await archive._with_run(run_id, accept)
        return await observe(archive, run_id, lost)

    assert with_archive(tmp_path, None, accepting) == []
    assert all(row.source == "" and row.version == 2 for row in rows(tmp_path).values())
    later = {number: {"source": ""} for number in range(COUNT + 1, COUNT + 9)}
    assert runs(tmp_path, lost | later) == [[]]


def test_a_killed_run_leaves_what_it_held_to_the_next(tmp_path: Path) -> None:
    runs(tmp_path, ALL)
    archive = open_archive(tmp_path)

    async def killed() -> None:
        from crawler.items import Entry

        run_id = await start(archive)
        await archive.listed(run_id, [Entry(article(1).url, "x")], 0)
        observed = article(1, source="", capture_id=1)
        assert await archive.store(run_id, observed) == "held"
        assert await archive.counts(run_id) == {"pending": 1}

    import asyncio

    asyncio.run(killed())
    archive.close()
    assert rows(tmp_path)[1].source == "来源"
    assert problems(tmp_path) == []


def test_the_line_names_field_selector_and_way_out() -> None:
    loss = Loss("source", 40, 41, "mofcom@T3", "script", newest=False)
    assert crawler_drift.explain(loss, TEMPLATES["mofcom"]) == (
        "field lost: source: 40 of 41 archived articles read again lost it (read by mofcom@T3 with ROW '.at-left', "
        "formerly from variables of an inline script). Mend the template, or accept it with -a accept=source"
    )
    new = Loss("breadcrumb", 3, 3, "unknown@1", "", newest=True)
    assert "3 of the 3 newest entries lack it" in crawler_drift.explain(new, TEMPLATES["mofcom"])


def test_only_watched_fields_can_be_accepted() -> None:
    settings = Settings()
    settings.setmodule("crawler.settings")
    assert read_order(settings, {"accept": "source, byline"}).accept == ("source", "byline")
    with pytest.raises(BadUsage, match=rf"accept 'colour' is not .*: allowed are {', '.join(GUARDED)}"):
        read_order(settings, {"accept": "colour"})


def page_of(number: int, row: str) -> str:
    return (
        f'<html><body><div class="art-title">第{number}期学习活动</div><div class="at-left">{row}</div>'
        f'<div class="art-con"><p>这是第{number}期学习活动的报道，大家都来了。</p><p>会后继续讨论。</p></div>'
        "</body></html>"
    )


@pytest.mark.slow
def test_a_redesign_fails_the_crawl(tmp_path: Path) -> None:
    """The new pages print 来源 in a place the template does not know."""
    redesigned: set[int] = set()
    old = "来源：机关党委 类型：原创 2024-03-01 09:00"

    def answer(path: str, _base: str) -> Answer | str | None:
        if path == "/":
            return '<a href="/article/zt_x/">重要专题</a>'
        if path == "/article/zt_x/":
            items = "".join(
                f'<li><a href="/article/zt_x/a/202403/202403{n:08d}.shtml">第{n}期学习活动</a>'
                "<span>2024-03-01</span></li>"
                for n in range(1, 9)
            )
            return f'<section class="listCon"><ul class="txtList_01">{items}</ul></section>'
        if path.startswith("/article/zt_x/a/"):
            number = int(path[-14:-6])
            return page_of(number, "2024-03-01 09:00" if number in redesigned else old)
        return None

    def again(**given: str) -> Crawl:
        return crawl(tmp_path / "archive", base_url=site.base_url, full="1", **given)

    with serve(answer) as site:
        assert again().code == 0
        redesigned.add(1)
        edited = again()
        assert (edited.code, edited.outcomes()) == (0, {"unchanged": 7, "revised": 1})
        redesigned.update(range(1, 9))
        broken = again()
        assert broken.code == 3
        assert "field lost: source: 7 of 7 archived articles" in broken.err
        assert "ROW '.at-left'" in broken.err
        assert {
            row["source"] for row in broken.rows("SELECT source FROM articles WHERE url NOT LIKE '%00000001.shtml'")
        } == {"机关党委"}
        assert broken.outcomes() == {"unchanged": 1, "failed": 7}
        accepted = again(accept="source,content_type")
        assert (accepted.code, accepted.outcomes()) == (0, {"unchanged": 1, "revised": 7})
