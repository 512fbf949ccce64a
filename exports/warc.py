"""The evidence: WARC 1.1 files, one gzip member per record, and reading them back.

Records are built in warc_records.py, with warcio. Reading is ours: a truncated last member must be found and
named (warcio ends its iteration there without a word), and headers must come back byte for byte (warcio
guesses their encoding).
"""

import fcntl
import json
import mmap
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit
from uuid import uuid4

from crawler.items import Exchange
from exports import disk, failpoints, warc_records
from exports.warc_records import CONTEXT, Reference

MAX_BYTES = 1 << 30
"""A file past this size is closed and the next one begun."""
MOST = 1 << 30
"""Bytes one record may unpack to; ours have a page or file of DOWNLOAD_MAXSIZE, anything beyond is no evidence."""
_MEMBER = b"\x1f\x8b\x08"
"""What every gzip member begins with."""


TORN = "truncated record"


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
    block: bytes = b""
    """Everything behind the WARC headers: HTTP headers and body."""
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
        moment = datetime.fromisoformat(self.warc_headers["WARC-Date"])
        if moment.tzinfo is None:
            raise ValueError("WARC-Date names no zone")
        return moment.astimezone(UTC)

    @property
    def context(self) -> dict[str, str]:
        found = json.loads(self.warc_headers.get(CONTEXT, "{}"))
        if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
            raise ValueError(f"{CONTEXT} is no object of texts")
        return {name: value.replace("\0", "").encode("utf-8", "replace").decode() for name, value in found.items()}


class WarcDamage(Exception):
    """A member that is truncated, does not decompress or holds no record. Raised by walk, read_at and read_record."""

    end = 0
    """Where the next whole record begins, or the file ends; only salvage() looks for it."""

    def __init__(self, path: Path, offset: int, what: str) -> None:
        super().__init__(f"{path}: {what} at byte {offset}")
        self.offset = offset
        self.what = f"{what} at byte {offset}"
        self.is_torn = what == TORN
        """Whether it ends too early, as a kill leaves it: not by any other damage."""


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
        # unbuffered: after a full disk nothing must be left over for close() to write
        self._file = self.path.open("xb", buffering=0)
        fcntl.flock(self._file, fcntl.LOCK_EX)  # tells repair.py and verify.py that a living run writes here
        self.size, self.crc32 = 0, 0
        disk.sync_folder(self._folder)
        self._append(warc_records.warcinfo(self.path.name, self._about))

    def _append(self, data: bytes) -> int:
        offset = self.size
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]
        self.size += len(data)
        self.crc32 = zlib.crc32(data, self.crc32)
        return offset

    @property
    def relative(self) -> str:
        return f"warc/{self.path.name}"

    def full(self) -> bool:
        return self.size >= MAX_BYTES

    def begin_next(self) -> None:
        """Close this file and begin the next one of the series."""
        self.close()
        self._open()

    def append(self, exchange: Exchange, refers_to: Reference | None = None) -> Position:
        """Write response (or revisit) and request; they are in the operating system's hands on return."""
        record_id = f"urn:uuid:{uuid4()}"
        response = warc_records.response(exchange, record_id, refers_to)
        request = warc_records.request(exchange, record_id)
        failpoints.reach("before warc append")
        offset = self._append(response + request)
        failpoints.reach("after warc append")
        return Position(self.relative, offset, len(response), record_id)

    def sync(self) -> None:
        """Force what was written onto the disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file; what was not synced is the operating system's to write."""
        self._file.close()


def _member(path: Path, file: BinaryIO, offset: int) -> tuple[bytes, int] | None:
    """The decompressed gzip member at the offset and its length; None at the end of the file."""
    file.seek(offset)
    inflater = zlib.decompressobj(zlib.MAX_WBITS + 16)
    out, length, size = [], 0, 0
    while not inflater.eof:
        chunk = file.read(1 << 16)
        if not chunk:
            if length == 0:
                return None
            raise WarcDamage(path, offset, TORN)
        try:
            out.append(inflater.decompress(chunk, MOST + 1 - size))
        except zlib.error as error:
            raise WarcDamage(path, offset, f"damaged record ({error})") from None
        length += len(chunk)
        size += len(out[-1])
        if size > MOST:
            raise WarcDamage(path, offset, f"damaged record (it unpacks to more than {MOST >> 20} MiB)")
    return b"".join(out), length - len(inflater.unused_data)


