"""Fixtures every test may use."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.archive_command import archive, evidence
from tests.services import database_url, engine, object_server, postgres_database, postgres_url, small_disk, store

ROOT = Path(__file__).parent.parent

__all__ = [
    "archive",
    "database_url",
    "engine",
    "evidence",
    "object_server",
    "postgres_database",
    "postgres_url",
    "small_disk",
    "store",
]

# what a property takes depends on how busy the machine is; growth is measured in test_regex_growth.py
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session", autouse=True)
def checkout_stays_clean() -> Iterator[None]:
    """No test leaves anything in the checkout: a folder with a hostile name, made by one, was once committed."""
    before = set(ROOT.iterdir())
    yield
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
    left = [path.name for path in set(ROOT.iterdir()) - before if path.name not in ignored]
    assert not [name for name in left if not name.endswith(".egg-info")], f"left in the checkout: {left}"
