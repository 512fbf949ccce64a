"""Attacks replayed end to end: a hostile server on loopback, `scrapy crawl` as an operator runs it."""

import gzip
import resource
import time
from typing import Any

import pytest
from twisted.internet.testing import StringTransport
from twisted.web._newclient import Request
from twisted.web.http_headers import Headers

from crawler.downloads import _BoundedFactory
from tests.crawling import Crawl, crawl
from tests.hostile_site import HTML, OK, Site, answer, article, bombs, compressed, endless, packed, redirect, serve

pytestmark = pytest.mark.slow

CAPS = {
    "DOWNLOAD_TIMEOUT": "10",
    "RETRY_TIMES": "0",
    "ARCHIVE_PAGE_MAXSIZE": "6000000",
    "DOWNLOAD_MAXSIZE": "7000000",
}
"""The limits of the settings, lowered so that a test meets them soon."""


def outcomes(done: Crawl) -> dict[str, tuple[str, str]]:
    """name -> (outcome, reason) of every entry."""
    rows = done.rows(
        "SELECT l.url, l.outcome, coalesce(f.reason, '') AS reason FROM listings l"
        " LEFT JOIN failures f ON f.url = l.url AND f.kind = 'article'"
    )
    names = [row["url"].rpartition("/")[2].removesuffix(".shtml") for row in rows]
    return {name: (row["outcome"], row["reason"]) for name, row in zip(names, rows, strict=True)}


