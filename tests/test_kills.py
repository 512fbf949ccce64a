"""Kill a crawl anywhere, or fill its disk, and run it again: the archive is the one an undisturbed crawl makes.

On SQLite and on PostgreSQL. ARCHIVE_KILLS sets how many kills at random instants are tried (default 5;
`make test-kills` uses 200); from 20 on every boundary is also tried on PostgreSQL.
"""

import gzip
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from exports.database.session import open_engine
from exports.transfer import transfer
from exports.warc import walk
from tests.crawling import FAST, ROOT, Crawl, crawl
from tests.replica import Replica
from tests.services import fresh_database
from tests.storage import config, lines, problems, version_lines

KILLS = int(os.environ.get("ARCHIVE_KILLS", "5"))
PART = 5
"""So many archives are killed at random instants in one test: pytest's workers share them."""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300 + 120 * PART)]
STATE = {
    "versions": """
        SELECT url, version, event, title, byline, author, published_at, content_hash, body_text, status
        FROM article_versions ORDER BY url, version""",
    "failures": "SELECT url, kind, outcome FROM failures WHERE resolved_at IS NULL ORDER BY url",
    "files": "SELECT path FROM attachments UNION SELECT path FROM images ORDER BY 1",
    "listed": """
        SELECT column_id, url, CASE WHEN outcome IN ('archived', 'unchanged', 'duplicate', 'revised') THEN 1 ELSE 0 END
        FROM listings ORDER BY 1, 2""",
}
"""What two archives of one site must agree in."""

State = dict[str, list[tuple[Any, ...]]]


def state(directory: Path, url: str) -> State:
    """What the archive holds; its JSON Lines are checked against it."""
    engine = open_engine(url, read_only=True)
    with engine.connect() as connection:
        found = {name: [tuple(row) for row in connection.execute(text(query))] for name, query in STATE.items()}
    engine.dispose()
    assert sorted(lines(directory)) == sorted(version_lines(directory, url))
    return {name: sorted(rows, key=repr) for name, rows in found.items()}


def begin(directory: Path, url: str, base_url: str, failpoint: str = "", **arguments: str) -> "subprocess.Popen[bytes]":
    """Start a crawl in a process group of its own."""
    command = [sys.executable, "-m", "scrapy", "crawl", "zhuanti", "-a", f"base_url={base_url}"]
    for name, value in arguments.items():
        command += ["-a", f"{name}={value}"]
    settings = FAST | {"ARCHIVE_DIR": str(directory), "ARCHIVE_DATABASE_URL": url, "LOG_LEVEL": "ERROR"}
    for name, value in settings.items():
        command += ["-s", f"{name}={value}"]
    environment = os.environ | ({"ARCHIVE_FAILPOINT": failpoint} if failpoint else {})
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True, **quiet)  # type: ignore[call-overload,no-any-return]


