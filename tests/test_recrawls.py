"""Crawling again: what is asked for, what is a revision, and what two columns share."""

import asyncio
import hashlib
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crawler.exceptions import CrawlError, Unavailable
from crawler.files import Files
from crawler.items import Attachment, Held
from tests.crawling import Crawl, crawl, sites_for
from tests.reading import response_of
from tests.tiny_site import Answer, TinySite, serve

TEXT = "大家把学习体会写进了笔记本，约定下个月再来交流一次，并请第三党支部准备一份发言。"
PDF = "/files/plan.pdf"
FILE = Attachment("http://h.test/f.pdf", "附件", hashlib.sha256(b"old").hexdigest(), "application/pdf", 3, "files/f")


class World:
    """A site of two columns that share an article; the second also lists a copy of it."""

    def __init__(self) -> None:
        self.file = b"%PDF-1.4 first"
        self.text = TEXT
        self.visits = 0

    def answer(self, path: str, _base: str) -> Answer | str | None:
        listed = {"/a/": ["one", "two"], "/b/": ["one", "copy"]}
        if path == "/":
            return '<a href="/a/">甲栏目</a><a href="/b/">乙栏目</a>'
        if path in listed:
            items = "".join(
                f'<li><a href="/art/{name}.shtml" title="题目{name[:1]}">题目</a><span>2020-01-02</span></li>'
                for name in listed[path]
            )
            return f'<ul class="txtList_01">{items}</ul>'
        if path == PDF:
            return Answer(self.file, 200, {"Content-Type": "application/pdf", "ETag": f'"{zlib.crc32(self.file)}"'})
        if path.startswith("/art/"):
            return self.page(path)
        return None

    def page(self, path: str) -> Answer:
        two = path == "/art/two.shtml"
        self.visits += 1
        text = "另一篇文章的正文，说的是另一件事情，写得也不短，足够成为一篇文章。" if two else self.text
        link = "" if two else f'<p>附件：<a href="{PDF}">计划</a></p>'
        body = f'<h1>题目{"二" if two else "一"}</h1><div class="art-con"><p>{text}</p>{link}</div>'
        noise = f"<div>访问量 {self.visits}</div><input name='token' value='{self.visits * 7919}'>"
        headers = {"Content-Type": "text/html; charset=utf-8"}
        if path == "/art/one.shtml":  # the copy's server ignores conditions, and its counter runs
            headers["ETag"] = f'"{zlib.crc32(body.encode())}"'
        return Answer(f"<html><body>{body}{noise}</body></html>", 200, headers)


def _events(done: Crawl) -> list[tuple[str, str, str]]:
    rows = done.rows("SELECT url, event, changed FROM article_versions ORDER BY url, version")
    return [(row["url"].rpartition("/")[2], row["event"], row["changed"]) for row in rows]


def _requests(site: TinySite, since: int) -> dict[str, int]:
    return {path: status for (_, path), status in list(zip(site.asked, site.statuses, strict=True))[since:]}


