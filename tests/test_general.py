"""The last resort claims only what a page proves."""

import pytest

from crawler.exceptions import MarkupChanged
from tests.reading import read

TEXTS = [
    f"第{number}次活动安排在下午，大家先读了文件，又谈了谈自己这一周的工作——有难处，也有办法，都记在了本子上。"
    for number in "一二三四五六"
]
BODY = "".join(f"<p>{text}</p>" for text in TEXTS)


def page(
    body: str = BODY, head: str = "<title>春天里的学习会-某网站</title>", row: str = "发布时间：2021-03-04"
) -> str:
    return (
        f"<html><head>{head}</head><body><a href='/'>首页</a><div class='mid'><h1>春天里的学习会</h1>"
        f"<p>某司党支部书记 王立群</p><p>{row}</p><div class='unheard-of'>{body}</div></div>"
        "<ul class='side'><li><a href='/a.html'>别的文章讲了很多很多别的事情。</a></li></ul></body></html>"
    )


def test_a_page_of_an_unknown_system_is_read_and_marked() -> None:
    article = read(page())
    assert article.body_text == "\n".join(TEXTS)
    assert (article.title, article.published_at, article.extractor) == ("春天里的学习会", "2021-03-04", "general@1")
    assert (article.author, article.unit, article.authors) == ("", "", [])


def test_a_title_printed_once_is_not_claimed() -> None:
    article = read(page(head="<title>某网站</title>"), listed_title="列表里的题目")
    assert article.title == "列表里的题目"


def test_a_date_is_claimed_where_all_places_agree() -> None:
    tag = '<title>春天里的学习会</title><meta name="PubDate" content="2021-03-0{} 09:00:00">'
    assert read(page(head=tag.format(4))).published_at == "2021-03-04"
    assert read(page(head=tag.format(5))).published_at is None


@pytest.mark.parametrize(
    "body",
    [
        BODY[:150],
        "",
        "".join(f"<li><a href='/{n}.html'>{text}</a></li>" for n, text in enumerate(TEXTS)),
        f"</div></div><div>{BODY}</div><div>{BODY.replace('次', '回')}</div><div><div>",
    ],
)
def test_what_is_not_proven_is_refused(body: str) -> None:
    with pytest.raises(MarkupChanged):
        read(page(body))
