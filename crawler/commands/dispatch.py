"""`scrapy dispatch`: plans the jobs of the site files into the queue; `scrapy worker` does them."""

import argparse
import asyncio
import sys
from types import ModuleType
from typing import Any

from scrapy.commands import BaseRunSpiderCommand
from scrapy.exceptions import UsageError

from crawler.exceptions import BadUsage, CrawlError


class Command(BaseRunSpiderCommand):
    """Puts one job for every column into the queue at ARCHIVE_QUEUE_URL, once: what is queued already is left alone."""

    requires_project = True
    requires_crawler_process = False

    def syntax(self) -> str:
        return "[options]"

    def short_desc(self) -> str:
        return "Plan a crawl of every column of the site files, for `scrapy worker`"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--replay", action="store_true", help="plan replays instead of crawls")
        parser.add_argument("--texts", action="store_true", help="plan one job that reads attachments not read yet")
        parser.add_argument("--reset", action="store_true", help="throw the queue away first, with all its jobs")
        parser.add_argument("--dry-run", action="store_true", help="print the jobs, queue nothing")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if args:
            raise UsageError(f"unknown argument {args[0]!r}: scrapy dispatch -a site=ID -a only=ID,ID")
        try:
            self._dispatch(opts)
        except CrawlError as error:
            print(f"scrapy dispatch: {error}", file=sys.stderr)
            self.exitcode = error.exit_code

    def _dispatch(self, opts: argparse.Namespace) -> None:
        plan, queue = fleet()
        assert self.settings is not None
        if opts.replay and opts.texts:
            raise BadUsage("--replay and --texts: one of them is allowed")
        planned = plan.texts(opts.spargs) if opts.texts else plan.jobs(self.settings, opts.spargs, replay=opts.replay)
        if opts.dry_run:
            print("\n".join(plan.described(planned)))
            return
        url = queue.address(self.settings)
        queue.prepare(url, reset=opts.reset)

        async def put() -> Any:
            app = queue.app(url)
            async with app.open_async():
                return await plan.dispatch(app, url, planned)

        new, there = asyncio.run(put())
        print(f"{new} jobs queued, {there} were queued already")


def fleet() -> tuple[ModuleType, ModuleType]:
    """The modules of the fleet. Raises BadUsage where the optional packages are missing."""
    try:
        from crawler.fleet import plan, queue
    except ImportError as error:
        raise BadUsage(
            f"needs the optional packages of the extra `fleet` ({error}): pip install -e '.[fleet]'"
        ) from None
    return plan, queue
