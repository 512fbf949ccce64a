"""Writing an archive without a crawl: what a spider would hand over, made up."""

import asyncio
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.items import Article, Attachment, Author, Entry, Exchange
from exports import jsonl
from exports.archive import Archive
from exports.config import Config
from exports.database.models import ArticleVersion
from exports.database.session import open_engine
from exports.verify import verify

BASE = "http://example.test"
MOMENT = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)


def exchange(url: str = f"{BASE}/1.html", body: bytes = b"<p>one</p>", **given: Any) -> Exchange:
    """A response of 200 to a GET, unless told otherwise."""
    values: dict[str, Any] = {
        "method": "GET",
        "request_headers": [("User-Agent", "test")],
        "status": 200,
        "protocol": "HTTP/1.1",
        "response_headers": [("Content-Type", "text/html; charset=utf-8"), ("ETag", f'"{len(body)}"')],
        "fetched_at": MOMENT,
        "role": "article",
        "context": {"column_id": "c", "listed_title": "题目"},
    }
    return Exchange(url=url, body=body, **values | given)


def article(number: int = 1, **given: Any) -> Article:
    """An article with every field filled; its address and texts tell the number."""
    url = given.get("url", f"{BASE}/{number}.html")
    values: dict[str, Any] = {
        "url": url,
        "site_id": "s",
        "column_id": "c",
        "column_name": "栏目",
        "title": f"题目{number}",
        "subtitle": "副题",
        "byline": "办公室主任 张三",
        "author": "张三",
        "unit": "办公室",
        "position": "主任",
        "breadcrumb": ["首页", "栏目"],
        "source": "来源",
        "content_type": "原创",
        "published_at": "2024-05-06T07:08",
        "body_text": f"第{number}篇的第一段。\n第二段。",
        "body_html": f"<p>第{number}篇的第一段。</p><p>第二段。</p>",
        "editor_note": "（有删节）",
        "authors": [Author("张三", "办公室", "主任")],
        "printed": {"title": {"row": f"题目{number}"}},
        "extractor": "test@1",
        "listed_url": url,
    }
    return Article(**values | given)


def a_file(body: bytes, name: str = "附件", url: str = f"{BASE}/f.pdf") -> Attachment:
    """A fetched file as the crawl would describe it."""
    digest = hashlib.sha256(body).hexdigest()
    return Attachment(url, name, digest, "application/pdf", len(body), f"files/{digest[:2]}/{digest}.pdf")


def open_archive(directory: Path, url: str | None = None) -> Archive:
    """The archive in the directory."""
    return Archive({"ARCHIVE_DIR": str(directory), "ARCHIVE_DATABASE_URL": url}, user_agent="test/1")


async def start(archive: Archive, column_id: str = "c") -> int:
    """Begin a run."""
    about: dict[str, Any] = {"site_id": "s", "column_id": column_id, "column_name": "栏目", "base_url": BASE}
    return await archive.start_run(spider="test", arguments={}, **about)


async def add(archive: Archive, run_id: int, number: int, **given: Any) -> str:
    """List, keep and store one article; returns its outcome."""
    body = f"<p>{number} {given}</p>".encode()
    observed = article(number, **given)
    await archive.listed(run_id, [Entry(observed.url, observed.title)], 0)
    observed.capture_id = await archive.keep(run_id, exchange(observed.url, body))
    return await archive.store(run_id, observed)


def with_archive(directory: Path, url: str | None, work: Any) -> Any:
    """Open the archive, run the coroutine function with it and a run, and close it."""
    archive = open_archive(directory, url)

    async def run() -> Any:
        return await work(archive, await start(archive))

    try:
        result = asyncio.run(run())
    finally:
        trouble = archive.close()
    if trouble:
        raise trouble
    return result


def filled(directory: Path, url: str | None = None, count: int = 5) -> None:
    """An archive with articles, a file, a revision, a duplicate, a 304, bytes seen before, and a failure."""

    async def work(archive: Archive, run_id: int) -> None:
        body = b"%PDF a file"
        _, path = await archive.keep_file(body, f"{BASE}/f.pdf", "application/pdf")
        for number in range(1, count + 1):
            await add(archive, run_id, number)
        await add(archive, run_id, 1, title="改过的题目", attachments=[a_file(body)])
        await add(archive, run_id, count + 1, title="题目2", body_text=article(2).body_text)
        assert path == a_file(body).path
        again = exchange(f"{BASE}/2.html", b"<p>2 {}</p>")
        await archive.keep(run_id, again)
        asked = [("If-None-Match", dict(again.response_headers)["ETag"])]
        await archive.keep(run_id, exchange(again.url, b"", status=304, request_headers=asked))
        about: dict[str, Any] = {"kind": "file", "outcome": "failed", "reason": "HTTP 500", "capture_id": None}
        await archive.fail(run_id, f"{BASE}/lost.pdf", attempts=3, **about)
        await archive.finish_run(run_id, exit_code=0)

    with_archive(directory, url, work)


def config(directory: Path, url: str | None = None) -> Config:
    return Config.from_settings({"ARCHIVE_DIR": str(directory), "ARCHIVE_DATABASE_URL": url})


def problems(directory: Path, url: str | None = None) -> list[str]:
    """What `archive verify` would print."""
    verification = verify(config(directory, url))
    found = [str(problem) for problem in verification]
    assert verification.checked
    assert all("\n" not in line for line in found)
    return found


def lines(directory: Path) -> list[str]:
    """Every JSON line of the archive."""
    files = sorted((directory / "jsonl").glob("*/*.jsonl"))
    return [line for file in files for line in file.read_text(encoding="utf-8").split("\n") if line]


def version_lines(directory: Path, url: str | None = None) -> list[str]:
    """The line every version in the database should have."""
    engine = open_engine(config(directory, url).database_url, read_only=True)
    with Session(engine) as session:
        result = [jsonl.line(version) for version in session.scalars(select(ArticleVersion))]
    engine.dispose()
    return result
