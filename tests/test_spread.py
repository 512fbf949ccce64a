"""Making the index in several processes: the same index, whatever becomes of them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from exports.errors import StorageError
from exports.index import maintain, spread
from tests.crawling import ROOT
from tests.test_search import Archive as Generated


def process_and(number: int) -> tuple[int, int]:
    time.sleep(0.05)
    return number, os.getpid()


def die(_number: int) -> None:
    os._exit(9)


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine with two cores, where every chunk is worth a process."""
    monkeypatch.setattr(spread, "_cores", lambda: 2)
    monkeypatch.setattr(spread, "WORTH", 1)


def test_few_chunks_need_no_process() -> None:
    assert {process for _, process in spread.spread(process_and, range(2), 2)} == {os.getpid()}


@pytest.mark.slow
@pytest.mark.usefixtures("two")
def test_chunks_come_back_in_order_from_several_processes() -> None:
    found = list(spread.spread(process_and, range(40), 40))
    assert [number for number, _ in found] == list(range(40))
    processes = {process for _, process in found}
    assert len(processes) == 2
    assert os.getpid() not in processes


@pytest.mark.slow
@pytest.mark.usefixtures("two")
def test_a_process_that_dies_is_told() -> None:
    with pytest.raises(StorageError, match="died"):
        list(spread.spread(die, range(4), 4))


@pytest.mark.slow
@pytest.mark.usefixtures("two")
def test_several_processes_make_the_index(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Generated(seed=5, articles=60)
    monkeypatch.setattr(maintain, "_CHUNK", 7)
    with Session(engine) as session, session.begin():
        archive.write(session)
        maintain.rebuild(session)
        archive.compare(session, queries=60)


SPREADS = """
from exports.index import spread
from tests.test_spread import process_and

if __name__ == "__main__":
    spread._cores = lambda: 2
    for _, process in spread.spread(process_and, range(10_000), 10_000):
        print(process, flush=True)
"""


@pytest.mark.slow
def test_killed_it_leaves_no_process_behind(tmp_path: Path) -> None:
    (tmp_path / "spreads.py").write_text(SPREADS)
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "spreads.py")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout
    workers = {int(process.stdout.readline()) for _ in range(40)}
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    until = time.monotonic() + 30
    while time.monotonic() < until and any(Path(f"/proc/{worker}").exists() for worker in workers):
        time.sleep(0.05)
    assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]
