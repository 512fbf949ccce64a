"""How the archive behaves as it grows: fills one with generated articles and measures at each size.

    python -m benchmarks.scale [--articles 10000 50000 200000] [--database URL] [--folder DIR]

Everything goes the way a crawl's articles go (listing, evidence, versions, JSON Lines, group commit), without the
network and without a parser. At each size one line of JSON: articles stored a second since the size before, and a
second of processor time, which says more on a busy machine; the seconds a recrawl needs to record its listing and
to plan what to fetch; search times; bytes an article in database, evidence and lines.
"""

import argparse
import asyncio
import hashlib
import json
import random
import resource
import shutil
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from crawler.items import Article, Author, Entry, Exchange
from exports import search
from exports.archive import Archive
from exports.config import Config
from exports.database.session import open_engine

BASE = "https://www.example.test"
SYLLABLES = (
    "党建调研学习支部干部群众服务发展改革商务贸易投资合作会议精神工作机关青年读书交流基层实践创新制度监督责任落实"
)
NAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许"
BATCH = 200
"""Articles in flight at a time."""
PAGE = 50
"""Entries of a listing page."""
QUERIES = {"common word": "党建", "phrase": "改革发展", "rare word": "赤水河"}


def generated(number: int) -> Article:
    """An article of about 1,200 characters; the number decides all of it."""
    chance = random.Random(number)
    words = [SYLLABLES[place : place + 2] for place in range(0, len(SYLLABLES) - 1, 2)]
    paragraphs = ["".join(chance.choices(words, k=60)) + "。" for _ in range(10)]
    if number % 1000 == 0:
        paragraphs.append("赤水河畔的一次调研。")
    name, unit = chance.choice(NAMES) + chance.choice(words), f"{chance.choice(words)}司"
    url = f"{BASE}/article/{number // 1000:06}/{number}.shtml"
    day = datetime(2006, 1, 1, tzinfo=UTC) + timedelta(days=number % 7300)
    return Article(
        url=url,
        site_id="example",
        column_id="scale",
        column_name="规模",
        title="".join(chance.choices(words, k=9)),
        byline=f"{unit} {name}",
        author=name,
        unit=unit,
        breadcrumb=["首页", "规模"],
        source="机关党委",
        content_type="原创",
        published_at=f"{day:%Y-%m-%d}",
        body_text="\n".join(paragraphs),
        body_html="".join(f"<p>{paragraph}</p>" for paragraph in paragraphs),
        authors=[Author(name, unit)],
        printed={"title": {"h1": "…"}},
        extractor="scale@1",
        listed_url=url,
        fetched_at=datetime.now(UTC),
    )


def response(article: Article) -> Exchange:
    """What the server would have sent."""
    frame = "<!DOCTYPE html><title>{}</title><body><div class='nav'>{}</div>{}</body>"
    page = frame.format(article.title, "导航" * 400, article.body_html).encode()
    return Exchange(
        method="GET",
        url=article.url,
        request_headers=[("User-Agent", "benchmark")],
        status=200,
        protocol="HTTP/1.1",
        response_headers=[("Content-Type", "text/html"), ("ETag", f'"{hashlib.md5(page).hexdigest()}"')],
        body=page,
        fetched_at=datetime.now(UTC),
        role="article",
        context={},
    )


def open_archive(folder: Path, database: str | None) -> Archive:
    settings = {"ARCHIVE_DIR": str(folder), "ARCHIVE_DATABASE_URL": database, "ARCHIVE_ALERT_DISK": "0"}
    return Archive(settings, user_agent="benchmark")


async def begin(archive: Archive) -> int:
    about: dict[str, Any] = {"site_id": "example", "column_id": "scale", "column_name": "规模", "base_url": BASE}
    return await archive.start_run(spider="benchmark", arguments={}, **about)


async def fill(archive: Archive, first: int, last: int) -> None:
    """Store the articles from `first` to before `last`."""
    run_id = await begin(archive)

    async def one(number: int) -> None:
        article = generated(number)
        article.capture_id = await archive.keep(run_id, response(article))
        await archive.store(run_id, article)

    for start in range(first, last, BATCH):
        numbers = range(start, min(start + BATCH, last))
        entries = [Entry(f"{BASE}/article/{number // 1000:06}/{number}.shtml", "题目") for number in numbers]
        await archive.listed(run_id, entries, start)
        await asyncio.gather(*(one(number) for number in numbers))
    await archive.finish_run(run_id, exit_code=0)


async def replan(archive: Archive, articles: int) -> dict[str, float]:
    """What a recrawl does before its first fetch: record the listing, settle what is not due, ask for work."""
    run_id = await begin(archive)
    began = time.monotonic()
    for start in range(0, articles, PAGE):
        numbers = range(start, min(start + PAGE, articles))
        entries = [Entry(f"{BASE}/article/{number // 1000:06}/{number}.shtml", "题目") for number in numbers]
        await archive.listed(run_id, entries, start)
    walked = time.monotonic()
    await archive.plan(run_id, since=None, full=False, retry=False)
    await archive.pending(run_id, 50, -1)
    planned = time.monotonic()
    await archive.finish_run(run_id, exit_code=0)
    return {"recrawl: listing recorded, s": round(walked - began, 2), "recrawl: planned, s": round(planned - walked, 2)}


def searched(config: Config) -> dict[str, float]:
    """Median milliseconds of three searches each."""
    engine = open_engine(config.database_url, read_only=True)
    found = {}
    with Session(engine) as session:
        for name, words in QUERIES.items():
            times = []
            for _ in range(3):
                began = time.monotonic()
                page = search.page(session, search.Filters(text=words))
                times.append((time.monotonic() - began) * 1000)
            found[f"search, {name} ({page.total} hits), ms"] = round(statistics.median(times), 1)
    engine.dispose()
    return found


def sizes(config: Config, articles: int) -> dict[str, int]:
    """Bytes an article."""
    engine = open_engine(config.database_url, read_only=True)
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            database = connection.scalar(text("SELECT pg_database_size(current_database())"))
        else:
            pages, size = (connection.scalar(text(f"PRAGMA {name}")) for name in ("page_count", "page_size"))
            database = pages * size
    engine.dispose()
    stored = {"database": database}
    for name in ("warc", "jsonl"):
        stored[name] = sum(path.stat().st_size for path in (config.directory / name).rglob("*") if path.is_file())
    return {f"bytes an article, {name}": size // articles for name, size in stored.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, nargs="+", default=[10_000, 50_000, 200_000], help="sizes, rising")
    parser.add_argument("--database", help="SQLAlchemy URL of an empty database; default: SQLite in the folder")
    parser.add_argument("--folder", type=Path, help="keep the archive there; default: a temporary one")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="scale-"))
    config = Config.from_settings({"ARCHIVE_DIR": str(folder), "ARCHIVE_DATABASE_URL": options.database})
    done = 0
    try:
        for articles in sorted(options.articles):
            archive = open_archive(folder, options.database)
            began, used = time.monotonic(), time.process_time()
            asyncio.run(fill(archive, done, articles))
            seconds, used = time.monotonic() - began, time.process_time() - used
            row: dict[str, Any] = {"articles": articles, "stored, a second": round((articles - done) / seconds, 1)}
            row["stored, a CPU second of this process"] = round((articles - done) / used, 1)
            row |= asyncio.run(replan(archive, articles))
            trouble = archive.close()
            if trouble:
                raise SystemExit(str(trouble))
            row |= searched(config) | sizes(config, articles)
            row["peak memory, MiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(json.dumps(row, ensure_ascii=False), flush=True)
            done = articles
    finally:
        if options.folder is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
