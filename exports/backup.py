"""A copy of the whole archive, taken while crawls may go on.

The order is what makes it good. A commit vouches only for bytes that are in the files already, and files only grow: so
first one state of the database, then from each file the bytes that state vouches for. What a crawl adds meanwhile is
left out whole. The copy is an embedded archive (also of one on PostgreSQL), closed and indexed as a start would.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from exports import disk, manifest, repair, segments, transfer
from exports.config import Config
from exports.database import migrate
from exports.database.models import Manifest, Segment, StoredFile
from exports.database.session import open_engine
from exports.errors import ConfigError, StorageError
from exports.store.places import Places
from exports.verify import verify

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Backup:
    """What was copied."""

    rows: int
    files: int
    bytes: int
    """Of the files, the database not counted."""
    problems: tuple[str, ...]
    """What `archive verify` finds in the copy that it does not find in the archive: should be none."""


def backup(config: Config, target: Path) -> Backup:
    """Copy the archive into the folder, which must not exist or be empty, and verify the copy.

    Raises ConfigError where the folder is in use, StorageError where the disk is full or a committed byte is missing.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(f"{str(target)!r} is not an empty folder: name a new one for each backup")
    if config.directory.resolve() in [target.resolve(), *target.resolve().parents]:
        raise ConfigError(f"{str(target)!r} lies inside the archive: name a folder elsewhere, best on another disk")
    source = open_engine(config.database_url, read_only=True)
    try:
        migrate.check_current(source)
        target.mkdir(parents=True, exist_ok=True)
        rows = sum(table.rows for table in transfer.copy(source, f"sqlite:///{target}/archive.db"))
    except OSError as error:
        raise StorageError(f"cannot write in {str(target)!r}: {error.strerror}") from None
    finally:
        source.dispose()
    try:
        files, size = _copy_files(Places(config), target)
    except OSError as error:
        raise StorageError(f"{error.filename}: {error.strerror}; the backup in {str(target)!r} is not whole") from None
    problems = tuple(str(problem) for problem in verify(Config(target, f"sqlite:///{target}/archive.db")))
    return Backup(rows, files, size, problems)


def _copy_files(places: Places, target: Path) -> tuple[int, int]:
    engine = open_engine(f"sqlite:///{target}/archive.db")
    files = size = 0
    try:
        with Session(engine) as session, session.begin():
            for segment in session.scalars(select(Segment)):
                files, size = files + 1, size + segment.size
                if not _copy_committed(session, places, target, segment):
                    # a replay has written the lines again meanwhile: the copy makes them from its own database
                    segments.stale(session, segment.path)
            known = [manifest.path_of(number) for number in session.scalars(select(Manifest.number))]
            for path in (*known, *_stored(session, places)):
                place = target / path
                place.parent.mkdir(parents=True, exist_ok=True)
                with places.at_hand(session, path) as source:
                    shutil.copy2(source, place)
                files, size = files + 1, size + place.stat().st_size
            session.flush()
            repair.repair(session, target)
    finally:
        engine.dispose()
    return files, size


def _stored(session: Session, places: Places) -> Iterator[str]:
    """Attachments and images: a name is a digest, so a file that is there is whole and never changes."""
    here = {path for path in (places.directory / "files").glob("*/*") if not path.name.startswith(".")}
    paths = {path.relative_to(places.directory).as_posix() for path in here}
    if places.has_store:
        paths.update(session.scalars(select(StoredFile.path).where(StoredFile.path.like("files/%"))))
    yield from sorted(paths)


def _copy_committed(session: Session, places: Places, target: Path, segment: Segment) -> bool:
    """Copy the bytes the database vouches for; whether they are the ones it means.

    Raises StorageError where a WARC file lacks some: evidence is not to be had from elsewhere.
    """
    source, place, left = places.directory / segment.path, target / segment.path, segment.size
    place.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError), places.at_hand(session, segment.path) as here:
        with here.open("rb") as read, place.open("wb") as written:
            while left and (chunk := read.read(min(left, _CHUNK))):
                written.write(chunk)
                left -= len(chunk)
        disk.sync_folder(place.parent)
    whole = not left and (segment.crc32 is None or segments.checksum(place, segment.size) == segment.crc32)
    if not whole and segment.path.startswith("warc/"):
        raise StorageError(f"{source} does not hold the bytes that were committed: run `archive verify`")
    return whole
