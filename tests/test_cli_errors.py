"""Bad input, missing and foreign archives: one line, and nothing written."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.archive_command import kept, refused, run


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["search", "词", "--since", "2023-13-01"], ["--since", "2023-13-01", "YYYY-MM-DD"]),
        (["search", "词", "--until", "yesterday"], ["--until", "yesterday", "YYYY-MM-DD"]),
        (["search", "词", "--until", "20230101"], ["20230101"]),
        (["search", "词", "--since", "2023-02-01", "--until", "2023-01-01"], ["2023-02-01", "2023-01-01"]),
        (["search", "词", "--limit", "0"], ["--limit", "0"]),
        (["search", "词", "--format", "xml"], ["xml", "table", "jsonl", "csv"]),
        (["search", "词", "--column", "无此栏目"], ["无此栏目", "zhuanti", "重要专题"]),
        (["search"], ["TEXT"]),
        (["search", "\udcff", "--limit", "1"], ["UTF-8"]),
        (["nonsense"], ["nonsense"]),
        (["show", "99"], ["99"]),
        (["show", "http://example.test/none"], ["http://example.test/none"]),
        (["show", "1", "--version", "9"], ["9", "1, 2"]),
        (["diff", "1", "1"], ["two"]),
        (["diff", "1", "1", "7"], ["7"]),
        (["diff", "1", "one", "two"], ["one"]),
        (["stats", "--by", "colour"], ["colour", "month"]),
        (["stats", "--unsure", "--by", "month"], ["--unsure"]),
        (["coverage", "无此栏目"], ["无此栏目", "zhuanti"]),
        (["runs", "无此栏目"], ["无此栏目"]),
        (["failures", "无此栏目"], ["无此栏目"]),
        (["export"], ["--format"]),
        (["export", "--format", "xlsx"], ["xlsx", "jsonl", "parquet", "wacz"]),
        (["export", "--format", "csv", "--output", "/nonexistent/x.csv"], ["/nonexistent/x.csv"]),
        (["-s", "ARCHIVE_DIRR=x", "runs"], ["ARCHIVE_DIRR=x", "ARCHIVE_DIR", "ARCHIVE_DATABASE_URL"]),
        (["-s", "ARCHIVE_DIR", "runs"], ["ARCHIVE_DIR"]),
        (["-s", "ARCHIVE_DATABASE_URL=mysql://x/y", "runs"], ["mysql"]),
    ],
)
def test_bad_input_gets_one_line(archive: Path, arguments: list[str], names: list[str]) -> None:
    before = kept(archive)
    line = refused(*arguments)
    assert all(name in line for name in names), line
    assert kept(archive) == before


@pytest.mark.parametrize("command", [["search", "词"], ["stats"], ["coverage"], ["migrate"], ["show", "1"], ["verify"]])
def test_a_missing_archive_is_not_created(tmp_path: Path, command: list[str]) -> None:
    folder = tmp_path / "none"
    line = refused("-s", f"ARCHIVE_DIR={folder}", *command)
    assert str(folder) in line
    assert "scrapy crawl zhuanti" in line
    assert not folder.exists()


def test_a_newer_schema_is_refused(archive: Path) -> None:
    engine = create_engine(f"sqlite:///{archive}/archive.db", poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'future'"))
    engine.dispose()
    assert "newer" in refused("stats", exit_code=5)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "archive.db").write_bytes(b"not a database at all" * 100)
    refused("-s", f"ARCHIVE_DIR={tmp_path}", "stats", exit_code=5)


def test_half_an_export_is_no_export(archive: Path) -> None:
    engine = create_engine(f"sqlite:///{archive}/archive.db", poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM article_versions WHERE article_id = 3"))
    engine.dispose()
    before = kept(archive)
    assert "article 3" in refused("export", "--format", "jsonl", "--output", str(archive / "x.jsonl"), exit_code=5)
    assert kept(archive) == before


def test_settings_beat_the_environment(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    refused("-s", f"ARCHIVE_DIR={elsewhere}", "stats")
    refused("stats", "-s", f"ARCHIVE_DIR={elsewhere}")
    url = f"sqlite:///{archive}/archive.db"
    assert run("-s", f"ARCHIVE_DIR={elsewhere}", "-s", f"ARCHIVE_DATABASE_URL={url}", "stats").stdout
