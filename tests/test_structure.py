"""The HTML of a body keeps the outline: headings by number and by bold, lists, tables, pictures with captions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from crawler.items import Article
from exports.outline import outline
from pipelines.blocks import blocks
from pipelines.structure import Structure

BASE = "http://jgdw.mofcom.gov.cn/article/a.shtml"


def structured(markup: str) -> str:
    item = Article(url=BASE, blocks=blocks(f"<div>{markup}</div>", BASE))
    return Structure().process_item(item).body_html.replace("\n", "")


def test_numbered_headings_have_the_level_of_their_number() -> None:
    lines = [
        "开头的话。",
        "一、总体要求",
        "二段正文。",
        "（一）基本原则",
        "正文。",
        "1.坚持学习",
        "正文。",
        "（2）坚持实干",
        "正文。",
    ]
    assert structured("".join(f"<p>{line}</p>" for line in lines)) == (
        "<p>开头的话。</p><h2>一、总体要求</h2><p>二段正文。</p><h3>（一）基本原则</h3><p>正文。</p>"
        "<h4>1.坚持学习</h4><p>正文。</p><h5>（2）坚持实干</h5><p>正文。</p>"
    )


@pytest.mark.parametrize(
    "line",
    [
        "一、坚持学习。每周学习一次，形成制度。",  # a heading run into its paragraph
        "一是坚持学习",
        "1.5亿元的项目",
        "2023年工作",
        "一、" + "长" * 60,
        "三、请看：",
        '<a href="/a.pdf">一、附件</a>',
    ],
)
def test_paragraphs_that_begin_with_a_number_stay_paragraphs(line: str) -> None:
    assert structured(f"<p>{line}</p><p>正文。</p>").startswith("<p>")


def test_an_enumeration_is_no_outline() -> None:
    assert "<h" not in structured("<p>参加人员：</p><p>1.张三</p><p>2.李四</p><p>3.王五</p><p>会后合影。</p>")


def test_a_heading_needs_text_below_it() -> None:
    assert structured("<p>正文。</p><p><b>一、结语</b></p><p>完。</p>").count("<h2>") == 1


@pytest.mark.parametrize(
    "bold", ["<b>学思践悟</b>", '<span style="FONT-WEIGHT: bold">学思践悟</span>', "<b>学思</b> <strong>践悟</strong>"]
)
def test_short_bold_lines_are_headings(bold: str) -> None:
    assert structured(f"<p>{bold}</p><p>正文。</p>").startswith("<h2><strong>学思")
    below = structured(f"<p>一、总体要求</p><p>正文。</p><p>{bold}</p><p>正文。</p>")
    assert "<h3><strong>学思" in below


def test_bold_words_inside_a_paragraph_are_emphasis() -> None:
    assert structured("<p><b>一是学习。</b>每周一次。</p>") == "<p><strong>一是学习。</strong>每周一次。</p>"


def test_lists_keep_their_kind_and_nesting() -> None:
    markup = "<ul><li>甲</li><li>乙<ol><li>一</li><li>二</li></ol></li><li>丙</li></ul><p>完。</p>"
    assert structured(markup) == "<ul><li>甲</li><li>乙<ol><li>一</li><li>二</li></ol></li><li>丙</li></ul><p>完。</p>"
    assert structured("<ol><li>甲</li></ol>") == "<ol><li>甲</li></ol>"


def test_tables_keep_spans_emphasis_links_and_pictures() -> None:
    markup = (
        '<table onclick="x()"><tr><th colspan="2" style="color:red">表</th></tr>'
        '<tr><td><b>甲</b><p>乙</p></td><td><a href="/1.html">丙</a><img src="2.png" onerror="x()"></td></tr></table>'
    )
    assert structured(markup) == (
        '<table><tr><th colspan="2">表</th></tr><tr><td><strong>甲</strong><br>乙</td>'
        '<td><a href="http://jgdw.mofcom.gov.cn/1.html">丙</a>'
        '<img src="http://jgdw.mofcom.gov.cn/article/2.png" alt=""></td></tr></table>'
    )


def test_a_picture_and_the_centred_line_below_it_are_a_figure() -> None:
    markup = '<p align="center"><img src="/1.png" alt=""></p><p align="center">会场一角 张三摄</p><p>正文。</p>'
    assert structured(markup) == (
        '<figure><img src="http://jgdw.mofcom.gov.cn/1.png" alt=""><figcaption>会场一角 张三摄</figcaption></figure>'
        "<p>正文。</p>"
    )
    plain = structured('<p><img src="/1.png" alt=""></p><p>正文从这里开始。</p>')
    assert plain.endswith("<p>正文从这里开始。</p>")


def test_emphasis_of_nothing_leaves_no_trace() -> None:
    assert structured("<p>甲<b></b></p><p><b><i></i><br>乙</b></p><p>丙</p>") == (
        "<p>甲</p><p><strong>乙</strong></p><p>丙</p>"
    )


PIECES = (
    *("<p>", "</p>", "<ul>", "</ul>", "<ol>", "<li>", "</li>", "<b>", "</b>", "一、甲", "（一）乙", "1.丙", "<br>"),
    *("<table><tr><td>", "</td><td>", "</td></tr></table>", '<p align="center"><img src="/1.png">', "<center>丁"),
)


@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_whatever_the_page_is_the_html_is_well_formed_and_says_the_text(pieces: list[str]) -> None:
    found = blocks(f"<div>{''.join(pieces)}</div>", BASE)
    markup = Structure().process_item(Article(url=BASE, blocks=found)).body_html
    tree = html.fromstring(f"<div>{markup}</div>")
    assert "".join(tree.text_content().split()) == "".join("".join(block.text for block in found).split())
    for name in ("ul", "ol", "li", "p", "figure", "strong", "h2", "h3", "table", "td"):
        assert markup.count(f"<{name}>") == markup.count(f"</{name}>")
    for item in tree.iter("li"):
        assert item.getparent().tag in ("ul", "ol")
    for part in tree.iter("ul", "ol"):
        assert {child.tag for child in part} == {"li"}


def test_the_outline_is_what_archive_show_prints() -> None:
    markup = structured(
        "<p>前言。</p><p>一、甲</p><p>正文。</p><p>（一）乙</p><table><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr>"
        "</table><p>二、丙</p><ul><li>一</li><li>二</li></ul><p align=center><img src=/1.png></p><center>图一</center>"
    )
    assert list(outline(markup)) == [
        (0, "一、甲"),
        (1, "（一）乙"),
        (2, "[table: 2 rows, 2 columns]"),
        (0, "二、丙"),
        (1, "[list: 2 entries]"),
        (1, "[picture: 图一]"),
    ]
    assert list(outline("")) == list(outline("<p>一段。</p>")) == []
