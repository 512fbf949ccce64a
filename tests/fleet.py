"""Several workers on one queue, with real processes: sites on loopback hosts, workers to start and to kill."""

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.crawling import ROOT
from tests.replica import Replica

STATE = {
    "versions": """SELECT url, version, event, title, byline, author, published_at, content_hash, body_text, status
        FROM article_versions ORDER BY url, version""",
    "listed": """SELECT column_id, url, outcome IN ('archived', 'unchanged', 'duplicate', 'revised') AS kept
        FROM listings ORDER BY column_id, url""",
    "failures": "SELECT url, kind, outcome FROM failures WHERE resolved_at IS NULL ORDER BY url",
    "files": "SELECT DISTINCT path FROM attachments UNION SELECT DISTINCT path FROM images ORDER BY 1",
}


@dataclass
class Fleet:
    """Sites, and everything a worker must be told."""

    sites: list[Replica]
    folder: Path
    database: str
    queue: str
    delay: float
    """Seconds between two requests to a host."""
    store: str = ""
    """Where the workers keep evidence together; then each has a folder of its own, as on machines of their own."""
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    killed: int = 0

    def directory(self, place: int = 0) -> Path:
        """ARCHIVE_DIR of the worker in that place."""
        return self.folder / (f"machine-{place}" if self.store else "archive")

    def environment(self, place: int = 0) -> dict[str, str]:
        """What the worker in that place is told."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ARCHIVE_")}
        return clean | {
            "ARCHIVE_DIR": str(self.directory(place)),
            "ARCHIVE_STORE": self.store,
            "ARCHIVE_SITES_DIR": str(self.folder / "sites"),
            "ARCHIVE_DATABASE_URL": self.database,
            "ARCHIVE_QUEUE_URL": self.queue,
            "ARCHIVE_RETRY_DELAY": "0.02",
            "ARCHIVE_WORKER_TIMEOUT": "3",
        }

    def command(self, *words: str) -> list[str]:
        polite = {"DOWNLOAD_DELAY": str(self.delay), "AUTOTHROTTLE_ENABLED": "0", "LOG_LEVEL": "WARNING"}
        settings = [part for name, value in polite.items() for part in ("-s", f"{name}={value}")]
        return [sys.executable, "-m", "scrapy", *words, *settings]

    def run(self, *words: str, place: int = 0, **changed: str) -> "subprocess.CompletedProcess[str]":
        """A command to its end."""
        environment = self.environment(place) | changed
        return subprocess.run(
            self.command(*words), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600
        )

    def start_worker(self, place: int) -> None:
        """A worker in a place where none is, or a new one where one was killed."""
        with (self.folder / "workers.log").open("ab") as log:
            worker = subprocess.Popen(
                self.command("worker"),
                cwd=ROOT,
                env=self.environment(place),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.workers[place : place + 1] = [worker]

    def kill_one(self, chance: random.Random) -> None:
        """SIGKILL a worker, as a power cut would, and start another."""
        place = chance.randrange(len(self.workers))
        self.workers[place].kill()
        self.workers[place].wait()
        self.killed += 1
        self.start_worker(place)

    def open_jobs(self) -> int:
        """Jobs that wait or are being done."""
        engine = create_engine(self.queue, poolclass=NullPool)
        with engine.connect() as connection:
            query = "SELECT count(*) FROM archive_queue.procrastinate_jobs WHERE status IN ('todo', 'doing')"
            return int(connection.execute(text(query)).scalar_one())

    def wait(self, seconds: float) -> None:
        """Until the queue is empty."""
        deadline = time.monotonic() + seconds
        while self.open_jobs():
            assert time.monotonic() < deadline, (self.folder / "workers.log").read_text()[-3000:]
            time.sleep(0.5)

    def stop(self) -> list[int]:
        """SIGTERM to every worker; their exit codes."""
        for worker in self.workers:
            worker.send_signal(signal.SIGTERM)
        codes = [worker.wait(90) for worker in self.workers]
        self.workers.clear()
        return codes

    def gaps(self) -> list[float]:
        """For each site the shortest time between the arrivals of two requests."""
        times = [sorted(request.time for request in site.requests) for site in self.sites]
        return [min(later - earlier for earlier, later in itertools.pairwise(arrived)) for arrived in times]


@contextmanager
def fleet(
    hosts: int, columns: int, articles: int, folder: Path, database: str, queue: str, delay: float, store: str = ""
) -> Iterator[Fleet]:
    """Sites on 127.0.0.11, .12, …, each with so many columns."""
    with ExitStack() as stack:
        sites = []
        (folder / "sites").mkdir(parents=True)
        for number in range(hosts):
            site = Replica(articles=articles, seed=100 + number, host=f"127.0.0.{11 + number}")
            sites.append(stack.enter_context(site))
            lines = [f'title = "第{number}机关"', f'home = "{site.base_url}"', 'template = "mofcom"']
            for column in list(site.columns.values())[:columns]:
                lines += ["", "[[columns]]", f'id = "h{number}-{column.id}"', f'name = "{column.name}"']
            (folder / "sites" / f"h{number}.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        running = Fleet(sites, folder, database, queue, delay, store)
        try:
            yield running
        finally:
            for worker in running.workers:
                worker.kill()
                worker.wait()


def state(database: str) -> dict[str, list[tuple[Any, ...]]]:
    """What the archive holds, without ids and times."""
    engine = create_engine(database, poolclass=NullPool)
    with engine.connect() as connection:
        return {name: [tuple(row) for row in connection.execute(text(query))] for name, query in STATE.items()}
