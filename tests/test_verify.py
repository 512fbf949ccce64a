"""`archive verify` finds whatever is not as it was committed, says where, and changes nothing."""

import asyncio
import gzip
import random
import re
import shutil
import sqlite3
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from exports.archive import Archive
from exports.cli import main
from exports.database.session import open_engine
from exports.verify import verify
from exports.warc import walk
from tests.storage import add, config, filled, problems, with_archive


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("archive")
    filled(directory)
    return directory


@pytest.fixture
def archive(good: Path, tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    return Path(shutil.copytree(good, tmp_path / "archive"))


def only(directory: Path, pattern: str) -> Path:
    (path,) = directory.glob(pattern)
    return path


def command(directory: Path) -> Any:
    return CliRunner().invoke(main, ["verify", "-s", f"ARCHIVE_DIR={directory}"])


def test_a_good_archive(archive: Path, database_url: str) -> None:
    assert problems(archive) == []
    done = command(archive)
    assert done.exit_code == 0
    checked = re.fullmatch(r"(\d+) things checked, no problem\n", done.stdout)
    assert checked
    assert int(checked[1]) > 40
    filled(archive.parent / "other", database_url)
    assert problems(archive.parent / "other", database_url) == []


def test_problems_are_lines_and_an_exit_code(archive: Path) -> None:
    only(archive, "files/*/*").unlink()
    done = command(archive)
    assert done.exit_code == 1
    *found, last = done.stdout.splitlines()
    assert last.endswith(" things checked, 1 problem")
    assert len(found) == 1
    assert "files/" in found[0]
    assert "is missing" in found[0]


def flip(path: Path, position: int, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1 << bit
    path.write_bytes(data)


PATTERNS = ["warc/*.warc.gz", "warc/*.cdxj", "jsonl/*/*.jsonl", "files/*/*", "manifests/*.json"]


def _flips(archive: Path, pattern: str, positions: list[int]) -> None:
    path = only(archive, pattern)
    original = path.read_bytes()
    where = path.relative_to(archive).as_posix()
    for position in positions:
        flip(path, position, position % 8)
        found = problems(archive)
        assert any(where in problem for problem in found), (position, found)
        path.write_bytes(original)
    assert problems(archive) == []


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.slow
def test_a_flipped_bit(archive: Path, pattern: str) -> None:
    path = only(archive, pattern)
    size = path.stat().st_size
    positions = random.Random(pattern).sample(range(size), min(25, size))
    if pattern.endswith(".gz"):  # the parts of a gzip member that decompression does not look at
        member = list(walk(path))[3]
        positions += [member.offset + part for part in (4, 8, 9, member.length - 9, member.length - 1)]
    _flips(archive, pattern, positions)


@pytest.mark.slow
@pytest.mark.parametrize("pattern", PATTERNS)
def test_flipped_bits_all_over(archive: Path, pattern: str) -> None:
    _flips(archive, pattern, list(range(0, only(archive, pattern).stat().st_size, 31)))


@pytest.mark.parametrize("bit", range(8))
def test_the_padding_of_a_gzip_member(archive: Path, bit: int) -> None:
    path = only(archive, "warc/*.warc.gz")
    record = list(walk(path))[1]
    flip(path, record.offset + record.length - 9, bit)
    assert problems(archive)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_missing_file(archive: Path, pattern: str) -> None:
    path = only(archive, pattern)
    path.unlink()
    assert any(path.name in problem and "is missing" in problem for problem in problems(archive))


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize(
    "edit", [lambda data: data[:-1], lambda data: data[: len(data) // 2], lambda data: data + b"x"]
)
def test_a_file_shorter_or_longer(archive: Path, pattern: str, edit: Callable[[bytes], bytes]) -> None:
    path = only(archive, pattern)
    path.write_bytes(edit(path.read_bytes()))
    assert any(path.relative_to(archive).as_posix() in problem for problem in problems(archive))


def test_damage_names_the_captures_behind_it_too(archive: Path) -> None:
    path = only(archive, "warc/*.warc.gz")
    records = [record for record in walk(path) if record.type == "response"]
    flip(path, records[1].offset + records[1].length // 2, 0)
    found = problems(archive)
    assert any(f"byte {records[1].offset}" in problem for problem in found)
    assert any("capture 2 " in problem and "damaged" in problem for problem in found)
    assert not any("capture 3 " in problem for problem in found)  # the walk goes on behind the damage


def test_a_record_whose_digests_were_not_made_anew(archive: Path) -> None:
    """Somebody edits a page and packs it well: decompression and lengths are right, the digests are not."""
    path = only(archive, "warc/*.warc.gz")
    record = next(record for record in walk(path) if record.type == "response")
    data = path.read_bytes()
    member = gzip.decompress(data[record.offset : record.offset + record.length])
    forged = gzip.compress(member.replace(b"<p>1", b"<p>7"))
    path.write_bytes(data[: record.offset] + forged + data[record.offset + record.length :])
    found = problems(archive)
    assert any("block digest" in problem and "payload digest" in problem for problem in found)
    assert any("capture 1 " in problem and "payload_sha256" in problem for problem in found)


def edit_lines(archive: Path, edit: Callable[[list[str]], list[str]]) -> list[str]:
    path = only(archive, "jsonl/*/*.jsonl")
    before = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(edit(before)), encoding="utf-8")
    return problems(archive)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda lines: lines[:2] + lines[3:], "no line for article 3 version 1"),
        (lambda lines: lines[:-1], "no line for article 6 version 1"),
        (lambda lines: [*lines, lines[0]], "bytes more than"),
        (lambda lines: [lines[0], *lines], "article 1 version 1 stands here again"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "does not hold the bytes that were committed"),
        (lambda lines: lines[::-1], "does not hold the bytes that were committed"),
        (lambda lines: [lines[0].replace("第二段", "第三段"), *lines[1:]], "differs from the database in body_text"),
        (lambda lines: [lines[0].replace('"id": 1,', '"id": 99,'), *lines[1:]], "article 99 version 1 is not in"),
        (lambda lines: ["not json\n", *lines], "line 1: is no line of an article"),
        (lambda lines: ["[1]\n", *lines], "line 1: is no line of an article"),
        (lambda lines: ['{"id": "1", "version": 1e99}\n', *lines], "line 1: is no line of an article"),
        (lambda lines: [lines[0].replace(": ", ":"), *lines[1:]], "differs from the database in its spelling"),
    ],
)
def test_lines_edited(archive: Path, edit: Callable[[list[str]], list[str]], said: str) -> None:
    found = edit_lines(archive, edit)
    assert any(said in problem for problem in found), found
    assert all(problem.startswith("jsonl/c/") for problem in found)


def test_a_file_of_lines_the_database_does_not_know(archive: Path) -> None:
    path = only(archive, "jsonl/*/*.jsonl")
    shutil.copy(path, path.with_name("1999-01.jsonl"))
    assert [problem for problem in problems(archive) if "1999-01.jsonl: the database does not know" in problem]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE articles SET title = title || '。' WHERE id = 2", "article 2: title is not that of version 1"),
        ("UPDATE articles SET position = '' WHERE id = 2", "article 2: position is not"),
        ("UPDATE articles SET last_seen_at = '2001-01-01 00:00:00.000000' WHERE id = 2", "last_seen_at"),
        ("UPDATE article_versions SET body_text = 'x' WHERE article_id = 2", "article 2 version 1: content_hash"),
        ("UPDATE article_versions SET author = 'x' WHERE article_id = 2", "differs from the database in author"),
        ("UPDATE article_versions SET text_hash = 'x' WHERE article_id = 2", "text_hash"),
        ("UPDATE article_versions SET printed = '{}' WHERE article_id = 2", "article 2: printed is not"),
        ("UPDATE article_versions SET valid_from = '2001-01-01 00:00:00.000000' WHERE version = 2", "valid_from"),
        ("UPDATE article_versions SET authors = '[{\"x\": 1}]' WHERE article_id = 2", "authors or files"),
        ("UPDATE article_versions SET authors = 'no json' WHERE article_id = 2", "cannot be read"),
        (
            "DELETE FROM article_versions WHERE article_id = 1 AND version = 1",
            "article 1 version 2: version 1 is missing",
        ),
        ("DELETE FROM article_versions WHERE article_id = 3", "article 3: its current version 1 is missing"),
        ("UPDATE articles SET version = 1 WHERE id = 1", "article 1 version 2: is newer"),
        ("UPDATE article_authors SET name = '李四' WHERE article_id = 2", "article 2: its authors are not"),
        ("DELETE FROM article_authors WHERE article_id = 2", "article 2: its authors are not"),
        ("UPDATE attachments SET name = 'x'", "article 1: its attachments are not"),
        ("UPDATE captures SET url = url || 'x' WHERE id = 3", "capture 3 .*: url is"),
        ("UPDATE captures SET status = 404 WHERE id = 3", "capture 3 .*: status is"),
        ("UPDATE captures SET fetched_at = '2001-01-01 00:00:00.000000' WHERE id = 3", "capture 3 .*: fetched_at"),
        ("UPDATE captures SET payload_sha256 = url WHERE id = 3", "capture 3 .*: payload_sha256 is"),
        ("UPDATE captures SET warc_record_id = 'x' WHERE id = 3", "capture 3 .*: record id is"),
        ("UPDATE captures SET warc_offset = warc_offset + 1 WHERE id = 3", "capture 3 .*: no record begins there"),
        ("UPDATE captures SET warc_offset = 9999999 WHERE id = 3", "capture 3 .*: no record begins there"),
        ("UPDATE captures SET warc_file = 'warc/none.warc.gz' WHERE id = 3", "warc/none.warc.gz: is missing"),
        ("UPDATE captures SET etag = 'x' WHERE id = 3", "capture 3 .*: etag is"),
        ("UPDATE captures SET revisit_of = NULL WHERE revisit_of IS NOT NULL", "type is 'response'"),
        ("UPDATE captures SET revisit_of = 1 WHERE revisit_of IS NOT NULL", "refers to another one than capture 1"),
        ("UPDATE segments SET size = size - 1 WHERE path LIKE 'warc%'", "1 bytes more than"),
        ("UPDATE segments SET crc32 = crc32 - 1 WHERE path LIKE 'jsonl%'", "does not hold the bytes"),
        ("DELETE FROM segments WHERE path LIKE 'jsonl%'", "the database does not know this file"),
        ("UPDATE listings SET article_id = 999", "listings, row .*: cites a row of articles"),
        (
            "UPDATE listings SET outcome = 'gone' WHERE url LIKE '%/3.html'",
            "listings: rows of c were changed after its last",
        ),
        ("UPDATE listings SET listed_title = listed_title || 'x'", "listings: rows of c were changed"),
        ("UPDATE listings SET checked_at = NULL WHERE url LIKE '%/3.html'", "listings: rows of c were changed"),
        ("DELETE FROM listings WHERE url LIKE '%/3.html'", "listings: there were 6 rows of c, now there are 5"),
        ("UPDATE failures SET reason = 'x'", "failures: rows of c were changed"),
        ("DELETE FROM failures", "failures: there were 1 rows of c, now there are 0"),
        ("UPDATE runs SET exit_code = 3", "the row of run 1 was changed in exit_code"),
        ("UPDATE runs SET ledger = '{}'", "the row of run 1 was changed in ledger"),
        ("UPDATE runs SET started_at = finished_at", "the row of run 1 was changed in started_at"),
    ],
)
def test_a_row_edited(archive: Path, statement: str, said: str) -> None:
    database = sqlite3.connect(archive / "archive.db")
    assert database.execute(statement).rowcount
    database.commit()
    database.close()
    found = problems(archive)
    assert any(re.search(said, problem) for problem in found), found


