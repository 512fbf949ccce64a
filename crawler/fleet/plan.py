"""What is put into the queue: one job for each column, once; or one for the texts of attachments."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from procrastinate import App
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from scrapy.settings import BaseSettings

from crawler import arguments
from crawler.exceptions import BadUsage, QueueFailed
from crawler.fleet import queue
from crawler.site import load_sites

TEXTS = "texts"
"""In the place of a spider: read the attachments not read yet, as `archive migrate --texts`."""
TASK = "crawl"
"""The name of the task that does a job."""
PASSED = ("base_url", "since", "limit", "full", "retry", "accept")
"""Arguments of `scrapy crawl` a job hands on."""


@dataclass(frozen=True)
class Job:
    """One `scrapy crawl` of one column; or the attachments' texts, of all columns."""

    spider: str
    """columns: walk the listing, fetch what is new, check again what is due (everything with full=1). replay: read
    again from the evidence, without the network. Or TEXTS."""
    site: str
    column: str
    host: str
    """Whom it asks: jobs of one host are done one after the other."""
    arguments: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Two jobs of one key are one job."""
        return TEXTS if self.spider == TEXTS else f"{self.spider} {self.site}/{self.column}"

    @property
    def lock(self) -> str:
        """Jobs of one lock are done one after the other. A replay asks nobody."""
        return f"replay {self.column}" if self.spider == "replay" else self.host


def jobs(settings: BaseSettings, given: dict[str, str], *, replay: bool) -> list[Job]:
    """The jobs of the site files, narrowed by site=ID and only=ID,…; raises BadUsage naming the bad value."""
    sites = [site.id for site in load_sites(Path(settings["ARCHIVE_SITES_DIR"]))]
    if "site" in given or "only" in given:
        sites = [given.get("site", sites[0])]
    passed = {name: given[name] for name in PASSED if name in given}
    if replay and passed:
        raise BadUsage(f"-a {next(iter(passed))}=…: a replay reads what is kept, allowed are site, only")
    found = []
    for site in sites:
        order = arguments.read(settings, given | {"site": site})
        host = urlsplit(order.addresses.home).hostname or ""
        for column in order.columns:
            found.append(Job("replay" if replay else "columns", site, column.id, host, passed))
    _refuse_doubles(found)
    return found


def texts(given: dict[str, str]) -> list[Job]:
    """The one job that reads attachments; raises BadUsage where there are arguments."""
    if given:
        raise BadUsage(f"-a {next(iter(given))}=…: --texts reads what is there of every column, no argument is allowed")
    return [Job(TEXTS, "", "", TEXTS)]


def _refuse_doubles(found: list[Job]) -> None:
    seen: dict[str, str] = {}
    for job in found:
        if job.column in seen and seen[job.column] != job.site:
            raise BadUsage(f"column id {job.column!r} is in the site files of {seen[job.column]} and {job.site}")
        seen[job.column] = job.site


def waiting(url: str) -> set[str]:
    """The keys of the jobs that are queued or being done."""
    with queue.connection(url) as opened:
        rows = opened.execute("SELECT queueing_lock FROM procrastinate_jobs WHERE status IN ('todo', 'doing')")
        return {str(row[0]) for row in rows}


async def dispatch(app: App, url: str, planned: Iterable[Job]) -> tuple[int, int]:
    """Put the jobs into the queue; returns how many are new, and how many were there already."""
    new = there = 0
    known = waiting(url)
    for job in planned:
        if job.key in known:
            there += 1
            continue
        passed: dict[str, Any] = asdict(job) | {"host": job.lock}
        try:
            await app.configure_task(TASK, lock=job.lock, queueing_lock=job.key).defer_async(**passed)
            new += 1
        except AlreadyEnqueued:  # another dispatcher was faster
            there += 1
        except (ConnectorException, psycopg.Error) as error:
            raise QueueFailed(f"the queue database {queue.shown(url)} failed: {error.__cause__ or error}") from None
    return new, there


def described(planned: Iterable[Job]) -> Iterator[str]:
    """A line for each job, for people."""
    for job in planned:
        yield f"{job.key} on {job.lock}"
