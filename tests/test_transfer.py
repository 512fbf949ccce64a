"""`archive migrate --to`: the same rows in another database, or no row at all."""

import re
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from exports import transfer
from exports.database.rows import Tally, tally
from tests import storage
from tests.archive_command import kept, refused, run


@pytest.fixture
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('target')}/new.db"
    return str(request.getfixturevalue("postgres_database"))


BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)]


@pytest.mark.parametrize("target", BOTH, indirect=True)
def test_every_table_arrives_and_the_archive_goes_on(tmp_path: Path, target: str) -> None:
    storage.filled(tmp_path)
    before = kept(tmp_path)
    done = run("-s", f"ARCHIVE_DIR={tmp_path}", "migrate", "--to", target)
    assert kept(tmp_path) == before
    assert re.search(r"^articles +6 rows, digest [0-9a-f]{64}$", done.stdout, re.M)
    assert storage.problems(tmp_path, target) == []
    assert sorted(storage.version_lines(tmp_path, target)) == sorted(storage.version_lines(tmp_path))
    storage.filled(tmp_path, target, count=7)  # new ids lie behind the copied ones
    assert storage.problems(tmp_path, target) == []


@pytest.mark.parametrize("target", BOTH, indirect=True)
def test_a_filled_target_is_refused(archive: Path, target: str) -> None:
    run("migrate", "--to", target)
    line = refused("migrate", "--to", target)
    assert "not empty" in line
    assert "has rows" in line
    assert "postgres:" not in line or ":***@" in line


def test_its_own_database_is_refused(archive: Path) -> None:
    assert "own database" in refused("migrate", "--to", f"sqlite:///{archive}/./archive.db")


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "sqlite://", "sqlite:////nonexistent/folder/x.db"])
def test_a_useless_target_gets_one_line(archive: Path, url: str) -> None:
    before = kept(archive)
    assert (
        "--to" in refused("migrate", "--to", url)
        if "folder" not in url
        else refused("migrate", "--to", url, exit_code=5)
    )
    assert kept(archive) == before


def test_tables_of_another_program_are_left_alone(archive: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/other.db"
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE articles (x)"))
    assert "another program" in refused("migrate", "--to", url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar() == 1


@pytest.mark.slow
def test_an_interrupted_copy_leaves_nothing(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(connection: object, table: object) -> Tally:
        found = tally(connection, table)  # type: ignore[arg-type]
        return Tally(found.rows, found.total + 1) if found.rows else found

    monkeypatch.setattr(transfer, "tally", fails)
    new = tmp_path / "new.db"
    assert "nothing was copied" in refused("migrate", "--to", f"sqlite:///{new}", exit_code=5)
    assert not new.exists()
    monkeypatch.undo()
    monkeypatch.setenv("ARCHIVE_DIR", str(archive))
    run("migrate", "--to", f"sqlite:///{new}")


@pytest.mark.slow
def test_what_postgresql_cannot_store_is_named(archive: Path, postgres_database: str) -> None:
    engine = create_engine(f"sqlite:///{archive}/archive.db", poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("UPDATE failures SET reason = 'a' || char(0) || 'b' WHERE id = 1"))
    engine.dispose()
    line = refused("migrate", "--to", postgres_database, exit_code=5)
    assert "table failures, row 1: reason holds a NUL" in line
    engine = create_engine(postgres_database, poolclass=NullPool)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM articles")).scalar() == 0


def test_the_digest_knows_rows_not_their_order() -> None:
    one, other, changed = Tally(), Tally(), Tally()
    for row in ([1, "a"], [2, "b"]):
        one.add(row)
    for row in ([2, "b"], [1, "a"]):
        other.add(row)
    for row in ([2, "b"], [1, "c"]):
        changed.add(row)
    assert one == other
    assert one.digest != changed.digest
