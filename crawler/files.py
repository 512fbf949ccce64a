"""The attachments and images of articles: fetched once, then asked for only if they changed."""

from collections.abc import Awaitable, Sequence
from typing import Protocol

from scrapy.http import TextResponse

from crawler import disposition
from crawler.archive import Archive
from crawler.exceptions import CrawlError
from crawler.items import Attachment, Held
from crawler.logs import harmless
from crawler.urls import file_name

MOST_KNOWN = 1000
"""Files of this crawl that are remembered: a logo on every page is fetched once."""


class Fetch(Protocol):
    """The spider's fetch()."""

    def __call__(
        self, url: str, role: str, *, etag: str | None = None, last_modified: str | None = None
    ) -> Awaitable[TextResponse]: ...


class Lost(Protocol):
    """What is done about a file that could not be fetched."""

    def __call__(self, url: str, kind: str, error: CrawlError) -> Awaitable[None]: ...


class Files:
    """Fetches files for one crawl. Where that fails the article stands, and ``lost`` is told."""

    def __init__(self, fetch: Fetch, archive: Archive, lost: Lost) -> None:
        self._fetch = fetch
        self._archive = archive
        self._lost = lost
        self._known: dict[str, Attachment] = {}

    async def fill(self, file: Attachment, held: Sequence[Held]) -> None:
        """Note the file's bytes in it; ``held``: the files the archive holds of the same article."""
        same = next((each for each in held if each.file.url == file.url), None)
        if (known := await self._get(file.url, same)) is not None:
            for name in ("sha256", "media_type", "size", "path", "text"):
                setattr(file, name, getattr(known, name))
            file.name = file.name or known.name

    async def changed(self, held: Sequence[Held]) -> dict[str, Attachment]:
        """Which of these files have other bytes by now: address -> the file as it is."""
        found = {}
        for each in held:
            now = await self._get(each.file.url, each)
            if now is not None and now.sha256 != each.file.sha256:
                found[each.file.url] = now
        return found

    async def _get(self, url: str, held: Held | None) -> Attachment | None:
        if (known := self._known.get(url)) is not None:
            return known
        etag, last_modified = (held.etag, held.last_modified) if held else (None, None)
        try:
            response = await self._fetch(url, "file", etag=etag, last_modified=last_modified)
        except CrawlError as error:
            await self._lost(url, "file", error)
            return None
        if response.status == 304 and held is not None:
            known = held.file
        else:
            media_type = harmless((response.headers.get("Content-Type") or b"").decode("latin-1").partition(";")[0])
            name = disposition.file_name(response.headers.get("Content-Disposition"))
            # the address may end in .do, or hold the name as a parameter: the name decides the extension
            digest, path = await self._archive.keep_file(response.body, name or file_name(url), media_type.strip())
            known = Attachment(url, name, digest, media_type.strip()[:100], len(response.body), path)
            if held is not None and held.file.sha256 == digest:
                known = held.file  # the same bytes: whatever the server calls them today
        if len(self._known) < MOST_KNOWN:
            self._known[url] = known
        return known
