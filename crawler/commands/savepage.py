"""`scrapy savepage`: one page, from the site or from the archive, becomes a case for the tests."""

import argparse
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

from scrapy import Spider
from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError
from scrapy.http import TextResponse
from scrapy.settings import Settings

from crawler import saved
from crawler.archive import open_archive
from crawler.arguments import Order
from crawler.exceptions import BadUsage, CrawlError
from crawler.network import Network
from crawler.saved import Case
from crawler.site import Site, choose, load_sites
from crawler.urls import Addresses


class OnePage(Spider):
    """Asks for one address, as politely as a crawl, and keeps no evidence."""

    name = "savepage"

    def __init__(self, url: str, order: Order, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.url, self.order, self.addresses = url, order, order.addresses
        self.page: TextResponse | None = None
        self.trouble = ""

    async def start(self) -> AsyncIterator[Any]:
        try:
            self.page = await Network(self.crawler, self.addresses).fetch(self.url, "article", context={})
        except CrawlError as error:
            self.trouble = str(error)
        return
        yield  # a generator that yields nothing


class Command(ScrapyCommand):
    """Exit code 0 once the case is written; 2 for a bad argument, 4 where the page cannot be had, 3 not read."""

    requires_project = True

    def syntax(self) -> str:
        return "[options] --name CASE URL | --name CASE --from-archive ID"

    def short_desc(self) -> str:
        return "Save a page as a case for the tests"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--from-archive", metavar="ID|URL", help="the kept response of this article, no network")
        parser.add_argument("--name", metavar="CASE", help="the case's folder: a-z, 0-9 and -")
        parser.add_argument("--site", metavar="ID", help="the site it is of; default: the first")
        parser.add_argument("--pages", metavar="DIR", default=str(saved.FOLDER), help="where the saved pages lie")

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)
        settings = cast(Settings, self.settings)
        if settings.getpriority("LOG_LEVEL") == settings.getpriority("BOT_NAME"):  # not the operator's own
            settings.set("LOG_LEVEL", "ERROR", "cmdline")
        middlewares = settings.getdict("DOWNLOADER_MIDDLEWARES") | {"crawler.evidence.KeepEvidence": None}
        settings.set("DOWNLOADER_MIDDLEWARES", middlewares, "cmdline")
        settings.set("EXTENSIONS", {}, "cmdline")
        settings.set("ARCHIVE_DAILY_REQUESTS", None, "cmdline")  # one page; the archive, which counts, stays closed

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) + bool(opts.from_archive) != 1 or not opts.name:
            raise UsageError("give --name CASE and either one URL or --from-archive ID")
        settings = cast(Settings, self.settings)
        try:
            sites = load_sites(Path(settings["ARCHIVE_SITES_DIR"]))
            if opts.from_archive:
                case, site = _from_archive(settings, opts.from_archive, sites, opts.site)
            else:
                site = choose(sites, opts.site)
                case = self._fetched(args[0], site)
            folder = Path(opts.pages) / case.template / opts.name
            saved.save(case, saved.read(case, saved.addresses_of(case, site), settings), folder)
        except Exception as error:
            if not hasattr(error, "exit_code") and type(error).__name__ != "Refused":
                raise
            print(f"scrapy savepage: {error}", file=sys.stderr)
            self.exitcode = getattr(error, "exit_code", 3)
            return
        print(f"saved {folder}")
        print(f"now compare {folder / 'expected.json'} with the page, field by field, and delete its first line")

    def _fetched(self, url: str, site: Site) -> Case:
        addresses = Addresses.of(site.home, site.file_hosts, None)
        wanted = addresses.resolve(url, site.home)
        if wanted is None or not addresses.is_own(wanted):
            raise BadUsage(f"{url!r} is not an address of {site.home}")
        assert self.crawler_process
        crawler = self.crawler_process.create_crawler(OnePage)
        self.crawler_process.crawl(crawler, url=wanted, order=Order(site, (), addresses))
        self.crawler_process.start()
        spider = cast(OnePage, crawler.spider)
        if spider.page is None:
            error = CrawlError(f"{wanted}: {spider.trouble or 'the page could not be fetched, see above'}")
            error.exit_code = 4
            raise error
        page = spider.page
        return Case(page.url, page.body, saved.kept_headers(page), site.template, site.id)


def _from_archive(settings: Settings, reference: str, sites: list[Site], site_id: str | None) -> tuple[Case, Site]:
    archive = open_archive(settings)
    try:
        kept = archive.kept_page(reference)
    finally:
        archive.close()
    if kept is None:
        raise BadUsage(f"no article {reference!r}: the id or the address of an archived article is allowed")
    site = choose(sites, site_id or kept.site_id)
    headers = {"Content-Type": kept.content_type} if kept.content_type else {}
    case = Case(kept.url, kept.body, headers, site.template, site.id, kept.listed_title, kept.listed_date)
    return case, site
