"""Where the archive lies: the ARCHIVE_* settings that storage and readers share."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exports.errors import ConfigError, without_password


@dataclass(frozen=True)
class Config:
    """The archive's folder and database."""

    directory: Path
    """ARCHIVE_DIR"""
    database_url: str
    """ARCHIVE_DATABASE_URL, the default filled in"""
    revisit_days: int = 30
    """ARCHIVE_REVISIT_DAYS: every archived article is checked again within so many days"""
    revisit_share: float = 0.05
    """ARCHIVE_REVISIT_SHARE: at most this share of the older articles is checked in one run"""
    gone_checks: int = 3
    """ARCHIVE_GONE_CHECKS: an article is withdrawn once so many checks in a row found it gone …"""
    gone_hours: float = 72
    """ARCHIVE_GONE_HOURS: … the first and the last of them at least so many hours apart"""
    store: str = ""
    """ARCHIVE_STORE: the URL of the shared store; empty: everything lies in the folder alone"""

    @property
    def sqlite_file(self) -> Path | None:
        """The file of the database, where its URL says no more than that."""
        plain = _FILE.fullmatch(self.database_url)
        return Path(plain[1]) if plain else None

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "Config":
        """A given setting beats the environment variable of the same name beats the default.

        Raises ConfigError naming the bad value.
        """
        directory = Path(value(settings, "ARCHIVE_DIR") or "archive").expanduser()
        if directory.exists() and not directory.is_dir():
            raise ConfigError(f"ARCHIVE_DIR {str(directory)!r} is not a folder")
        default_url = f"sqlite:///{directory}/archive.db"
        return cls(
            directory=directory,
            database_url=database_url(value(settings, "ARCHIVE_DATABASE_URL") or default_url),
            revisit_days=int(number(settings, "ARCHIVE_REVISIT_DAYS", 30, least=1)),
            revisit_share=number(settings, "ARCHIVE_REVISIT_SHARE", 0.05, least=0),
            gone_checks=int(number(settings, "ARCHIVE_GONE_CHECKS", 3, least=1)),
            gone_hours=number(settings, "ARCHIVE_GONE_HOURS", 72, least=0),
            store=store_url(value(settings, "ARCHIVE_STORE")),
        )


def value(settings: Mapping[str, Any], name: str) -> str:
    """The setting, else the environment variable, without blanks around it; empty where neither is given."""
    return str(settings.get(name) or os.environ.get(name) or "").strip()


def number(settings: Mapping[str, Any], name: str, default: float, least: float) -> float:
    """The setting as a number. Raises ConfigError naming it."""
    text = value(settings, name)
    try:
        number = float(text) if text else default
    except ValueError:
        number = least - 1
    if not number >= least:
        raise ConfigError(f"{name} {text!r} is not a number of at least {least}")
    return number


def database_url(text: str, name: str = "ARCHIVE_DATABASE_URL") -> str:
    """The URL with the driver we use; raises ConfigError saying what is wrong with the setting (or option) `name`."""
    if (plain := _FILE.fullmatch(text)) and plain[1] != ":memory:":
        return text
    # loading it takes longer than most questions to a file
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ConfigError(f"{name} {without_password(text)!r} is not a database URL: {_ALLOWED}") from None
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise ConfigError(f"{name} names {url.drivername!r}: {_ALLOWED}")
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise ConfigError(f"{name} is an in-memory database, which keeps nothing: name a file")
    return url.render_as_string(hide_password=False)


def store_url(text: str) -> str:
    """The URL without a slash at its end; raises ConfigError saying what is wrong with it."""
    if not text:
        return ""
    scheme, _, rest = text.partition("://")
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme) or not rest.strip("/") or re.search(r"[?#\s]", rest):
        raise ConfigError(f"ARCHIVE_STORE {without_password(text)!r} is no address of a store: {_STORES}")
    if "@" in rest:
        raise ConfigError(
            f"ARCHIVE_STORE {without_password(text)!r} holds a user or password: give them as AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY"
        )
    if scheme == "file" and not rest.startswith("/"):
        raise ConfigError(f"ARCHIVE_STORE {text!r} is no absolute path: {_STORES}")
    return text.rstrip("/")


_STORES = "allowed are file:///FOLDER and s3://BUCKET/PREFIX"
_FILE = re.compile(r"sqlite(?:\+pysqlite)?:///([^?%]+)")
_ALLOWED = "allowed are sqlite:///FILE and postgresql://USER@HOST/NAME"
