"""Keep evidence: every response is on disk, as received, before anything reads it."""

from datetime import UTC, datetime
from typing import Any, Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.utils.httpobj import urlparse_cached

from crawler.items import Exchange


class KeepEvidence:
    """Stands next to the network; leaves the capture's id in the request's meta."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_response(self, request: Request, response: Response) -> Response:
        spider: Any = self._crawler.spider
        context = request.meta.get("context", {})
        parts = urlparse_cached(request)
        if parts.scheme == "https" and parts.hostname in spider.order.site.unverified_tls_hosts:
            context = context | {"tls": "certificate not verified, by the site file"}
        exchange = Exchange(
            url=request.url,
            method=request.method,
            request_headers=_pairs(request),
            status=response.status,
            protocol=response.protocol or "HTTP/1.1",
            response_headers=_pairs(response),
            body=response.body,
            fetched_at=datetime.now(UTC),
            ip_address=str(response.ip_address) if response.ip_address else None,
            role=request.meta.get("role", "robots"),
            context=context,
        )
        request.meta["fetched_at"] = exchange.fetched_at
        request.meta["capture_id"] = await spider.archive.keep(spider.run_id, exchange)
        if 300 <= response.status < 400 and response.status != 304:
            request.meta["redirect_capture_id"] = request.meta["capture_id"]  # handed on with the meta
        spider.report.requests += 1
        spider.report.bytes += len(response.body)
        return response


def _pairs(message: Request | Response) -> list[tuple[str, str]]:
    """The headers in order, as latin-1; line breaks folded, so that no header can forge another."""
    return [
        (name.decode("latin-1"), b" ".join(value.split()).decode("latin-1"))
        for name, values in message.headers.items()
        for value in values or ()
    ]
