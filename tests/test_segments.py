"""Append-only files: no line torn, doubled or lost, whatever a kill left behind; and the lines themselves."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from exports import jsonl, segments
from exports.archive import Archive
from exports.database.migrate import upgrade
from exports.database.models import ArticleVersion, Segment
from exports.database.session import open_engine
from exports.errors import StorageError
from tests.storage import (
    MOMENT,
    a_file,
    add,
    article,
    exchange,
    filled,
    lines,
    open_archive,
    problems,
    version_lines,
    with_archive,
)

PATH = "jsonl/c/2024-05.jsonl"
CONTRACT = (
    *("event", "id", "url", "site_id", "column_id", "column_name", "title", "subtitle", "byline", "author", "unit"),
    *("position", "breadcrumb", "source", "content_type", "published_at", "body_text", "body_html", "editor_note"),
    *("status", "version", "content_hash", "duplicate_of", "first_seen_at", "last_seen_at", "changed_at"),
    *("capture_id", "extractor", "authors", "attachments", "images", "run_id"),
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path}/archive.db")
    upgrade(engine)
    yield engine
    engine.dispose()


def append(engine: Engine, directory: Path, data: bytes) -> None:
    with Session(engine) as session, session.begin():
        segments.append(session, directory, PATH, data)


def killed(engine: Engine, directory: Path, data: bytes) -> None:
    """Append as a process does that is killed before it commits."""
    with Session(engine) as session:
        segments.append(session, directory, PATH, data)
        session.rollback()


def test_appending(engine: Engine, tmp_path: Path) -> None:
    for data in (b"one\n", b"two\n", b"three\n"):
        append(engine, tmp_path, data)
    assert (tmp_path / PATH).read_bytes() == b"one\ntwo\nthree\n"
    with Session(engine) as session:
        row = session.get_one(Segment, PATH)
        assert (row.size, row.crc32) == (14, segments.checksum(tmp_path / PATH, 14))


@pytest.mark.parametrize("before", [b"", b"one\n"])
def test_what_a_killed_run_appended_is_cut_before_the_next(engine: Engine, tmp_path: Path, before: bytes) -> None:
    if before:
        append(engine, tmp_path, before)
    killed(engine, tmp_path, b"lost\nhalf a li")
    assert (tmp_path / PATH).read_bytes() == before + b"lost\nhalf a li"
    append(engine, tmp_path, b"two\n")
    assert (tmp_path / PATH).read_bytes() == before + b"two\n"


@pytest.mark.parametrize("before", [b"", b"one\n"])
def test_what_a_killed_run_appended_is_cut_at_the_start(engine: Engine, tmp_path: Path, before: bytes) -> None:
    """Also where it was the first line of its file."""
    if before:
        append(engine, tmp_path, before)
    killed(engine, tmp_path, b"lost\n")
    open_archive(tmp_path).close()
    left = (tmp_path / PATH).read_bytes() if (tmp_path / PATH).exists() else b""
    assert left == before


def test_a_shorter_file_is_refused(engine: Engine, tmp_path: Path) -> None:
    append(engine, tmp_path, b"one\ntwo\n")
    (tmp_path / PATH).write_bytes(b"one\n")
    with pytest.raises(StorageError, match="has 4 bytes, the database vouches for 8"):
        append(engine, tmp_path, b"three\n")
    assert (tmp_path / PATH).read_bytes() == b"one\n"


@pytest.mark.parametrize("damage", ["short", "gone"])
@pytest.mark.slow
def test_a_start_writes_a_shorter_file_again(tmp_path: Path, damage: str) -> None:
    filled(tmp_path)
    (path,) = (tmp_path / "jsonl").glob("*/*.jsonl")
    before = sorted(lines(tmp_path))
    path.write_bytes(path.read_bytes()[:100]) if damage == "short" else path.unlink()
    assert problems(tmp_path)
    open_archive(tmp_path).close()
    assert sorted(lines(tmp_path)) == before
    assert problems(tmp_path) == []


def test_a_stale_file_is_written_again(tmp_path: Path) -> None:
    filled(tmp_path)
    (path,) = (tmp_path / "jsonl").glob("*/*.jsonl")
    engine = open_engine(f"sqlite:///{tmp_path}/archive.db")
    with Session(engine) as session, session.begin():
        segments.stale(session, path.relative_to(tmp_path).as_posix())
    engine.dispose()
    path.write_bytes(path.read_bytes().replace("第二段".encode(), "第三段".encode()))
    assert any("written again" in problem for problem in problems(tmp_path))
    open_archive(tmp_path).close()
    assert problems(tmp_path) == []


def test_keys_and_their_order_are_the_contracts(tmp_path: Path) -> None:
    filled(tmp_path)
    for line in lines(tmp_path):
        assert tuple(json.loads(line)) == CONTRACT
    first = json.loads(lines(tmp_path)[0])
    assert first["breadcrumb"] == ["首页", "栏目"]
    assert first["authors"] == [{"name": "张三", "unit": "办公室", "position": "主任", "role": "作者"}]
    assert "题目1" in lines(tmp_path)[0]  # no ASCII escapes
    assert datetime.fromisoformat(first["first_seen_at"]).utcoffset() is not None


def test_lines_are_appended_in_the_order_stored(tmp_path: Path) -> None:
    filled(tmp_path, count=4)
    read = [json.loads(line) for line in lines(tmp_path)]
    assert [(line["id"], line["version"]) for line in read] == [(1, 1), (2, 1), (3, 1), (4, 1), (1, 2), (5, 1)]
    assert [line["event"] for line in read] == ["archived"] * 4 + ["revised", "archived"]
    assert read[5]["duplicate_of"] == 2
    assert sorted(lines(tmp_path)) == sorted(version_lines(tmp_path))


def test_a_file_for_each_column_and_month(tmp_path: Path) -> None:
    moments = [datetime(2023, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)]

    async def work(archive: Archive, run_id: int) -> None:
        for number, moment in enumerate([*moments, MOMENT]):
            await add(archive, run_id, number, fetched_at=moment, column_id="d" if number == 1 else "c")

    with_archive(tmp_path, None, work)
    written = {path.relative_to(tmp_path).as_posix() for path in (tmp_path / "jsonl").glob("*/*")}
    assert written == {"jsonl/c/2023-12.jsonl", "jsonl/d/2024-01.jsonl", PATH}
    assert problems(tmp_path) == []
    for path in written:  # written again from the database each holds the same
        (tmp_path / path).unlink()
    open_archive(tmp_path).close()
    assert problems(tmp_path) == []


def test_files_of_an_article_stand_in_its_line(tmp_path: Path) -> None:
    body = b"%PDF 1"

    async def work(archive: Archive, run_id: int) -> None:
        digest, path = await archive.keep_file(body, "http://example.test/f.pdf?x=1", "application/pdf")
        assert (tmp_path / path).read_bytes() == body
        assert (digest, path) == (a_file(body).sha256, a_file(body).path)
        assert await archive.keep_file(body, "http://example.test/f.pdf", "application/pdf") == (digest, path)
        item = article(1, attachments=[a_file(body)])
        item.capture_id = await archive.keep(run_id, exchange(item.url))
        await archive.store(run_id, item)

    with_archive(tmp_path, None, work)
    (attachment,) = json.loads(lines(tmp_path)[0])["attachments"]
    assert list(attachment) == ["url", "name", "sha256", "media_type", "size", "path", "text"]
    assert attachment["size"] == len(body)


@pytest.mark.parametrize(
    ("url", "media_type", "extension"),
    [
        ("http://example.test/a.PDF", "text/html", ".pdf"),
        ("http://example.test/download?fileName=x.doc", "application/pdf", ".pdf"),
        ("http://example.test/a.p/../x", "no/such", ".bin"),
        ("http://example.test/a.superlongextension", "image/png", ".png"),
    ],
)
def test_extensions(tmp_path: Path, url: str, media_type: str, extension: str) -> None:
    async def work(archive: Archive, run_id: int) -> str:
        return (await archive.keep_file(b"x", url, media_type))[1]

    assert with_archive(tmp_path, None, work).endswith(extension)


def test_a_name_that_is_no_month_holds_no_version(engine: Engine) -> None:
    with Session(engine) as session:
        assert list(jsonl.versions_of(session, "jsonl/c/notes.jsonl")) == []
        assert list(jsonl.keys_of(session, "jsonl/c/2024-13.jsonl")) == []
    assert jsonl.path_of(ArticleVersion(column_id="c", valid_from=MOMENT)) == PATH
