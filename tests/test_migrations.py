"""The database's schema and how it is opened: for writing, for reading, on read-only media, on a full disk."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from click.testing import CliRunner
from sqlalchemy import inspect, text

from exports.archive import Archive
from exports.cli import main
from exports.database.migrate import check_current, is_ours, upgrade
from exports.database.models import Base
from exports.database.session import open_engine
from exports.database.views import VIEWS
from exports.errors import ConfigError, SchemaError, StorageError
from tests.crawling import ROOT
from tests.storage import add, filled, lines, open_archive, problems, start, version_lines


def everything(directory: Path) -> dict[Path, bytes]:
    """Every file in the directory, whatever its name."""
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_an_empty_database_is_brought_to_the_models(database_url: str) -> None:
    engine = open_engine(database_url)
    upgrade(engine)
    upgrade(engine)
    check_current(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": is_ours})
        assert compare_metadata(context, Base.metadata) == []
        tables = {name for name in inspect(connection).get_table_names() if not name.startswith("search_index")}
        assert tables == {*Base.metadata.tables, "alembic_version"}
        found = inspect(connection)
        views = {name: [column["name"] for column in found.get_columns(name)] for name in found.get_view_names()}
        assert views == {name: list(view.columns) for name, view in VIEWS.items()}
    engine.dispose()


def test_large_numbers_fit(database_url: str) -> None:
    engine = open_engine(database_url)
    upgrade(engine)
    with engine.begin() as connection:
        insert = "INSERT INTO segments (path, size, crc32, closed) VALUES ('w', :big, 4294967295, false)"
        connection.execute(text(insert), {"big": 5 * 2**40})
        assert connection.scalar(text("SELECT size FROM segments")) == 5 * 2**40
    engine.dispose()


def test_a_newer_schema_is_refused_and_untouched(tmp_path: Path, database_url: str) -> None:
    open_archive(tmp_path, database_url).close()
    engine = open_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'future'"))
    with pytest.raises(SchemaError, match=r"newer schema .*future.*: update the program"):
        check_current(engine)
    with pytest.raises(SchemaError, match="newer schema"):
        open_archive(tmp_path, database_url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "future"
    engine.dispose()


def test_an_older_schema_says_what_to_do(database_url: str) -> None:
    """Older than the first is a database whose migration was interrupted before it was noted."""
    engine = open_engine(database_url)
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
    with pytest.raises(SchemaError, match="run `archive migrate` first"):
        check_current(engine)
    engine.dispose()


def test_no_archive_at_all(database_url: str) -> None:
    engine = open_engine(database_url)
    with pytest.raises(ConfigError, match="holds no archive"):
        check_current(engine)
    engine.dispose()


@pytest.mark.slow
def test_two_first_starts_at_once(tmp_path: Path, database_url: str) -> None:
    code = "import sys; from pathlib import Path; from tests.storage import open_archive"
    code += "; sys.exit(str(open_archive(Path(sys.argv[1]), sys.argv[2]).close() or '') or 0)"
    command = [sys.executable, "-c", code, str(tmp_path), database_url]
    starts = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [(start.communicate()[1], start.returncode) for start in starts] == [("", 0)] * 4


def read(*arguments: str) -> Any:
    return CliRunner().invoke(main, arguments)


def test_reading_leaves_nothing_behind(tmp_path: Path) -> None:
    filled(tmp_path)
    before = everything(tmp_path)
    for command in (["verify"], ["search", "题目"], ["stats"], ["coverage"], ["runs"], ["show", "1"]):
        assert read("-s", f"ARCHIVE_DIR={tmp_path}", *command).exit_code == 0
    assert everything(tmp_path) == before


def test_a_reader_cannot_write(tmp_path: Path, database_url: str) -> None:
    open_archive(tmp_path, database_url).close()
    engine = open_engine(database_url, read_only=True)
    for statement in ("DELETE FROM segments", "CREATE TABLE x (y INTEGER)"):
        with pytest.raises(Exception, match=r"readonly|read-only"), engine.begin() as connection:
            connection.execute(text(statement))
    engine.dispose()


def test_a_reader_creates_no_database(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no archive at"):
        open_engine(f"sqlite:///{tmp_path}/archive.db", read_only=True)
    assert not list(tmp_path.iterdir())


def test_a_reader_beside_a_writer(tmp_path: Path) -> None:
    filled(tmp_path)
    archive = open_archive(tmp_path)

    async def work() -> None:
        await add(archive, await start(archive), 70)

    asyncio.run(work())
    assert read("-s", f"ARCHIVE_DIR={tmp_path}", "search", "题目70", "--format", "jsonl").stdout.count("\n") == 1
    assert problems(tmp_path) == []
    asyncio.run(work())
    assert archive.close() is None
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("archive.db-")]


def test_reading_on_read_only_media(small_disk: Path) -> None:
    filled(small_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = read("-s", f"ARCHIVE_DIR={small_disk}", "verify")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "no problem" in done.stdout


def test_read_only_media_with_waiting_commits_are_not_read_as_if_without(small_disk: Path, tmp_path: Path) -> None:
    filled(tmp_path / "live")
    database = tmp_path / "live/archive.db"
    writer = sqlite3.connect(database)
    writer.execute("UPDATE articles SET title = title || '!'")
    writer.commit()
    for name in ("archive.db", "archive.db-wal"):
        shutil.copy(database.with_name(name), small_disk / name)
    writer.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StorageError, match="cannot open the database"):
        open_engine(f"sqlite:///{small_disk}/archive.db", read_only=True)


FILL = """
import asyncio, resource, sys
from pathlib import Path
from exports.errors import StorageError
from tests.storage import add, open_archive, start