def attacks(inner: Site) -> dict[str, Any]:
    bomb = bombs()
    found: dict[str, Any] = {f"bomb-{name}": compressed(name, body) for name, body in bomb.items()}
    return found | {
        # neither grows beyond a page's cap: it is the ratio that betrays them
        **{f"small-bomb-{name}": compressed(name, body) for name, body in packed(b"<p>" + b"0" * 3_000_000).items()},
        "long-page": answer(article("太长的一页", "<p>" + "字" * 2_100_000)),
        "bomb-in-bomb": compressed("gzip, gzip", gzip.compress(bomb["gzip"])),
        "codings": compressed(", ".join(["gzip"] * 50), b"x"),
        "no-gzip": compressed("gzip", article("没有压缩")),
        "no-br": compressed("br", article("没有压缩")),
        "no-zstd": compressed("zstd", article("没有压缩")),
        "no-deflate": compressed("deflate", b"\xff\xff\xff"),
        **{f"half-{name}": compressed(name, body[:-9]) for name, body in packed(article("一半不是全部")).items()},
        "slow-body": lambda h: endless(h, OK + HTML + b"Content-Length: 9999\r\n\r\n", b"<p>", 0.2),
        "slow-head": lambda h: endless(h, OK, b"X: y\r\n", 0.2),
        "header-flood": lambda h: endless(h, OK, b"X-Flood: " + b"y" * 900 + b"\r\n"),
        "long-header": lambda h: endless(h, OK + b"X: ", b"y" * 9000),
        "endless-body": lambda h: endless(h, OK + HTML + b"\r\n", b"<p>" * 20_000),
        "endless-chunks": lambda h: endless(
            h, OK + HTML + b"Transfer-Encoding: chunked\r\n\r\n", b"2000\r\n" + b"x" * 0x2000 + b"\r\n"
        ),
        "announced": lambda h: endless(h, OK + HTML + b"Content-Length: 99999999999\r\n\r\n", b"x", 0.2),
        **{
            f"status-{n}": answer(article("没有这样的状态"), status=b"%d X" % n) for n in (10**30, 2**31, 1000, 99, -20)
        },
        "loop": redirect("/article/zt_x/a/202103/loop.shtml"),
        "no-address": redirect("//[::1"),
        "no-port": redirect("http://127.0.0.1:99999999/"),
        "no-coding": compressed("\xff\xfe\x80", article("不知编码")),
        "inner": redirect(f"{inner.base_url}secret", b"Set-Cookie: a=b\r\n"),
        "metadata": redirect("http://169.254.169.254/latest/meta-data/"),
        "octal": redirect("http://0177.0.0.1/"),
        "file": redirect("file:///etc/passwd"),
        "data": redirect("data:text/html,x"),
        "script-inner": answer(f"<script>location.href='{inner.base_url}secret'</script>".encode()),
        "deep": answer(article("很深的嵌套", "<div>" * 100_000)),
        "one-line": answer(article("一行五兆", "<p>" + "字" * 1_700_000)),
        "links": answer(article("十万链接", "<a href='/x'>x</a>" * 100_000)),
        "files": answer(article("内网附件", f"<p>附件：<a href='{inner.base_url}a.pdf'>名单</a></p>")),
        "entities": answer(
            b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + article("实体", "&a;")
        ),
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with serve({}) as inner:
        wrong = attacks(inner)
        mixed = {}
        for number, (name, attack) in enumerate(wrong.items()):
            mixed[f"good-{number}"] = answer(article(f"第{number}次学习会"))
            mixed[name] = attack
        with serve(mixed) as site:
            start = time.monotonic()
            done = crawl(tmp_path_factory.mktemp("world"), settings=CAPS, timeout=280, base_url=site.base_url)
            yield done, outcomes(done), site, inner, time.monotonic() - start


def test_every_good_article_between_the_attacks_is_archived(world: Any) -> None:
    done, found, *_ = world
    good = {name: outcome for name, (outcome, _) in found.items() if name.startswith("good")}
    assert set(good.values()) == {"archived"}, done.err
    assert len(good) == len(found) / 2
    assert done.code == 3
    assert "Traceback" not in done.err


NAMED = {
    **dict.fromkeys(("bomb-gzip", "bomb-deflate", "bomb-br", "bomb-zstd"), ("failed", "decompression bomb")),
    **dict.fromkeys(
        (f"small-bomb-{name}" for name in ("gzip", "deflate", "br", "zstd")), ("failed", "decompression bomb")
    ),
    "long-page": ("failed", "answer too large"),
    "bomb-in-bomb": ("failed", "decompression bomb"),
    "codings": ("failed", "50 content codings"),
    **dict.fromkeys(("no-gzip", "no-br", "no-zstd", "no-deflate"), ("failed", "the body is not")),
    **dict.fromkeys(("half-gzip", "half-deflate", "half-br", "half-zstd"), ("failed", "answer broke off")),
    **dict.fromkeys(("slow-body", "slow-head"), ("failed", "time-out")),
    "header-flood": ("failed", "the headers exceed"),
    "long-header": ("failed", ""),
    **dict.fromkeys(("endless-body", "endless-chunks", "announced"), ("failed", "answer too large")),
    **dict.fromkeys((f"status-{n}" for n in (10**30, 2**31, 1000, 99, -20)), ("failed", "no HTTP: an answer with")),
    "loop": ("failed", "redirect loop"),
    "no-address": ("failed", "which is no address"),
    "no-port": ("failed", "which is no address"),
    "no-coding": ("archived", ""),
    **dict.fromkeys(("inner", "metadata", "octal", "script-inner"), ("external", "")),
    **dict.fromkeys(("file", "data"), ("failed", "HTTP 302")),
}


@pytest.mark.parametrize("name", NAMED)
def test_an_attack_ends_in_a_named_way(world: Any, name: str) -> None:
    outcome, reason = world[1][name]
    assert (outcome, NAMED[name][1] in reason) == (NAMED[name][0], True), reason


@pytest.mark.parametrize("name", ["deep", "one-line", "links", "files", "entities"])
def test_a_monstrous_page_is_read_or_refused_by_name(world: Any, name: str) -> None:
    assert world[1][name][0] in ("archived", "failed")


def test_no_request_reached_the_inner_server(world: Any) -> None:
    *_, inner, _ = world
    assert inner.asked == []


def test_entities_are_not_resolved(world: Any) -> None:
    texts = world[0].rows("SELECT body_text || body_html AS text FROM articles")
    assert not any("root:" in row["text"] for row in texts)


def test_time_and_memory_stay_bounded(world: Any) -> None:
    *_, seconds = world
    assert seconds < 120  # 18 on an idle machine
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 900_000  # KiB


def test_no_cookie_and_no_referer_to_another_host(world: Any) -> None:
    site = world[2]
    for _, method, _, headers in site.asked:
        assert method == "GET"
        assert headers.keys().isdisjoint({"cookie", "authorization"})
        assert headers.get("referer", site.base_url).startswith(site.base_url)


def test_headers_of_many_answers_on_one_connection_are_no_flood() -> None:
    protocol = _BoundedFactory(lambda _: None, "").buildProtocol(None)  # type: ignore[no-untyped-call]
    protocol.makeConnection(StringTransport())  # type: ignore[no-untyped-call]
    answered: list[Any] = []
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + 25 * (b"X: " + b"y" * 8000 + b"\r\n")  # 200 of 256 KiB
    for _ in range(3):
        request = Request(b"GET", b"/", Headers({b"host": [b"x"]}), None, persistent=True)  # type: ignore[no-untyped-call]
        protocol.request(request).addBoth(answered.append)
        protocol.dataReceived(head)
        protocol.dataReceived(b"\r\n")
    assert [getattr(answer, "code", answer) for answer in answered] == [200, 200, 200]
