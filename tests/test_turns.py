"""One pace for a host, however many processes crawl it."""

import asyncio
import contextlib
import fcntl
import itertools
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from scrapy import Request

from crawler.turns import _MOMENT, FURTHEST, TurnTaking, renew, take
from tests.crawling import FAST, ROOT, sites_for
from tests.replica import Replica


def turns(folder: Path, count: int, delay: float = 0.2, host: str = "h.test") -> list[float]:
    """How long each of so many requests waited."""

    async def waited() -> list[float]:
        found = []
        for _ in range(count):
            begin = time.monotonic()
            await take(folder, host, delay)
            found.append(time.monotonic() - begin)
        return found

    return asyncio.run(waited())


def test_turns_follow_one_another(tmp_path: Path) -> None:
    first, second, third = turns(tmp_path / "locks", 3)
    assert first < 0.1
    assert min(second, third) > 0.15
    assert turns(tmp_path / "locks", 1, host="other.test")[0] < 0.1
    assert turns(tmp_path / "locks", 1, host="H.TEST")[0] > 0.1


def test_a_turn_that_is_over_is_not_waited_for(tmp_path: Path) -> None:
    turns(tmp_path, 1, delay=0.05)
    time.sleep(0.06)
    assert turns(tmp_path, 1)[0] < 0.1


@pytest.mark.parametrize("kept", [b"", b"torn", b"\xff" * 8, b"\0" * 8])
def test_whatever_the_file_holds_the_crawl_goes_on(tmp_path: Path, kept: bytes) -> None:
    turns(tmp_path, 1, delay=60)
    (file,) = tmp_path.iterdir()
    file.write_bytes(kept)
    first, second = turns(tmp_path, 2)
    assert first < 0.1 < second


def test_a_clock_that_was_set_back_stops_nothing(tmp_path: Path) -> None:
    turns(tmp_path, 1, delay=FURTHEST * 2)
    assert turns(tmp_path, 1)[0] < 0.1


def test_a_lock_that_is_held_does_not_stop_the_loop(tmp_path: Path) -> None:
    turns(tmp_path, 1, delay=0.01)
    (file,) = tmp_path.iterdir()

    async def contend() -> None:
        with file.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            waiting = asyncio.create_task(take(tmp_path, "h.test", 0.01))
            await asyncio.sleep(0.05)
            assert not waiting.done()
        await asyncio.wait_for(waiting, 5)

    asyncio.run(contend())


def test_the_delay_begins_anew_with_the_answer(tmp_path: Path) -> None:
    turns(tmp_path, 1, delay=0.1)
    time.sleep(0.1)  # the request is on its way
    renew(tmp_path, "h.test", 0.2)
    assert turns(tmp_path, 1)[0] > 0.15
    turns(tmp_path, 1, delay=60)
    renew(tmp_path, "h.test", 0.1)  # the turn another process has taken meanwhile stays
    (file,) = tmp_path.iterdir()
    assert _MOMENT.unpack(file.read_bytes())[0] > time.time() + 30


@pytest.mark.parametrize("fails", [False, True])
def test_a_request_waits_for_its_turn_and_the_quiet_hours_and_renews_the_turn(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fails: bool
) -> None:
    """The quiet hours begin while it stands in line: it waits for their end, and then for a turn anew."""
    said: list[str] = []
    waited = iter([False, True, False])

    async def over() -> bool:
        said.append("quiet hours")
        return next(waited)

    async def turn(*_: object) -> None:
        said.append("turn")

    async def ask(*_: object) -> None:
        said.append("asked")
        if fails:
            raise TimeoutError

    monkeypatch.setattr("crawler.turns.take", turn)
    monkeypatch.setattr("crawler.turns.renew", lambda *_: said.append("renewed"))
    monkeypatch.setattr("crawler.turns.Downloads.download_request", ask)
    handler = TurnTaking.__new__(TurnTaking)
    handler._folder, handler._quiet = tmp_path, SimpleNamespace(over=over)  # type: ignore[assignment]
    monkeypatch.setattr(handler, "_delay", lambda _: 1.0)
    with contextlib.suppress(TimeoutError):
        asyncio.run(handler.download_request(Request("http://h.test/")))
    assert said == ["quiet hours", "turn", "quiet hours", "turn", "quiet hours", "asked", "renewed"]


@pytest.mark.slow
def test_two_processes_keep_one_pace(tmp_path: Path) -> None:
    """From the server's log: two columns, two processes, one archive; never two requests within the delay."""
    delay = 0.4
    with Replica(generation="t3", articles=24, seed=41, variations=False) as site:
        ids = [column.id for column in site.columns.values()][:2]
        names = {column.id: column.name for column in site.columns.values() if column.id in ids}
        command = [
            sys.executable,
            "-m",
            "scrapy",
            "crawl",
            "columns",
            "-a",
            f"base_url={site.base_url}",
            "-a",
            "limit=6",
        ]
        paced = FAST | {"DOWNLOAD_DELAY": str(delay), "ARCHIVE_DIR": str(tmp_path / "archive")}
        paced |= {"ARCHIVE_SITES_DIR": sites_for(names, tmp_path / "sites")}
        for name, value in paced.items():
            command += ["-s", f"{name}={value}"]
        running = [
            subprocess.Popen([*command, "-a", f"only={id_}"], cwd=ROOT, stderr=subprocess.PIPE, text=True)
            for id_ in ids
        ]
        ends = [(process.communicate(timeout=240)[1], process.returncode) for process in running]
        arrivals = sorted(request.time for request in site.requests)
    assert [code for _, code in ends] == [0, 0], ends
    gaps = [later - earlier for earlier, later in itertools.pairwise(arrivals)]
    assert len(gaps) > 12
    assert min(gaps) > delay * 0.6  # a busy machine delivers late, and the next one in time
    assert (arrivals[-1] - arrivals[0]) / len(gaps) > delay * 0.98
