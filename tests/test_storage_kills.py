"""SIGKILL at any instant: what was acknowledged is there, and the next start makes everything agree again."""

import asyncio
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from exports.archive import Archive
from exports.database.models import ArticleVersion, Capture
from exports.database.session import open_engine
from tests.crawling import ROOT
from tests.storage import add, lines, open_archive, problems, start, version_lines

POINTS = [
    *("after run record", "before warc append", "after warc append", "before lines append", "after lines append"),
    *("before commit", "after commit", "before rename", "after rename"),
]
START_POINTS = ["before index write", "after index write", "before rename", "after rename"]
"""Places a start comes to while it tidies up after another kill."""


def run_and_kill(
    directory: Path, url: str, first: int, *, failpoint: str = "", seconds: float | None = None
) -> list[list[str]]:
    """Let the worker write until it dies; what it acknowledged."""
    environment = os.environ | {"ARCHIVE_FAILPOINT": failpoint}
    command = [sys.executable, "-m", "tests.storage_worker", str(directory), url, str(first)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline()]
        if seconds is not None:
            time.sleep(seconds)
            process.kill()
        try:
            rest, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == -9, "the worker must not end by itself"
    return [line.split() for line in [*said, *rest.splitlines(keepends=True)] if line.endswith("\n")]


def check(directory: Path, url: str, acknowledged: list[list[str]]) -> None:
    """Start again, and compare."""
    # a killed run leaves surplus bytes, which are no problem, but never fewer than were committed
    assert problems(directory, url) == []
    open_archive(directory, url).close()
    assert problems(directory, url) == []
    assert sorted(lines(directory)) == sorted(version_lines(directory, url))
    engine = open_engine(url, read_only=True)
    with Session(engine) as session:
        captures = set(session.scalars(select(Capture.id)))
        titles = {(row.url, row.title) for row in session.scalars(select(ArticleVersion))}
    engine.dispose()
    for kind, *details in acknowledged:
        if kind == "kept":
            assert int(details[0]) in captures
        elif kind == "file":
            assert (directory / details[0]).stat().st_size
        elif kind == "stored":
            assert (details[0], details[1]) in titles
    assert not list(directory.glob("files/.*"))
    assert not list(directory.glob("*/*.tmp"))


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.slow
def test_killed_at(point: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/archive.db"
    acknowledged = run_and_kill(tmp_path, url, 0, failpoint=f"{point}:{1 if 'run' in point else 6}")
    check(tmp_path, url, acknowledged)


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
def test_killed_again_and_again_at(point: str, tmp_path: Path, database_url: str) -> None:
    acknowledged = []
    for number in (1,) if "run" in point else (1, 3, 17):
        acknowledged += run_and_kill(tmp_path, database_url, number * 100, failpoint=f"{point}:{number}")
        check(tmp_path, database_url, acknowledged)
    assert len(acknowledged) > 5 or "run" in point


@pytest.mark.slow
@pytest.mark.parametrize("point", START_POINTS)
def test_killed_while_tidying_up_after_a_kill(point: str, tmp_path: Path, database_url: str) -> None:
    acknowledged = run_and_kill(tmp_path, database_url, 0, failpoint="after lines append:9")
    code = "import sys; from pathlib import Path; from tests.storage import open_archive"
    code += "; open_archive(Path(sys.argv[1]), sys.argv[2])"
    environment = os.environ | {"ARCHIVE_FAILPOINT": point}
    command = [sys.executable, "-c", code, str(tmp_path), database_url]
    tidying = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    assert tidying.returncode == -9
    check(tmp_path, database_url, acknowledged)


@pytest.mark.slow
def test_killed_at_random_instants(tmp_path: Path, database_url: str) -> None:
    chance = random.Random(7)
    acknowledged: list[list[str]] = []
    for number in range(15):
        seconds = chance.uniform(0, 1.2)
        acknowledged += run_and_kill(tmp_path, database_url, number * 1000, seconds=seconds)
        check(tmp_path, database_url, acknowledged)
    assert any(kind == "stored" for kind, *_ in acknowledged)  # on a busy machine few are done in time


def test_a_living_runs_files_may_be_longer(tmp_path: Path) -> None:
    async def begin(archive: Archive) -> None:
        await add(archive, await start(archive), 1)

    archive = open_archive(tmp_path)
    asyncio.run(begin(archive))
    written = [path for pattern in ("warc/*.warc.gz", "jsonl/*/*.jsonl") for path in tmp_path.glob(pattern)]
    committed = [path.read_bytes() for path in written]
    for path, data in zip(written, committed, strict=True):
        with path.open("ab") as file:
            file.write(b"being written")
        assert problems(tmp_path) == []
        with path.open("r+b") as file:  # what is committed is checked all the same
            file.write(bytes([data[0] ^ 1]))
            file.flush()
            assert problems(tmp_path)
            file.seek(0)
            file.write(data[:1])
            file.truncate(len(data))
    assert archive.close() is None
    assert problems(tmp_path) == []
