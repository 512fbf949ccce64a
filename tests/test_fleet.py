"""`scrapy dispatch` and `scrapy worker`: kills, restarts, one host asked by one worker, one line for what goes wrong.

ARCHIVE_FLEET=full (`make test-fleet`): 4 workers, 30 columns on 10 hosts, 20 kills and a restart of PostgreSQL.
"""

import asyncio
import contextlib
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from crawler.exceptions import BadUsage
from crawler.fleet.worker import Worker
from exports.archive import Archive
from exports.verify import verify
from tests import office_files, storage
from tests.crawling import ROOT
from tests.fleet import Fleet, fleet, state
from tests.services import PostgresServer, _administer, postgres_server

procrastinate = pytest.importorskip("procrastinate")


@dataclass(frozen=True)
class Size:
    hosts: int
    columns: int
    articles: int
    workers: int
    kills: int
    restart: bool
    pause: float
    """Seconds between two kills."""


SIZES = {"sample": Size(2, 2, 12, 2, 3, False, 2), "full": Size(10, 3, 60, 4, 20, True, 4.0)}
SIZE = SIZES[os.environ.get("ARCHIVE_FLEET", "sample")]
DELAY = 0.3


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        for name in ("queue", "other"):
            _administer(running.url, f"CREATE DATABASE {name}")
        yield running


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("stored", [False, True], ids=["one-folder", "store"])
def test_a_fleet_that_is_killed_makes_the_archive_of_one_process(
    stored: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, chance = SIZE, random.Random(7)
    store = f"file://{tmp_path}/store" if stored else ""
    with postgres_server() as server:
        for name in ("queue", "alone", "shared"):
            _administer(server.url, f"CREATE DATABASE {name}")
        shared, queue = f"{server.url}/shared", f"{server.url}/queue"
        with fleet(size.hosts, size.columns, size.articles, tmp_path, shared, queue, DELAY, store) as many:
            one = Fleet(many.sites, tmp_path, f"{server.url}/alone", "", 0)
            for number in range(size.hosts):
                done = one.run("crawl", "columns", "-a", f"site=h{number}", ARCHIVE_DIR=str(tmp_path / "alone"))
                assert done.returncode == 0, done.stderr
            for site in many.sites:
                site.requests.clear()
            planned = many.run("dispatch")
            assert planned.stdout == f"{size.hosts * size.columns} jobs queued, 0 were queued already\n", planned.stderr
            began = time.monotonic()
            for place in range(size.workers):
                many.start_worker(place)
            time.sleep(size.pause)
            for number in range(size.kills):
                many.kill_one(chance)
                if size.restart and number == size.kills // 2:
                    server.stop()
                    time.sleep(2)
                    server.start()
                time.sleep(chance.uniform(0.3, 2) * size.pause)
            many.wait(1800)
            seconds = time.monotonic() - began
            assert many.stop() == [0] * size.workers
            assert many.run("worker", "--once").returncode == 0  # nothing is left to do
            gaps = many.gaps()
            _bring_the_rest(many, size.workers)
        print(f"{many.killed} kills, {seconds:.0f} s, shortest gap of each host: {[round(gap, 3) for gap in gaps]} s")
        assert state(shared) == state(f"{server.url}/alone")
        if stored:
            monkeypatch.setenv("ARCHIVE_STORE", store)
        for place in range(size.workers if stored else 1):
            assert storage.problems(many.directory(place), shared) == []
        if stored:  # a machine that has nothing of its own reads everything
            found = verify(storage.config(tmp_path / "reader", shared), with_store=True)
            assert [str(problem) for problem in found] == []
        assert min(gaps) >= DELAY


def _bring_the_rest(many: Fleet, workers: int) -> None:
    """What a killed worker has not brought to the store, its machine brings with its next crawl."""
    for place in range(workers if many.store else 0):
        done = many.run("crawl", "columns", "-a", "site=h0", place=place)
        assert done.returncode == 0, done.stderr


def _scrapy(command: str, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ARCHIVE_")}
    line = [sys.executable, "-m", "scrapy", command, *words]
    return subprocess.run(line, cwd=ROOT, env=clean | environment, capture_output=True, text=True, timeout=60)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "environment", "code", "says"),
    [
        ("dispatch", {}, 2, "ARCHIVE_QUEUE_URL is not set"),
        ("worker", {}, 2, "ARCHIVE_QUEUE_URL is not set"),
        ("worker", {"ARCHIVE_QUEUE_URL": "sqlite:///x"}, 2, "'sqlite'"),
        ("worker", {"ARCHIVE_QUEUE_URL": "postgresql://h/x", "ARCHIVE_WORKER_TIMEOUT": "soon"}, 2, "'soon'"),
        ("worker", {"ARCHIVE_QUEUE_URL": "postgresql://h/x", "ARCHIVE_SCHEDULE": "at noon"}, 2, "'at noon'"),
        ("dispatch", {"ARCHIVE_QUEUE_URL": "postgresql://u:secret@127.0.0.1:1/x"}, 5, "cannot reach"),
    ],
)
def test_bad_input_gets_one_line(command: str, environment: dict[str, str], code: int, says: str) -> None:
    done = _scrapy(command, **environment)
    assert (done.returncode, done.stdout) == (code, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"scrapy {command}: ")
    assert says in line
    assert "secret" not in line


