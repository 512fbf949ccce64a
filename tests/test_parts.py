"""Articles in several parts: joined in order, each part with its capture; a missing one fails the article by name."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from crawler.pages import paging
from crawler.pages.tree import tree
from tests.crawling import Crawl, crawl
from tests.reading import HOME, read, response_of
from tests.test_listings import ADDRESSES
from tests.tiny_site import Answer, serve

TEXTS = (
    "清晨的阳光照进会议室，几位同志已经围坐在一起，翻开了昨天没有读完的那一本小册子。",
    "大家轮流发言，讲自己的体会，也讲身边人的故事；说到动情处，笔记本翻过了一页又一页。",
    "散会以后，支部书记把每个人的建议抄在黑板上，约好下个月逐条对照，看看做到了几条。",
)
FIRST = f"{HOME}article/zt_x/a/202103/20210302979191.shtml"
QUERY = [f"{FIRST}?2", f"{FIRST}?3"]
NAMED = [FIRST.replace(".shtml", f"_{n}.shtml") for n in (2, 3)]
FROM_1 = [FIRST.replace(".shtml", f"_{n}.shtml") for n in (1, 2)]


@pytest.mark.parametrize(
    ("pager", "found"),
    [
        ('<div class="page"><span>1</span><a href="?2">2</a><a href="?3">3</a><a href="?2">下一页</a></div>', QUERY),
        ('<p>第1页 共3页 <a href="?2">下一页</a> <a href="?3">尾页</a></p>', QUERY),
        ('<p><a href="?2">下一页</a></p>', QUERY[:1]),
        ('[1] <a href="20210302979191_2.shtml">[2]</a> <a href="20210302979191_3.shtml">[3]</a>', NAMED),
        ('<center><a href="20210302979191_2.shtml">下一页</a></center>', NAMED[:1]),
        ('<a href="20210302979191_1.shtml">2</a> <a href="20210302979191_2.shtml">尾页</a>', FROM_1),
        ('<script>createPageHTML(3, 0, "20210302979191", "shtml");</script>', FROM_1),
        ('<script>createPageHTML(1, 0, "20210302979191", "shtml");</script>', []),
        ('<script>createPageHTML(9, 0, "index", "shtml");</script>', []),
        ('<p>下一页：<a href="20210302979192.shtml">一间办公室的灯光</a></p>', []),
        ('<p><a href="20210302979192.shtml">下一页</a></p>', []),
        ('<a href="#">2</a><a href="javascript:next()">下一页</a>', []),
    ],
)
def test_the_pager_names_the_parts_and_is_no_text(pager: str, found: list[str]) -> None:
    page = f"<html><body><h1>题目在此</h1><div class='art-con'><p>{TEXTS[0]}</p>{pager}</div></body></html>"
    assert list(paging.parts(tree(response_of(page, FIRST)), ADDRESSES, FIRST, FIRST).values()) == found
    assert read(page, FIRST).body_text == TEXTS[0]


def test_numbers_in_a_text_are_no_pager() -> None:
    body = f"<p>{TEXTS[0]}</p><p>3</p><p>第一页</p><p>{TEXTS[1]}</p>"
    page = f"<html><body><h1>题</h1><div class='art-con'>{body}</div></body></html>"
    assert read(page, FIRST).body_text == "\n".join([TEXTS[0], "3", "第一页", TEXTS[1]])


PATH = urlsplit(FIRST).path
ENTRY = f'<li><a href="{PATH}">春天里的学习会</a><span>2021-03-04</span></li>'
LISTING = f'<section class="listCon"><ul class="txtList_01">{ENTRY}</ul></section>'


def _crawled(archive: Path, answers: dict[str, Answer | str], **arguments: str) -> Crawl:
    answers = {"/": '<nav><a href="/article/zt_x/">重要专题</a></nav>', "/article/zt_x/": LISTING} | answers
    with serve(lambda path, _: answers.get(path)) as site:
        return crawl(archive, base_url=site.base_url, **arguments)


def _part(number: int, text: str = "", pager: str = '<p><a href="?2">2</a> <a href="?3">3</a></p>') -> str:
    text = text or f"<p>{TEXTS[number - 1]}</p>"
    row = "来源：某司 类型：原创 2021-03-04 09:05"
    return (
        f"<html><body><div class='at-left'>{row}</div><div class='art-title'>春天里的学习会</div>"
        f"<div class='art-con'>{text}<img src='/i/{number}.png'>{pager}</div></body></html>"
    )


PNG = Answer(b"\x89PNG\r\n\x1a\n", headers={"Content-Type": "image/png"})
PARTS: dict[str, Answer | str] = {PATH: _part(1), f"{PATH}?2": _part(2), f"{PATH}?3": _part(3)} | {
    f"/i/{n}.png": PNG for n in (1, 2, 3)
}


@pytest.mark.slow
def test_parts_are_joined_each_with_its_capture(tmp_path: Path) -> None:
    done = _crawled(tmp_path, PARTS)
    assert done.code == 0, done.err
    [article] = done.rows("SELECT * FROM articles")
    assert article["body_text"] == "\n".join(TEXTS)
    parts = done.rows("SELECT p.*, c.url AS captured FROM article_parts p JOIN captures c ON c.id = p.capture_id")
    assert [(part["seq"], part["kind"], part["url"]) for part in parts] == [
        (0, "page", parts[0]["captured"]),
        (1, "page", parts[1]["captured"]),
    ]
    assert [urlsplit(part["url"]).query for part in parts] == ["2", "3"]
    assert len(done.rows("SELECT * FROM images")) == 3
    lines = done.lines()
    again = crawl(tmp_path, "replay")
    assert (again.code, again.lines()) == (0, lines), again.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({f"{PATH}?3": Answer("x", 404)}, "part http"),
        ({f"{PATH}?3": "<html><body>空</body></html>"}, "?3 of http"),
        ({PATH: _part(1, '<iframe src="/f.html"></iframe>', ""), "/f.html": Answer("x", 404)}, "iframe http"),
    ],
)
def test_a_missing_part_fails_the_article_by_name(
    tmp_path: Path, answers: dict[str, Answer | str], reason: str
) -> None:
    done = _crawled(tmp_path, PARTS | answers)
    assert (done.code, done.outcomes()) == (3, {"failed": 1})
    assert reason in done.rows("SELECT reason FROM failures")[0]["reason"].replace("/article", "")
    assert done.rows("SELECT * FROM articles") == []


@pytest.mark.slow
def test_a_change_in_a_further_part_is_seen(tmp_path: Path) -> None:
    answers: dict[str, Answer | str] = {
        "/": '<nav><a href="/article/zt_x/">重要专题</a></nav>',
        "/article/zt_x/": LISTING,
        **PARTS,
        PATH: Answer(_part(1), headers={"Content-Type": "text/html", "ETag": '"1"'}),
    }
    with serve(lambda path, _: answers.get(path)) as site:
        crawl(tmp_path, base_url=site.base_url)
        answers[f"{PATH}?2"] = _part(2, f"<p>{TEXTS[1]}（已更正）</p>")
        done = crawl(tmp_path, base_url=site.base_url, full="1")
        [version] = done.rows("SELECT * FROM article_versions WHERE version = 2")
        assert version["changed"] == '["body_text"]'
        crawl(tmp_path, "replay")
    texts = done.rows("SELECT body_text FROM article_versions ORDER BY version")
    assert [row["body_text"].split("\n")[1] for row in texts] == [TEXTS[1], f"{TEXTS[1]}（已更正）"]


@pytest.mark.slow
def test_a_server_that_repeats_its_first_page_adds_nothing(tmp_path: Path) -> None:
    done = _crawled(tmp_path, PARTS | {f"{PATH}?2": _part(1), f"{PATH}?3": _part(1)})
    assert done.code == 0
    assert done.rows("SELECT body_text FROM articles") == [{"body_text": TEXTS[0]}]
    assert done.rows("SELECT * FROM article_parts") == []


@pytest.mark.slow
def test_a_frame_is_a_part(tmp_path: Path) -> None:
    frame = "".join(f"<p>{text}</p>" for text in TEXTS) + '<img src="w.png">'
    shell = (
        "<html><body><h1>春天里的学习会</h1><div class='art-con'><iframe src='/d/f.html'></iframe></div></body></html>"
    )
    done = _crawled(tmp_path, {PATH: shell, "/d/f.html": f"<html><body>{frame}</body></html>", "/d/w.png": PNG})
    assert done.code == 0, done.err
    [article] = done.rows("SELECT * FROM articles")
    assert article["body_text"] == "\n".join(TEXTS)
    assert "/d/w.png" in article["body_html"]
    assert [part["kind"] for part in done.rows("SELECT * FROM article_parts")] == ["frame"]
