"""The shared store itself, through fsspec: a folder that is mounted, or a bucket.

Objects have the paths that the files have in ARCHIVE_DIR. None is trusted because it is there: the table stored_files
vouches for those that were read back.
"""

import errno
import hashlib
import logging
import os
import socket
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from exports import disk, failpoints
from exports.errors import ArchiveError, ConfigError, StoreError

_CHUNK = 1 << 20
_OPTIONS: dict[str, dict[str, Any]] = {
    # a store that does not answer is named within a minute, not after botocore's and s3fs's own quarter of an hour
    "s3": {
        "use_listings_cache": False,
        "config_kwargs": {"connect_timeout": 10, "read_timeout": 60, "retries": {"max_attempts": 2}},
    },
    "file": {"auto_mkdir": True},
}


@dataclass(frozen=True)
class Content:
    """What makes two copies of a file the same."""

    size: int
    sha256: str
    crc32: int = 0


def content_of(stream: IO[bytes]) -> Content:
    """Read a file to its end."""
    digest, size, crc = hashlib.sha256(), 0, 0
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
        crc = zlib.crc32(chunk, crc)
    return Content(size, digest.hexdigest(), crc)


class Store:
    """The store at the URL; every method raises StoreError where it fails, one line for people."""

    def __init__(self, url: str) -> None:
        """Asks nobody yet. Raises ConfigError where no package serves such an address."""
        self.url = url
        scheme = url.partition("://")[0]
        for name in ("aiobotocore", "botocore"):  # where they found credentials is nobody's news
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            from fsspec.core import url_to_fs  # on demand: a start without a store need not wait for it

            self._files, root = url_to_fs(url, **_OPTIONS.get(scheme, {}))
        except ImportError:
            extra = "pip install '.[s3]'" if scheme == "s3" else f"the package of fsspec that serves {scheme}://"
            raise ConfigError(f"ARCHIVE_STORE {url!r} needs further packages: {extra}") from None
        except ValueError as error:
            raise ConfigError(f"ARCHIVE_STORE {url!r} is no address of a store: {_line(error)}") from None
        self._root = str(root).rstrip("/")
        self._is_local = scheme == "file"

    def holds(self, path: str, content: Content) -> bool:
        """Whether the object is there with these bytes; every one of them is read."""
        return self.measure(path) == (content.size, content.sha256)

    def measure(self, path: str) -> tuple[int, str] | None:
        """Size and SHA-256 of the object, read to its end; None where there is none."""
        with self._naming_troubles():
            try:
                with self._files.open(self._key(path), "rb", block_size=8 * _CHUNK) as stream:
                    content = content_of(stream)
            except FileNotFoundError:
                return None
        return content.size, content.sha256

    def put(self, path: str, source: Path, content: Content) -> None:
        """Copy the file into the store and read it back. An object appears under its name whole or not at all."""
        failpoints.reach("before upload")
        with self._naming_troubles():
            failpoints.reach("during upload")
            if self._is_local:
                self._put_in_folder(path, source)
            else:
                self._files.put_file(str(source), self._key(path))
        failpoints.reach("after upload")
        if not self.holds(path, content):
            raise StoreError(f"the store {self.url} did not keep {path} as it was sent")

    def fetch(self, path: str, target: Path, expected: tuple[int, str] | None = None) -> Content:
        """Copy the object to the target, which appears whole or not at all.

        Raises OSError where it is not there or is not of the expected size and SHA-256.
        """
        draft = target.with_name(f".{target.name}.{os.getpid()}.part")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("wb") as written:
                with self._naming_troubles(FileNotFoundError):
                    reading = self._files.open(self._key(path), "rb", block_size=8 * _CHUNK)
                with reading:
                    while chunk := self._read(reading):
                        written.write(chunk)
                written.flush()
                os.fsync(written.fileno())
            with draft.open("rb") as stream:
                found = content_of(stream)
            if expected not in (None, (found.size, found.sha256)):
                raise OSError(errno.EIO, f"the copy in the store {self.url} is not what was put there", path)
            os.replace(draft, target)
            return found
        except FileNotFoundError:
            raise FileNotFoundError(errno.ENOENT, f"is missing in the store {self.url}", path) from None
        finally:
            draft.unlink(missing_ok=True)

    def part(self, path: str, start: int, length: int) -> bytes:
        """So many bytes of the object from there on, fewer at its end. Raises FileNotFoundError."""
        with self._naming_troubles(FileNotFoundError):
            try:
                return bytes(self._files.cat_file(self._key(path), start=start, end=start + length))
            except FileNotFoundError:
                raise FileNotFoundError(errno.ENOENT, f"is missing in the store {self.url}", path) from None

    def read(self, path: str) -> bytes | None:
        """A small object whole; None where there is none."""
        with self._naming_troubles():
            try:
                return bytes(self._files.cat_file(self._key(path)))
            except FileNotFoundError:
                return None

    def sizes(self, folder: str) -> dict[str, int]:
        """Path -> size of all objects below that folder, in order; drafts left out."""
        with self._naming_troubles():
            try:
                found = self._files.find(self._key(folder), detail=True)
            except FileNotFoundError:
                return {}
        sizes = {str(name).removeprefix(self._root).lstrip("/"): int(about["size"]) for name, about in found.items()}
        return {name: sizes[name] for name in sorted(sizes) if not name.rpartition("/")[2].startswith(".")}

    def _key(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _put_in_folder(self, path: str, source: Path) -> None:
        """The draft's name is this machine's: what its kill left is overwritten, and another's is left alone."""
        target = Path(self._key(path))
        machine = hashlib.sha256(f"{socket.gethostname()}:{source.parent.resolve()}".encode()).hexdigest()[:8]
        with source.open("rb") as read, disk.replacing(target, target.with_name(f".{target.name}.{machine}")) as file:
            while chunk := read.read(_CHUNK):
                file.write(chunk)

    def _read(self, stream: IO[bytes]) -> bytes:
        with self._naming_troubles():
            return stream.read(8 * _CHUNK)

    @contextmanager
    def _naming_troubles(self, passed: type[Exception] = ArchiveError) -> Iterator[None]:
        """Each backend of fsspec has errors of its own: all of them mean that the store fails."""
        try:
            yield
        except (ArchiveError, ImportError, passed):
            raise
        except PermissionError as error:
            raise StoreError(f"the store {self.url} forbids it: {_line(error)}") from None
        except Exception as error:
            raise StoreError(f"the store {self.url} fails: {_line(error)}") from None


def _line(error: BaseException) -> str:
    cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(cause.split())[:300] or type(error).__name__
