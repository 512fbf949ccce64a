"""The demonstration site while it changes and breaks, and its command line."""

import http.client
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.replica import Replica
from tests.replica.client import assert_shown, get
from tests.replica.faults import STATUSES


@pytest.fixture
def small() -> Iterator[Replica]:
    with Replica(articles=20, variations=False) as site:
        yield site


def test_an_edit_changes_page_validators_and_truth(small: Replica) -> None:
    path = next(iter(small.expected))
    before = get(small, path).headers
    small.edit(path, "title", "改过的标题")
    small.edit(path, "paragraphs", [*small.expected[path].paragraphs, "补充的一段。"])
    small.edit(path, "published_at", "2024-06-01T08:09")
    assert small.expected[path].title == small.expected[path].listed_title == "改过的标题"
    assert small.expected[path].published_at == "2024-06-01T08:09"
    assert small.expected[path].paragraphs[-1] == "补充的一段。"
    answer = get(small, path, If_None_Match=before["ETag"])
    assert answer.status == 200
    assert_shown(small, small.expected[path], answer.text)
    assert get(small, path, If_Modified_Since=before["Last-Modified"]).status == 200
    with pytest.raises(ValueError, match="allowed: title"):
        small.edit(path, "colour", "red")


def test_publishing_withdrawing_and_restoring(small: Replica) -> None:
    column = small.columns["dangjian"]
    rail_before = get(small, next(iter(small.expected))).text
    new = small.publish("dangjian", 2)
    assert [entry.path for entry in column.entries[:2]] == new[::-1]
    assert get(small, next(iter(small.expected))).text.count(new[0]) > rail_before.count(new[0])
    assert_shown(small, small.expected[new[0]], get(small, new[0]).text)
    for how, status in (("404", 404), ("410", 410), ("soft404", 200), ("home", 302)):
        small.withdraw(new[0], how)
        answer = get(small, new[0])
        assert answer.status == status
        assert (answer.headers.get("Location") == "/") if how == "home" else ("抱歉" in answer.text)
    small.withdraw(new[0], "unlist")
    assert [entry.path for entry in column.entries[:1]] == new[1:]
    small.restore(new[0])
    assert [entry.path for entry in column.entries[:2]] == new[::-1]
    assert get(small, new[0]).status == 200


def test_faults_of_one_address(small: Replica) -> None:
    path = next(iter(small.expected))
    for kind in STATUSES:
        small.fault(path, kind, times=2)
        assert [get(small, path).status for _ in range(3)] == [int(kind), int(kind), 200]
    for kind, status, sign in (
        ("verification", 200, "验证码"),
        ("soft404", 200, "抱歉"),
        ("empty-body", 200, ""),
        ("retry-after", 503, "503"),
        ("redirect-404", 302, ""),
        ("redirect-home", 302, ""),
        ("loop", 302, ""),
    ):
        small.fault(path, kind, times=1)
        answer = get(small, path)
        assert (answer.status, sign in answer.text) == (status, True)
        assert small.expected[path].title not in answer.text
        target = {"redirect-404": "/404.shtml", "redirect-home": "/", "loop": path}.get(kind)
        assert answer.headers.get("Location") == target
        assert answer.headers.get("Retry-After") == ("1" if kind == "retry-after" else None)
        assert get(small, path).status == 200
    with pytest.raises(ValueError, match="unknown fault 'fire'; allowed: 403"):
        small.fault(path, "fire")


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("timeout", TimeoutError),
        ("reset", ConnectionResetError),
        ("truncated", http.client.IncompleteRead),
        ("empty", http.client.RemoteDisconnected),
    ],
)
def test_faults_of_the_connection(small: Replica, kind: str, error: type[Exception]) -> None:
    path = next(iter(small.expected))
    small.fault(path, kind, times=1)
    with pytest.raises(error):
        get(small, path, timeout=0.3)
    assert small.requests[-1].status == 0
    assert get(small, path).status == 200


def test_outages(small: Replica) -> None:
    small.outage("503")
    assert get(small, "/robots.txt").status == 503
    small.outage("verification")
    assert "访问过于频繁" in get(small, "/").text
    small.outage("timeout")
    with pytest.raises(TimeoutError):
        get(small, "/", timeout=0.3)
    small.outage("refuse")
    with pytest.raises(ConnectionRefusedError):
        get(small, "/")
    small.outage(None)
    assert get(small, "/").status == 200


def test_a_hook_can_change_the_site_before_the_answer(small: Replica) -> None:
    seen = []

    def hook(path_qs: str) -> None:
        seen.append(path_qs)
        if len(seen) == 1:
            small.publish("zhuanti")
        small.outage("refuse" if path_qs == "/last" else None)

    small.before_request(hook)
    column = small.columns["zhuanti"]
    page = get(small, column.path).text
    assert column.entries[0].index == 20
    assert column.entries[0].title in page
    with pytest.raises(ConnectionError):
        get(small, "/last")
    with pytest.raises(ConnectionError):
        get(small, "/")
    small.outage(None)
    assert get(small, f"{column.path}?2").status == 200
    assert seen == [column.path, "/last", f"{column.path}?2"]


def test_requests_are_logged(small: Replica) -> None:
    get(small, "/?a=1", User_Agent="test")
    get(small, "/nowhere", method="HEAD")
    get(small, "/", method="POST")
    logged = [(request.method, request.path_qs, request.status) for request in small.requests]
    assert logged == [("GET", "/?a=1", 200), ("HEAD", "/nowhere", 404), ("POST", "/", 405)]
    assert small.requests[0].headers["User-Agent"] == "test"
    assert small.requests[0].time <= small.requests[1].time <= time.monotonic()
    head = get(small, "/", method="HEAD")
    assert head.body == b""
    assert int(head.headers["Content-Length"]) == len(get(small, "/").body)


def test_by_hand() -> None:
    command = [sys.executable, "-m", "tests.replica", "--articles", "5", "--fault", "/=503", "/a=b=404"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
        connection.request("GET", "/")
        assert connection.getresponse().status == 503
        connection.close()
        process.terminate()
        assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--generation", "t9"], "t9"),
        (["--fault", "/x=fire"], "fire"),
        (["--fault", "nothing"], "nothing"),
        (["--articles", "-3"], "-3"),
        (["--port", "70000"], "70000"),
        (["--colour", "red"], "--colour"),
    ],
)
@pytest.mark.slow
def test_wrong_arguments(arguments: list[str], named: str) -> None:
    done = subprocess.run([sys.executable, "-m", "tests.replica", *arguments], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert named in done.stderr