def test_a_worker_with_an_embedded_database_says_so(tmp_path: Path) -> None:
    from scrapy.settings import Settings

    from crawler.fleet.worker import alone

    settings = Settings({"ARCHIVE_DIR": str(tmp_path), "ARCHIVE_DATABASE_URL": None})
    assert str(tmp_path) in (alone(settings) or "")
    settings.set("ARCHIVE_DATABASE_URL", "postgresql://archive@localhost/archive", priority="cmdline")
    assert alone(settings) is None


def test_the_jobs_of_the_site_files(tmp_path: Path) -> None:
    from scrapy.settings import Settings

    from crawler.fleet import plan

    top = 'title = "甲"\nhome = "http://www.example.test/"\ntemplate = "mofcom"\n'
    (tmp_path / "a.toml").write_text(top + '[[columns]]\nid = "a1"\nname = "一"\n[[columns]]\nid = "a2"\nname = "二"\n')
    (tmp_path / "b.toml").write_text(top.replace("www", "b") + '[[columns]]\nid = "b1"\nname = "一"\n')
    settings = Settings()
    settings.setmodule("crawler.settings")
    settings.set("ARCHIVE_SITES_DIR", str(tmp_path))
    every = plan.jobs(settings, {}, replay=False)
    assert [(job.key, job.lock) for job in every] == [
        ("columns a/a1", "www.example.test"),
        ("columns a/a2", "www.example.test"),
        ("columns b/b1", "b.example.test"),
    ]
    (one,) = plan.jobs(settings, {"site": "a", "only": "a2", "full": "1"}, replay=False)
    assert (one.column, one.arguments) == ("a2", {"full": "1"})
    (retried,) = plan.jobs(settings, {"only": "a1", "retry": "failures", "accept": "source"}, replay=False)
    assert retried.arguments == {"retry": "failures", "accept": "source"}
    (again,) = plan.jobs(settings, {"site": "b"}, replay=True)
    assert (again.spider, again.lock) == ("replay", "replay b1")
    with pytest.raises(BadUsage, match="full"):
        plan.jobs(settings, {"full": "1"}, replay=True)
    with pytest.raises(BadUsage, match="'a9'"):
        plan.jobs(settings, {"only": "a9"}, replay=False)
    (tmp_path / "b.toml").write_text(top + '[[columns]]\nid = "a1"\nname = "一"\n')
    with pytest.raises(BadUsage, match="a1"):
        plan.jobs(settings, {}, replay=False)


