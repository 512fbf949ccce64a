"""Running `archive …` over the archive of tests/archive_fixture.py."""

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exports.cli import main
from exports.database.migrate import upgrade
from exports.database.session import open_engine
from tests import storage
from tests.archive_fixture import fill


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARCHIVE_DIR", str(tmp_path))
    monkeypatch.delenv("ARCHIVE_DATABASE_URL", raising=False)
    engine = open_engine(f"sqlite:///{tmp_path}/archive.db")
    upgrade(engine)
    fill(engine)
    engine.dispose()
    return tmp_path


@pytest.fixture
def evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive with WARC files."""
    monkeypatch.setenv("ARCHIVE_DIR", str(tmp_path / "archive"))
    monkeypatch.delenv("ARCHIVE_DATABASE_URL", raising=False)
    storage.filled(tmp_path / "archive")
    return tmp_path / "archive"


def run(*arguments: str, exit_code: int = 0) -> Result:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == exit_code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def refused(*arguments: str, exit_code: int = 2) -> str:
    """The one line of a refusal."""
    result = run(*arguments, exit_code=exit_code)
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("archive: ")
    return line


def kept(folder: Path) -> dict[Path, bytes]:
    """What lies in the folder, but for the files SQLite makes to let readers and a writer work side by side."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path: path.read_bytes() for path in files if path.suffix not in (".db-shm", ".db-wal")}


def read_csv(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


def read_jsonl(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]
