"""Replay of a whole database: all of a column or nothing of it, whoever kills it, and never below a floor."""

import asyncio
import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from crawler import floors, processes, rereading
from crawler.settings import ITEM_PIPELINES
from crawler.spiders.replay import Reread
from exports.database.session import open_engine
from exports.transfer import transfer
from tests.crawling import Crawl, crawl
from tests.replica import Replica
from tests.storage import add, article, config, lines, problems, version_lines, with_archive

VERSIONS = "SELECT * FROM article_versions ORDER BY article_id, version"
ARTICLES = "SELECT * FROM articles ORDER BY id"


def test_a_floor_is_broken_by_a_drop_alone() -> None:
    assert floors.broken({"title": (100, 100), "published_at": (95, 91)}, 100) == []
    assert floors.broken({"published_at": (10, 10)}, 100) == []  # as it was
    assert floors.broken({"published_at": (10, 11)}, 100) == []
    (line,) = floors.broken({"title": (100, 100), "published_at": (95, 89)}, 100)
    assert line.startswith("published_at would be filled in 89.0% of 100 versions (now 95.0%, at least 90%: ")
    assert floors.broken({}, 0) == []
    assert all(0 < floor.least <= 1 and floor.reason for floor in floors.FLOORS)


def with_pipeline(name: str) -> dict[str, str]:
    """Settings that put the pipeline before the storing one."""
    return {"ITEM_PIPELINES": json.dumps(ITEM_PIPELINES | {f"tests.losing.{name}": 850})}


def rows(url: str, statement: str) -> list[Any]:
    engine = open_engine(url, read_only=True)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(statement))]
    engine.dispose()
    return found


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive on SQLite whose server is gone."""
    directory = tmp_path_factory.mktemp("archive")
    with Replica(generation="t3", articles=60, seed=21) as site:
        assert crawl(directory, base_url=site.base_url).code == 0
    return directory


@pytest.fixture(params=["sqlite", "postgresql"])
def archive(request: pytest.FixtureRequest, base: Path, tmp_path: Path) -> tuple[Path, str]:
    """A copy of it, on each database; the folder and the database's URL."""
    directory = Path(shutil.copytree(base, tmp_path / "archive"))
    url = f"sqlite:///{directory}/archive.db"
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgres_database"))
        transfer(config(directory), url)
    return directory, url


def replay(archive: tuple[Path, str], pipeline: str = "", **given: Any) -> Crawl:
    directory, url = archive
    settings = {"ARCHIVE_DATABASE_URL": url} | (with_pipeline(pipeline) if pipeline else {})
    return crawl(directory, "replay", settings=settings | given.pop("settings", {}), **given)


def untouched(archive: tuple[Path, str]) -> list[Any]:
    """Every version and the current state of every article."""
    return [rows(archive[1], VERSIONS), rows(archive[1], ARTICLES)]


def check_good(archive: tuple[Path, str]) -> None:
    assert problems(*archive) == []
    assert sorted(lines(archive[0])) == sorted(version_lines(*archive))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pipeline", "said"), [("LoseDates", "published_at would be"), ("RefuseAll", "title would be")]
)
def test_a_lost_required_field_is_not_promoted(archive: tuple[Path, str], pipeline: str, said: str) -> None:
    before = untouched(archive)
    done = replay(archive, pipeline)
    assert done.code == 3
    assert "nothing was replaced" in done.err
    assert said in done.err
    assert "at least 9" in done.err
    assert untouched(archive) == before
    check_good(archive)
    if pipeline == "LoseDates":
        assert "published_at lost: " in done.out
    healed = replay(archive)  # what the other program read is not promoted
    assert healed.code == 0, healed.err
    assert untouched(archive) == before
    assert not rows(archive[1], "SELECT 1 FROM rereadings")


@pytest.mark.slow
def test_a_killed_replay_goes_on_and_promotes_nothing_by_halves(archive: tuple[Path, str], base: Path) -> None:
    before = untouched(archive)
    # 2 transactions that note what was read, then the kill
    killed = replay(archive, "LoseSubtitles", failpoint="after rereadings:2", settings={"ARCHIVE_PROCESSES": "1"})
    assert killed.code == -9
    kept = rows(archive[1], "SELECT article_id, version FROM rereadings")
    assert 20 <= len(kept) < len(before[0])
    assert untouched(archive) == before
    again = replay(archive, "LoseSubtitles", failpoint="before promotion")
    assert again.code == -9
    assert len(rows(archive[1], "SELECT 1 FROM rereadings")) == len(before[0])
    assert untouched(archive) == before
    promoted = replay(archive, "LoseSubtitles", failpoint="after promotion")
    assert promoted.code == -9
    assert len(rows(archive[1], "SELECT 1 FROM article_versions WHERE subtitle LIKE '又%'")) == len(before[0])
    done = replay(archive, "LoseSubtitles")
    assert done.code == 0, done.err
    assert re.search(rf"unchanged +│ +{len(before[0])} ", done.out)
    check_good(archive)
    assert all(json.loads(line)["subtitle"].startswith("又") for line in lines(archive[0]))
    undone = replay(archive)
    assert undone.code == 0, undone.err
    told = re.findall(r"^subtitle (?:lost|changed): (\d+) versions$", undone.out, re.M)
    assert sum(map(int, told)) == len(before[0])
    assert untouched(archive) == before


