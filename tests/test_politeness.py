"""Politeness, proved from the server's own log."""

import asyncio
import subprocess
import sys
import time
from datetime import datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy import Request
from scrapy.http import Response
from scrapy.settings import Settings

from crawler import pace, robots
from crawler.exceptions import BadUsage, Blocked
from crawler.patience import UNMOVED, Patience
from crawler.throttle import Throttle
from tests.crawling import FAST, ROOT, Crawl, crawl, sites_for
from tests.hostile_site import Handler, Site, answer, article, redirect, serve, write
from tests.replica import Replica


def good(count: int = 4) -> dict[str, Any]:
    return {f"a{number}": answer(article(f"第{number}次学习会")) for number in range(count)}


def asked_articles(site: Site) -> int:
    return sum(path.endswith(".shtml") for path in site.paths())


def run(tmp_path: Path, site: Site, **settings: str) -> Crawl:
    return crawl(tmp_path / "archive", settings=settings, base_url=site.base_url)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("robots_txt", "code", "articles"),
    [
        (answer(b"no", status=b"403 Forbidden"), 0, 4),
        (answer(b"no", status=b"404 Not Found"), 0, 4),
        (answer(b"no", status=b"500 Internal Server Error"), 4, 0),
        (answer(b"no", status=b"503 Service Unavailable"), 4, 0),
        (answer(b"", b"Location: http://elsewhere.example.test/robots.txt\r\n", b"301 Moved"), 4, 0),
        (answer(b"\xef\xbb\xbfUser-agent: *\nDisallow: /article/zt_x/a/202103/a0"), 0, 3),
        (
            answer("# 机器人\nUser-agent: *\nDisallow: /article/zt_x/a/202103/a0\nDisallow: /内部".encode("gb18030")),
            0,
            3,
        ),
        (answer(b"x" * 200_000 + b"\nUser-agent: *\nDisallow: /article/zt_x/a/202103/a0"), 0, 3),
        (answer(b"#" * 512_000 + b"\nUser-agent: *\nDisallow: /"), 0, 4),
        (answer(b"\0\xff\xfe<html>"), 0, 4),
    ],
    ids=["403", "404", "500", "503", "leads-away", "bom", "gbk", "long-line", "beyond-500-KiB", "binary"],
)
def test_robots_txt_by_rfc_9309(tmp_path: Path, robots_txt: Any, code: int, articles: int) -> None:
    with serve(good(), robots_txt) as site:
        done = run(tmp_path, site)
    assert (done.code, asked_articles(site)) == (code, articles), done.err
    assert site.paths()[0] == "/robots.txt"


@pytest.mark.slow
def test_robots_txt_behind_five_redirects_is_read(tmp_path: Path) -> None:
    hops = {f"/robots.txt?{hop}": f"/robots.txt?{hop + 1}" for hop in range(1, 5)} | {"/robots.txt": "/robots.txt?1"}

    def robots_txt(handler: Handler) -> None:
        if handler.path in hops:
            answer(b"", f"Location: {hops[handler.path]}\r\n".encode(), b"302 Found")(handler)
        else:
            answer(b"User-agent: *\nDisallow: /article/zt_x/a/")(handler)

    with serve(good(), robots_txt) as site:
        done = run(tmp_path, site)
    assert (done.code, asked_articles(site)) == (3, 0), done.err


@pytest.mark.slow
def test_a_crawl_delay_holds_between_all_requests_although_answers_are_quick(tmp_path: Path) -> None:
    with serve(good(), answer(b"User-agent: *\nCrawl-delay: 0.7")) as site:
        done = run(tmp_path, site, AUTOTHROTTLE_ENABLED="1", AUTOTHROTTLE_START_DELAY="0")
    assert done.code == 0, done.err
    assert len(site.gaps()) >= 6
    assert min(site.gaps()) > 0.5  # without a floor it sinks to the latency


@pytest.mark.slow
def test_a_crawl_delay_of_a_day_is_refused_by_name(tmp_path: Path) -> None:
    with serve(good(), answer(b"User-agent: *\nCrawl-delay: 86400")) as site:
        done = run(tmp_path, site)
    assert (done.code, len(site.asked)) == (4, 1)
    assert "Crawl-delay of 86400 s" in done.err


@pytest.mark.slow
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_holds_back_the_whole_host(tmp_path: Path, form: str) -> None:
    seen: list[int] = []

    def once_busy(handler: Handler) -> None:
        seen.append(1)
        if len(seen) > 1:
            answer(article("稍后再来"))(handler)
            return
        # a date has whole seconds: three from now are at least two
        value = "2" if form == "seconds" else formatdate(time.time() + 3, usegmt=True)
        answer(b"", f"Retry-After: {value}\r\n".encode(), b"503 Service Unavailable")(handler)

    with serve({"busy": once_busy, **good(3)}) as site:
        done = run(tmp_path, site, CONCURRENT_REQUESTS_PER_DOMAIN="1")
    assert done.code == 0, done.err
    assert max(site.gaps()) > 1.9


