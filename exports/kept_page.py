"""The kept page an article was read from, as `scrapy savepage --from-archive` wants it."""

import gzip
import zlib
from dataclasses import dataclass

import brotli
import zstandard
from sqlalchemy.orm import Session

from exports import query
from exports.database.models import ArticleVersion, Capture, Run
from exports.errors import StorageError
from exports.store.places import Places
from exports.warc import WarcDamage

_LARGEST = 64 << 20


@dataclass(frozen=True)
class KeptPage:
    """One kept response with what its column said of it."""

    url: str
    body: bytes
    """Content encoding undone."""
    content_type: str
    """The header as sent; empty where there was none."""
    site_id: str
    base_url: str
    """Where the site was for the run that fetched it."""
    listed_title: str
    listed_date: str


def kept_page(session: Session, places: Places, reference: str) -> KeptPage | None:
    """The page of an article's current version; None for an unknown article. Raises StorageError."""
    article = query.find_article(session, reference)
    if article is None:
        return None
    version = session.get_one(ArticleVersion, (article.id, article.version))
    capture = session.get_one(Capture, version.capture_id)
    origin = query.payload_capture(session, capture)
    try:
        record = places.record(session, origin)
    except (OSError, WarcDamage) as error:
        raise StorageError(f"the evidence of article {article.id} cannot be read: {error}") from None
    headers = {name.lower(): value for name, value in record.headers}
    return KeptPage(
        url=capture.url,
        body=_plain(record.payload, headers.get("content-encoding", "")),
        content_type=headers.get("content-type", ""),
        site_id=article.site_id,
        base_url=session.get_one(Run, version.run_id).base_url,
        listed_title=version.printed.get("title", {}).get("listing", ""),
        listed_date=version.printed.get("published_at", {}).get("listing", ""),
    )


def _plain(body: bytes, encoding: str) -> bytes:
    """The content without its encoding. Raises StorageError where it is damaged or of an unknown encoding."""
    try:
        if encoding in ("", "identity"):
            return body
        if encoding in ("gzip", "x-gzip"):
            return gzip.decompress(body)
        if encoding == "deflate":
            return zlib.decompress(body)
        if encoding == "br":
            return bytes(brotli.decompress(body))
        if encoding == "zstd":
            return zstandard.ZstdDecompressor().decompress(body, max_output_size=_LARGEST)
    except (OSError, EOFError, zlib.error, brotli.error, zstandard.ZstdError) as error:
        raise StorageError(f"the kept response is not {encoding}: {error}") from None
    raise StorageError(f"the kept response is encoded as {encoding!r}, which is unknown")
