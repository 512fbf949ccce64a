"""Content codings undone within bounds: a small answer may not become a large one, nor be wrapped a hundred times."""

from typing import Any

from scrapy import Request
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.http import Response
from scrapy.utils._compression import _DecompressionMaxSizeExceeded

from crawler.exceptions import Unavailable

RATIO = 200
"""Text of web pages shrinks to a tenth, tables of it to a fiftieth."""
SMALL = 1024 * 1024
"""Bytes that any answer may grow to, whatever its ratio."""
MOST_CODINGS = 3


class Undecodable(Unavailable):
    """A body that is a decompression bomb, or not what its Content-Encoding says. Raised here."""


class Compression(HttpCompressionMiddleware):
    """Scrapy's middleware (gzip, deflate, br, zstd; DOWNLOAD_MAXSIZE), with a ratio and with named errors."""

    def process_response(self, request: Request, response: Response, spider: Any = None) -> Request | Response:
        try:
            return super().process_response(request, response)
        except Undecodable as error:
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
            return super()._handle_encoding(body, content_encoding, bound)
        except _DecompressionMaxSizeExceeded:
            raise Undecodable(
                f"decompression bomb: {len(body)} bytes of {codings} grow beyond the allowed {bound}"
            ) from None
        except Exception as error:  # each of the four libraries raises its own
            detail = " ".join(str(error).split())[:100]
            raise Undecodable(f"the body is not {codings[:40]!r} as its header says: {detail}") from None