@pytest.mark.slow
def test_a_slow_or_failing_server_is_asked_less_often(tmp_path: Path) -> None:
    failing = {f"e{number}": answer(b"", status=b"502 Bad Gateway") for number in range(3)}
    with serve(failing) as site:
        run(
            tmp_path,
            site,
            AUTOTHROTTLE_ENABLED="1",
            AUTOTHROTTLE_START_DELAY="0.1",
            DOWNLOAD_DELAY="0.1",
            RETRY_TIMES="0",
        )
    gaps = site.gaps()[-2:]
    assert gaps[0] > 0.15
    assert gaps[1] > 0.35  # doubled with each error


@pytest.mark.slow
def test_one_knob_slows_everything(tmp_path: Path) -> None:
    with serve(good(3)) as site:
        done = run(tmp_path, site, DOWNLOAD_DELAY="0.1", ARCHIVE_SLOWDOWN="5", CONCURRENT_REQUESTS_PER_DOMAIN="1")
    assert done.code == 0, done.err
    assert min(site.gaps()) > 0.35


@pytest.mark.slow
def test_a_host_gets_its_requests_of_a_day_over_all_runs(tmp_path: Path) -> None:
    with serve(good(6)) as site:
        first = run(tmp_path, site, ARCHIVE_DAILY_REQUESTS="7")
        outcomes = first.outcomes()
        asked = len(site.asked)
        second = run(tmp_path, site, ARCHIVE_DAILY_REQUESTS="7")
        third = run(tmp_path, site)
    assert asked == 7
    # robots.txt, the home page, two pages of the listing, three articles
    assert outcomes == {"archived": 3, "excluded": 3}
    assert second.code == 4
    assert "had its 7 requests of today" in first.err + first.out + second.err
    assert third.outcomes().get("excluded") is None


@pytest.mark.slow
def test_a_host_that_only_refuses_is_left_alone(tmp_path: Path) -> None:
    refusing = {f"r{number}": answer(b"no", status=b"403 Forbidden") for number in range(60)}
    with serve(refusing) as site:
        done = run(tmp_path, site, ARCHIVE_PATIENCE="12", CONCURRENT_REQUESTS_PER_DOMAIN="1", CONCURRENT_REQUESTS="1")
    assert (done.code, done.outcomes()) == (4, {"blocked": 60})
    assert asked_articles(site) <= 12


@pytest.mark.slow
def test_a_site_that_shows_its_verification_page_is_left_alone_after_ten(tmp_path: Path) -> None:
    wall = answer("<html><body>访问过于频繁，请输入验证码</body></html>".encode())
    with serve({f"w{number}": wall for number in range(60)}) as site:
        done = run(tmp_path, site, CONCURRENT_REQUESTS_PER_DOMAIN="1")
    assert (done.code, done.outcomes()) == (4, {"blocked": 60})
    assert asked_articles(site) <= 12


@pytest.mark.slow
@pytest.mark.parametrize("how", ["hangs-up", "502"])
def test_a_host_that_only_fails_is_left_alone(tmp_path: Path, how: str) -> None:
    def hang_up(handler: Handler) -> None:
        handler.close_connection = True
        write(handler, b"")

    fails = hang_up if how == "hangs-up" else answer(b"", status=b"502 Bad Gateway")
    with serve({f"f{number}": fails for number in range(20)}) as site:
        done = run(tmp_path, site, ARCHIVE_PATIENCE="12", CONCURRENT_REQUESTS_PER_DOMAIN="1", CONCURRENT_REQUESTS="1")
    assert (done.code, done.outcomes()) == (3, {"failed": 20})
    assert asked_articles(site) <= 15  # attempts, of which three make one entry
    assert "gave no usable answer 12 times in a row" in done.err


def test_refusals_in_a_row_end_the_patience_with_their_host_alone() -> None:
    """Of articles ten verification pages do; a host of files has this alone."""
    crawler = SimpleNamespace(settings=Settings({"ARCHIVE_PATIENCE": 3, "ARCHIVE_RETRY_DELAY": 0}))
    patience = Patience(crawler)  # type: ignore[arg-type]
    request, other = Request("http://files.example.test/a.pdf"), Request("http://other.example.test/")
    for status in (403, 403, 200, 403, 521, 429):
        asyncio.run(patience.process_request(request))
        patience.process_response(request, Response(request.url, status=status))
    with pytest.raises(Blocked, match=r"files\.example\.test refused 3 requests in a row"):
        asyncio.run(patience.process_request(request))
    asyncio.run(patience.process_request(other))


