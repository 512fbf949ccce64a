"""What `archive verify` checks. Each check yields once per thing checked: a Problem, or None where it is right."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from exports import segments
from exports.database.models import Run, Segment


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it should be."""

    where: str
    """The file, or the row of the database."""
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


Findings = Iterator[Problem | None]


def found(where: str, *faults: str | None) -> Problem | None:
    """The problem these faults make up; None where there is none."""
    named = [fault for fault in faults if fault]
    return Problem(where, "; ".join(named)) if named else None


def is_unfinished(session: Session, directory: Path) -> bool:
    """Whether a run is alive or was killed and no start has tidied up since: then files may be longer.

    Every run that ended (and every start) leaves closed WARC files only.
    """
    closed = set(session.scalars(select(Segment.path).where(Segment.closed)))
    return any(f"warc/{warc.name}" not in closed for warc in (directory / "warc").glob("*.warc.gz"))


def unsealed_runs(session: Session) -> set[int]:
    """The runs that are under way or were killed: what they keep may be on another machine, not in the store."""
    return set(session.scalars(select(Run.id).where(Run.manifest.is_(None))))


def size_fault(target: Path, segment: Segment, *, may_be_longer: bool) -> str | None:
    """What is wrong with the length of a file."""
    size = target.stat().st_size
    if size < segment.size:
        return f"{segment.size - size} of {segment.size} committed bytes are missing at the end"
    if size > segment.size and not may_be_longer:
        return f"{size - segment.size} bytes more than the {segment.size} committed"
    return None


def bytes_fault(target: Path, segment: Segment) -> str | None:
    """Whether a file holds the committed bytes: finds what no digest covers, as the padding of compressed data."""
    if segment.crc32 is None or segments.checksum(target, segment.size) == segment.crc32:
        return None
    return "does not hold the bytes that were committed"