if limit := int(sys.argv[2]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

async def work(archive):
    run_id = await start(archive)
    for number in range(10**6):
        print(await add(archive, run_id, number, body_text="文字%d" % number * 1000), flush=True)

archive = open_archive(Path(sys.argv[1]))
try:
    asyncio.run(work(archive))
except StorageError as error:
    print(error, error.exit_code, file=sys.stderr)
trouble = archive.close()
print(trouble, file=sys.stderr)
"""


def fill_up(directory: Path, limit: int) -> tuple[int, str]:
    """Store articles until there is no space; how many were acknowledged, and what was said."""
    command = [sys.executable, "-W", "error", "-c", FILL, str(directory), str(limit)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.count("archived\n"), done.stderr


def _is_good_again(directory: Path, acknowledged: int) -> None:
    async def work(archive: Archive) -> None:
        await add(archive, await start(archive), 10**7)

    archive = open_archive(directory)
    asyncio.run(work(archive))
    assert archive.close() is None
    assert len(lines(directory)) == acknowledged + 1
    assert sorted(lines(directory)) == sorted(version_lines(directory))
    assert problems(directory) == []


@pytest.mark.parametrize("spare", [0, 1000, 30_000, 200_000])
@pytest.mark.slow
def test_a_full_disk(small_disk: Path, spare: int) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * (1_000_000 + spare))
    acknowledged, said = fill_up(small_disk, 0)
    assert acknowledged
    first, last = said.splitlines()
    assert first.endswith(" 5")
    assert "storage failed" in last
    assert "No space left" in last or "disk is full" in last or "disk I/O error" in last
    ballast.unlink()
    _is_good_again(small_disk, acknowledged)


@pytest.mark.slow
def test_a_limit_on_file_sizes(tmp_path: Path) -> None:
    acknowledged, said = fill_up(tmp_path, 700_000)
    assert acknowledged
    assert "storage failed" in said
    _is_good_again(tmp_path, acknowledged)


def test_no_space_to_begin_with(small_disk: Path) -> None:
    fill = ["dd", "if=/dev/zero", f"of={small_disk}/ballast", "bs=4096"]
    assert subprocess.run(fill, capture_output=True).returncode == 1
    with pytest.raises(StorageError, match="cannot"):
        open_archive(small_disk / "archive")
