"""Whatever a page holds, reading it ends soon and in a named way."""

import json
import random
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from crawler import blocking
from crawler.exceptions import CrawlError
from crawler.pages import TEMPLATES
from crawler.pages.home import column_links
from crawler.urls import Addresses
from pipelines.errors import Refused
from tests.reading import HOME, read, response_of
from tests.test_walk import API, COLUMN, SHELL, Listing

pytestmark = pytest.mark.slow

SAVED = sorted(Path(__file__).parent.glob("pages/*/*/page.html"))
ADDRESSES = Addresses.of(HOME, [], None)
PROSE = "<p>大家把学习体会写进了笔记本，约定下个月再来交流一次。</p>"
SNIPPETS = [
    *b"< > </div> <div> \0 <!-- ]]> &# &#xD800; ' \" <svg> <table> <br".split(b" "),
    b"\xff\xfe",
    "首页>".encode(),
]


def mutated(rng: random.Random, data: bytes) -> bytes:
    parts = bytearray(data)
    for _ in range(rng.randrange(1, 12)):
        at = rng.randrange(len(parts) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            del parts[at : at + rng.randrange(1, 60)]
        elif kind == 1:
            parts[at:at] = rng.choice(SNIPPETS)
        elif kind == 2:
            parts[at : at + 1] = bytes([rng.randrange(256)])
        else:
            parts[at:at] = parts[rng.randrange(len(parts) + 1) :][:200]
    return bytes(parts)


def endures(action: Callable[[], Any]) -> None:
    """Raises whatever is raised that has no name."""
    with suppress(CrawlError, Refused):
        action()


def everything_listed(body: bytes | str, url: str = COLUMN) -> None:
    page = TEMPLATES["mofcom"].listing(response_of(body, url), ADDRESSES)
    assert all(entry.url and entry.title for entry in page.entries())
    page.last_page(), page.declared(), page.address(2)


@pytest.mark.parametrize("path", SAVED, ids=lambda path: f"{path.parent.parent.name}/{path.parent.name}")
def test_a_damaged_article_ends_in_a_named_way(path: Path) -> None:
    rng, data = random.Random(path.parent.name), path.read_bytes()
    for _ in range(25):
        damaged = mutated(rng, data)
        endures(lambda: read(damaged, headers={"Content-Type": "text/html"}))  # noqa: B023
        response = response_of(damaged, COLUMN, {"Content-Type": "text/html"})
        endures(lambda: everything_listed(damaged))  # noqa: B023
        list(column_links(response, "重要专题"))
        blocking.explain(response), blocking.script_redirect(response)


def test_a_damaged_listing_or_reply_ends_in_a_named_way() -> None:
    rng = random.Random(7)
    listing = Listing(list(range(1, 20)), 15)
    page = listing.page(1, COLUMN).body
    reply = Listing(list(range(1, 20)), 15, total=True).page(1, HOME + API[1:]).body
    shell = TEMPLATES["mofcom"].listing(response_of(SHELL, COLUMN), ADDRESSES)
    for _ in range(300):
        damaged = mutated(rng, page), mutated(rng, SHELL.encode()), mutated(rng, reply)
        endures(lambda: everything_listed(damaged[0]))  # noqa: B023
        endures(lambda: everything_listed(damaged[1]))  # noqa: B023
        endures(lambda: shell.read(response_of(damaged[2], COLUMN)).entries())  # noqa: B023


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "null",
        "5",
        "[]",
        "{}",
        '"x"',
        '{"success":true}',
        '{"success":true,"data":5}',
        "[" * 100_000,
        "<html>",
        "\x00",
    ]
    + [json.dumps({"success": True, "code": "200", "data": {"html": html}}) for html in (None, 5, [], {})],
)
def test_a_reply_that_is_none_is_named(reply: str) -> None:
    shell = TEMPLATES["mofcom"].listing(response_of(SHELL, COLUMN), ADDRESSES)
    with pytest.raises(CrawlError, match="reply"):
        shell.read(response_of(reply, COLUMN))


# each is repeated so often that what takes time square in it would take minutes
REPEATED = {
    "breadcrumbs": ("首页>", 40_000),
    "brackets": ("（", 200_000),
    "ascii brackets": ("(", 200_000),
    "blanks": (" ", 200_000),
    "dashes": ("—", 200_000),
    "digits": ("2021", 50_000),
    "dates": ("2021-03-04 ", 20_000),
    "comment starts": ("/*", 100_000),
    "labels": ("<i>来源：</i>", 15_000),
    "authors": ("作者：", 60_000),
    "lines": ("姓名<br>", 10_000),
    "bars": ("<p>打印本页</p>", 8_000),
    "cells": ("<tr><td>打印本页</td><td>甲</td></tr>", 4_000),
    "home links": ("<a>首页</a>", 10_000),
    "neighbours": ("<a href='a/202103/20210302979191.shtml'>上一篇</a>", 10_000),
    "related": ("<li><a href='/x'>相关链接</a></li>", 5_000),
    "headings": ("<h3>春</h3>", 5_000),
    "images": ("<img src='/a.jpg'>", 5_000),
    "bodies": ("<div class='art-con'>春</div>", 2_000),
    "nested bodies": ("<div class='art-con'>", 200),
    "nested blocks": ("<div>", 5_000),
    "nested inlines": ("<b><span>", 3_000),
    "nested tables": ("<table><tr><td>", 600),
    "nested lists": ("<ul><li>", 800),
    "failed includes": ("[an error occurred while processing this directive]", 4_000),
    "one long line": ("字", 1_700_000),
}
SECONDS = 20
"""Of CPU time: far above what a slow machine needs, far below what anything square takes."""


@pytest.mark.parametrize("name", REPEATED)
def test_time_grows_with_size_alone(name: str) -> None:
    snippet, times = REPEATED[name]
    text = snippet * times
    row = '<div class="at-left">来源：办公厅 2021-03-04</div><h1>春天里的学习会</h1>'
    start = time.process_time()  # a busy machine is no defect
    for page in (
        f"{row}<div class='art-con'>{PROSE}{text}</div>",
        f"<div>{text}</div>{row}<div class='art-con'>{PROSE}</div>",
        f"<script>{text}</script>{row}<div class='art-con'>{PROSE}</div>",
    ):
        endures(lambda: read(f"<html><body>{page}</body></html>"))  # noqa: B023
    endures(lambda: everything_listed(f"<html><body><ul class='txtList_01'><li>{text}</li></ul></body></html>"))
    response = response_of(f"<html><body>{text}</body></html>", HOME)
    list(column_links(response, "重要专题"))
    blocking.explain(response), blocking.script_redirect(response)
    assert time.process_time() - start < SECONDS


def test_text_a_thousand_levels_deep_is_read() -> None:
    for tag in ("div", "span", "font"):
        body = f"<{tag}>" * 1000 + PROSE + f"</{tag}>" * 1000
        article = read(f"<html><body><h1>春</h1><div class='art-con'>{body}</div></body></html>")
        assert article.body_text == PROSE[3:-4]


def test_a_hundred_thousand_links_are_listed() -> None:
    items = "".join(f"<li><a href='/article/zt_x/a/202101/{n:014}.shtml'>t{n}</a></li>" for n in range(100_000))
    page = TEMPLATES["mofcom"].listing(response_of(f"<ul class='txtList_01'>{items}</ul>", COLUMN), ADDRESSES)
    assert len(page.entries()) == 100_000
