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
