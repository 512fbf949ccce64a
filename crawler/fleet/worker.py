"""The process that takes jobs: one at a time, until it is stopped, whatever the queue database does meanwhile."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any

import psycopg
import psycopg_pool
from procrastinate import JobContext
from procrastinate.exceptions import ConnectorException
from scrapy.settings import BaseSettings, Settings

from crawler.exceptions import CrawlError, QueueFailed
from crawler.fleet import job, plan, queue

log = logging.getLogger(__name__)

MAX_SKEW = 60.0
"""Seconds a worker's clock may differ from the queue database's: captures of several workers must be comparable."""
ATTEMPTS = {1: 3, 5: 1000, 6: 1000}
"""exit code -> how often a job that ended with it is tried."""
_LOST = (ConnectorException, psycopg.Error, psycopg_pool.PoolTimeout, QueueFailed, OSError)


class Worker:
    """Takes jobs from the queue at the URL. A worker without a heartbeat for `timeout` seconds counts as dead."""

    def __init__(self, settings: Settings, url: str, *, timeout: float, once: bool) -> None:
        self._settings = settings
        self._url = url
        self._timeout = timeout
        self._once = once
        self._stop = asyncio.Event()
        self._doing = False
        self._app = queue.app(url)
        self._app.task(name=plan.TASK, pass_context=True, retry=job.TryAgain())(self._do)
        if schedule := settings["ARCHIVE_SCHEDULE"]:
            periodic = self._app.periodic(cron=schedule)
            periodic(self._app.task(name="dispatch", queueing_lock="dispatch")(self._dispatch))

    async def run(self) -> None:
        """Work until SIGTERM or SIGINT; with `once`, until nothing is left to do."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        warning = alone(self._settings)
        while not self._stop.is_set():
            try:
                await asyncio.to_thread(queue.prepare, self._url)
                if warning:
                    log.warning(warning)
                    warning = None
                if await self._clock_is_right():
                    async with self._app.open_async():
                        await self._serve()
            except _LOST as error:
                if isinstance(error, QueueFailed) and "was made by" in str(error):
                    raise
                log.warning("the queue database does not answer, trying again: %s", _line(error))
                await self._pause(queue.ATTEMPT_SECONDS)

    async def _serve(self) -> None:
        """Until stopped, idle (`once`) or a part fails."""
        # procrastinate's own clean-up is fast: a job that is given back is given back at once
        working = self._app.run_worker_async(
            concurrency=1,
            install_signal_handlers=False,
            fetch_job_polling_interval=1,
            shutdown_graceful_timeout=0,
            update_heartbeat_interval=self._timeout / 3,
            stalled_worker_timeout=self._timeout,
        )
        parts: list[Coroutine[Any, Any, Any]] = [working, self._sweep(), self._stop.wait()]
        if self._once:
            parts.append(self._idle())
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await self._end(tasks)
        for task in tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def _end(self, tasks: Iterable["asyncio.Task[Any]"], every: float = 5) -> None:
        """Cancel the tasks and wait for their end.

        A cancellation that reaches the queue's library while it starts is lost, and its worker would go on for ever:
        so it is said again, but not to a crawl that is being ended in good order.
        """
        open_ = set(tasks)
        for task in open_:
            task.cancel()
        while open_:
            _, open_ = await asyncio.wait(open_, timeout=every)
            if not self._doing:
                for task in open_:
                    task.cancel()

    async def _do(
        self, context: JobContext, spider: str, site: str, column: str, host: str, arguments: dict[str, str]
    ) -> None:
        """The task: one job."""
        assert context.job is not None
        name = plan.Job(spider, site, column, host).key
        given = arguments | {"site": site, "only": column}
        line, environment = job.command(self._settings, spider, given)
        try:
            while not await self._clock_is_right():  # it may have gone wrong since the worker was started
                pass
        except QueueFailed as error:
            raise job.Again(str(error), job.BUSY_SECONDS) from error
        log.info("%s: begun", name)
        self._doing = True
        try:
            code = await job.do(self._url, self._settings, host, line, environment, every=min(5, self._timeout / 6))
        except job.Again as again:
            log.warning("%s: %s; again in %d s", name, again, again.seconds)
            raise
        finally:
            self._doing = False
        meaning = job.MEANINGS.get(code, f"killed by signal {-code}" if code < 0 else "unknown")
        tried = context.job.attempts + 1
        if code not in (0, 2, 3, 4) and tried < ATTEMPTS.get(code, 5):
            seconds = job.BUSY_SECONDS if code == 6 else min(job.LONGEST_WAIT, 10 * 2 ** min(tried - 1, 10))
            log.warning("%s: exit code %d, %s; again in %d s", name, code, meaning, seconds)
            raise job.Again(meaning, seconds)
        log.log(logging.INFO if code == 0 else logging.WARNING, "%s: exit code %d, %s", name, code, meaning)

    async def _dispatch(self, timestamp: int) -> None:
        """The task of ARCHIVE_SCHEDULE: what `scrapy dispatch` does."""
        try:
            planned = plan.jobs(self._settings, {}, replay=False)
        except CrawlError as error:
            log.error("nothing planned: %s", error)
            return
        new, there = await plan.dispatch(self._app, self._url, planned)
        log.info("planned: %d jobs new, %d there already", new, there)

    async def _sweep(self) -> None:
        """Give jobs of dead workers back to the queue; one sweeper at a time."""
        while True:
            opened = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
            async with opened:
                await opened.execute("SELECT pg_advisory_lock(%s)", (queue.lock_key("sweep"),))
                for orphan in await self._app.job_manager.get_stalled_jobs(seconds_since_heartbeat=self._timeout):
                    with contextlib.suppress(ConnectorException):  # it has ended meanwhile
                        await self._app.job_manager.retry_job(orphan)
                        log.warning("%s: its worker is dead, the job goes back to the queue", orphan.queueing_lock)
            await asyncio.sleep(self._timeout / 2)

    async def _idle(self) -> None:
        await asyncio.sleep(1)  # the worker is to stand before it is ended
        while await asyncio.to_thread(plan.waiting, self._url):
            await asyncio.sleep(1)
        self._stop.set()

    async def _clock_is_right(self) -> bool:
        skew = await asyncio.to_thread(queue.skew, self._url)
        if abs(skew) <= MAX_SKEW:
            return True
        ahead = "ahead of" if skew > 0 else "behind"
        log.error("this machine's clock is %.0f s %s the queue database's: waiting until it is right", abs(skew), ahead)
        await self._pause(queue.ATTEMPT_SECONDS)
        return False

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)


def _line(error: BaseException) -> str:
    return " ".join(str(error.__cause__ or error).split()) or type(error).__name__


def alone(settings: BaseSettings) -> str | None:
    """What to say where the archive is embedded: right for workers that share its folder, and for no others.

    On a machine of its own a worker would begin an archive of its own.
    """
    if str(settings["ARCHIVE_DATABASE_URL"]).startswith("postgres"):
        return None
    folder = Path(settings["ARCHIVE_DIR"]).absolute()
    return (
        f"ARCHIVE_DATABASE_URL names no PostgreSQL database: only workers that share {folder} archive into one database"
    )
