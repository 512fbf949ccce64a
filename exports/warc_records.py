"""An exchange as WARC 1.1 records, each a gzip member of its own."""

import hashlib
import http
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from crawler.items import Exchange

CONTEXT = "X-Archive-Context"
"""Our WARC header: role, column and listing data of the capture, as ASCII JSON."""


@dataclass(frozen=True)
class Reference:
    """The earlier capture a revisit record points to."""

    record_id: str
    url: str
    fetched_at: datetime


def payload_digest(body: bytes) -> str:
    """The payload's digest as our WARC headers spell it: sha256: and hex, as in captures.payload_sha256."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


class _HttpHead(StatusAndHeaders):  # type: ignore[misc]  # warcio is not typed
    """Status line and headers, written with the bytes they came in; warcio would percent-encode some."""

    def compute_headers_buffer(self, header_filter: Any = None) -> None:
        lines = [f"{self.protocol} {self.statusline}", *(f"{name}: {value}" for name, value in self.headers)]
        self.headers_buff = b"".join(_header_bytes(line) + b"\r\n" for line in [*lines, ""])


def _header_bytes(line: str) -> bytes:
    """One header line as it came (latin-1 stands for bytes); a line break inside would forge another header."""
    line = line.replace("\r", " ").replace("\n", " ")
    try:
        return line.encode("latin-1")
    except UnicodeEncodeError:
        return line.encode()


def _warc_date(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def warcinfo(file_name: str, about: dict[str, str]) -> bytes:
    """The record every file begins with."""
    out = BytesIO()
    writer = WARCWriter(out, warc_version="1.1")
    writer.write_record(writer.create_warcinfo_record(file_name, about))
    return out.getvalue()


def response(exchange: Exchange, record_id: str, refers_to: Reference | None) -> bytes:
    """The response record; a revisit record, which leaves the body out, where it refers to an earlier capture."""
    out = BytesIO()
    writer = WARCWriter(out, warc_version="1.1")
    headers = {
        "WARC-Record-ID": f"<{record_id}>",
        "WARC-Date": _warc_date(exchange.fetched_at),
        CONTEXT: json.dumps({"role": exchange.role} | exchange.context),
        "WARC-Payload-Digest": payload_digest(exchange.body),
    }
    if exchange.ip_address:
        headers["WARC-IP-Address"] = exchange.ip_address
    try:
        reason = http.HTTPStatus(exchange.status).phrase
    except ValueError:
        reason = "Unknown"
    http_headers = _HttpHead(f"{exchange.status} {reason}", exchange.response_headers, exchange.protocol)
    if refers_to is None:
        record = writer.create_warc_record(
            exchange.url,
            "response",
            payload=BytesIO(exchange.body),
            length=len(exchange.body),
            http_headers=http_headers,
            warc_headers_dict=headers,
        )
    else:
        digest = headers.pop("WARC-Payload-Digest")
        profile = "server-not-modified" if exchange.status == 304 else "identical-payload-digest"
        record = writer.create_revisit_record(
            exchange.url,
            digest,
            refers_to.url,
            _warc_date(refers_to.fetched_at),
            http_headers=http_headers,
            warc_headers_dict=headers | {"WARC-Refers-To": f"<{refers_to.record_id}>"},
        )
        record.rec_headers.replace_header("WARC-Profile", f"http://netpreserve.org/warc/1.1/revisit/{profile}")
        if exchange.status == 304:  # a 304 has no payload of its own to digest
            record.rec_headers.remove_header("WARC-Payload-Digest")
    writer.write_record(record)
    return out.getvalue()


def request(exchange: Exchange, response_id: str) -> bytes:
    """The request record that belongs to the response."""
    out = BytesIO()
    writer = WARCWriter(out, warc_version="1.1")
    parts = urlsplit(exchange.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = list(exchange.request_headers)
    if not any(name.lower() == "host" for name, _ in headers):
        headers.insert(0, ("Host", parts.netloc.rpartition("@")[2]))
    record = writer.create_warc_record(
        exchange.url,
        "request",
        http_headers=_HttpHead(f"{exchange.method} {target} HTTP/1.1", headers, is_http_request=True),
        warc_headers_dict={
            "WARC-Date": _warc_date(exchange.fetched_at),
            "WARC-Concurrent-To": f"<{response_id}>",
        },
    )
    writer.write_record(record)
    return out.getvalue()