@pytest.mark.slow
def test_two_columns_share_an_article_and_its_revisions(tmp_path: Path) -> None:
    world = World()
    with serve(world.answer) as site:
        sites = {"ARCHIVE_SITES_DIR": sites_for({"a": "甲栏目", "b": "乙栏目"}, tmp_path / "sites")}

        def again(**arguments: str) -> Crawl:
            done = crawl(tmp_path / "archive", "columns", settings=sites, base_url=site.base_url, **arguments)
            assert done.code == 0, done.out + done.err
            return done

        first = again()
        archived = [("copy.shtml", "archived", "[]"), ("one.shtml", "archived", "[]"), ("two.shtml", "archived", "[]")]
        assert _events(first) == archived
        rows = first.rows("SELECT id, url, column_id, duplicate_of FROM articles ORDER BY id")
        ids = {row["url"].rpartition("/")[2]: row["id"] for row in rows}
        assert {row["url"].rpartition("/")[2]: (row["column_id"], row["duplicate_of"]) for row in rows} == {
            "one.shtml": ("a", None),
            "two.shtml": ("a", None),
            "copy.shtml": ("b", ids["one.shtml"]),
        }
        both = first.rows("SELECT column_id FROM listings WHERE article_id = ? ORDER BY 1", ids["one.shtml"])
        assert [row["column_id"] for row in both] == ["a", "b"]
        assert (first.outcomes("a"), first.outcomes("b")) == ({"archived": 2}, {"unchanged": 1, "duplicate": 1})

        asked = len(site.asked)
        second = again(full="1")
        assert second.lines() == first.lines()
        requests = _requests(site, asked)
        assert (requests["/art/one.shtml"], requests[PDF], requests["/art/copy.shtml"]) == (304, 304, 200)

        world.file = b"%PDF-1.4 second"
        asked = len(site.asked)
        third = again(full="1")
        requests = _requests(site, asked)
        assert (requests["/art/one.shtml"], requests[PDF]) == (304, 200)
        revised = [("copy.shtml", "revised", '["attachments"]'), ("one.shtml", "revised", '["attachments"]')]
        assert [event for event in _events(third) if event[1] == "revised"] == revised

        world.text = TEXT.replace("笔记本", "笔记薄")
        fourth = again(full="1")
        of_the_shared = [event for event in _events(fourth) if event[0] == "one.shtml"]
        assert of_the_shared[2:] == [("one.shtml", "revised", '["body_text"]')]
        rows = fourth.rows("SELECT column_id, duplicate_of, version FROM articles ORDER BY url")
        assert [tuple(row.values()) for row in rows] == [("b", ids["one.shtml"], 3), ("a", None, 3), ("a", None, 1)]
        assert again(full="1").lines() == fourth.lines()


# --- files, without a network ---------------------------------------------------------------------------


class Server:
    """Answers for one address; remembers what it was asked."""

    def __init__(self, body: bytes = b"old", status: int = 200, error: CrawlError | None = None) -> None:
        self.body, self.status, self.error = body, status, error
        self.conditions: list[str | None] = []

    async def fetch(self, url: str, role: str, *, etag: str | None = None, last_modified: str | None = None) -> Any:
        self.conditions.append(etag)
        if self.error:
            raise self.error
        response = response_of(self.body, url, {"Content-Type": "application/pdf; x=1"})
        return response.replace(status=self.status)


class Keeper:
    """The part of an archive that keeps files."""

    async def keep_file(self, body: bytes, url: str, media_type: str) -> tuple[str, str]:
        return hashlib.sha256(body).hexdigest(), f"files/{media_type}"


def _files(server: Server, lost: list[str]) -> Files:
    async def lose(url: str, kind: str, error: CrawlError) -> None:
        lost.append(f"{kind} {url}: {error}")

    return Files(server.fetch, Keeper(), lose)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("server", "changed"),
    [
        (Server(b"", 304), False),
        (Server(b"old"), False),  # it ignores the condition
        (Server(b"new"), True),
        (Server(error=Unavailable("HTTP 502")), False),
    ],
)
def test_only_other_bytes_are_a_change(server: Server, changed: bool) -> None:
    lost: list[str] = []
    files = _files(server, lost)
    found = asyncio.run(files.changed([Held(replace(FILE), '"1"')]))
    assert list(found) == ([FILE.url] if changed else [])
    assert server.conditions == ['"1"']
    assert lost == ([f"file {FILE.url}: HTTP 502"] if server.error else [])


def test_a_file_is_asked_for_once_a_crawl() -> None:
    server = Server(b"new")
    files = _files(server, [])
    one, two = Attachment(FILE.url, "一"), Attachment(FILE.url, "二")

    async def fill() -> None:
        await files.fill(one, [])
        await files.fill(two, [Held(replace(FILE), '"1"')])

    asyncio.run(fill())
    assert (one.name, two.name) == ("一", "二")
    assert one.sha256 == two.sha256 == hashlib.sha256(b"new").hexdigest()
    assert (one.media_type, one.size) == ("application/pdf", 3)
    assert server.conditions == [None]
