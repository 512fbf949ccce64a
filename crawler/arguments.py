"""The arguments of a crawl, checked before anything is fetched or written."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from scrapy.settings import BaseSettings

from crawler import pace
from crawler.exceptions import BadUsage
from crawler.items import GUARDED
from crawler.site import Column, Site, choose, load_sites
from crawler.urls import Addresses

ALLOWED = ("base_url", "since", "limit", "full", "retry", "accept", "only", "site")


@dataclass(frozen=True)
class Order:
    """What one `scrapy crawl` shall do."""

    site: Site
    columns: tuple[Column, ...]
    addresses: Addresses
    since: str | None = None
    """YYYY-MM-DD: articles published before are excluded."""
    limit: int | None = None
    """At most so many articles are fetched."""
    full: bool = False
    """Every article is fetched again."""
    retry: bool = False
    """What failed is tried again at once, and nothing archived is checked."""
    accept: tuple[str, ...] = ()
    """Fields of crawler.items.GUARDED that the site no longer prints, as the operator knows."""

    def arguments(self) -> dict[str, Any]:
        """What a run's row keeps of it."""
        return {"since": self.since, "limit": self.limit, "full": self.full, "retry": self.retry} | {
            "accept": list(self.accept)
        }


def read(settings: BaseSettings, given: Mapping[str, Any], only: str | None = None) -> Order:
    """The order that the -a arguments give; `only` fixes the column. Raises BadUsage naming the bad value."""
    allowed = [name for name in ALLOWED if only is None or name not in ("only", "site")]
    for name in given:
        if name not in allowed and not name.startswith("_"):  # scrapyd adds its own: _job
            raise BadUsage(f"unknown argument -a {name}=…: allowed are {', '.join(allowed)}")
    _check_numbers(settings)
    pace.quiet_hours(settings["ARCHIVE_QUIET_HOURS"])
    pace.daily_requests(settings["ARCHIVE_DAILY_REQUESTS"])
    site = choose(load_sites(Path(settings["ARCHIVE_SITES_DIR"])), given.get("site"))
    wanted = only if only is not None else given.get("only")
    if wanted is None:
        columns = site.columns
    else:
        ids = dict.fromkeys(part.strip() for part in wanted.split(","))
        columns = tuple(site.column(column_id) for column_id in ids)
    return Order(
        site=site,
        columns=columns,
        addresses=Addresses.of(site.home, site.file_hosts, given.get("base_url")),
        since=_day(given.get("since")),
        limit=_count(given.get("limit")),
        full=_switch(given.get("full")),
        retry=_retry(given),
        accept=_fields(given.get("accept")),
    )


def _day(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        if len(text) == 10:
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise BadUsage(f"since {text!r} is not a date like 2024-01-31")


def _count(text: str | None) -> int | None:
    if text is None:
        return None
    if text.isascii() and text.isdecimal() and len(text) < 20 and 0 < int(text) < 10**9:
        return int(text)
    raise BadUsage(f"limit {text!r} is not a number of articles of at least 1")


def _fields(text: str | None) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",")) if text is not None else ()
    for name in names:
        if name not in GUARDED:
            raise BadUsage(f"accept {name!r} is not a field that is watched: allowed are {', '.join(GUARDED)}")
    return names


def _switch(text: str | None) -> bool:
    values = {None: False, "0": False, "1": True}
    if text not in values:
        raise BadUsage(f"full {text!r} is not 0 or 1")
    return values[text]


def _retry(given: Mapping[str, Any]) -> bool:
    text = given.get("retry")
    if text not in (None, "failures"):
        raise BadUsage(f"retry {text!r} is not failures")
    if text is not None and _switch(given.get("full")):
        raise BadUsage("retry=failures and full=1 exclude each other: full=1 tries everything again")
    return text is not None


_LEAST = {
    "ARCHIVE_PATIENCE": 1,
    "ARCHIVE_PAGE_MAXSIZE": 1024,
    "CONCURRENT_ITEMS": 1,
    "CONCURRENT_REQUESTS": 1,
    "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
    "DOWNLOAD_MAXSIZE": 0,
    "RETRY_TIMES": 0,
}
"""Whole numbers among the settings, and what each must be at least."""


def _check_numbers(settings: BaseSettings) -> None:
    if settings["ARCHIVE_TEXTS"] not in ("0", "1"):
        raise BadUsage(f"ARCHIVE_TEXTS {settings['ARCHIVE_TEXTS']!r} is not 0 or 1")
    for name in ("ARCHIVE_RETRY_DELAY", "DOWNLOAD_DELAY", "DOWNLOAD_TIMEOUT"):
        try:
            usable = 0 <= float(settings[name]) < 1e6
        except (TypeError, ValueError):
            usable = False
        if not usable:
            raise BadUsage(f"{name} {settings[name]!r} is not a number of seconds")
    processes = str(settings["ARCHIVE_PROCESSES"])
    if not (processes.isascii() and processes.isdecimal() and int(processes) <= 1024):
        raise BadUsage(f"ARCHIVE_PROCESSES {processes!r} is not a number of processes (0: one a core)")
    for name, least in _LEAST.items():
        value = str(settings[name])
        if not (value.isascii() and value.isdecimal() and len(value) < 20 and int(value) >= least):
            raise BadUsage(f"{name} {settings[name]!r} is not a whole number of at least {least}")
