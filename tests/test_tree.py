"""A page's tree answers selectors as parsel does, whatever their form."""

import time

import pytest

from crawler.pages.tree import text_of, tree
from tests.reading import response_of

PAGE = """<html><head><meta name="ContentStart"><script>var hidden = "看不见";</script></head><body class="a">
<div id="zoom" class="b  art-con"><p class="b">一<!-- 注 --><b>二</b></p><style>p {}</style>三</div>
<div class="art-con" ergodic="article"><p>四</p></div><div ergodic><p class="art-con-x">五</p></div></body></html>"""


@pytest.mark.parametrize(
    "css",
    [
        *(".b", "#zoom", "p", "p, .b", ".b, p, #zoom", ".art-con[ergodic]", "[ergodic=article], .art-con[ergodic]"),
        *("[ergodic]", "meta[name=ContentStart]", "div > p", "div.art-con p, .b", "p[class]", "[class='b']", ".none"),
        *("[id=zoom]", "body", "div[ergodic]"),
    ],
)
def test_selectors_find_what_parsel_finds(css: str) -> None:
    response = response_of(PAGE, "http://a.example/")
    found = tree(response).find(css)
    assert [node.tag for node in found] == [one.root.tag for one in response.css(css)]
    assert [node.attrib for node in found] == [dict(one.attrib) for one in response.css(css)]


def test_a_page_of_nothing_but_candidates_takes_no_longer() -> None:
    page = f"<body>{'<div class=art-con ergodic></div>' * 30_000}</body>"
    found = tree(response_of(page, "http://a.example/"))
    started = time.process_time()
    assert len(found.find(".art-con[ergodic]")) == 30_000
    assert time.process_time() - started < 5  # were each looked for among all, minutes


def test_a_page_is_parsed_once() -> None:
    response = response_of(PAGE, "http://a.example/")
    assert tree(response) is tree(response)
    assert "".join(text_of(tree(response).root).split()) == "一二三四五"
