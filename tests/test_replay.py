"""Replay: the same rows from the kept evidence, with the server gone."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.crawling import crawl
from tests.replica import Replica

pytestmark = pytest.mark.slow

ROWS = """
    SELECT url, site_id, column_id, title, subtitle, byline, author, unit, position, breadcrumb, source, content_type,
        published_at, status, version, content_hash, text_hash, first_seen_at, changed_at, extractor, editor_note,
        printed, body_html, body_text
    FROM articles ORDER BY url
"""
LISTED = "SELECT url FROM listings WHERE article_id IS NOT NULL ORDER BY url"
FILES = """
    SELECT a.url AS article, f.url, f.name, f.sha256, f.media_type, f.size, f.path
    FROM {} f JOIN articles a ON a.id = f.article_id ORDER BY 1, seq
"""


@pytest.fixture(scope="module", params=["t3", "t4"])
def crawled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive whose server is gone."""
    directory = tmp_path_factory.mktemp("archive")
    with Replica(generation=request.param, articles=60, seed=21) as site:
        done = crawl(directory, base_url=site.base_url)
        path = next(path for path, expected in site.expected.items() if expected.column_id == "zhuanti")
        site.edit(path, "title", "改过的标题")
        assert crawl(directory, base_url=site.base_url, full="1").outcomes()["revised"] == 1
    assert done.code == 0
    return directory


def test_versions_edited_by_hand_are_read_again_from_the_evidence(crawled: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(crawled, tmp_path / "archive")
    before = crawl(directory, "replay")
    assert before.code == 0, before.err
    good, lines = before.rows(ROWS), before.lines()
    connection = sqlite3.connect(directory / "archive.db")
    for table in ("articles", "article_versions"):
        connection.execute(f"UPDATE {table} SET title = '', author = 'X', body_text = 'Y'")
    connection.commit()
    connection.close()
    after = crawl(directory, "replay")
    assert after.code == 0, after.err
    assert after.rows(ROWS) == good
    assert sorted(map(repr, after.lines())) == sorted(map(repr, lines))
    assert "title gained" in after.out


def test_replay_of_an_untouched_archive_changes_nothing(crawled: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(crawled, tmp_path / "archive")
    connection = sqlite3.connect(directory / "archive.db")
    everything = list(connection.execute("SELECT * FROM article_versions ORDER BY article_id, version"))
    connection.close()
    done = crawl(directory, "replay")
    assert done.code == 0, done.err
    again = sqlite3.connect(directory / "archive.db")
    assert list(again.execute("SELECT * FROM article_versions ORDER BY article_id, version")) == everything
    again.close()
    assert "reread" not in done.out


def test_a_lost_database_is_rebuilt_from_the_evidence(crawled: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(crawled, tmp_path / "archive")
    probe = crawl(directory, "replay")
    rows, listed = probe.rows(ROWS), probe.rows(LISTED)
    files = {table: probe.rows(FILES.format(table)) for table in ("attachments", "images")}
    for left in directory.glob("archive.db*"):
        left.unlink()
    shutil.rmtree(directory / "files", ignore_errors=True)
    rebuilt = crawl(directory, "replay")
    assert rebuilt.code == 0, rebuilt.err
    assert rebuilt.rows(ROWS) == rows
    assert rebuilt.rows(LISTED) == listed
    assert {table: rebuilt.rows(FILES.format(table)) for table in files} == files
    assert all((directory / row["path"]).exists() for rows in files.values() for row in rows)
    lines = {(line["url"], line["version"]) for line in rebuilt.lines()}
    assert lines == {(row["url"], v) for row in rows for v in range(1, row["version"] + 1)}
