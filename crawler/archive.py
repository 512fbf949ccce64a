"""What a crawl needs of the archive. exports/archive.py fulfils it; the setting ARCHIVE_CLASS names it.

The crawler does not import storage: it knows the web and this interface.
"""

from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, cast

from scrapy.settings import BaseSettings
from scrapy.utils.misc import load_object

from crawler.items import Article, Entry, Exchange


class Pending(Protocol):
    """One entry to fetch; see exports/ledger.py."""

    url: str
    listed_title: str
    listed_date: str | None
    etag: str | None
    last_modified: str | None


class Kept(Protocol):
    """One kept response; see exports/replaying.py."""

    capture_id: int
    role: str
    warc_file: str
    warc_offset: int
    url: str
    fetched_at: datetime
    base_url: str
    article_id: int
    version: int
    listed_url: str
    listed_title: str
    listed_date: str | None


class Replaying(Protocol):
    """What replay needs of the archive."""

    directory: Path

    async def prepare(self, run_id: int, column_id: str) -> int | None: ...
    async def versions(self, run_id: int, column_id: str, after: tuple[int, int]) -> list[Kept]: ...
    async def observed(self, run_id: int, after: int) -> list[Kept]: ...
    async def captured(self, run_id: int, url: str) -> Kept | None: ...
    async def rewrite(self, run_id: int, article_id: int, version: int, article: Article) -> dict[str, str]: ...
    async def finish(self, run_id: int) -> None: ...


class Archive(Protocol):
    """Every method returns once its write is durable, and raises with exit_code 5 when storage failed."""

    replaying: Replaying

    def lock(self, column_id: str) -> None: ...
    def close(self) -> Exception | None:
        """Close it; returns the storage error that ended the writing, if one did."""

    async def start_run(self, **about: Any) -> int: ...
    async def finish_run(self, run_id: int, **outcome: Any) -> None: ...
    async def counts(self, run_id: int) -> dict[str, int]: ...

    async def keep(self, run_id: int, exchange: Exchange) -> int: ...
    async def keep_file(self, body: bytes, url: str, media_type: str) -> tuple[str, str]: ...

    async def listed(self, run_id: int, entries: list[Entry], position: int) -> int: ...
    async def plan(self, run_id: int, *, since: str | None, full: bool) -> None: ...
    async def pending(self, run_id: int, count: int, after: int) -> tuple[list[Pending], int]: ...
    async def exclude_rest(self, run_id: int, after: int, reason: str) -> None: ...
    async def settle(self, run_id: int, url: str, outcome: str, reason: str | None = None) -> None: ...
    async def unchanged(self, run_id: int, url: str) -> None: ...
    async def fail(
        self, run_id: int, url: str, *, kind: str, outcome: str, reason: str, attempts: int, capture_id: int | None
    ) -> None: ...

    async def store(self, run_id: int, article: Article, *, since: str | None = None) -> str: ...


def open_archive(settings: BaseSettings) -> Archive:
    """The archive the settings name. Raises its own errors, which carry an exit_code."""
    return cast(Archive, load_object(settings["ARCHIVE_CLASS"])(settings, user_agent=settings["USER_AGENT"]))
