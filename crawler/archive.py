"""What a crawl needs of the archive. exports/archive.py fulfils it; the setting ARCHIVE_CLASS names it.

The crawler does not import storage: it knows the web and this interface.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, cast

from scrapy.settings import BaseSettings
from scrapy.utils.misc import load_object

from crawler.items import Article, Attachment, Entry, Exchange, Held


class Pending(Protocol):
    """One entry to fetch; see exports/worklist.py."""

    url: str
    listed_title: str
    listed_date: str | None
    etag: str | None
    last_modified: str | None
    files: tuple[Held, ...]


class Kept(Protocol):
    """One kept response; see exports/replaying.py."""

    capture_id: int
    role: str
    warc_file: str
    warc_offset: int
    url: str
    fetched_at: datetime
    column_id: str
    base_url: str
    article_id: int
    version: int
    listed_url: str
    listed_title: str
    listed_date: str | None


class Judgement(Protocol):
    """What promoting a replay would change; see exports/rereadings.py."""

    outcomes: Counter[str]
    changes: Counter[tuple[str, str]]
    filled: dict[str, tuple[int, int]]
    total: int


class Replaying(Protocol):
    """What replay needs of the archive."""

    directory: Path

    async def prepare(self, run_id: int, column_id: str, reader: str) -> int: ...
    async def versions(self, run_id: int, column_id: str, after: tuple[int, int]) -> list[Kept]: ...
    async def captured(
        self, run_id: int, url: str, near: int | None = None, until: datetime | None = None
    ) -> Kept | None: ...
    async def note(self, run_id: int, column_id: str, reader: str, found: Sequence[Any]) -> None: ...
    async def judged(self, run_id: int, column_id: str) -> Judgement: ...
    async def promote(self, run_id: int, column_id: str) -> None: ...


class OpenRun(Protocol):
    """A run of a lost database that is being rebuilt; see exports/rebuilding.py."""

    @property
    def id(self) -> int: ...
    @property
    def column_id(self) -> str: ...
    @property
    def responses(self) -> int: ...
    @property
    def ended_at(self) -> datetime: ...


class Rebuilding(Protocol):
    """What rebuilding a lost database needs of the archive; see exports/rebuilding.py."""

    async def begin(self, run_id: int, names: Mapping[str, str]) -> tuple[Sequence[OpenRun], list[str]]: ...
    async def observed(
        self, runs: Sequence[int], after: tuple[datetime, int] | None
    ) -> Sequence[tuple[int, int, Kept, Kept]]: ...
    async def store(self, run_id: int, article: Article) -> None: ...
    async def unchanged(self, run_id: int, url: str, files: Mapping[str, Attachment], now: datetime) -> None: ...
    async def gone(self, run_id: int, url: str, how: str, reason: str, kept: Any) -> None: ...
    async def held(self, run_id: int, url: str) -> tuple[Held, ...]: ...
    async def judge(
        self, run_id: int, troubles: Mapping[str, tuple[str, str]]
    ) -> tuple[list[str], dict[str, int], int]: ...
    async def close(self, run_id: int, **outcome: Any) -> None: ...
    async def summary(self, run_id: int, column_id: str) -> tuple[Counter[str], list[str]]: ...


class Checking(Protocol):
    """What a crawl needs to check what the archive holds; see exports/checking.py."""

    async def absent(self, run_id: int, *, full: bool, retry: bool) -> list[Pending]: ...
    async def gone(
        self, run_id: int, url: str, *, how: str, reason: str, attempts: int, capture_id: int | None
    ) -> None: ...
    async def controls(self, run_id: int) -> list[Pending]: ...
    async def judge(self, run_id: int) -> list[str]: ...
    async def noted(self, run_id: int) -> int: ...


class KeptPage(Protocol):
    """The response an article was read from; see exports/kept_page.py."""

    @property
    def url(self) -> str: ...
    @property
    def body(self) -> bytes: ...
    @property
    def content_type(self) -> str: ...
    @property
    def site_id(self) -> str: ...
    @property
    def base_url(self) -> str: ...
    @property
    def listed_title(self) -> str: ...
    @property
    def listed_date(self) -> str: ...


class Loss(Protocol):
    """A field the site no longer prints; see exports/drift.py."""

    @property
    def field(self) -> str: ...
    @property
    def lost(self) -> int: ...
    @property
    def of(self) -> int: ...
    @property
    def extractor(self) -> str: ...
    @property
    def origin(self) -> str: ...
    @property
    def newest(self) -> bool: ...


class Watching(Protocol):
    """What of the drift alarm a crawl needs; see exports/watching.py."""

    async def judge(self, run_id: int) -> Sequence[Loss]: ...


class Archive(Protocol):
    """Every method returns once its write is durable, and raises with exit_code 5 when storage failed."""

    replaying: Replaying
    rebuilding: Rebuilding
    watching: Watching
    checking: Checking

    def lock(self, column_id: str) -> None: ...
    def close(self) -> Exception | None:
        """Close it; returns the storage error that ended the writing, if one did."""

    def kept_page(self, reference: str) -> KeptPage | None: ...
    def extract_texts(self) -> Counter[str]:
        """Read the attached files that have not been read yet; returns how many ended how."""

    async def start_run(self, **about: Any) -> int: ...
    async def finish_run(self, run_id: int, **outcome: Any) -> None: ...
    async def counts(self, run_id: int) -> dict[str, int]: ...

    async def keep(self, run_id: int, exchange: Exchange) -> int: ...
    async def requests_since(self, netloc: str, moment: datetime) -> int: ...
    async def keep_file(self, body: bytes, url: str, media_type: str) -> tuple[str, str]: ...

    async def listed(self, run_id: int, entries: list[Entry], position: int) -> int: ...
    async def is_familiar(self, run_id: int, newest: int) -> bool: ...
    async def walked(self, run_id: int, pages: Sequence[str], *, complete: bool) -> int: ...
    async def plan(self, run_id: int, *, since: str | None, full: bool, retry: bool) -> None: ...
    async def pending(self, run_id: int, count: int, after: int) -> tuple[list[Pending], int]: ...
    async def exclude_rest(self, run_id: int, after: int, reason: str) -> None: ...
    async def settle(self, run_id: int, url: str, outcome: str, reason: str | None = None) -> None: ...
    async def unchanged(self, run_id: int, url: str) -> None: ...
    async def fail(
        self, run_id: int, url: str, *, kind: str, outcome: str, reason: str, attempts: int, capture_id: int | None
    ) -> None: ...

    async def store(self, run_id: int, article: Article, *, since: str | None = None) -> str: ...
    async def refile(self, run_id: int, url: str, files: Mapping[str, Attachment]) -> str: ...


def open_archive(settings: BaseSettings) -> Archive:
    """The archive the settings name. Raises its own errors, which carry an exit_code."""
    return cast(Archive, load_object(settings["ARCHIVE_CLASS"])(settings, user_agent=settings["USER_AGENT"]))
