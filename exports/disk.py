"""Files that appear under their name whole or not at all, also when the power fails."""

import mimetypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from exports import failpoints
from exports.errors import StorageError


@contextmanager
def replacing(target: Path, draft: Path) -> Iterator[BinaryIO]:
    """A file to write the draft into; on leaving, it takes the target's name. Both on one file system."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with draft.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    failpoints.reach("before rename")
    os.replace(draft, target)
    failpoints.reach("after rename")
    sync_folder(target.parent)


def make_writable(directory: Path) -> None:
    """Make ARCHIVE_DIR where it is not there. Raises StorageError where it cannot be made or written in."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot create ARCHIVE_DIR {str(directory)!r}: {error.strerror}") from None
    if not os.access(directory, os.W_OK | os.X_OK):
        raise StorageError(f"cannot write in ARCHIVE_DIR {str(directory)!r}: permission denied")


def sync_folder(folder: Path) -> None:
    """Force the names in the folder onto the disk: a new file's own fsync does not."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def extension(url: str, media_type: str) -> str:
    """The file's extension, from its address or else its type; only plain short ones are taken over."""
    suffix = Path(url.partition("?")[0]).suffix.lower()
    if not (1 < len(suffix) <= 6 and suffix[1:].isascii() and suffix[1:].isalnum()):
        suffix = mimetypes.guess_extension(media_type) or ".bin"
    return suffix