def kill_after(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Whether the process was still alive to be killed."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


@dataclass
class Killer:
    """Kills at random instants of a crawl that takes so many seconds, and learns when it takes fewer."""

    chance: random.Random
    seconds: float
    killed: int = 0

    def kill(self, process: "subprocess.Popen[bytes]") -> None:
        began = time.monotonic()
        if kill_after(process, self.chance.uniform(min(0.3, self.seconds / 2), self.seconds)):
            self.killed += 1
        else:  # it was measured on a busier machine than this is now
            self.seconds = min(self.seconds, time.monotonic() - began)


def check(directory: Path, url: str, wanted: State) -> None:
    """The archive is the wanted one, every WARC file is whole, and verify finds nothing."""
    assert state(directory, url) == wanted
    for warc in directory.glob("warc/*.warc.gz"):
        with gzip.open(warc) as file:
            while file.read(1 << 20):
                pass  # raises where the file is torn, as `gzip -t`
        assert list(walk(warc))
    assert not list(directory.glob("**/*.tmp"))
    assert not list(directory.glob("files/.*"))
    assert problems(directory, url) == []


def finish(directory: Path, url: str, site: Replica, wanted: State) -> None:
    """The next ordinary run, and what it leaves."""
    done = crawl(directory, base_url=site.base_url, settings={"ARCHIVE_DATABASE_URL": url})
    assert done.code == 3, done.err  # three pages of the site are broken
    check(directory, url, wanted)


@contextmanager
def served() -> Iterator[Replica]:
    with Replica(generation="t3", articles=70, seed=41) as replica:
        paths = [entry.path for entry in replica.columns["zhuanti"].entries if entry.kind == "article"]
        for path, fault in zip(paths[3:], ("404", "500", "verification"), strict=False):
            replica.fault(path, fault)
        yield replica


def undisturbed(site: Replica, directory: Path) -> float:
    """Crawl the site for the first time; how many seconds that took."""
    began = time.monotonic()
    done = crawl(directory, base_url=site.base_url)
    assert done.code == 3, done.err
    return time.monotonic() - began


@pytest.fixture(scope="module")
def site() -> Iterator[Replica]:
    with served() as replica:
        yield replica


@pytest.fixture(scope="module")
def first(site: Replica, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """An archive after an undisturbed first crawl of the site, and how long that took."""
    directory = tmp_path_factory.mktemp("undisturbed")
    return directory, undisturbed(site, directory)


@dataclass
class Edited:
    """A site that was edited after its first crawl."""

    site: Replica
    first: Path
    """The archive as it was before."""
    seconds: float
    """How long an undisturbed crawl takes."""
    wanted: State
    """What an undisturbed recrawl makes of it."""


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edited]:
    with served() as site:
        first = tmp_path_factory.mktemp("before")
        seconds = undisturbed(site, first)
        before = state(first, sqlite(first))
        own = [path for path, e in site.expected.items() if e.column_id == "zhuanti" and e.duplicate_of is None]
        for path in own[10:20]:
            site.edit(path, "title", "改过的标题")
        directory = Path(shutil.copytree(first, tmp_path_factory.mktemp("recrawled") / "archive"))
        assert crawl(directory, base_url=site.base_url, full="1").code == 3
        wanted = state(directory, sqlite(directory))
        assert len(wanted["versions"]) > len(before["versions"])
        yield Edited(site, first, seconds, wanted)


def sqlite(directory: Path) -> str:
    return f"sqlite:///{directory}/archive.db"


@contextmanager
def database(name: str, directory: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database for an archive in the directory."""
    if name == "sqlite":
        yield sqlite(directory)
    else:
        with fresh_database(request.getfixturevalue("postgres_url")) as url:
            yield url


def parts(count: int) -> list[range]:
    """The numbers of the archives to kill, a test's at a time."""
    return [range(start, min(start + PART, count)) for start in range(0, count, PART)]


def databases(numbers: range) -> Iterator[tuple[int, str]]:
    return ((number, ("sqlite", "postgresql")[number % 2]) for number in numbers)


@pytest.mark.parametrize("numbers", parts(KILLS), ids=str)
def test_random_kills_of_a_first_crawl(
    numbers: range, site: Replica, first: tuple[Path, float], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    wanted, killer = state(first[0], sqlite(first[0])), Killer(random.Random(str(numbers)), first[1])
    for number, name in databases(numbers):
        directory = tmp_path / str(number)
        with database(name, directory, request) as url:
            for _ in range(killer.chance.choice((1, 1, 2, 3))):  # also repeatedly
                killer.kill(begin(directory, url, site.base_url))
            finish(directory, url, site, wanted)
        shutil.rmtree(directory)
    assert killer.killed >= len(numbers) / 2


BOUNDARIES = [
    *("before warc append:9", "after warc append:9", "before lines append:3", "after lines append:3"),
    *("before commit:12", "after commit:12", "before rename:2", "after rename:2", "after run record"),
    *("before index write", "after index write", "before manifest", "after manifest"),
]
SAMPLE = ("after warc append:9", "after lines append:3", "before commit:12", "after manifest")
"""Those a quick run tries on PostgreSQL."""
PLACES = [
    *((point, "sqlite") for point in BOUNDARIES),
    *((point, "postgresql") for point in (BOUNDARIES if KILLS >= 20 else SAMPLE)),
]


@pytest.mark.parametrize(("failpoint", "name"), PLACES)
def test_a_kill_at_every_durable_boundary(
    failpoint: str,
    name: str,
    site: Replica,
    first: tuple[Path, float],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    wanted = state(first[0], sqlite(first[0]))
    with database(name, tmp_path, request) as url:
        process = begin(tmp_path, url, site.base_url, failpoint)
        assert process.wait(60) == -signal.SIGKILL, "the crawl never came to the place"
        finish(tmp_path, url, site, wanted)


@pytest.mark.parametrize("failpoint", BOUNDARIES if KILLS >= 20 else BOUNDARIES[::4])
def test_a_disk_full_at_a_durable_boundary(
    failpoint: str, site: Replica, first: tuple[Path, float], tmp_path: Path
) -> None:
    full: Crawl = crawl(
        tmp_path, base_url=site.base_url, failpoint=failpoint, full_disk=True, settings={"LOG_LEVEL": "CRITICAL"}
    )
    assert full.code == 5
    said = [line for line in full.err.splitlines() if line.startswith("scrapy crawl: ")]
    assert len(said) == 1
    assert "No space left on device" in said[0]
    assert "Traceback" not in full.err
    finish(tmp_path, sqlite(tmp_path), site, state(first[0], sqlite(first[0])))


@pytest.mark.parametrize("numbers", parts(max(2, KILLS // 2)), ids=str)
def test_random_kills_of_a_recrawl(
    numbers: range, edited: Edited, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    killer = Killer(random.Random(f"recrawl {numbers}"), edited.seconds)
    for number, name in databases(numbers):
        directory = Path(shutil.copytree(edited.first, tmp_path / str(number)))
        with database(name, directory, request) as url:
            if name == "postgresql":
                transfer(config(directory), url)
            for _ in range(killer.chance.choice((1, 1, 2))):
                killer.kill(begin(directory, url, edited.site.base_url, full="1"))
            done = crawl(directory, base_url=edited.site.base_url, full="1", settings={"ARCHIVE_DATABASE_URL": url})
            assert done.code == 3, done.err
            check(directory, url, edited.wanted)
        shutil.rmtree(directory)
    assert killer.killed
