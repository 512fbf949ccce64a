"""A file that failed in one run and came in a later one: no revision, and everything the archive keeps agrees."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from crawler.items import Attachment
from exports.archive import Archive
from exports.database.session import open_engine
from tests.archive_command import run as archive_command
from tests.crawling import Crawl, crawl, sites_for
from tests.storage import BASE, a_file, add, config, lines, open_archive, problems, start, version_lines, with_archive
from tests.tiny_site import Answer, serve

BODY = b"%PDF a file"
LATE = {"attachments": [Attachment(f"{BASE}/f.pdf", "附件")]}
COMPLETE = {"attachments": [a_file(BODY)]}


async def incomplete(archive: Archive, run_id: int) -> None:
    for number in range(1, 4):
        await add(archive, run_id, number, **(LATE if number == 2 else {}))
    await archive.finish_run(run_id, exit_code=3)


async def complete(archive: Archive, run_id: int) -> None:
    await archive.keep_file(BODY, f"{BASE}/f.pdf", "application/pdf")
    assert await add(archive, run_id, 2, **COMPLETE) == "unchanged"


def events(directory: Path, url: str) -> list[tuple[Any, ...]]:
    engine = open_engine(url, read_only=True)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT article_id, version, event FROM article_versions ORDER BY 1, 2"))
        rows = [tuple(row) for row in found]
    engine.dispose()
    assert lines(directory) == sorted(version_lines(directory, url), key=lambda line: json.loads(line)["id"])
    return rows


@pytest.mark.parametrize("more", [False, True], ids=["alone", "beside new lines"])
def test_the_line_is_completed_at_the_end_of_the_run(tmp_path: Path, database_url: str, more: bool) -> None:
    with_archive(tmp_path, database_url, incomplete)
    wanted = events(tmp_path, database_url)

    async def again(archive: Archive, run_id: int) -> None:
        await complete(archive, run_id)
        assert problems(tmp_path, database_url) == []  # while the run goes on
        if more:
            await add(archive, run_id, 4)
        await archive.finish_run(run_id, exit_code=0)

    with_archive(tmp_path, database_url, again)
    assert events(tmp_path, database_url) == wanted + ([(4, 1, "archived")] if more else [])
    assert json.loads(lines(tmp_path)[1])["attachments"][0]["sha256"] == COMPLETE["attachments"][0].sha256
    assert problems(tmp_path, database_url) == []


def test_a_killed_run_leaves_a_line_the_next_start_completes(tmp_path: Path, database_url: str) -> None:
    with_archive(tmp_path, database_url, incomplete)
    wanted = events(tmp_path, database_url)
    path = next((tmp_path / "jsonl").glob("*/*.jsonl"))
    as_it_was = path.read_bytes()

    with_archive(tmp_path, database_url, complete)
    # what a kill before the end leaves: the committed rows, the file of before, and a WARC file nobody closed
    path.write_bytes(as_it_was)
    engine = open_engine(config(tmp_path, database_url).database_url)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE segments SET crc32 = NULL, sealed = 0, size = :size WHERE path LIKE 'jsonl/%'"),
            {"size": len(as_it_was)},
        )
    engine.dispose()
    assert problems(tmp_path, database_url) != []
    open_archive(tmp_path, database_url).close()
    assert events(tmp_path, database_url) == wanted
    assert problems(tmp_path, database_url) == []


def test_two_columns_at_once_complete_what_they_share(tmp_path: Path, database_url: str) -> None:
    with_archive(tmp_path, database_url, incomplete)

    async def again(archive: Archive, run_id: int) -> None:
        other = await start(archive, "d")
        await complete(archive, other)
        await add(archive, run_id, 2, title="改过的题目", **COMPLETE)
        await archive.finish_run(other, exit_code=0)
        await archive.finish_run(run_id, exit_code=0)

    with_archive(tmp_path, database_url, again)
    assert sorted(events_of(tmp_path, 2)) == [(1, "archived"), (2, "revised")]
    assert problems(tmp_path, database_url) == []


def events_of(directory: Path, article_id: int) -> list[tuple[int, str]]:
    records = map(json.loads, lines(directory))
    return [(record["version"], record["event"]) for record in records if record["id"] == article_id]


PDF = "/files/plan.pdf"
PICTURE = "/files/photo.jpg"
FILES = {PDF: b"%PDF-1.4 plan", PICTURE: b"\xff\xd8\xff photo"}
BROKEN = {PDF: Answer("", 502), PICTURE: Answer("", 403)}
TEXT = "大家把学习体会写进了笔记本，约定下个月再来交流一次，并请第三党支部准备一份发言。"


@pytest.mark.slow
def test_a_crawl_completes_its_articles_and_tells_nobody_of_a_revision(tmp_path: Path) -> None:
    broken = dict(BROKEN)

    def answer(path: str, _base: str) -> Answer | str | None:
        if path == "/":
            return '<a href="/a/">甲栏目</a>'
        if path == "/a/":
            entry = '<li><a href="/art/1.shtml" title="题目">题目</a><span>2020-01-02</span></li>'
            return f'<ul class="txtList_01">{entry}</ul>'
        if path in FILES:
            return broken.get(path) or Answer(FILES[path], 200, {"Content-Type": "application/octet-stream"})
        if path == "/art/1.shtml":
            files = f'<p>附件：<a href="{PDF}">计划</a></p><p><img src="{PICTURE}"></p>'
            return f'<html><body><h1>题目</h1><div class="art-con"><p>{TEXT}</p>{files}</div></body></html>'
        return None

    directory = tmp_path / "archive"
    with serve(answer) as site:
        sites = {"ARCHIVE_SITES_DIR": sites_for({"a": "甲栏目"}, tmp_path / "sites")}

        def again(hours: float = 0) -> Crawl:
            return crawl(directory, "columns", settings=sites, base_url=site.base_url, hours=hours)

        first = again()
        assert len(first.rows("SELECT url FROM failures WHERE kind = 'file' AND resolved_at IS NULL")) == 2
        before = first.rows("SELECT version, event, changed_at, capture_id FROM article_versions")
        broken.clear()
        second = again(24)
        assert (second.code, second.outcomes("a")) == (0, {"unchanged": 1}), second.out + second.err
    assert second.rows("SELECT url FROM failures WHERE resolved_at IS NULL") == []
    assert second.rows("SELECT version, event, changed_at, capture_id FROM article_versions") == before
    files = second.rows("SELECT path FROM attachments UNION ALL SELECT path FROM images")
    assert [(directory / row["path"]).read_bytes() for row in files] == list(FILES.values())
    (line,) = second.lines()
    assert all(file["sha256"] for file in (*line["attachments"], *line["images"]))
    assert problems(directory) == []
    setting = ("-s", f"ARCHIVE_DIR={directory}")
    assert "nothing to compare" in archive_command("diff", *setting, "1").stdout
    replayed = crawl(directory, "replay", settings=sites)
    assert (replayed.code, replayed.lines()) == (0, [line])
    for left in directory.glob("archive.db*"):
        left.unlink()
    shutil.rmtree(directory / "files")
    rebuilt = crawl(directory, "replay", settings=sites)
    assert rebuilt.code == 0, rebuilt.out + rebuilt.err
    (again_line,) = rebuilt.lines()
    same = ("event", "version", "content_hash", "attachments", "images")
    assert {name: again_line[name] for name in same} == {name: line[name] for name in same}
    assert problems(directory) == []
