"""The WARC files against their own digests, the rows of `captures` and the CDXJ indexes."""

import hashlib
from base64 import b32encode
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from exports import cdxj
from exports.checks import Findings, Problem, bytes_fault, found, size_fault
from exports.database.models import Capture, Segment
from exports.store.places import Places
from exports.warc import Record, WarcDamage, salvage, whole_length


@dataclass(frozen=True)
class Row:
    """A row of `captures`, and for a revisit the row that holds the payload."""

    capture: Capture
    origin: Capture | None

    @property
    def name(self) -> str:
        return f"capture {self.capture.id} ({self.capture.warc_file}, byte {self.capture.warc_offset})"


def check(session: Session, places: Places) -> Findings:
    """Every WARC file, every record in it, every row of `captures`, every index."""
    known = {row.path: row for row in session.scalars(select(Segment).where(Segment.path.like("warc/%")))}
    done = set()
    for path, rows in groupby(_rows(session), key=lambda row: row.capture.warc_file):
        done.add(path)
        yield from _file(session, places, path, known.get(path), rows)
    on_disk = {f"warc/{warc.name}" for warc in (places.directory / "warc").glob("*.warc.gz")}
    for path in sorted((on_disk | known.keys()) - done):
        yield from _file(session, places, path, known.get(path), iter(()))


def _rows(session: Session) -> Iterator[Row]:
    origin = aliased(Capture)
    query = select(Capture, origin).outerjoin(origin, origin.id == Capture.revisit_of)
    query = query.order_by(Capture.warc_file, Capture.warc_offset, Capture.id)
    return (Row(*row) for row in session.execute(query.execution_options(yield_per=500)))


def _file(
    session: Session, places: Places, path: str, segment: Segment | None, rows: Iterator[Row]
) -> Iterator[Problem | None]:
    if places.has_store and segment is not None and not segment.closed and not (places.directory / path).is_file():
        return  # another machine writes it, or was killed and has not started again
    try:
        with places.at_hand(session, path) as warc:
            if not warc.is_file():
                yield Problem(path, "is missing")
                return
            lines: list[bytes] = []
            yield from _warc(warc, path, segment, rows, lines)
        if segment is not None and segment.closed:
            index = cdxj.path_of(Path(path)).as_posix()
            with places.at_hand(session, index) as file:
                yield _index(file, sorted(lines))
    except OSError as error:
        yield Problem(str(error.filename), str(error.strerror))


def _warc(
    warc: Path, path: str, segment: Segment | None, rows: Iterator[Row], lines: list[bytes]
) -> Iterator[Problem | None]:
    if segment is None:  # a killed run's (or a living one's) of which nothing was committed yet
        end, _ = whole_length(warc)
    else:
        end = min(segment.size, warc.stat().st_size)
        yield found(path, size_fault(warc, segment, may_be_longer=not segment.closed), bytes_fault(warc, segment))
    yield from _records(warc, path, end, rows, lines)


def _records(warc: Path, path: str, end: int, rows: Iterator[Row], lines: list[bytes]) -> Findings:
    """Walk the records and the rows side by side; fills in the lines the index must have."""
    row = next(rows, None)
    for record in salvage(warc, end):
        while row is not None and row.capture.warc_offset < record.offset:
            yield Problem(row.name, "no record begins there")
            row = next(rows, None)
        if isinstance(record, WarcDamage):
            yield Problem(path, record.what)
            while row is not None and row.capture.warc_offset < record.end:
                yield Problem(row.name, "its record is damaged")
                row = next(rows, None)
            continue
        yield found(f"{path}, byte {record.offset} ({record.record_id})", *_record_faults(record))
        if record.type in cdxj.INDEXED:
            lines.append(cdxj.line(warc.name, record))
        while row is not None and row.capture.warc_offset == record.offset:
            yield found(row.name, *_row_faults(row, record))
            row = next(rows, None)
    while row is not None:
        yield Problem(row.name, "no record begins there")
        row = next(rows, None)


def _record_faults(record: Record) -> Iterator[str | None]:
    if not _matches(record.warc_headers.get("WARC-Block-Digest", ""), record.block):
        yield "the block digest does not match"
    if record.type == "response" and not _matches(record.warc_headers.get("WARC-Payload-Digest", ""), record.payload):
        yield "the payload digest does not match"


def _matches(digest: str, data: bytes) -> bool:
    """Whether it is the data's digest, in hex or base 32 as WARC writers spell it."""
    algorithm, _, value = digest.partition(":")
    if algorithm not in ("sha1", "sha256"):
        return False
    computed = hashlib.new(algorithm, data, usedforsecurity=False).digest()
    return value in (computed.hex(), b32encode(computed).decode())


def _row_faults(row: Row, record: Record) -> Iterator[str | None]:
    capture = row.capture
    headers = {name.lower(): value for name, value in record.headers}
    pairs = {
        "record id": (capture.warc_record_id, record.record_id),
        "type": ("response" if capture.revisit_of is None else "revisit", record.type),
        "payload_sha256": (capture.payload_sha256, _payload_sha256(row, record)),
    }
    if record.type in cdxj.INDEXED:
        pairs |= {
            "url": (capture.url, record.url),
            "status": (str(capture.status), str(record.status)),
            "fetched_at": (capture.fetched_at.isoformat(), record.fetched_at.isoformat()),
            "role": (capture.role, record.context.get("role", "")),
            "etag": (capture.etag or "", headers.get("etag", "")),
            "last_modified": (capture.last_modified or "", headers.get("last-modified", "")),
        }
    for name, (in_row, in_record) in pairs.items():
        if in_row != in_record:
            yield f"{name} is {in_row!r}, in the record {in_record!r}"
    if capture.revisit_of is not None:
        yield from _origin_faults(row, record)


def _payload_sha256(row: Row, record: Record) -> str:
    if record.type == "revisit" and row.origin is not None:
        return row.origin.payload_sha256
    return hashlib.sha256(record.payload).hexdigest()


def _origin_faults(row: Row, record: Record) -> Iterator[str | None]:
    if row.origin is None or row.origin.revisit_of is not None:
        yield f"revisit_of {row.capture.revisit_of} names no capture that holds a payload"
        return
    if record.warc_headers.get("WARC-Refers-To", "").strip("<>") != row.origin.warc_record_id:
        yield f"the record refers to another one than capture {row.origin.id}"
    digest = record.warc_headers.get("WARC-Payload-Digest")
    if digest is not None and digest != f"sha256:{row.origin.payload_sha256}":
        yield f"the payload digest is not that of capture {row.origin.id}"


def _index(index: Path, lines: list[bytes]) -> Problem | None:
    where = f"warc/{index.name}"
    if not index.is_file():
        return Problem(where, "is missing")
    return found(where, "is not the index of its WARC file" if index.read_bytes() != b"".join(lines) else None)
