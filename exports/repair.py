"""What a start does first: files that a killed run left longer (or missing) are brought back in line.

WARC files keep every whole record, also uncommitted ones: evidence is never thrown away. JSON Lines
files are cut to the committed length, or written again from the database where they are short.
"""

import fcntl
import logging
import os
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from exports import cdxj, jsonl
from exports.database.models import ArticleVersion, Segment
from exports.warc import whole_length

log = logging.getLogger(__name__)


def repair(session: Session, directory: Path) -> None:
    """Repair every file that no living run is writing; the session's transaction keeps others out."""
    # FOR UPDATE: a run of another column appends only while it holds the segment's row
    known = {found.path: found for found in session.scalars(select(Segment).with_for_update())}
    for path, row in known.items():
        if path.startswith("jsonl/"):
            _repair_jsonl(session, directory, row)
    for warc in sorted((directory / "warc").glob("*.warc.gz")):
        path = f"warc/{warc.name}"
        segment = known.get(path) or Segment(path=path, size=0, closed=False)
        if not segment.closed and _repair_warc(warc, segment):
            session.add(segment)


def _repair_jsonl(session: Session, directory: Path, segment: Segment) -> None:
    target = directory / segment.path
    size = target.stat().st_size if target.exists() else 0
    if size > segment.size:
        log.warning("%s: cut %d bytes a killed run had not committed", segment.path, size - segment.size)
        os.truncate(target, segment.size)
    elif size < segment.size:
        log.warning(
            "%s: %d bytes are missing, written again from the database", segment.path, segment.size - size
        )
        _rewrite(session, directory, segment)


def _rewrite(session: Session, directory: Path, segment: Segment) -> None:
    target = directory / segment.path
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".jsonl.tmp")
    column_id = target.parent.name
    versions = session.scalars(
        select(ArticleVersion)
        .where(ArticleVersion.column_id == column_id)
        .order_by(ArticleVersion.valid_from, ArticleVersion.article_id, ArticleVersion.version)
        .execution_options(yield_per=500)
    )
    with draft.open("wb") as file:
        for version in versions:
            if jsonl.path_of(version) == segment.path:
                file.write(jsonl.line(version).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
        segment.size = file.tell()
    os.replace(draft, target)


def _repair_warc(warc: Path, segment: Segment) -> bool:
    """Cut the file after its last whole record, index and close it; False where its run is alive."""
    with warc.open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        size = warc.stat().st_size
        whole = whole_length(warc)
        if whole < segment.size:
            log.error("%s: damaged at byte %d, before what was committed: run `archive verify`", warc, whole)
            return False
        if whole < size:
            log.warning("%s: cut %d bytes of a torn record", segment.path, size - whole)
            file.truncate(whole)
    if whole == 0:
        warc.unlink()
        return False
    cdxj.write(warc)
    segment.size, segment.closed = whole, True
    return True
