"""`scrapy checksites`: every site file against its template and the saved pages."""

import argparse
import sys
from pathlib import Path
from typing import Any

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from crawler import saved
from crawler.checking import Checked, check
from crawler.exceptions import BadUsage
from crawler.site import choose, load_sites


class Command(ScrapyCommand):
    """Exit code 0 where every saved page is read as expected, 1 where one is not, 2 for a bad site file."""

    requires_project = True
    default_settings = {"LOG_ENABLED": False}  # noqa: RUF012  (Scrapy's own class attribute)

    def syntax(self) -> str:
        return "[options] [SITE]"

    def short_desc(self) -> str:
        return "Check the site files against their templates and saved pages"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--pages", metavar="DIR", default=str(saved.FOLDER), help="where the saved pages lie")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) > 1:
            raise UsageError("name one site, or none for all of them")
        settings: Any = self.settings
        try:
            sites = load_sites(Path(settings["ARCHIVE_SITES_DIR"]))
            cases = saved.cases(Path(opts.pages))
            wanted = [choose(sites, args[0])] if args else sites
            if not cases:
                raise BadUsage(f"no saved page below {opts.pages!r}: make one with `scrapy savepage`")
            checked = [check(site, cases, settings) for site in wanted]
        except BadUsage as error:
            print(f"scrapy checksites: {error}", file=sys.stderr)
            self.exitcode = 2
            return
        for one in checked:
            _print(one)
        faults = sum(len(one.faults) for one in checked)
        if faults:
            print(f"scrapy checksites: {faults} differences from what is expected", file=sys.stderr)
        self.exitcode = int(bool(faults))


def _print(checked: Checked) -> None:
    site = checked.site
    names = ", ".join(f"{column.id} {column.name}" for column in site.columns)
    print(f"{site.id} {site.title}: template {site.template}, columns {names}")
    for version, tally in sorted(checked.tallies.items()):
        print(f"  {version}: {tally.pages} saved pages")
        for name, css in checked.selectors.get(version, {}).items():
            print(f"    {name:<6} {css!r} found something on {tally.found[name]} of {tally.pages}")
    for version in checked.unseen:
        print(f"  {version}: no saved page yet")
    for fault in checked.faults:
        print(f"  WRONG {fault}")
    if not checked.faults:
        print("  every saved page is read as expected")
