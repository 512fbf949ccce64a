"""The body in blocks: the text is what a reader copies, the HTML holds nothing of the page's own."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from pipelines.blocks import blocks, without_closing

BASE = "http://jgdw.mofcom.gov.cn/article/a.shtml"
TAGS = {
    *("p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "table", "tr", "td", "th", "a", "img"),
    *("br", "strong", "em", "u", "s", "sub", "sup"),
}
ATTRIBUTES = {"href", "src", "alt", "colspan", "rowspan"}


def texts(markup: str) -> list[str]:
    return [block.text for block in blocks(f"<div>{markup}</div>", BASE)]


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<p>　　早上 好</p><p>&nbsp;</p><p>\n晚上好 </p>", ["早上 好", "晚上好"]),
        ("甲<br>　　乙<br/><br>丙", ["甲", "乙", "丙"]),
        ("甲<p>乙<p>丙", ["甲", "乙", "丙"]),
        ("<div><div>甲<span>乙</span></div>丙</div>丁", ["甲乙", "丙", "丁"]),
        ("<ul><li>一</li><li>二</li></ul>", ["一", "二"]),
        ("<pre>甲\n乙</pre>", ["甲", "乙"]),
        ("<p>春<b>天</b><font>来</font><o:p></o:p>了</p>", ["春天来了"]),
        ("<p>：；（）？，“”‘’—…·①㎡ AB</p>", ["：；（）？，“”‘’—…·①㎡ AB"]),
        (
            "<table><tr><td>甲</td><td><p>乙</p><p>丙</p></td></tr><tr><td>1</td><td>2</td></tr></table>",
            ["甲\t乙 丙\n1\t2"],
        ),
        ("<table><caption>表一</caption><tr><th>甲</th><th>乙</th></tr></table>", ["表一", "甲\t乙"]),
        ("<table><tr><td>甲<p>乙</p></td></tr></table>", ["甲", "乙"]),
        ("<table><tr><td>甲<table><tr><td>乙</td><td>丙</td></tr></table></td></tr></table>", ["甲", "乙\t丙"]),
        ("<table>旁注<tr><td>甲</td><td>乙</td></tr></table>", ["旁注", "甲", "乙"]),
        ("<p>甲<!-- 注 -->乙<script>丙</script><style>丁</style>戊</p>", ["甲乙戊"]),
        ("<a href='/x'><p>甲</p><p>乙</p></a>", ["甲", "乙"]),
    ],
)
def test_the_text_is_what_a_reader_copies(markup: str, expected: list[str]) -> None:
    assert texts(markup) == expected


def test_links_and_images_are_absolute_and_nothing_else_is_kept() -> None:
    found = blocks(
        '<div><p style="x" onclick="f()" class="c">见<a href="../b.html" target="_blank">附录</a>'
        '<a href="javascript:f()">点击</a><img src=" /1.jpg " onerror="f()" alt=\'图"1"\'><img src="data:x"></p></div>',
        BASE,
    )
    assert [block.html for block in found] == [
        '<p>见<a href="http://jgdw.mofcom.gov.cn/b.html">附录</a>点击'
        '<img src="http://jgdw.mofcom.gov.cn/1.jpg" alt="图&quot;1&quot;"></p>'
    ]


def test_headings_list_entries_and_centred_lines_are_told_apart() -> None:
    found = blocks(
        '<div><h3>题</h3><ul><li>甲</li></ul><p style="text-align : center">乙</p><center>丙</center><p>丁</p></div>',
        BASE,
    )
    assert [block.html[:4] for block in found] == ["<h3>", "<li>", "<p>乙", "<p>丙", "<p>丁"]
    assert [block.centred for block in found] == [False, False, True, True, False]


def test_closing_words_are_cut_off_text_and_html() -> None:
    for markup in ("<p>大家都来了。<b>（张三）</b></p>", "<p>大家都来了。（张<b>三</b>）</p>"):
        block = without_closing(blocks(markup, BASE)[0], "（张三）")
        assert block.text == "大家都来了。"
        assert html.fromstring(block.html).text_content() == "大家都来了。"


def test_depth_is_no_danger() -> None:
    found = blocks("<div>" * 1500 + "底" + "</div>" * 1500, BASE)
    assert [block.text for block in found] == ["底"]
    assert texts("<span><b>" * 700 + "底") == ["底"]


_NAMES = "p div span b i a img table tr td th li ul h2 br script style iframe svg math form input o:p center font"
_VALUES = """javascript:alert(1) JaVaScript:x java&#9;script:x data:text/html,x //evil.example/x /ok.html http://[
&quot;><script> 'onload='x' 2 9&quot;x vbscript:x"""
_ATTRIBUTES = "href src onclick style alt colspan rowspan class srcdoc"
TEXT = st.text(st.sampled_from("春天，。 \n\t<>&\"'　AB"), max_size=8)


def element(parts: tuple[str, list[tuple[str, str]], list[str], bool]) -> str:
    name, attributes, inside, closed = parts
    marks = " ".join(f'{key}="{value}"' for key, value in attributes)
    return f"<{name} {marks}>{''.join(inside)}" + (f"</{name}>" if closed else "")


ATTRIBUTE = st.tuples(st.sampled_from(_ATTRIBUTES.split(" ")), st.sampled_from(re.split(r"\s", _VALUES)))
NODE = st.recursive(
    TEXT,
    lambda inner: st.tuples(
        st.sampled_from(_NAMES.split(" ")), st.lists(ATTRIBUTE, max_size=3), st.lists(inner, max_size=4), st.booleans()
    ).map(element),
    max_leaves=25,
)


def visible(markup: str) -> str:
    root = html.fromstring(f"<div>{markup}</div>")
    return "".join(root.text_content().split())


@given(NODE)
def test_nothing_of_a_hostile_page_passes(markup: str) -> None:
    for block in blocks(f"<div>{markup}</div>", BASE):
        for tag in re.findall(r"<[^>]*>", block.html):
            assert re.fullmatch(r"</?[a-z0-9]+( [a-z]+=\"[^\"<>]*\")*>", tag), tag
        for element in html.fromstring(f"<div>{block.html}</div>").iterdescendants():
            assert element.tag in TAGS
            assert set(element.attrib) <= ATTRIBUTES
            for name in ("href", "src"):
                assert element.get(name, "http:").startswith(("http:", "https:"))
            for name in ("colspan", "rowspan"):
                assert element.get(name, "1").isdecimal()


@given(NODE)
def test_html_and_text_agree(markup: str) -> None:
    for block in blocks(f"<div>{markup}</div>", BASE):
        assert visible(block.html) == "".join(block.text.split())


@given(st.lists(st.text(st.sampled_from("春天来了，。（）“”AB12&<>"), min_size=1, max_size=20), max_size=6))
def test_paragraphs_come_back_one_by_one(paragraphs: list[str]) -> None:
    escaped = [p.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for p in paragraphs]
    markup = "".join(f"<p>　　{p}</p>\n" for p in escaped)
    assert texts(markup) == paragraphs
    assert texts("<br>".join(escaped)) == paragraphs
    assert [unescape(block.html) for block in blocks(f"<div>{markup}</div>", BASE)] == [
        f"<p>{p}</p>" for p in paragraphs
    ]
