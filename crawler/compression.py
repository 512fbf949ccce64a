"""Content codings undone within bounds: a small answer may not become a large one, nor be wrapped a hundred times."""

import zlib
from typing import Any, Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.http import Response
from scrapy.utils._compression import _DecompressionMaxSizeExceeded, brotli, zstd  # type: ignore[attr-defined]

from crawler.exceptions import Unavailable

RATIO = 200
"""Text of web pages shrinks to a tenth, tables of it to a fiftieth."""
SMALL = 1024 * 1024
"""Bytes that any answer may grow to, whatever its ratio."""
MOST_CODINGS = 3


class Undecodable(Unavailable):
    """A body that is a decompression bomb, or not what its Content-Encoding says. Raised here."""


class BrokeOff(Undecodable):
    """A compressed body without its end: Scrapy would take the half of it for the whole. Raised here."""


class Compression(HttpCompressionMiddleware):
    """Scrapy's middleware (gzip, deflate, br, zstd; DOWNLOAD_MAXSIZE), with a ratio and with named errors."""

    _crawler: Crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        made = super().from_crawler(crawler)
        made._crawler = crawler
        return made

    def process_response(self, request: Request, response: Response, spider: Any = None) -> Request | Response:
        try:
            return super().process_response(request, response)
        except Undecodable as error:
            assert self._crawler.spider
            if isinstance(error, BrokeOff) and (
                again := get_retry_request(
                    request, spider=self._crawler.spider, reason="broke off", give_up_log_level="INFO"
                )
            ):
                return again
            error.attempts = request.meta.get("retry_times", 0) + 1
            error.capture_id = request.meta.get("capture_id")
            raise

    def _warn_unknown_encoding(self, response: Response, encodings: list[bytes]) -> None:
        """Nothing: servers send none, utf-8 and worse for what is not encoded; a page that is will fail by name."""

    def _handle_encoding(self, body: bytes, content_encoding: list[bytes], max_size: int) -> tuple[bytes, list[bytes]]:
        codings = b",".join(content_encoding).decode("latin-1")
        if codings.count(",") >= MOST_CODINGS:
            raise Undecodable(f"{codings.count(',') + 1} content codings one upon the other")
        bound = max(SMALL, RATIO * len(body))
        bound = min(bound, max_size) if max_size else bound
        try:
            decoded = super()._handle_encoding(body, content_encoding, bound)
            if body and content_encoding and not _is_whole(body, content_encoding[-1].strip().lower()):
                raise BrokeOff(f"answer broke off: its {codings[:40]} has no end")
            return decoded
        except BrokeOff:
            raise
        except _DecompressionMaxSizeExceeded:
            raise Undecodable(
                f"decompression bomb: {len(body)} bytes of {codings} grow beyond the allowed {bound}"
            ) from None
        except Exception as error:  # each of the four libraries raises its own
            detail = " ".join(str(error).split())[:100]
            raise Undecodable(f"the body is not {codings[:40]!r} as its header says: {detail}") from None


def _is_whole(body: bytes, coding: bytes) -> bool:
    """Whether the compressed body has its end; of a coding that is not known, True."""
    if coding in (b"gzip", b"x-gzip"):
        gunzip = zlib.decompressobj(zlib.MAX_WBITS | 16)
        gunzip.decompress(body)
        return gunzip.eof
    if coding == b"deflate":
        inflate = zlib.decompressobj()
        try:
            inflate.decompress(body)
        except zlib.error:
            inflate = zlib.decompressobj(-zlib.MAX_WBITS)
            inflate.decompress(body)
        return inflate.eof
    if coding == b"br":
        unbrotli = brotli.Decompressor()
        unbrotli.process(body)
        return bool(unbrotli.is_finished())
    if coding == b"zstd":
        unzstd = zstd.ZstdDecompressor()
        unzstd.decompress(body)
        return bool(unzstd.eof)
    return True
