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

from exports import cdxj, jsonl, lock, segments
from exports.database.models import Run, Segment
from exports.warc import whole_length

log = logging.getLogger(__name__)


LOST = "jsonl.lost"
"""Where the lines of a lost database are kept: they name its versions, whatever else is left of it."""


def repair(session: Session, directory: Path, *, fleet: bool = False) -> None:
    """Repair every file that no living run is writing.

    In a fleet a JSON Lines file that is missing or short is another machine's, see jsonl.append().
    """
    lock.alone(session)
    known = {found.path: found for found in session.scalars(select(Segment))}
    is_new = not known and session.scalar(select(Run.id).limit(1)) is None
    if is_new and any((directory / "jsonl").glob("*/*.jsonl")):
        _keep_aside(directory)
    for path, segment in known.items():
        if path.startswith("jsonl/") and not (fleet and _is_behind(directory, segment)):
            _repair_jsonl(session, directory, segment)
    for lines in (directory / "jsonl").glob("*/*.jsonl"):
        if (path := lines.relative_to(directory).as_posix()) not in known:
            log.warning("%s: removed, a killed run had committed nothing of it", path)
            lines.unlink()
    for warc in sorted((directory / "warc").glob("*.warc.gz")):
        _repair_warc(session, directory, warc, known.get(f"warc/{warc.name}"), is_new=is_new)
    for draft in (*(directory / "files").glob(".*"), *(directory / "manifests").glob("*.tmp")):
        draft.unlink()


def _keep_aside(directory: Path) -> None:
    """No run ever wrote into this database, so the lines are another's."""
    number = len(list(directory.glob(f"{LOST}*")))
    target = directory / (f"{LOST}-{number + 1}" if number else LOST)
    (directory / "jsonl").rename(target)
    log.error("the database is new, the archive is not: its JSON Lines are kept in %s", target)
    log.error("`scrapy crawl replay` rebuilds a lost database from the WARC files, as long as nothing was crawled anew")


def _is_behind(directory: Path, segment: Segment) -> bool:
    target = directory / segment.path
    return segment.crc32 is not None and (not target.exists() or target.stat().st_size < segment.size)


def _repair_jsonl(session: Session, directory: Path, segment: Segment) -> None:
    target = directory / segment.path
    size = target.stat().st_size if target.exists() else 0
    if size < segment.size or segment.crc32 is None:
        log.warning("%s: written again from the database", segment.path)
        jsonl.rewrite(session, directory, segment.path)
    elif surplus := segments.cut(target, segment.size):
        log.warning("%s: cut %d bytes a killed run had not committed", segment.path, surplus)


def renew(session: Session, directory: Path) -> None:
    """Write the JSON Lines files anew in which versions stand that were completed, or read again, since."""
    stale = select(Segment).where(Segment.path.like("jsonl/%"), Segment.crc32.is_(None)).order_by(Segment.path)
    for segment in session.scalars(stale).all():
        jsonl.rewrite(session, directory, segment.path)


def _repair_warc(session: Session, directory: Path, warc: Path, segment: Segment | None, *, is_new: bool) -> None:
    """Cut the file after its last whole record, index and close it, unless its run is alive.

    A new database knows nothing of what was committed: there only a record that ends too early is cut off.
    """
    if segment is not None and segment.closed and cdxj.path_of(warc).exists():
        return
    with warc.open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        size = warc.stat().st_size
        whole, damages = whole_length(warc)
        committed = segment.size if segment else 0
        for damage in damages:
            if damage.offset < whole:
                log.error("%s, goes on at byte %d: run `archive verify`", damage, damage.end)
        if whole < committed or (segment and segment.closed and whole < size):
            log.error("%s: damaged at byte %d, which was committed: run `archive verify`", warc, whole)
            return
        if whole < size and is_new and not damages[-1].is_torn:
            log.error("%s: it stays as it is", damages[-1])
        elif whole < size:
            log.warning("%s: cut %d bytes of a torn record", warc, size - whole)
            file.truncate(whole)
            os.fsync(file.fileno())
    if warc.stat().st_size == 0:
        warc.unlink()
        return
    cdxj.write(warc)
    if segment is None or not segment.closed:
        segments.vouch(session, directory, f"warc/{warc.name}", closed=True)
