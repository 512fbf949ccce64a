"""Articles whose text stands in the document of an iframe."""

import pytest
from lxml import html

from crawler.pages import TEMPLATES
from crawler.urls import Addresses
from tests.reading import HOME, response_of

TEXT = "大家把学习体会写进了笔记本，约定下个月再来交流一次，并请第三党支部准备一份发言。"
ADDRESSES = Addresses.of(HOME, ["images.mofcom.gov.cn"], None)


def article_page(body: str):
    page = f"<html><body><h1>春天里的学习会</h1><div class='art-con'>{body}</div></body></html>"
    return TEMPLATES["mofcom"].article(response_of(page, f"{HOME}a/1.shtml"), ADDRESSES)


@pytest.mark.parametrize(
    "document",
    [
        f"<html><body><p>{TEXT}</p></body></html>",
        f"<p>{TEXT}</p>",
        TEXT,
        f"<div><p>{TEXT}</p></div><div>打印 关闭</div>",
        f"<html><head><title>x</title></head><body><div class='art-con'>{TEXT}</div></body></html>",
    ],
)
def test_the_frames_document_is_the_text(document: str) -> None:
    page = article_page('<iframe src="/frames/text.html" width="100%"></iframe>')
    assert page.frame() == f"{HOME}frames/text.html"
    article = page.article(response_of(document, f"{HOME}frames/text.html"))
    assert html.fromstring(article.body_html).text_content().strip() == TEXT
    assert article.printed["title"] == {"row": "春天里的学习会"}


def test_what_stands_around_the_frame_is_kept() -> None:
    around = (
        '<p><img src="/images/a.jpg"></p>{}<p>（投资促进局第一党支部 汤晓舟 周砚秋）</p><p>（本文发布时有删节）</p>'
        '<p><a href="/files/a.pdf">附件：各单位报送情况统计表（2021年上半年）.pdf</a></p>'
    )
    page = article_page(around.format('<iframe src="/frames/text.html"></iframe>'))
    assert page.frame() == f"{HOME}frames/text.html"
    document = f'<body><p>{TEXT}</p><p><img src="b.jpg"></p></body>'
    article = page.article(response_of(document, f"{HOME}frames/text.html"))
    text = html.fromstring(article.body_html).text_content()
    assert text.index("笔记本") < text.index("汤晓舟") < text.index("删节") < text.index("统计表")
    assert [file.url for file in article.attachments] == [f"{HOME}files/a.pdf"]
    assert [file.url for file in article.images] == [f"{HOME}images/a.jpg", f"{HOME}frames/b.jpg"]


@pytest.mark.parametrize("document", ["", " ", "<html></html>", "<frameset></frameset>", "<!-- -->"])
def test_an_empty_frame_gives_an_empty_text(document: str) -> None:
    article = article_page('<iframe src="/f.html"></iframe>').article(response_of(document, f"{HOME}f.html"))
    assert html.fromstring(article.body_html).text_content().strip() == ""


@pytest.mark.parametrize(
    "body",
    [
        f'<p>{TEXT}</p><iframe src="/video.html"></iframe>',
        '<iframe src="http://www.example.com/f.html"></iframe>',
        '<iframe src="javascript:f()"></iframe>',
        "<iframe></iframe>",
    ],
)
def test_other_frames_are_not_asked_for(body: str) -> None:
    assert article_page(body).frame() is None
