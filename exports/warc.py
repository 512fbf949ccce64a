"""The evidence: WARC 1.1 files, one gzip member per record, and reading them back.

Writing goes through warcio; walking is ours, because a truncated last member must be found and
named (warcio ends its iteration there without a word).
"""

import fcntl
import hashlib
import http
import json
import os
import zlib
from base64 import b32encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from warcio.recordloader import ArcWarcRecordLoader
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from crawler.items import Exchange

MAX_BYTES = 1 << 30
"""A file past this size is closed and the next one begun."""
CONTEXT = "X-Archive-Context"
"""Our WARC header: role, column and listing data of the capture, as ASCII JSON."""


@dataclass(frozen=True)
class Reference:
    """The earlier capture a revisit record points to."""

    record_id: str
    url: str
    fetched_at: datetime


@dataclass(frozen=True)
class Position:
    """Where a response record was written."""

    warc_file: str
    """Relative to ARCHIVE_DIR."""
    offset: int
    length: int
    record_id: str


@dataclass
class Record:
    """One record as read back."""

    offset: int
    length: int
    type: str
    """response, request, revisit, warcinfo"""
    headers: list[tuple[str, str]] = field(default_factory=list)
    """The HTTP headers."""
    warc_headers: dict[str, str] = field(default_factory=dict)
    status: int = 0
    payload: bytes = b""
    """The HTTP body as received."""

    @property
    def record_id(self) -> str:
        return self.warc_headers["WARC-Record-ID"].strip("<>")

    @property
    def url(self) -> str:
        return self.warc_headers["WARC-Target-URI"]

    @property
    def fetched_at(self) -> datetime:
        return datetime.fromisoformat(self.warc_headers["WARC-Date"])

    @property
    def context(self) -> dict[str, str]:
        return dict(json.loads(self.warc_headers.get(CONTEXT, "{}")))


class WarcDamage(Exception):
    """A member that is truncated or does not decompress. Raised by walk and read_record."""

    def __init__(self, path: Path, offset: int, what: str) -> None:
        super().__init__(f"{path}: {what} at byte {offset}")
        self.offset = offset


class WarcWriter:
    """Appends exchanges to the process's own WARC file, beginning a new one past MAX_BYTES."""

    def __init__(self, directory: Path, prefix: str, about: dict[str, str]) -> None:
        self._folder = directory / "warc"
        self._prefix = prefix
        self._about = about
        self._serial = 0
        self._open()

    def _open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self.path = self._folder / f"{self._prefix}-{self._serial:05}.warc.gz"
        self._serial += 1
        self._file = self.path.open("xb")
        fcntl.flock(self._file, fcntl.LOCK_EX)  # tells repair.py that a living run writes here
        out = BytesIO()
        writer = WARCWriter(out, warc_version="1.1")
        writer.write_record(writer.create_warcinfo_record(self.path.name, self._about))
        self._append(out.getvalue())

    def _append(self, data: bytes) -> int:
        offset = self._file.tell()
        self._file.write(data)
        self._file.flush()
        return offset

    @property
    def relative(self) -> str:
        return f"warc/{self.path.name}"

    @property
    def size(self) -> int:
        return self._file.tell()

    def full(self) -> bool:
        return self.size >= MAX_BYTES

    def begin_next(self) -> None:
        """Close this file and begin the next one of the series."""
        self.close()
        self._open()

    def append(self, exchange: Exchange, refers_to: Reference | None = None) -> Position:
        """Write response (or revisit) and request; they are in the operating system's hands on return."""
        record_id = f"urn:uuid:{uuid4()}"
        response, request = BytesIO(), BytesIO()
        _write_response(response, exchange, record_id, refers_to)
        _write_request(request, exchange, record_id)
        offset = self._append(response.getvalue() + request.getvalue())
        return Position(self.relative, offset, response.tell(), record_id)

    def sync(self) -> None:
        """Force what was written onto the disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self.sync()
        self._file.close()


def payload_digest(body: bytes) -> str:
    """The payload's digest as WARC headers spell it: sha256: and base 32."""
    return "sha256:" + b32encode(hashlib.sha256(body).digest()).decode().rstrip("=")


def _warc_date(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _write_response(out: BytesIO, exchange: Exchange, record_id: str, refers_to: Reference | None) -> None:
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
    http_headers = StatusAndHeaders(
        f"{exchange.status} {reason}", exchange.response_headers, exchange.protocol
    )
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
        record.rec_headers.replace_header(
            "WARC-Profile", f"http://netpreserve.org/warc/1.1/revisit/{profile}"
        )
        if exchange.status == 304:  # a 304 has no payload of its own to digest
            record.rec_headers.remove_header("WARC-Payload-Digest")
    writer.write_record(record)


def _write_request(out: BytesIO, exchange: Exchange, response_id: str) -> None:
    writer = WARCWriter(out, warc_version="1.1")
    parts = urlsplit(exchange.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = [("Host", parts.netloc.rpartition("@")[2]), *exchange.request_headers]
    record = writer.create_warc_record(
        exchange.url,
        "request",
        http_headers=StatusAndHeaders(f"{exchange.method} {target} HTTP/1.1", headers, is_http_request=True),
        warc_headers_dict={
            "WARC-Date": _warc_date(exchange.fetched_at),
            "WARC-Concurrent-To": f"<{response_id}>",
        },
    )
    writer.write_record(record)


def _member(path: Path, file: Any, offset: int) -> tuple[bytes, int] | None:
    """The decompressed gzip member at the offset and its length; None at the end of the file."""
    file.seek(offset)
    inflater = zlib.decompressobj(zlib.MAX_WBITS + 16)
    out, length = [], 0
    while not inflater.eof:
        chunk = file.read(1 << 16)
        if not chunk:
            if length == 0:
                return None
            raise WarcDamage(path, offset, "truncated record")
        try:
            out.append(inflater.decompress(chunk))
        except zlib.error as error:
            raise WarcDamage(path, offset, f"damaged record ({error})") from None
        length += len(chunk)
    return b"".join(out), length - len(inflater.unused_data)


def _parse(path: Path, offset: int, data: bytes, length: int) -> Record:
    try:
        raw = ArcWarcRecordLoader().parse_record_stream(BytesIO(data), known_format="warc")
        warc_headers = dict(raw.rec_headers.headers)
        record = Record(
            offset, length, raw.rec_type, warc_headers=warc_headers, payload=raw.raw_stream.read()
        )
        if raw.http_headers is not None and raw.rec_type != "request":
            record.headers = list(raw.http_headers.headers)
            record.status = int(raw.http_headers.get_statuscode())
    except Exception as error:  # warcio raises whatever its parsers raise on hostile bytes
        raise WarcDamage(path, offset, f"no WARC record ({error})") from None
    return record


def walk(path: Path, start: int = 0) -> Iterator[Record]:
    """Every record of the file, in order. Raises WarcDamage at the first one that is not whole."""
    with path.open("rb") as file:
        offset = start
        while (member := _member(path, file, offset)) is not None:
            data, length = member
            yield _parse(path, offset, data, length)
            offset += length


def read_record(path: Path, offset: int) -> Record:
    """The record at the offset. Raises WarcDamage where there is none, OSError where the file is missing."""
    with path.open("rb") as file:
        member = _member(path, file, offset)
    if member is None:
        raise WarcDamage(path, offset, "no record")
    return _parse(path, offset, *member)


def whole_length(path: Path, start: int = 0) -> int:
    """Bytes up to the end of the last whole record, walked from a known record boundary."""
    end = start
    try:
        for record in walk(path, start):
            end = record.offset + record.length
    except WarcDamage:
        pass
    return end