def _parse(path: Path, offset: int, data: bytes, length: int) -> Record:
    head, _, rest = data.partition(b"\r\n\r\n")
    try:
        version, *lines = head.decode().split("\r\n")
        warc_headers = dict(_header(line) for line in lines)
        size = _number(warc_headers["Content-Length"])
        record = Record(offset, length, warc_headers["WARC-Type"], warc_headers=warc_headers, block=rest[:size])
        if (
            b"\0" in head
            or not version.startswith("WARC/1.")
            or rest[size:] != b"\r\n\r\n"
            or "WARC-Record-ID" not in warc_headers
        ):
            raise ValueError("not one whole record")
        if record.type in ("response", "revisit"):
            http_head, _, record.payload = record.block.partition(b"\r\n\r\n")
            status_line, *http_lines = http_head.decode("latin-1").split("\r\n")
            record.status = _number(status_line.split(" ")[1])
            record.headers = [_header(line) for line in http_lines]
            # every reader relies on these
            _ = urlsplit(record.url).port, record.fetched_at, record.context
    except (ValueError, KeyError, IndexError, OverflowError, RecursionError) as error:
        cause = " ".join(repr(error).split())[:200]
        raise WarcDamage(path, offset, f"no WARC record ({cause})") from None
    return record


def _number(text: str) -> int:
    """What int() makes of digits alone, no more than a database takes."""
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise ValueError(f"{text[:30]!r} is no number")
    return int(text)


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.removeprefix(" ")


def read_at(path: Path, file: BinaryIO, offset: int) -> Record | None:
    """The record at the offset of an open file; None at its end. Raises WarcDamage where it is not whole."""
    member = _member(path, file, offset)
    return _parse(path, offset, *member) if member else None


def walk(path: Path, start: int = 0) -> Iterator[Record]:
    """Every record of the file, in order. Raises WarcDamage at the first one that is not whole."""
    with path.open("rb") as file:
        while (record := read_at(path, file, start)) is not None:
            yield record
            start += record.length


def salvage(path: Path, end: int | None = None) -> Iterator[Record | WarcDamage]:
    """Every whole record up to there; in the place of what is not whole the damage, and then the next whole record."""
    with path.open("rb") as file:
        stop = os.fstat(file.fileno()).st_size if end is None else end
        start = 0
        while start < stop:
            try:
                record = read_at(path, file, start)
            except WarcDamage as damage:
                start = damage.end = min(_next_record(path, file, start + 1), stop)
                yield damage
                continue
            if record is None:
                return
            yield record
            start += record.length


def _next_record(path: Path, file: BinaryIO, start: int) -> int:
    """The first byte from there on at which a whole record begins; the size of the file where none does."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        while (start := data.find(_MEMBER, start)) >= 0:
            try:
                read_at(path, file, start)
            except WarcDamage:  # those three bytes, somewhere in compressed data
                start += 1
            else:
                return start
        return len(data)


def read_record(path: Path, offset: int) -> Record:
    """The record at the offset. Raises WarcDamage where there is none, OSError where the file is missing."""
    with path.open("rb") as file:
        record = read_at(path, file, offset)
    if record is None:
        raise WarcDamage(path, offset, "no record")
    return record


def whole_length(path: Path) -> tuple[int, list[WarcDamage]]:
    """Bytes up to the end of the last whole record, and every damage, also one that lies behind it."""
    end, damages = 0, []
    for found in salvage(path):
        if isinstance(found, WarcDamage):
            damages.append(found)
        else:
            end = found.offset + found.length
    return end, damages
