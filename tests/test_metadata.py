"""Metadata as pages print it: rows, dates and breadcrumbs in many forms, one truth."""

import pytest

from crawler.pages.base import printed_moment
from pipelines.dates import read_moment
from tests.reading import read

TEXT = "清晨的阳光照进会议室，几位同志已经围坐在一起，翻开了昨天没有读完的那一本小册子。"
DATES = {
    "２０２１年３月４日　０９：０５": "2021-03-04T09:05",
    "二〇二一年三月四日": "2021-03-04",
    "二○二一年三月四日": "2021-03-04",
    "二零二一年十二月二十五日": "2021-12-25",
    "２０２１－０３－０４": "2021-03-04",
    "2021-03-04T09:05:06": "2021-03-04T09:05:06",
    "2021年3月4日 9时5分": "2021-03-04T09:05",
    "2021-03-04 上午9:05": "2021-03-04T09:05",
    "2021.3.4": "2021-03-04",
    "2021-02-30 09:05": None,
    "03-04 09:05": None,
    "21-03-04": None,
}
ROWS = (
    "来源:某司机关党委 类型:原创 2021-03-04 09:05",
    "2021-03-04 09:05 来源：某司机关党委　类型：原创",
    "<b>来源</b>：<a href='x'>某司机关党委</a>&nbsp;<b>类型</b>：原创 <i>2021-03-04 09:05</i>",
    "文章来源：某司机关党委 | 文章类型：原创 | 2021-03-04 09:05",
    "来 源：某司机关党委 类 型：原创 2021-03-04 09:05",
    "[来源：某司机关党委] [类型：原创] [2021-03-04 09:05]",
    "来源：某司机关党委类型：原创2021-03-04 09:05",
    "<ul><li>来源：某司机关党委</li><li>类型：原创</li><li>发布时间：2021-03-04 09:05</li></ul>",
)
CRUMBS = (
    "首页>重 要 专 题",
    "<a href='/'>首页</a>&gt;<a>重&nbsp;要&nbsp;专&nbsp;题</a>",
    "当前位置：<a href='/'>首 页</a> ＞ 重　要　专　题",
    "您现在的位置：首页 » 重要专题 » 正文",
    "<span>当前位置：</span><ul><li>首页</li><li>&gt;</li><li>重要专题</li></ul>",
    "当前位置：首页-&gt;重要专题",
    "当前位置：首页 &gt;&gt; 重要专题 &gt;&gt; 春天里的学习会",
    "首页<em>&gt;</em>重要专题<em>&gt;</em>",
)


def page(row: str = ROWS[0], crumb: str = CRUMBS[0], body: str = f"<p>{TEXT}</p>") -> str:
    return (
        f"<html><body><div class='crumb'>{crumb}</div><div><div class='at-left'>{row}</div>"
        f"<div class='art-title'>春天里的学习会</div><div class='art-con'>{body}</div></div></body></html>"
    )


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_read_in_every_form(row: str) -> None:
    article = read(page(row))
    assert (article.source, article.content_type, article.published_at) == ("某司机关党委", "原创", "2021-03-04T09:05")


@pytest.mark.parametrize(("printed", "moment"), DATES.items())
@pytest.mark.parametrize(
    "row", ["来源：某司 类型：原创 {}", "<span>{}</span><span>来源：某司</span><span>类型：原创</span>"]
)
def test_a_date_is_read_in_every_form_and_never_guessed(row: str, printed: str, moment: str | None) -> None:
    article = read(page(row.format(printed)))
    assert (article.published_at, article.content_type) == (moment, "原创")


@pytest.mark.parametrize("printed", [text for text in DATES if "午" not in text and "时" not in text])
def test_listings_read_the_same_dates(printed: str) -> None:
    assert printed_moment(printed) == read_moment(printed) == DATES[printed]


@pytest.mark.parametrize("crumb", CRUMBS)
def test_a_breadcrumb_is_read_in_every_form(crumb: str) -> None:
    assert read(page(crumb=crumb)).breadcrumb == ["首页", "重要专题"]


@pytest.mark.parametrize(
    "furniture",
    [
        '<div>如有疑问，请点击<a href="/z">智能问答</a></div>',
        "<p>查看更多意见</p><p>意见分类：○建议 ○投诉 ○咨询 ○其他</p><p>发表意见建议：</p><p>验证码： 看不清？</p>",
    ],
)
def test_furniture_after_the_text_is_not_stored(furniture: str) -> None:
    assert read(page(body=f"<p>{TEXT}</p>{furniture}")).body_text == TEXT


@pytest.mark.parametrize("note", ["（发表时略有删节，标题为编者所加）", "（标题为编者所加）", "(本文发布时有删节)"])
def test_a_note_of_the_editors_stands_apart(note: str) -> None:
    article = read(page(body=f"<p>{TEXT}</p><p style='text-align: right'>{note}</p>"))
    assert (article.body_text, article.editor_note) == (TEXT, note)


def test_a_bare_link_is_the_source_also_beside_labels() -> None:
    row = '<div id="arsource"><a href="#">紫光阁</a><center>2013-11-05 12:49</center><span>类型：摘编</span></div>'
    article = read(f'<body><h4 id="artitle">春天里的学习会</h4>{row}<div id="zoom"><p>{TEXT}</p></div></body>')
    assert (article.source, article.content_type) == ("紫光阁", "摘编")
    row = '<div id="arsource">来源： 类型：摘编 2013-11-05 <a href="javascript:print()">打印</a></div>'
    article = read(f'<body><h4 id="artitle">春天里的学习会</h4>{row}<div id="zoom"><p>{TEXT}</p></div></body>')
    assert (article.source, article.content_type) == ("", "摘编")
