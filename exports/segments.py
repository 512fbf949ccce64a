"""Append-only files whose committed length is kept in the database.

Bytes are appended before the transaction that vouches for them commits. A process killed in between
leaves a longer file; the surplus is cut off before the next append, so no line is torn or doubled.
"""

import os
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from exports.database.models import Segment
from exports.errors import StorageError


def append(session: Session, directory: Path, path: str, data: bytes) -> None:
    """Append to the file and vouch for the new length in the session's transaction.

    Raises StorageError where the file is shorter than the database says: it was tampered with.
    """
    # FOR UPDATE: on PostgreSQL two runs may append to one file; SQLite has one writer anyway
    segment = session.scalar(select(Segment).where(Segment.path == path).with_for_update())
    if segment is None:
        segment = Segment(path=path, size=0, closed=False)
        session.add(segment)
    target = directory / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("ab") as file:
        if file.tell() != segment.size:
            cut(target, segment.size)
            file.seek(0, os.SEEK_END)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    segment.size += len(data)
    session.flush()


def cut(target: Path, size: int) -> None:
    """Shorten the file to the committed size. Raises StorageError where it is shorter already."""
    actual = target.stat().st_size if target.exists() else 0
    if actual < size:
        raise StorageError(
            f"{target} has {actual} bytes, the database vouches for {size}: run `archive verify`"
        )
    if actual > size:
        os.truncate(target, size)
