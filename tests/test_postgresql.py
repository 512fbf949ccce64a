"""The same crawl into PostgreSQL: same rows, same ledger, same JSON Lines."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from exports.database.migrate import upgrade
from exports.database.session import open_engine
from exports.errors import StorageError
from tests.crawling import crawl
from tests.replica import Replica
from tests.services import fresh_database

pytestmark = pytest.mark.slow

ROWS = """
    SELECT url, title, subtitle, byline, author, unit, position, source, content_type, published_at, status, version,
        content_hash, text_hash, extractor, editor_note, body_html, body_text
    FROM articles ORDER BY url
"""
LEDGER = "SELECT url, outcome FROM listings ORDER BY url"


def _rows(url: str, sql: str) -> list[dict[str, Any]]:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(sql)).mappings()]
    finally:
        engine.dispose()


def test_a_crawl_into_postgresql_is_the_same_archive(tmp_path: Path, postgres_database: str) -> None:
    settings = {"ARCHIVE_DATABASE_URL": postgres_database}
    with Replica(generation="t4", articles=80, seed=31) as site:
        embedded = crawl(tmp_path / "sqlite", base_url=site.base_url)
        served = crawl(tmp_path / "postgresql", base_url=site.base_url, settings=settings)
        again = crawl(tmp_path / "postgresql", base_url=site.base_url, settings=settings, full="1")
    assert (embedded.code, served.code, again.code) == (0, 0, 0), served.err
    assert _rows(postgres_database, ROWS) == embedded.rows(ROWS)
    ledger = {row["url"]: row["outcome"] for row in _rows(postgres_database, LEDGER)}
    assert {url for url, outcome in ledger.items() if outcome in ("archived", "duplicate", "unchanged")} == {
        row["url"] for row in embedded.rows(LEDGER) if row["outcome"] in ("archived", "duplicate")
    }
    assert {line["url"] for line in served.lines()} == {line["url"] for line in embedded.lines()}
    assert not (tmp_path / "postgresql" / "archive.db").exists()
    replayed = crawl(tmp_path / "postgresql", "replay", settings=settings)
    assert replayed.code == 0, replayed.err
    assert _rows(postgres_database, ROWS) == embedded.rows(ROWS)


def test_a_database_of_another_encoding_is_refused(postgres_url: str) -> None:
    with fresh_database(postgres_url, "EUC_CN") as url:
        engine = open_engine(url)
        with pytest.raises(StorageError, match="encoding is EUC_CN"):
            upgrade(engine)
        engine.dispose()
