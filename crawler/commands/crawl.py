"""`scrapy crawl`: checks the order first, and ends with an exit code that can be trusted."""

import argparse
import gc
import logging
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit
from urllib.request import getproxies

from rich.console import Console
from rich.table import Table
from scrapy.commands.crawl import Command as ScrapyCrawl
from scrapy.exceptions import UsageError
from scrapy.settings import Settings
from scrapy.spiderloader import get_spider_loader
from scrapy.utils.misc import load_object

from crawler import arguments, logformat, pace, public
from crawler.archive import Archive, open_archive
from crawler.exceptions import BadUsage, Unavailable
from crawler.logs import harmless
from crawler.report import ARCHIVED, Report
from crawler.urls import Addresses

WORST_FIRST = (5, 1, 6, 2, 4, 3)
"""Of several columns' exit codes the command ends with the first of these that occurs."""


LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class Command(ScrapyCrawl):
    """Scrapy's crawl with the contract's exit codes and a summary."""

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        try:
            super().process_options(args, opts)
            assert self.settings
            if (level := str(self.settings["LOG_LEVEL"])) not in LEVELS:
                raise UsageError(f"LOG_LEVEL {level!r} is not one of {', '.join(LEVELS)}")
        except UsageError as error:  # one line, where Scrapy prints its usage or a traceback
            print(f"scrapy crawl: {harmless(str(error))}", file=sys.stderr)
            sys.exit(2)
        # that Scrapy has started is said before our log is set up; a level would be reset, a filter is not
        logging.getLogger("scrapy.utils.log").addFilter(lambda record: record.levelno > logging.INFO)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1:
            raise UsageError("name one spider: scrapy crawl zhuanti")
        settings = cast(Settings, self.settings)
        _quieten()
        archive: Archive | None = None
        try:
            logformat.configure(settings)
            spider_class: Any = _spider(settings, args[0])
            order = arguments.read(settings, opts.spargs, spider_class.only)
            _name_contact(settings)
            pace.slow_down(settings)
            from_store = args[0] == "replay" and settings["ARCHIVE_STORE"]
            if not from_store and not Path(settings["ARCHIVE_DIR"]).exists():
                _reach(order.addresses)
            loading = threading.Thread(target=_load, args=(settings,))
            loading.start()  # while the archive's process starts
            archive = open_archive(settings)
            loading.join()
            gc.freeze()  # what is loaded stays: the collector need not look through it again and again
            whole = spider_class.rebuilds and archive.rebuilding.is_needed()
            for column in order.site.columns if whole else order.columns:
                archive.lock(column.id)
        except Exception as error:
            if archive is not None:
                archive.close()
            if not hasattr(error, "exit_code"):
                raise
            print(f"scrapy crawl: {harmless(str(error))}", file=sys.stderr)
            self.exitcode = error.exit_code
            return
        self.exitcode = self._crawl(args[0], archive, order, settings["ARCHIVE_DIR"])

    def _crawl(self, name: str, archive: Archive, order: arguments.Order, directory: str) -> int:
        assert self.crawler_process
        crawler = self._create_crawler(name)
        try:
            self.crawler_process.crawl(crawler, archive=archive, order=order)
            self.crawler_process.start()
            texts = _read_texts(archive, cast(Settings, self.settings))
        finally:
            trouble = archive.close()
        spider: Any = crawler.spider
        reports: list[Report] = spider.reports if spider else []
        finished = [report for report in reports if report.finished]
        if trouble and not (finished and getattr(trouble, "archive_is_good", False)):
            print(f"scrapy crawl: {harmless(str(trouble))}", file=sys.stderr)
            return 5
        if self.crawler_process.bootstrap_failed or crawler.stats.get_value("finish_reason") == "start_error":
            print("scrapy crawl: unexpected error, see the log above", file=sys.stderr)
            return 1
        print_summary(finished, directory, texts)
        for report in finished:
            if report.exit_code():
                print(harmless(f"scrapy crawl: {report.column_name}: {report.reason()}"), file=sys.stderr)
        if trouble:
            print(f"scrapy crawl: {harmless(str(trouble))}", file=sys.stderr)
            return 5
        if len(finished) < len(order.columns):
            print("scrapy crawl: interrupted; run it again to go on", file=sys.stderr)
            return 3
        codes = {report.exit_code() for report in reports}
        return next((code for code in WORST_FIRST if code in codes), 0)


