"""Where a file of the archive is: in ARCHIVE_DIR, or else in the shared store.

Everything that reads evidence, attachments or manifests asks here. Paths are those of the database, relative to
ARCHIVE_DIR. Where there is no store this is the folder and nothing else.
"""

import errno
import io
import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from exports import cdxj
from exports.config import Config
from exports.database.models import Capture, StoredFile
from exports.store.objects import Store
from exports.warc import Record, WarcDamage, read_at

log = logging.getLogger(__name__)

_PART = 1 << 18
"""Bytes asked for at first where one record of a WARC file is wanted; four times as many each time it is longer."""


class Places:
    """The places of one archive's files. Its methods raise StoreError where the store fails."""

    def __init__(self, config: Config) -> None:
        self.directory = config.directory
        self._url = config.store

    @property
    def has_store(self) -> bool:
        return bool(self._url)

    @cached_property
    def store(self) -> Store:
        """Opened when it is first needed. Raises ConfigError."""
        return Store(self._url)

    def is_fleet(self, session: Session) -> bool:
        """Whether machines with folders of their own may share this archive: then each has JSON Lines of its own."""
        return self.has_store and session.get_bind().dialect.name == "postgresql"

    def stored(self, session: Session, path: str) -> StoredFile | None:
        """What the database vouches for in the store under that path."""
        return session.get(StoredFile, path) if self.has_store else None

    def record(self, session: Session, capture: Capture) -> Record:
        """The record of a capture. Raises WarcDamage, also where another one stands there, and OSError for no file."""
        warc_file, offset = capture.warc_file, capture.warc_offset
        local = self.directory / warc_file
        try:
            with local.open("rb") as file:
                record = read_at(local, file, offset)
        except FileNotFoundError:
            if not self.has_store:
                raise
            self._require(session, warc_file)
            record = self._remote_record(local, warc_file, offset)
        if record is None:
            raise WarcDamage(local, offset, "no record")
        if record.record_id != capture.warc_record_id:
            raise WarcDamage(local, offset, "another record than the capture's")
        return record

    def part(self, session: Session, path: str, start: int, length: int) -> bytes:
        """So many bytes of a file from there on. Raises OSError where it is nowhere."""
        try:
            with (self.directory / path).open("rb") as file:
                file.seek(start)
                return file.read(length)
        except FileNotFoundError:
            if not self.has_store:
                raise
            self._require(session, path)
            return self.store.part(path, start, length)

    @contextmanager
    def at_hand(self, session: Session, path: str) -> Iterator[Path]:
        """The whole file, to be read: where it lies, or a copy in a temporary folder.

        Raises OSError where it is nowhere, or where the store's copy is not what was put there.
        """
        local = self.directory / path
        if local.is_file() or not self.has_store:
            yield local
            return
        row = self._require(session, path)
        with tempfile.TemporaryDirectory(prefix="archive-") as folder:
            copy = Path(folder) / local.name
            self.store.fetch(path, copy, (row.size, row.sha256))
            yield copy

    def elsewhere(self, session: Session, paths: Iterable[str]) -> list[StoredFile]:
        """Those of the files (a WARC file's index with it) that are in the store and not here, detached."""
        if not self.has_store:
            return []
        lacking = [path for path in sorted(set(paths)) if not (self.directory / path).is_file()]
        lacking += [cdxj.path_of(Path(path)).as_posix() for path in lacking if path.endswith(".warc.gz")]
        rows = list(session.scalars(select(StoredFile).where(StoredFile.path.in_(lacking)))) if lacking else []
        for row in rows:
            session.expunge(row)
        return rows

    def bring(self, rows: Iterable[StoredFile]) -> None:
        """Copy files into the folder. What is missing or other than it should be is named in the log and left out."""
        for row in rows:
            try:
                self.store.fetch(row.path, self.directory / row.path, (row.size, row.sha256))
            except OSError as error:
                log.error("%s: %s", row.path, error.strerror)

    def _require(self, session: Session, path: str) -> StoredFile:
        """What vouches for the store's copy. Raises FileNotFoundError."""
        row = self.stored(session, path)
        if row is None:
            raise FileNotFoundError(errno.ENOENT, "is neither here nor in the store", path)
        return row

    def _remote_record(self, name: Path, path: str, offset: int) -> Record | None:
        """Its gzip member has a checksum, so a part of the file proves itself."""
        length = _PART
        while True:
            data = self.store.part(path, offset, length)
            try:
                record = read_at(name, io.BytesIO(data), 0)
            except WarcDamage as damage:
                if len(data) == length and damage.is_torn:
                    length *= 4
                    continue
                raise WarcDamage(name, offset, damage.what.partition(" at byte ")[0]) from None
            if record is not None:
                record.offset = offset
            return record
