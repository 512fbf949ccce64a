"""A real archive crawled from the replica, and the reading room over it, as an operator would start it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.crawling import ROOT, crawl, sites_for
from tests.replica import Replica

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
COLUMNS = {"zhuanti": "重要专题", "dangjian": "党建动态"}
ADDED = "会议强调，要把党委的部署落到实处。"
"""The sentence by which the second version of the revised article is longer."""
_CANDIDATES = """
    SELECT l.url FROM listings l JOIN articles a ON a.id = l.article_id
    WHERE l.column_id = 'zhuanti' AND l.outcome = 'archived' AND a.duplicate_of IS NULL
    ORDER BY (SELECT count(*) FROM attachments f WHERE f.article_id = a.id) DESC,
             (SELECT count(*) FROM images i WHERE i.article_id = a.id) DESC, l.url
"""


def build(folder: Path, articles: int = 60) -> Path:
    """Crawl the replica's two columns twice, one article revised in between; returns the archive's folder."""
    archive = folder / "archive"
    settings = {"ARCHIVE_SITES_DIR": sites_for(COLUMNS, folder / "sites")}
    with Replica(generation="t3", articles=articles) as site:
        first = crawl(archive, "columns", base_url=site.base_url, settings=settings)
        _revise(site, ["/" + row["url"].split("/", 3)[3] for row in first.rows(_CANDIDATES)])
        second = crawl(archive, "columns", base_url=site.base_url, settings=settings, full="1")
    assert first.code in (0, 3), first.err
    assert second.code in (0, 3), second.err
    return archive


def _revise(site: Replica, paths: list[str]) -> None:
    """Edit the first of the articles that can be edited; some repeat another one's text, and cannot."""
    for path in paths:
        paragraphs = site.expected[path].paragraphs
        try:
            site.edit(path, "paragraphs", [paragraphs[0].replace("，", "、", 1), *paragraphs[1:], ADDED])
        except ValueError:
            continue
        return
    raise ValueError("no article of the replica can be edited")


@contextmanager
def served(archive: Path) -> Iterator[str]:
    """The address of `archive serve` over the archive, until the block ends."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARCHIVE_")}
    command = [
        sys.executable,
        "-c",
        "from exports.cli import main; main()",
        "serve",
        "--port",
        "0",
        "-s",
        f"ARCHIVE_DIR={archive}",
    ]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment | {"PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        found = re.search(r"http://\S+/", line)
        assert found, line
        yield found[0].rstrip("/")
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def chromium() -> str | None:
    """Where the browser is; None where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless browser."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS), timeout=120_000)
        yield found
        found.close()
