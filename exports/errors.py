"""Everything storage and readers raise on purpose; the message is one line for people.

``exit_code`` is what a command ends with when the error reaches it.
"""

import re

_PASSWORD = re.compile(r":(?!//)[^:/\s'\"][^\s'\"]{0,200}@")
_SECRET = re.compile(r"\b((?:password|passwd|pwd|secret|(?:access_)?token|sslpassword)=)[^\s&'\",;)]{1,200}", re.I)
"""The same as a parameter of an address, or of libpq."""


def without_password(text: str) -> str:
    """An address, or a message with one, that may be shown: what stands between a colon and an @ is left out."""
    return _SECRET.sub(r"\1***", _PASSWORD.sub(":***@", text))


class ArchiveError(Exception):
    """Base class."""

    exit_code = 1


class ConfigError(ArchiveError):
    """A setting with an impossible value. Raised by config.py and database/session.py; nothing was written."""

    exit_code = 2


class SchemaError(ArchiveError):
    """The database was made by another version of this program. Raised by database/migrate.py."""

    exit_code = 5


class StorageError(ArchiveError):
    """The disk is full, a folder is not writable, the database is gone. Raised by writer.py and archive.py."""

    exit_code = 5


class StoreError(StorageError):
    """The shared store is full, cannot be reached, forbids it or is another archive's. Raised by store/."""

    archive_is_good = True
    """Nothing in ARCHIVE_DIR or in the database is lost; the next run tells the store what it lacks."""


class ColumnBusy(ArchiveError):
    """Another run of the column is alive. Raised by lock.py."""

    exit_code = 6
