"""What the store lacks is copied into it: at the end of a run, and at the next start what a kill or a full store left.

First evidence and files, then the manifests, so that a manifest in the store vouches for what it names being there.
A row of stored_files follows when the copy was read back; until then a file is sent again, over whatever is there.
"""

import fcntl
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from exports import cdxj, failpoints, lock, manifest, recovery
from exports.config import Config
from exports.database.models import Manifest, Segment, StoredFile
from exports.errors import ArchiveError, StoreError
from exports.operating import after
from exports.operating.settings import Settings
from exports.store import joining
from exports.store.objects import Content, content_of
from exports.store.places import Places

log = logging.getLogger(__name__)

AT_ONCE = 8
"""Files on their way at a time: small ones wait for the network, not for the disk."""
_BATCH = 64
"""Files whose rows share a transaction."""


@dataclass(frozen=True)
class Candidate:
    """A closed file of ARCHIVE_DIR the database does not vouch for in the store."""

    path: str
    crc32: int | None = None
    sha256: str | None = None
    """What its bytes must have, where that is known: damaged evidence goes nowhere."""


def upload(engine: Engine, config: Config) -> int:
    """Bring the store what it lacks of this folder's closed files; returns how many.

    Nothing here is changed or removed. Raises StoreError, the first of several; what got through is vouched for.
    """
    if not config.store:
        return 0
    places = Places(config)
    with _alone_in(config.directory):
        joining.join(engine, places)
        done = 0
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for waiting in (_evidence_and_files, _manifests):
                with Session(engine) as session:
                    candidates = waiting(session, config.directory)
                for start in range(0, len(candidates), _BATCH):
                    done += _send(engine, places, pool, candidates[start : start + _BATCH])
    if done:
        log.info("files copied into the store %s: %d", config.store, done)
    return done


def first(engine: Engine, config: Config) -> StoreError | None:
    """Upload at a start. Returns the error of a store an empty database does not know: a replay may rebuild it."""
    try:
        upload(engine, config)
    except joining.ForeignStore as error:
        with Session(engine) as session:
            if recovery.is_lost(session):
                return error
        raise
    return None


def last(engine: Engine, config: Config, operating: Settings) -> StoreError | None:
    """Upload at the end of a run, and tell who is to be told where the store fails; returns that error."""
    try:
        upload(engine, config)
    except (OSError, SQLAlchemyError, ArchiveError) as error:
        line = " ".join(str(error).split())
        failed = StoreError(f"{line}; what was crawled is safe in {config.directory}, the next run copies it")
        after.storage_failed(config, operating, failed)
        return failed
    return None


def _send(engine: Engine, places: Places, pool: ThreadPoolExecutor, batch: Sequence[Candidate]) -> int:
    sent = [pool.submit(_send_one, places, candidate) for candidate in batch]
    found: dict[str, Content] = {}
    failures: list[Exception] = []
    for candidate, future in zip(batch, sent, strict=True):
        try:
            if (content := future.result()) is not None:
                found[candidate.path] = content
        except (OSError, ArchiveError) as error:
            failures.append(error)
    failpoints.reach("before stored")
    with Session(engine) as session, session.begin():
        lock.alone(session)  # another machine may have brought the same attachment
        for path, content in found.items():
            joining.vouch(session, path, content)
    failpoints.reach("after stored")
    if failures:
        raise failures[0]
    return len(found)


def _send_one(places: Places, candidate: Candidate) -> Content | None:
    source = places.directory / candidate.path
    with source.open("rb") as file:
        content = content_of(file)
    if candidate.crc32 not in (None, content.crc32) or candidate.sha256 not in (None, content.sha256):
        log.error("%s: damaged, not copied into the store: run `archive verify`", source)
        return None
    if not places.store.holds(candidate.path, content):
        places.store.put(candidate.path, source, content)
    return content


def _evidence_and_files(session: Session, directory: Path) -> list[Candidate]:
    stored = set(session.scalars(select(StoredFile.path).where(~StoredFile.path.like("manifests/%"))))
    found = []
    closed = select(Segment).where(Segment.closed, Segment.path.like("warc/%")).order_by(Segment.path)
    for segment in session.scalars(closed):
        if segment.path not in stored and (directory / segment.path).is_file():
            found.append(Candidate(segment.path, crc32=segment.crc32))
        index = cdxj.path_of(Path(segment.path)).as_posix()
        if index not in stored and (directory / index).is_file():
            found.append(Candidate(index))
    for file in sorted((directory / "files").glob("*/*")):
        path = file.relative_to(directory).as_posix()
        if path not in stored and not file.name.startswith("."):
            found.append(Candidate(path, sha256=file.name.partition(".")[0]))
    return found


def _manifests(session: Session, directory: Path) -> list[Candidate]:
    stored = set(session.scalars(select(StoredFile.path).where(StoredFile.path.like("manifests/%"))))
    rows = session.execute(select(Manifest.number, Manifest.sha256).order_by(Manifest.number))
    known = [Candidate(manifest.path_of(number), sha256=digest) for number, digest in rows]
    return [each for each in known if each.path not in stored and (directory / each.path).is_file()]


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """One upload at a time from one folder: the second finds nothing left to do."""
    folder = directory / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "store.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def forget(engine: Engine, config: Config) -> tuple[int, int]:
    """Strike out what the store does not hold as the database says; returns how many it holds, and how many not.

    A store that was lost is then filled again by upload(), as far as the files are here. Raises StoreError.
    """
    store = Places(config).store
    with Session(engine) as session:
        rows = session.execute(select(StoredFile.path, StoredFile.size, StoredFile.sha256)).all()
    lost = [path for path, size, sha256 in rows if store.measure(path) != (size, sha256)]
    with Session(engine) as session, session.begin():
        lock.alone(session)
        for path in lost:
            session.execute(delete(StoredFile).where(StoredFile.path == path))
    return len(rows) - len(lost), len(lost)