def test_bad_answers_in_a_row_are_followed_by_pauses_that_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("crawler.patience.asyncio.sleep", sleep)
    crawler = SimpleNamespace(settings=Settings({"ARCHIVE_PATIENCE": 60, "ARCHIVE_RETRY_DELAY": 4}))
    patience, request = Patience(crawler), Request("http://x.example.test/")  # type: ignore[arg-type]
    for _ in range(UNMOVED + 20):
        asyncio.run(patience.process_request(request))
        patience.process_response(request, Response(request.url, status=503))
    assert pauses == [min(4.0 * number, 60.0) for number in range(1, 20)]


@pytest.mark.parametrize(("latency", "status", "least"), [(4.0, 200, 2.0), (0.1, 200, 0.5), (0.1, 502, 1.0)])
def test_latency_and_errors_both_slow_down(latency: float, status: int, least: float) -> None:
    throttle = Throttle.__new__(Throttle)
    throttle.mindelay, throttle.maxdelay, throttle.target_concurrency = 0.5, 60.0, 1.0
    slot: Any = SimpleNamespace(delay=0.5)
    throttle._adjust_delay(slot, latency, Response("http://x/", status=status))
    assert slot.delay >= least


def test_only_get_and_head_leave_the_crawler() -> None:
    from crawler.hosts import AllowedHosts, HostNotAllowed

    with pytest.raises(HostNotAllowed, match="only GET and HEAD"):
        AllowedHosts(SimpleNamespace(spider=None)).process_request(Request("http://x/", method="POST"))  # type: ignore[arg-type]


# a crawl in which a day passes in two seconds
QUICK_DAYS = """
import sys, crawler.robots
crawler.robots.LIFETIME = 2.0
from scrapy.cmdline import execute
execute(["scrapy", *sys.argv[1:]])
"""


@pytest.mark.slow
def test_a_crawl_of_days_asks_for_robots_txt_again(tmp_path: Path) -> None:
    """And heeds what it says by then."""
    said: list[bytes] = []

    def robots_txt(handler: Handler) -> None:
        said.append(b"User-agent: *\nDisallow: /article/zt_x/a/" if said else b"User-agent: *\nAllow: /")
        answer(said[-1])(handler)

    with serve(good(12), robots_txt) as site:
        given = FAST | {"ARCHIVE_DIR": str(tmp_path), "DOWNLOAD_DELAY": "0.3", "CONCURRENT_REQUESTS_PER_DOMAIN": "1"}
        options = [part for name, value in given.items() for part in ("-s", f"{name}={value}")]
        command = [sys.executable, "-c", QUICK_DAYS, "crawl", "zhuanti", *options, "-a", f"base_url={site.base_url}"]
        subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60)
    assert len(said) >= 2
    assert asked_articles(site) < 12


@pytest.mark.slow
def test_no_referer_goes_to_another_host(tmp_path: Path) -> None:
    """The listing's further pages are asked with one; a redirect to a host of files must not take it along."""
    with serve({}) as other:
        entries = "".join(
            f'<li><a href="/article/zt_x/a/202103/a{n}.shtml" title="第{n}次学习会">x</a></li>' for n in range(4)
        )
        listing = f'<ul class="txtList_01">{entries}</ul>'.encode()

        with serve(good() | {"?2": redirect(f"{other.base_url}page2")}, column=answer(listing)) as site:
            sites = sites_for({"zhuanti": "重要专题"}, tmp_path / "sites", site.base_url)
            file = Path(sites) / "jgdw.toml"
            host = other.base_url.split("/")[2]
            file.write_text(file.read_text().replace("images.mofcom.gov.cn", host))
            crawl(tmp_path / "archive", settings={"ARCHIVE_SITES_DIR": sites})
    assert any("referer" in headers for _, _, path, headers in site.asked if "?" in path)
    assert "/page2" in other.paths()
    assert not any("referer" in headers for *_, headers in other.asked)


# --- quiet hours ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spans", "now", "until"),
    [
        ("08:00-18:00", "07:59", None),
        ("08:00-18:00", "08:00", "18:00"),
        ("08:00-18:00", "17:59", "18:00"),
        ("08:00-18:00", "18:00", None),
        ("22:00-06:00", "23:30", "06:00"),
        ("22:00-06:00", "05:59", "06:00"),
        ("22:00-06:00", "12:00", None),
        ("08:00-12:00, 13:00-18:00", "12:30", None),
        ("08:00-12:00, 13:00-18:00", "13:30", "18:00"),
        ("", "12:00", None),
    ],
)
def test_quiet_hours(spans: str, now: str, until: str | None) -> None:
    hour, minute = map(int, now.split(":"))
    moment = datetime(2026, 11, 29, hour, minute, tzinfo=pace.SHANGHAI)
    end = pace.quiet_until(pace.quiet_hours(spans), moment)
    assert (end.strftime("%H:%M") if end else None) == until
    assert end is None or timedelta(0) < end - moment < timedelta(hours=24)


