"""Append-only files whose committed length and checksum are kept in the database.

Bytes are appended before the transaction that vouches for them commits. A process killed in between
leaves a longer file; the surplus is cut off before the next append, so no line is torn or doubled.
"""

import os
import zlib
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from exports import disk, failpoints
from exports.database.models import Segment
from exports.errors import StorageError

_left: dict[Path, tuple[int, int]] = {}
"""File -> size and CRC-32 as this process has left it."""


def append(session: Session, directory: Path, path: str, data: bytes) -> None:
    """Append to the file and vouch for the new length in the session's transaction.

    Raises StorageError where the file is shorter than the database says: it was tampered with.
    """
    # FOR UPDATE: on PostgreSQL two runs may append to one file; SQLite has one writer anyway
    segment = session.scalar(select(Segment).where(Segment.path == path).with_for_update())
    target = directory / path
    if segment is None:
        segment = Segment(path=path, size=0, crc32=0, closed=False)
        session.add(segment)
        session.flush()
        target.parent.mkdir(parents=True, exist_ok=True)
    cut(target, segment.size)
    failpoints.reach("before lines append")
    new = not target.exists()
    with target.open("ab") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if new:
        disk.sync_folder(target.parent)
    failpoints.reach("after lines append")
    segment.size += len(data)
    if segment.crc32 is not None:
        segment.crc32 = zlib.crc32(data, segment.crc32)
        _left[target] = segment.size, segment.crc32
    session.flush()


def is_current(session: Session, directory: Path, path: str) -> bool:
    """Whether the file here begins with the bytes the database vouches for; nobody else appends until the commit.

    What this process itself has left there is known without reading it.
    """
    segment = session.scalar(select(Segment).where(Segment.path == path).with_for_update())
    if segment is None:
        return True
    target = directory / path
    size = target.stat().st_size if target.exists() else 0
    if segment.crc32 is None or size < segment.size:
        return False
    return _left.get(target) == (segment.size, segment.crc32) or checksum(target, segment.size) == segment.crc32


def cut(target: Path, size: int) -> int:
    """Shorten the file to the committed size; returns how many bytes went.

    Raises StorageError where it is shorter already.
    """
    actual = target.stat().st_size if target.exists() else 0
    if actual < size:
        raise StorageError(
            f"{target} has {actual} bytes, the database vouches for {size}: the next start writes it again"
        )
    if actual > size:
        with target.open("r+b") as file:
            file.truncate(size)
            os.fsync(file.fileno())
    return actual - size


def vouch(session: Session, directory: Path, path: str, *, closed: bool) -> Segment:
    """Vouch for the file as it lies there, whatever was vouched for before."""
    segment = session.get(Segment, path) or Segment(path=path)
    target = directory / path
    segment.size, segment.closed = target.stat().st_size, closed
    segment.sealed = 0
    segment.crc32 = checksum(target, segment.size)
    session.add(segment)
    return segment


def stale(session: Session, path: str) -> None:
    """Note that the file no longer says what the database says: repair.py writes it again."""
    segment = session.get(Segment, path, with_for_update=True) or Segment(path=path, size=0, closed=False)
    segment.crc32 = None
    segment.sealed = 0
    session.add(segment)


def checksum(target: Path, size: int) -> int:
    """CRC-32 of the first bytes of a file, so many of them."""
    crc = 0
    with target.open("rb") as file:
        while size > 0 and (chunk := file.read(min(size, 1 << 20))):
            crc = zlib.crc32(chunk, crc)
            size -= len(chunk)
    return crc
