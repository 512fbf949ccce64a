"""The database of jobs: Procrastinate's tables in a PostgreSQL schema of their own, `archive_queue`.

The queue holds plans, nothing else: what was listed and archived is in the archive. It may be thrown away at any time.
"""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.schema import SchemaManager
from scrapy.settings import BaseSettings

from crawler.exceptions import BadUsage, QueueFailed

SCHEMA = "archive_queue"
CONNECT_SECONDS = 10
ATTEMPT_SECONDS = 5
"""Between two attempts to reach a queue that does not answer."""
_SETUP = 0x71756575  # any number, the same in every process: one process at a time makes the tables


def address(settings: BaseSettings) -> str:
    """ARCHIVE_QUEUE_URL as psycopg takes it. Raises BadUsage where it is unset or names no PostgreSQL database."""
    url = (settings["ARCHIVE_QUEUE_URL"] or "").strip()
    if not url:
        raise BadUsage("ARCHIVE_QUEUE_URL is not set: postgresql://USER@HOST/NAME, the database of the job queue")
    scheme, colon, rest = url.partition("://")
    if scheme.partition("+")[0] not in ("postgresql", "postgres") or not colon:
        raise BadUsage(f"ARCHIVE_QUEUE_URL names {scheme!r}: allowed is postgresql://USER@HOST/NAME")
    url = f"postgresql://{rest}"
    try:
        psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.Error as error:
        raise BadUsage(f"ARCHIVE_QUEUE_URL {shown(url)} is not a database URL: {_line(error)}") from None
    return url


def shown(url: str) -> str:
    """The URL without its password."""
    try:
        parts = urlsplit(url)
        place = parts.netloc.rpartition("@")
        user = place[0].partition(":")[0]
        return parts._replace(netloc=f"{user}@{place[2]}" if user else place[2], query="").geturl()
    except ValueError:
        return "postgresql://…"


def _options() -> dict[str, Any]:
    return {"options": f"-c search_path={SCHEMA} -c timezone=UTC", "connect_timeout": CONNECT_SECONDS}


@contextmanager
def connection(url: str) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
    """A connection of its own. Raises QueueFailed, in one line, where the database does not answer."""
    try:
        opened = psycopg.connect(url, autocommit=True, **_options())
    except psycopg.Error as error:
        raise QueueFailed(f"cannot reach the queue database {shown(url)}: {_line(error)}") from None
    try:
        with opened:
            yield opened
    except psycopg.Error as error:
        raise QueueFailed(f"the queue database {shown(url)} failed: {_line(error)}") from None


def app(url: str) -> App:
    """Procrastinate on this database; tasks are added by whoever works."""
    return App(
        connector=PsycopgConnector(conninfo=url, kwargs=_options(), min_size=1, max_size=4, timeout=CONNECT_SECONDS)
    )


def prepare(url: str, *, reset: bool = False) -> None:
    """Make the queue's tables where there are none. `reset` drops them first, with every job in them.

    Raises QueueFailed where another version of the engine made them.
    """
    installed = _engine_version()
    with connection(url) as opened, opened.transaction():
        opened.execute("SELECT pg_advisory_xact_lock(%s)", (_SETUP,))
        if reset:
            opened.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        there = opened.execute("SELECT to_regnamespace(%s) IS NOT NULL", (SCHEMA,)).fetchone()
        if there == (True,):
            _check_version(opened, url, installed)
            return
        opened.execute(f"CREATE SCHEMA {SCHEMA}")
        opened.execute(SchemaManager.get_schema())
        opened.execute("CREATE TABLE made_by (engine text NOT NULL)")
        opened.execute("INSERT INTO made_by VALUES (%s)", (installed,))


def _check_version(opened: "psycopg.Connection[tuple[Any, ...]]", url: str, installed: str) -> None:
    known = opened.execute("SELECT to_regclass(%s) IS NOT NULL", (f"{SCHEMA}.made_by",)).fetchone()
    made_by = opened.execute("SELECT engine FROM made_by").fetchone() if known == (True,) else None
    if made_by is None or made_by[0] != installed:
        found = made_by[0] if made_by else "something else"
        raise QueueFailed(
            f"the queue in {shown(url)} was made by {found}, this program has {installed}: once no worker runs, "
            "`scrapy dispatch --reset` makes it anew (the archive loses nothing)"
        )


def _engine_version() -> str:
    return "procrastinate " + ".".join(version("procrastinate").split(".")[:2])


def skew(url: str) -> float:
    """Seconds by which this machine's clock is ahead of the queue database's."""
    with connection(url) as opened:
        before = time.time()
        row = opened.execute("SELECT extract(epoch FROM clock_timestamp())").fetchone()
        assert row is not None
        return (before + time.time()) / 2 - float(row[0])


def lock_key(name: str) -> int:
    """The number PostgreSQL knows a lock of this name by."""
    return int.from_bytes(hashlib.sha256(f"queue {name}".encode()).digest()[:8], "big", signed=True)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
