"""The archive in a process of its own: what travels, and what follows when one of the two processes dies."""

import asyncio
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from exports import remote
from exports.errors import ConfigError, SchemaError, StorageError
from exports.remote import RemoteArchive
from tests.crawling import FAST, ROOT, crawl
from tests.replica import Replica
from tests.storage import add, exchange, problems, start


def open_remote(directory: Path, url: str | None = None) -> RemoteArchive:
    return RemoteArchive({"ARCHIVE_DIR": str(directory), "ARCHIVE_DATABASE_URL": url}, user_agent="test")


def process_of(parent: int) -> int | None:
    """The process that holds the archive of that crawl, found by its command line."""
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if len(words) > 3 and b"remote_process" in words[2] and words[3] == str(parent).encode():
                return int(entry.name)
    return None


def wait_for(what: str, found: object) -> object:
    """found(), once it is true. Fails after half a minute."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if result := found():  # type: ignore[operator]
            return result
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen")


def test_calls_and_answers_travel(tmp_path: Path, database_url: str) -> None:
    archive = open_remote(tmp_path, database_url)

    async def work() -> int:
        run_id = await start(archive)  # type: ignore[arg-type]
        await asyncio.gather(*(add(archive, run_id, number) for number in range(5)))  # type: ignore[arg-type]
        assert await archive.checking.controls(run_id) == []
        assert archive.replaying.directory == tmp_path
        with pytest.raises(AttributeError):
            await archive.nosuch(run_id)
        await archive.finish_run(run_id, finish_reason="finished", exit_code=0)
        return len(await archive.counts(run_id))

    assert asyncio.run(work())
    assert archive.close() is None
    assert process_of(os.getpid()) is None
    assert problems(tmp_path, database_url) == []


def test_errors_arrive_as_they_were_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is not a folder"):
        open_remote(tmp_path / "file")
    with pytest.raises(StorageError, match="file"):
        open_remote(tmp_path / "file" / "archive")
    monkeypatch.setattr(remote, "PROCESS", "exports.no_such_module")
    with pytest.raises(StorageError, match="the archive's process ended with 1"):
        open_remote(tmp_path / "archive")
    assert not (tmp_path / "archive").exists()


@pytest.mark.slow
def test_what_is_logged_there_is_logged_here(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    directory = tmp_path / "archive"
    archive = open_remote(directory)
    run_id = asyncio.run(start(archive))  # type: ignore[arg-type]
    asyncio.run(archive.keep(run_id, exchange("http://127.0.0.1/a")))
    os.kill(process_of(os.getpid()) or 0, signal.SIGKILL)
    assert isinstance(archive.close(), StorageError)
    (warc,) = directory.glob("warc/*.warc.gz")
    with warc.open("ab") as file:
        file.write(b"torn")
    assert open_remote(directory).close() is None
    assert [record.name for record in caplog.records] == ["exports.repair"]


def _unreadable() -> None:
    raise ModuleNotFoundError("no such module here")


class Unreadable:
    """Can be sent, and not received."""

    def __reduce__(self) -> tuple[object, tuple[()]]:
        return _unreadable, ()


def main() -> None:
    """A process (remote.PROCESS) whose answers cannot be read."""
    _, calls, answers = map(int, sys.argv[1:])
    Connection(calls, writable=False).recv()
    Connection(answers, readable=False).send([pickle.dumps(Unreadable())])
    time.sleep(600)


@pytest.mark.slow
def test_what_cannot_be_read_ends_the_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = open_remote(tmp_path)
    with pytest.raises(StorageError, match="the archive's process ended with 1"):
        asyncio.run(asyncio.wait_for(archive.counts(Unreadable()), timeout=60))
    assert isinstance(archive.close(), StorageError)
    monkeypatch.setattr(remote, "PROCESS", "tests.test_remote")
    with pytest.raises(StorageError, match="no such module here"):
        open_remote(tmp_path)


@pytest.mark.slow
def test_a_newer_archive_is_named(tmp_path: Path) -> None:
    import sqlite3

    open_remote(tmp_path).close()
    with sqlite3.connect(tmp_path / "archive.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(SchemaError):
        open_remote(tmp_path)


@pytest.fixture(scope="module")
def site() -> Iterator[Replica]:
    with Replica(generation="t3", articles=120, seed=5, variations=False) as replica:
        yield replica


def begin(directory: Path, site: Replica) -> tuple["subprocess.Popen[str]", int]:
    """A crawl that has kept some responses, and the process of its archive."""
    command = [sys.executable, "-m", "scrapy", "crawl", "zhuanti", "-a", f"base_url={site.base_url}"]
    for name, value in (FAST | {"ARCHIVE_DIR": str(directory)}).items():
        command += ["-s", f"{name}={value}"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process: subprocess.Popen[str] = subprocess.Popen(command, cwd=ROOT, start_new_session=True, **pipes)  # type: ignore[call-overload]
    wait_for("the crawl", lambda: any(file.stat().st_size > 60_000 for file in directory.glob("warc/*.warc.gz")))
    archive = process_of(process.pid)
    assert archive
    return process, archive


def _gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.slow
@pytest.mark.parametrize("whose", ["crawl", "archive"])
def test_either_process_killed(tmp_path: Path, site: Replica, whose: str) -> None:
    process, archive = begin(tmp_path, site)
    os.kill(process.pid if whose == "crawl" else archive, signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    wait_for("the end of the archive's process", lambda: _gone(archive))
    assert process.returncode == (-signal.SIGKILL if whose == "crawl" else 5)
    if whose == "archive":
        ours = [line for line in err.splitlines() if line.startswith("scrapy crawl: ")]
        assert ours == ["scrapy crawl: storage failed: the archive's process was killed by signal 9"]
        assert "Traceback" not in err
    assert crawl(tmp_path, base_url=site.base_url).code == 0
    assert problems(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_signals_of_a_terminal_and_of_systemd_are_the_crawls(tmp_path: Path, site: Replica, number: int) -> None:
    """Both go to all processes; they come while articles are in the pipelines."""
    process, archive = begin(tmp_path, site)
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "interrupted; run it again to go on" in err
    wait_for("the end of the archive's process", lambda: _gone(archive))
    assert problems(tmp_path) == []


@pytest.mark.slow
def test_one_process_is_enough(tmp_path: Path, site: Replica) -> None:
    done = crawl(tmp_path, base_url=site.base_url, settings={"ARCHIVE_CLASS": "exports.archive.Archive"})
    assert done.code == 0
    assert problems(tmp_path) == []
