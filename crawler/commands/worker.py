"""`scrapy worker`: does the jobs of the queue, one at a time."""

import argparse
import asyncio
import logging
import sys

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from crawler import logformat
from crawler.commands.dispatch import fleet
from crawler.exceptions import BadUsage, CrawlError


class Command(ScrapyCommand):
    """Takes jobs from the queue at ARCHIVE_QUEUE_URL until it is stopped. Start as many as you like, on any machine."""

    requires_project = True
    requires_crawler_process = False

    def short_desc(self) -> str:
        return "Do the jobs that `scrapy dispatch` planned"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--once", action="store_true", help="end when nothing is left to do")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if args:
            raise UsageError(f"unknown argument {args[0]!r}: scrapy worker takes none")
        try:
            self._work(opts.once)
        except CrawlError as error:
            print(f"scrapy worker: {error}", file=sys.stderr)
            self.exitcode = error.exit_code

    def _work(self, once: bool) -> None:
        _, queue = fleet()
        from crawler.fleet.worker import Worker

        settings = self.settings
        assert settings is not None
        timeout = _seconds(settings["ARCHIVE_WORKER_TIMEOUT"])
        url = queue.address(settings)
        _check_schedule(settings["ARCHIVE_SCHEDULE"])
        json = logformat.wants_json(settings)
        logging.basicConfig(
            level=settings["LOG_LEVEL"], format=settings["LOG_FORMAT"], datefmt=settings["LOG_DATEFORMAT"]
        )
        if json:
            logging.root.handlers[0].setFormatter(logformat.JsonFormatter())
        for name in ("procrastinate", "psycopg", "asyncio"):  # what they have to say is said in one line by the worker
            logging.getLogger(name).setLevel(logging.CRITICAL)

        async def work() -> None:
            await Worker(settings, url, timeout=timeout, once=once).run()

        asyncio.run(work())


def _check_schedule(schedule: str | None) -> None:
    import croniter

    if schedule and not croniter.croniter.is_valid(schedule):
        raise BadUsage(f"ARCHIVE_SCHEDULE {schedule!r} is not like '17 19 * * *' (minute hour day month weekday, UTC)")


def _seconds(value: object) -> float:
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = 0
    if not 1 <= seconds <= 3600:
        raise BadUsage(f"ARCHIVE_WORKER_TIMEOUT {value!r} is not a number of seconds from 1 to 3600")
    return seconds
