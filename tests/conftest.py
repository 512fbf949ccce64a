"""Fixtures every test may use."""

from tests.archive_command import archive
from tests.services import database_url, engine, object_server, postgres_database, postgres_url, small_disk, store

__all__ = [
    "archive",
    "database_url",
    "engine",
    "object_server",
    "postgres_database",
    "postgres_url",
    "small_disk",
    "store",
]