@pytest.mark.slow
def test_several_processes_read_the_same(base: Path, tmp_path: Path) -> None:
    done = []
    for number in ("1", "2"):
        directory = Path(shutil.copytree(base, tmp_path / number))
        archive = directory, f"sqlite:///{directory}/archive.db"
        settings = {"ARCHIVE_PROCESSES": number}
        assert replay(archive, "LoseSubtitles", settings=settings).code == 0
        check_good(archive)
        done.append(untouched(archive))
    assert done[0] == done[1]


@pytest.mark.slow
def test_a_page_that_ends_the_process_fails_alone(base: Path, tmp_path: Path) -> None:
    directory = Path(shutil.copytree(base, tmp_path / "archive"))
    archive = directory, f"sqlite:///{directory}/archive.db"
    total = len(rows(archive[1], VERSIONS))
    deadly = len(rows(archive[1], "SELECT 1 FROM article_versions WHERE length(title) % 9 = 0"))
    assert 0 < deadly < total
    done = replay(archive, "DieOver", settings={"ARCHIVE_PROCESSES": "2"})
    assert done.code == 3
    assert f"{deadly} failed" in done.err
    assert done.err.count("stays as it was: reading it ends the process that does") == deadly
    # most pages of so small an archive: were they fewer, the others would be promoted
    assert "nothing was replaced" in done.err
    assert re.search(rf"refused +│ +{total - deadly} ", done.out)


@pytest.mark.slow
def test_a_page_that_takes_for_ever_fails_alone() -> None:
    async def run() -> list[Any]:
        with processes.open_workers(1, 1, _begin, (), patience=3) as workers:
            first = await workers.run(_work, ["a", "wait", "b"], _failed)
            return [*first, *await workers.run(_work, ["c"], _failed)]

    a, waited, b, c = asyncio.run(run())
    assert (a, b, c) == ("A", "B", "C")
    assert waited == "wait: reading it takes longer than 3 seconds"


def _begin() -> None:
    pass


def _work(item: str) -> str:
    if item == "wait":
        time.sleep(600)
    return item.upper()


def _failed(item: str, reason: str) -> str:
    return f"{item}: {reason}"


def test_what_is_a_duplicate_follows_the_texts_read_again(tmp_path: Path, database_url: str) -> None:
    async def work(archive: Any, run_id: int) -> None:
        same = {"title": "题目2", "body_text": article(2).body_text}
        for number in (1, 2):
            await add(archive, run_id, number)
        assert await add(archive, run_id, 3, **same) == "duplicate"
        read = {1: article(1, capture_id=1, **same), 2: article(2, capture_id=2, title="另一个题目")}
        found = [Reread(number, 1, item) for number, item in read.items()]
        await archive.replaying.note(run_id, "c", "reader", found)
        await archive.replaying.promote(run_id, "c")
        await archive.finish_run(run_id, exit_code=0)

    with_archive(tmp_path, database_url, work)
    for table in ("articles", "article_versions"):
        found = rows(database_url, f"SELECT title, duplicate_of FROM {table} ORDER BY url")
        assert found == [("题目2", None), ("另一个题目", None), ("题目2", 1)]
    check_good((tmp_path, database_url))


def test_the_fingerprint_names_the_pipelines() -> None:
    from scrapy.settings import Settings

    plain = Settings({"ITEM_PIPELINES": ITEM_PIPELINES})
    other = Settings({"ITEM_PIPELINES": ITEM_PIPELINES | {"tests.losing.LoseDates": 850}})
    assert rereading.fingerprint(plain) == rereading.fingerprint(plain) != rereading.fingerprint(other)


@pytest.mark.parametrize("value", ["-1", "two", "1.5", "²"])
@pytest.mark.slow
def test_a_number_of_processes_that_is_none(value: str, tmp_path: Path) -> None:
    done = crawl(tmp_path / "archive", "replay", settings={"ARCHIVE_PROCESSES": value})
    assert done.code == 2
    line = done.err.splitlines()[-1]
    assert line == f"scrapy crawl: ARCHIVE_PROCESSES {value!r} is not a number of processes (0: one a core)"
    assert not (tmp_path / "archive").exists()