def _reach(addresses: Addresses) -> None:
    """Before the very first run creates an archive: does anybody listen there? Raises Unavailable."""
    parts = urlsplit(addresses.home)
    if getproxies().get(parts.scheme):
        return  # the proxy's affair
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = parts.hostname or ""
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0]
        public.check(host, str(address), port, addresses.trusted)
        socket.create_connection((str(address), port), timeout=30).close()
    except UnicodeError:  # a label of 64 characters, an empty one
        raise Unavailable(f"cannot reach {addresses.home[:200]}: its host's name is none") from None
    except OSError as error:
        raise Unavailable(f"cannot reach {addresses.home}: {error.strerror or error}") from None


def _spider(settings: Settings, name: str) -> Any:
    try:
        return get_spider_loader(settings).load(name)
    except KeyError:
        known = ", ".join(sorted(get_spider_loader(settings).list()))
        raise BadUsage(f"unknown spider {name!r}: known are {known}") from None


def _load(settings: Settings) -> None:
    """Import our parts of the crawl; Scrapy does so too, and says what cannot be had."""
    handlers = settings.getwithbase("DOWNLOAD_HANDLERS").values()
    for path in (*handlers, *settings["DOWNLOADER_MIDDLEWARES"], *settings["ITEM_PIPELINES"]):
        if str(path).startswith(("crawler.", "pipelines.")):  # others' might load a reactor too early
            with suppress(Exception):
                load_object(path)


def _name_contact(settings: Settings) -> None:
    """Put ARCHIVE_CONTACT into the user agent, where the operator did not set one of his own."""
    contact = settings["ARCHIVE_CONTACT"]
    if not contact:
        return
    if not (contact.isascii() and contact.isprintable()):
        raise BadUsage(f"ARCHIVE_CONTACT {contact!r} must be a plain address, like archive@example.org")
    if settings.getpriority("USER_AGENT") == settings.getpriority("BOT_NAME"):
        settings.set("USER_AGENT", f"{settings['USER_AGENT'].removesuffix(')')}; contact: {contact})", "cmdline")


def _read_texts(archive: Archive, settings: Settings) -> list[str]:
    """Read the attachments; returns what to say of them. Whatever goes wrong here fails no crawl."""
    if settings["ARCHIVE_TEXTS"] == "0":
        return []
    signal.signal(signal.SIGINT, signal.default_int_handler)  # until here it was the reactor's
    try:
        outcomes = archive.extract_texts()
    except KeyboardInterrupt:
        return ["Reading the attachments was interrupted: the next crawl goes on, or `archive migrate --texts`."]
    except Exception as error:
        return [f"The attachments could not be read: {' '.join(str(error).split())[:200]}"]
    if not outcomes:
        return []
    lines = [f"Texts of attachments: {outcomes.pop('read', 0)} read, {outcomes.total()} without"]
    return lines + [f"  {count} x {reason}" for reason, count in outcomes.most_common(5)]


def print_summary(reports: list[Report], directory: str, texts: Sequence[str] = ()) -> None:
    """The ledger of each column as a table for people, on standard output."""
    console = Console(highlight=False)
    for report in reports:
        table = Table(title=f"{report.column_name} ({report.column_id})", title_justify="left", title_style="bold")
        table.add_column("outcome")
        table.add_column("entries", justify="right")
        for outcome in sorted(report.counts, key=lambda name: (name not in ARCHIVED, -report.counts[name])):
            table.add_row(outcome, str(report.counts[outcome]))
        table.add_section()
        declared = f" of {report.declared} declared" if report.declared is not None else ""
        table.add_row("listed", f"{report.listed}{declared}")
        console.print(table)
        for note in report.notes:
            console.print(note)
        if report.exit_code() == 0:
            console.print("The ledger closes: every entry is accounted for.")
        else:
            console.print(harmless(f"INCOMPLETE: {report.reason()}"), soft_wrap=True, markup=False)
    for line in texts:
        console.print(harmless(line), soft_wrap=True, markup=False)
    console.print(f"The archive lies in {directory}", soft_wrap=True)


def _quieten() -> None:
    """What Scrapy and Alembic say of their own set-up tells an operator nothing."""
    parts = ("addons", "crawler", "core.engine", "middleware", "extensions.logstats")
    for name in (*(f"scrapy.{part}" for part in parts), "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