@pytest.mark.parametrize(
    "text", ["8-18", "08:00-24:00", "08:00-08:00", "08:00", "25:00-26:00", "08:00-18:00;19:00-20:00"]
)
def test_quiet_hours_that_are_none_are_named(text: str) -> None:
    with pytest.raises(BadUsage, match="ARCHIVE_QUIET_HOURS"):
        pace.quiet_hours(text)


@pytest.mark.slow
@pytest.mark.parametrize("delay", ["0", "0.1"])
def test_in_the_quiet_hours_nothing_is_asked(tmp_path: Path, delay: str) -> None:
    now = datetime.now(pace.SHANGHAI)
    span = f"{now:%H:%M}-{now + timedelta(minutes=9):%H:%M}"
    given = FAST | {"ARCHIVE_DIR": str(tmp_path), "ARCHIVE_QUIET_HOURS": span, "DOWNLOAD_DELAY": delay}
    options = [part for name, value in given.items() for part in ("-s", f"{name}={value}")]
    with serve(good()) as site:
        command = [sys.executable, "-m", "scrapy", "crawl", "zhuanti", *options, "-a", f"base_url={site.base_url}"]
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr
            # it says that it waits, and goes on waiting; one that does not would end
            said = next((line for line in process.stderr if "quiet hours: no request before" in line), "")
            time.sleep(2)
            waits = process.poll() is None
            process.kill()
    assert (bool(said), waits, site.asked) == (True, True, [])


@pytest.mark.slow
def test_requests_in_line_when_the_quiet_hours_begin_stay(tmp_path: Path) -> None:
    """Sixteen requests stand in the host's line, one leaves each second; the quiet hours begin meanwhile."""
    start = datetime.now(pace.SHANGHAI)
    begins = (start + timedelta(seconds=70)).replace(second=0, microsecond=0)
    with Replica(articles=200, seed=41, variations=False) as site:
        paced = {"ARCHIVE_QUIET_HOURS": f"{begins:%H:%M}-{begins + timedelta(minutes=9):%H:%M}", "DOWNLOAD_DELAY": "1"}
        seconds = (begins - start).total_seconds() + 8
        with pytest.raises(subprocess.TimeoutExpired):
            crawl(tmp_path / "archive", settings=paced, timeout=seconds, base_url=site.base_url)
        last = time.monotonic() - max(request.time for request in site.requests)
    assert last > 6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ARCHIVE_QUIET_HOURS", "8-18"),
        ("ARCHIVE_DAILY_REQUESTS", "0"),
        ("ARCHIVE_SLOWDOWN", "0.5"),
        ("ARCHIVE_PATIENCE", "x"),
        ("CONCURRENT_REQUESTS_PER_DOMAIN", "eight"),
        ("CONCURRENT_ITEMS", "0"),
        ("RETRY_TIMES", "-1"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_bad_value_is_named_and_nothing_is_written(tmp_path: Path, name: str, value: str) -> None:
    done = crawl(tmp_path / "archive", settings={name: value}, base_url="http://127.0.0.1:9/")
    assert (done.code, (tmp_path / "archive").exists()) == (2, False)
    assert name in done.err
    assert value in done.err
    assert [line for line in done.err.splitlines() if " INFO: " not in line] == [done.err.splitlines()[-1]]


# --- robots.txt, its text ---------------------------------------------------------------------------------------------


def test_a_path_in_gbk_is_meant_in_both_encodings() -> None:
    text = robots.rules("User-agent: *\nDisallow: /内部/\nAllow: /".encode("gb18030")).decode()
    assert "Disallow: /内部/" in text
    assert "Disallow: /%C4%DA%B2%BF/" in text


def test_a_character_cut_by_the_limit_does_no_harm() -> None:
    body = b"a" * (robots.MOST_BYTES - 1) + "内".encode()
    assert robots.rules(body) == b"a" * (robots.MOST_BYTES - 1)


def test_robots_txt_is_asked_for_again_after_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = robots.Robots.__new__(robots.Robots)
    keeper._parsers, keeper._unavailable, keeper._read_at = {}, {}, {}
    hours = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: 3600 * hours[0])
    keeper._forget("host")
    keeper._parsers["host"] = None
    keeper._unavailable["host"] = "answered HTTP 500"
    hours[0] = 23.9
    keeper._forget("host")
    assert "host" in keeper._parsers
    hours[0] = 24.1
    keeper._forget("host")
    assert keeper._parsers == keeper._unavailable == {}
