"""The chain of manifests: what is changed later on is visible, and the run behind it is named."""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from exports.manifest import path_of
from tests.crawling import ROOT
from tests.storage import add, filled, open_archive, problems, with_archive


def held(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(file.read_bytes()) for file in sorted((directory / "manifests").glob("*.json"))]


def more(directory: Path, number: int, url: str | None = None) -> None:
    """One more run, with one article."""

    async def work(archive: Any, run_id: int) -> None:
        await add(archive, run_id, number)
        await archive.finish_run(run_id, exit_code=0)

    with_archive(directory, url, work)


def execute(directory: Path, statement: str, *values: Any) -> None:
    database = sqlite3.connect(directory / "archive.db")
    assert database.execute(statement, values).rowcount
    database.commit()
    database.close()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs."""
    directory = tmp_path_factory.mktemp("archive")
    filled(directory)
    more(directory, 50)
    more(directory, 51)
    return directory


@pytest.fixture
def archive(base: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(base, tmp_path / "archive"))


def test_each_manifest_says_what_its_run_added(archive: Path) -> None:
    first, second, third = held(archive)
    assert [manifest["number"] for manifest in (first, second, third)] == [1, 2, 3]
    assert first["previous"] is None
    assert second["previous"] == hashlib.sha256((archive / path_of(1)).read_bytes()).hexdigest()
    assert third["previous"] == hashlib.sha256((archive / path_of(2)).read_bytes()).hexdigest()
    assert [run["id"] for run in third["runs"]] == [3]
    assert third["runs"][0]["versions"]["count"] == 1
    assert first["runs"][0]["versions"]["count"] == 7
    lines = [entry for manifest in (first, second, third) for entry in manifest["files"] if "jsonl" in entry["path"]]
    assert [entry["from"] for entry in lines[1:]] == [entry["to"] for entry in lines[:-1]]
    for entry in (entry for manifest in (first, second, third) for entry in manifest["files"]):
        data = (archive / entry["path"]).read_bytes()[entry["from"] : entry["to"]]
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]
    assert sum("warc/" in entry["path"] for entry in third["files"]) == 1


@pytest.mark.slow
def test_on_both_databases(tmp_path: Path, database_url: str) -> None:
    filled(tmp_path, database_url)
    more(tmp_path, 50, database_url)
    assert len(held(tmp_path)) == 2
    assert problems(tmp_path, database_url) == []


def test_a_change_by_one_who_mends_the_database_names_the_run(archive: Path) -> None:
    """JSON lines, rows and checksum are changed together, so that they agree."""
    (lines,) = archive.glob("jsonl/*/*.jsonl")
    data = lines.read_bytes().replace("题目50".encode(), "题目99".encode())
    lines.write_bytes(data)
    execute(archive, "UPDATE segments SET crc32 = ? WHERE path LIKE 'jsonl%'", zlib.crc32(data))
    _, second, _ = held(archive)
    (entry,) = (entry for entry in second["files"] if "jsonl" in entry["path"])
    wanted = f"bytes {entry['from']} to {entry['to']} were changed after run 2 (manifests/00000002.json) wrote them"
    assert [problem for problem in problems(archive) if "bytes" in problem] == [f"{entry['path']}: {wanted}"]


def test_a_deleted_version_is_missed(archive: Path) -> None:
    execute(archive, "UPDATE article_versions SET run_id = 2 WHERE article_id = 3")
    found = problems(archive)
    assert any("run 1 added 7 versions; the database holds 6 of them" in problem for problem in found)
    execute(archive, "UPDATE article_versions SET run_id = 1, event = 'restored' WHERE article_id = 3")
    assert any("run 1 added 7 versions; their rows or the evidence" in problem for problem in problems(archive))


def test_a_manifest_changed(archive: Path) -> None:
    target = archive / path_of(2)
    target.write_bytes(target.read_bytes().replace(b'"id": 2', b'"id": 1'))
    assert problems(archive) == ["manifests/00000002.json: was changed after it was written"]
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    execute(archive, "UPDATE manifests SET sha256 = ? WHERE number = 2", digest)
    wanted = "manifests/00000003.json: does not name the digest of the manifest before it"
    assert wanted in problems(archive)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_manifest_missing(archive: Path, number: int) -> None:
    (archive / path_of(number)).unlink()
    assert f"{path_of(number)}: is missing" in problems(archive)


def test_the_end_of_the_chain_cut_off(archive: Path) -> None:
    execute(archive, "DELETE FROM manifests WHERE number = 3")
    (archive / path_of(3)).unlink()
    assert "manifests: runs are in manifest 3, the database knows 2" in problems(archive)


def test_a_manifest_nobody_knows(archive: Path) -> None:
    shutil.copy(archive / path_of(3), archive / path_of(7))
    assert problems(archive) == ["manifests/00000007.json: the database does not know this manifest"]


def test_an_archive_older_than_manifests(archive: Path) -> None:
    shutil.rmtree(archive / "manifests")
    execute(archive, "DELETE FROM manifests")
    execute(archive, "UPDATE segments SET sealed = 0")
    execute(archive, "UPDATE runs SET manifest = NULL")
    assert problems(archive) == []
    more(archive, 52)
    (manifest,) = held(archive)
    assert [run["id"] for run in manifest["runs"]] == [1, 2, 3, 4]
    assert problems(archive) == []


@pytest.mark.parametrize("point", ["before manifest", "after manifest"])
@pytest.mark.slow
def test_a_killed_runs_manifest_is_made_by_the_next(point: str, archive: Path) -> None:
    code = "import sys; from pathlib import Path; from tests.test_manifest import more; more(Path(sys.argv[1]), 60)"
    command = [sys.executable, "-c", code, str(archive)]
    killed = subprocess.run(command, cwd=ROOT, env=os.environ | {"ARCHIVE_FAILPOINT": point}, check=False)
    assert killed.returncode == -9
    assert problems(archive) == []
    open_archive(archive).close()  # a start that adds nothing of its own
    assert problems(archive) == []
    more(archive, 61)
    assert problems(archive) == []
    assert [run["id"] for manifest in held(archive) for run in manifest["runs"]] == [1, 2, 3, 4, 5]


def test_the_chain_outlives_the_database(archive: Path) -> None:
    for part in archive.glob("archive.db*"):
        part.unlink()
    shutil.rmtree(archive / "jsonl")
    filled(archive)
    *old, new = held(archive)
    assert len(old) == 3
    assert new["previous"] == hashlib.sha256((archive / path_of(3)).read_bytes()).hexdigest()
    assert new["anew"]
    assert not [problem for problem in problems(archive) if "manifest" in problem]