def test_a_database_file_damaged(archive: Path) -> None:
    """SQLite notices by itself where its own structure is hit; it must end in a problem, not in a traceback."""
    path = archive / "archive.db"
    data = bytearray(path.read_bytes())
    for page in range(4096, len(data), 4096):
        data[page] ^= 0xFF  # each page's type
    path.write_bytes(data)
    done = command(archive)
    assert done.exit_code in (1, 5)
    assert "database" in done.output
    assert done.exception is None or isinstance(done.exception, SystemExit)


def test_it_writes_nothing(archive: Path) -> None:
    before = {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()}
    only(archive, "files/*/*").chmod(0o444)
    assert problems(archive) == []
    assert {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()} == before


@pytest.mark.slow
def test_edited_rows_on_postgresql(tmp_path: Path, postgres_database: str) -> None:
    filled(tmp_path, postgres_database)
    engine = open_engine(postgres_database)
    for statement, said in (
        ("UPDATE captures SET status = 404 WHERE id = 3", "capture 3 .*: status is"),
        ("UPDATE article_versions SET body_text = 'x' WHERE article_id = 2", "article 2 version 1: content_hash"),
    ):
        with engine.begin() as connection:
            connection.execute(text(statement))
        assert any(re.search(said, problem) for problem in problems(tmp_path, postgres_database))
    engine.dispose()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_archive(tmp_path: Path) -> None:
    def peak(directory: Path, count: int) -> int:
        async def work(archive: Archive, run_id: int) -> None:
            numbers = range(count)
            await asyncio.gather(*(add(archive, run_id, number, body_text=f"{number}字" * 2000) for number in numbers))

        with_archive(directory, None, work)
        tracemalloc.start()
        assert list(verify(config(directory))) == []
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    peak(tmp_path / "warm up", 5)
    small, large = peak(tmp_path / "small", 250), peak(tmp_path / "large", 1000)
    assert large < small * 1.5, (small, large)