@pytest.mark.slow
def test_two_dispatchers_queue_once_and_another_version_is_refused(server: PostgresServer) -> None:
    queue = {"ARCHIVE_QUEUE_URL": f"{server.url}/other"}
    lines = [sys.executable, "-m", "scrapy", "dispatch"]
    both = [
        subprocess.Popen(lines, cwd=ROOT, env=os.environ | queue, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    said = sorted(process.communicate(timeout=60)[0] for process in both)
    assert said == ["0 jobs queued, 1 were queued already\n", "1 jobs queued, 0 were queued already\n"]
    with psycopg.connect(f"{server.url}/other".replace("+psycopg", "")) as connection:
        connection.execute("UPDATE archive_queue.made_by SET engine = 'procrastinate 2.0'")
    for command in ("dispatch", "worker"):
        refused = _scrapy(command, **queue)
        assert refused.returncode == 5
        assert "procrastinate 2.0" in refused.stderr
        assert "--reset" in refused.stderr
        assert refused.stderr.count("\n") == 1
    assert _scrapy("dispatch", "--reset", **queue).stdout.startswith("1 jobs queued")


@pytest.mark.slow
def test_the_texts_of_attachments_are_a_job_too(server: PostgresServer, tmp_path: Path) -> None:
    async def work(archive: Archive, run_id: int) -> None:
        await archive.keep_file(office_files.word(), f"{storage.BASE}/f.pdf", "application/pdf")
        await storage.add(archive, run_id, 1, attachments=[storage.a_file(office_files.word())])

    storage.with_archive(tmp_path, None, work)
    about = {"ARCHIVE_QUEUE_URL": f"{server.url}/texts", "ARCHIVE_DIR": str(tmp_path)}
    _administer(server.url, "CREATE DATABASE texts")
    assert _scrapy("dispatch", "--texts", **about).stdout == "1 jobs queued, 0 were queued already\n"
    assert _scrapy("dispatch", "--texts", **about).stdout == "0 jobs queued, 1 were queued already\n"
    done = _scrapy("worker", "--once", "-s", "DOWNLOAD_DELAY=0", "-s", "LOG_LEVEL=INFO", **about)
    assert done.returncode == 0, done.stderr
    assert "texts: exit code 0, complete" in done.stderr
    with sqlite3.connect(tmp_path / "archive.db") as connection:
        assert connection.execute("SELECT count(text) FROM file_texts").fetchone() == (1,)
    connection.close()
    for words, says in ((("--texts", "--replay"), "one of them"), (("--texts", "-a", "site=jgdw"), "-a site=")):
        refused = _scrapy("dispatch", *words, **about)
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
        assert says in refused.stderr


@pytest.mark.slow
def test_a_worker_without_its_archive_gives_the_job_back(server: PostgresServer, tmp_path: Path) -> None:
    with fleet(1, 1, 3, tmp_path, f"{server.url}/missing", f"{server.url}/queue", 0) as running:
        running.run("dispatch", "--reset")
        running.start_worker(0)
        log = tmp_path / "workers.log"
        deadline = time.monotonic() + 60
        while "again in" not in log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.3)
        assert "exit code 5, storage failed" in log.read_text()
        assert "Traceback" not in log.read_text()
        assert running.open_jobs() == 1
        _administer(server.url, "CREATE DATABASE missing")
        running.wait(90)  # without hands
        assert running.stop() == [0]
        assert state(f"{server.url}/missing")["versions"]


def test_a_wrong_clock_stops_a_worker_until_it_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    from scrapy.settings import Settings

    from crawler.fleet import queue
    from crawler.fleet.worker import Worker

    async def ask() -> list[bool]:
        worker = Worker(Settings({"ARCHIVE_SCHEDULE": None}), "postgresql://h/x", timeout=3, once=True)
        monkeypatch.setattr(queue, "ATTEMPT_SECONDS", 0.01)
        answers = []
        for seconds in (-3600.0, 61.0, 5.0):
            monkeypatch.setattr(queue, "skew", lambda _url, seconds=seconds: seconds)
            answers.append(await worker._clock_is_right())
        return answers

    assert asyncio.run(ask()) == [False, False, True]


def test_a_clock_that_goes_wrong_later_stops_the_next_job(monkeypatch: pytest.MonkeyPatch) -> None:
    from scrapy.settings import Settings

    from crawler.fleet import job, queue
    from crawler.fleet.worker import Worker

    clock, begun_at = [3600.0, 3600.0, 0.0], []

    async def do(*_: object, **__: object) -> int:
        begun_at.append(len(clock))
        return 0

    async def one() -> None:
        worker = Worker(Settings({"ARCHIVE_SCHEDULE": None}), "postgresql://h/x", timeout=3, once=True)
        context: Any = SimpleNamespace(job=SimpleNamespace(attempts=0))
        await worker._do(context, "columns", "a", "a1", "h", {})

    monkeypatch.setattr(queue, "ATTEMPT_SECONDS", 0.01)
    monkeypatch.setattr(queue, "skew", lambda _url: clock.pop(0))
    monkeypatch.setattr(job, "command", lambda *_: ([], {}))
    monkeypatch.setattr(job, "do", do)
    asyncio.run(one())
    assert begun_at == [0]


def test_a_cancellation_that_is_lost_is_said_again() -> None:
    """`worker --once` on an empty queue hung: the library had been cancelled while it started, and went on."""

    async def deaf() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    async def end() -> None:
        worker = object.__new__(Worker)
        worker._doing = False
        task = asyncio.create_task(deaf())
        await asyncio.sleep(0)
        await asyncio.wait_for(worker._end([task], every=0.01), 10)
        assert task.cancelled()

    asyncio.run(end())
