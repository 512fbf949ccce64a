"""Kill a crawl anywhere, run it again: the archive is the one an undisturbed crawl makes.

ARCHIVE_KILLS sets how many kills at random instants are tried (default 6; `make test-kills` uses 200).
"""

import gzip
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from exports.warc import walk
from tests.crawling import FAST, ROOT, Crawl, crawl
from tests.replica import Replica

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("ARCHIVE_KILLS", "6"))
VERSIONS = """
    SELECT url, version, event, changed, title, byline, author, published_at, content_hash, body_text, status
    FROM article_versions ORDER BY url, version
"""
FAILURES = "SELECT url, kind, outcome FROM failures WHERE resolved_at IS NULL ORDER BY url"
FILES = "SELECT DISTINCT path FROM attachments UNION SELECT DISTINCT path FROM images ORDER BY 1"
LISTED = """
    SELECT column_id, url, outcome IN ('archived', 'unchanged', 'duplicate', 'revised') AS kept
    FROM listings ORDER BY 1, 2
"""
BROKEN = 3
"""Entries of the site whose pages are broken, so that there are failures to compare."""


def _state(done: Crawl) -> dict[str, Any]:
    return {
        "versions": done.rows(VERSIONS),
        "failures": done.rows(FAILURES),
        "files": done.rows(FILES),
        "listed": done.rows(LISTED),
        "lines": sorted((line["url"], line["version"], line["event"]) for line in done.lines()),
    }


def _start(directory: Path, base_url: str, failpoint: str = "", **arguments: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "scrapy", "crawl", "zhuanti", "-a", f"base_url={base_url}"]
    for name, value in arguments.items():
        command += ["-a", f"{name}={value}"]
    for name, value in (FAST | {"ARCHIVE_DIR": str(directory), "LOG_LEVEL": "ERROR"}).items():
        command += ["-s", f"{name}={value}"]
    environment = os.environ | {"ARCHIVE_FAILPOINT": failpoint} if failpoint else dict(os.environ)
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def _kill_after(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Whether the process was still alive to be killed."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def _check_files(directory: Path) -> None:
    for warc in directory.glob("warc/*.warc.gz"):
        with gzip.open(warc) as file:
            while file.read(1 << 20):
                pass  # raises where the file is torn
        assert list(walk(warc))
    assert not list(directory.glob("**/*.tmp"))


@pytest.fixture(scope="module")
def site():
    with Replica(generation="t3", articles=70, seed=41) as replica:
        paths = [entry.path for entry in replica.columns["zhuanti"].entries if entry.kind == "article"]
        for path, fault in zip(paths[3:], ("404", "500", "verification"), strict=False):
            replica.fault(path, fault)
        yield replica


@pytest.fixture(scope="module")
def undisturbed(site: Replica, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], float]:
    directory = tmp_path_factory.mktemp("undisturbed")
    began = time.monotonic()
    done = crawl(directory, base_url=site.base_url)
    assert done.code == 3
    return _state(done), time.monotonic() - began


def _finish(directory: Path, site: Replica, wanted: dict[str, Any]) -> None:
    done = crawl(directory, base_url=site.base_url)
    assert done.code == 3, done.err
    assert _state(done) == wanted
    _check_files(directory)


def test_random_kills_of_a_first_crawl(
    site: Replica, undisturbed: tuple[dict[str, Any], float], tmp_path: Path
) -> None:
    wanted, seconds = undisturbed
    chance = random.Random(KILLS)
    killed = 0
    for number in range(KILLS):
        directory = tmp_path / str(number)
        for _ in range(chance.choice((1, 1, 2, 3))):  # also repeatedly
            killed += _kill_after(_start(directory, site.base_url), chance.uniform(0.3, seconds))
        _finish(directory, site, wanted)
        shutil.rmtree(directory)
    assert killed >= KILLS / 2


def test_random_kills_of_a_recrawl(site: Replica, undisturbed: tuple[dict[str, Any], float], tmp_path: Path) -> None:
    wanted, seconds = undisturbed
    chance = random.Random(-KILLS)
    base = tmp_path / "base"
    crawl(base, base_url=site.base_url)
    for number in range(max(1, KILLS // 2)):
        directory = shutil.copytree(base, tmp_path / str(number))
        _kill_after(_start(directory, site.base_url, full="1"), chance.uniform(0.3, seconds))
        _finish(directory, site, wanted)
        shutil.rmtree(directory)


FAILPOINTS = [
    *("before warc append:9", "after warc append:9", "before lines append:3", "after lines append:3"),
    *("before commit:12", "after commit:12", "before rename:2", "after rename:2"),
    *("after run record", "before index write", "after index write"),
]


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_a_kill_at_every_durable_boundary(
    failpoint: str, site: Replica, undisturbed: tuple[dict[str, Any], float], tmp_path: Path
) -> None:
    process = _start(tmp_path, site.base_url, failpoint)
    assert process.wait(60) == -signal.SIGKILL, "the crawl never came to the place"
    _finish(tmp_path, site, undisturbed[0])
