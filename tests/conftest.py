"""Fixtures every test may use."""

from hypothesis import settings

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

# what a property takes depends on how busy the machine is; growth is measured in test_regex_growth.py
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
