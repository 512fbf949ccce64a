"""Doing one job: `scrapy crawl` (or `archive migrate --texts`) as a process of its own, while the host is ours.

The process dies with the worker that started it, and is ended where the queue database is lost: then another worker may
take the job, and no host is ever asked by two.
"""

import asyncio
import ctypes
import logging
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping, Sequence

import psycopg
from procrastinate.jobs import Job as QueuedJob
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from scrapy.settings import SETTINGS_PRIORITIES, BaseSettings

from crawler.fleet import plan, queue

log = logging.getLogger(__name__)

MEANINGS = {
    0: "complete",
    1: "unexpected error",
    2: "wrong usage",
    3: "incomplete, see `archive failures`",
    4: "the site blocked the crawl or could not be reached",
    5: "storage failed",
    6: "another run of this column is alive",
}
BUSY_SECONDS = 30
"""Until a job whose column or host is busy is tried again."""
LONGEST_WAIT = 600
_PR_SET_PDEATHSIG = 1
_PATIENCE = 60
"""Seconds a crawl is given to end in good order."""


class Again(Exception):
    """The job is to be tried again, after so many seconds."""

    def __init__(self, why: str, seconds: float) -> None:
        super().__init__(why)
        self.seconds = seconds


class TryAgain(BaseRetryStrategy):
    """When a job that raised is tried again; a worker that is stopped gives its job back at once."""

    def get_retry_decision(self, *, exception: BaseException, job: QueuedJob) -> RetryDecision | None:
        if isinstance(exception, Again):
            return RetryDecision(retry_in={"seconds": int(exception.seconds)})
        if isinstance(exception, asyncio.CancelledError):
            return RetryDecision(retry_in={"seconds": 0})
        return None


def command(settings: BaseSettings, spider: str, arguments: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """The command line and environment of a job; the worker's -s settings go on, ARCHIVE_* where nobody sees them."""
    environment, options = dict(os.environ), []
    for name in settings:
        if settings.getpriority(str(name)) != SETTINGS_PRIORITIES["cmdline"]:
            continue
        if str(name).startswith("ARCHIVE_"):
            environment[str(name)] = str(settings[name])
        else:
            options += ["-s", f"{name}={settings[name]}"]
    if spider == plan.TEXTS:  # takes no arguments, and of the settings ARCHIVE_* alone
        return [sys.executable, "-c", "from exports.cli import run; run()", "migrate", "--texts"], environment
    line = [sys.executable, "-m", "scrapy", "crawl", spider]
    for name, value in arguments.items():
        line += ["-a", f"{name}={value}"]
    return line + options, environment


async def do(
    url: str, settings: BaseSettings, host: str, line: Sequence[str], environment: Mapping[str, str], every: float
) -> int:
    """Run the command while the host's lock is held; returns its exit code.

    Looks every so many seconds whether the lock is still ours. Raises Again where another worker asks the host, or the
    queue is lost.
    """
    holder = await _hold(url, host)
    try:
        await asyncio.sleep(settings.getfloat("DOWNLOAD_DELAY"))  # whoever asked before asked so long ago
        process = await asyncio.create_subprocess_exec(
            *line, env=environment, stdout=DEVNULL, preexec_fn=_die_with_parent
        )
        try:
            return await _watch(process, holder, every)
        finally:
            await _end(process)
    finally:
        await holder.close()


async def _hold(url: str, host: str) -> "psycopg.AsyncConnection[tuple[object, ...]]":
    """A connection that holds the lock of the host; closing it (or dying) lets go."""
    try:
        holder = await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=queue.CONNECT_SECONDS)
        cursor = await holder.execute("SELECT pg_try_advisory_lock(%s)", (queue.lock_key(host),))
        free = await cursor.fetchone()
    except psycopg.Error:
        raise Again("the queue database does not answer", queue.ATTEMPT_SECONDS) from None
    if free != (True,):
        await holder.close()
        raise Again(f"{host} is still being asked by another worker", BUSY_SECONDS)
    return holder


async def _watch(process: Process, holder: "psycopg.AsyncConnection[tuple[object, ...]]", every: float) -> int:
    ending = asyncio.ensure_future(process.wait())
    while True:
        done, _ = await asyncio.wait({ending}, timeout=every)
        if done:
            return ending.result()
        try:
            await holder.execute("SELECT 1")
        except psycopg.Error:
            raise Again("the queue database was lost, the crawl is ended", queue.ATTEMPT_SECONDS) from None


async def _end(process: Process) -> None:
    """End what still runs: politely, then not."""
    for number, patience in ((signal.SIGTERM, _PATIENCE), (signal.SIGKILL, _PATIENCE)):
        if process.returncode is not None:
            return
        process.send_signal(number)
        try:
            await asyncio.wait_for(process.wait(), patience)
        except TimeoutError:
            continue


def _die_with_parent() -> None:
    """In the child: be killed when the worker dies, however it dies (Linux)."""
    os.setsid()  # a Ctrl-C is the worker's to handle
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
