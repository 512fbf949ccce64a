"""Other committees' systems: TRS WCM and Hanweb jcms, listings and articles."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from crawler.exceptions import MarkupChanged
from crawler.pages import TEMPLATES
from crawler.pages.base import ListingPage
from tests.reading import HOME, read, response_of
from tests.test_listings import ADDRESSES

TITLES = ("春天里的学习会", "一间办公室的灯光", "读书札记三则")
DATES = ("2021-03-04", "2021-02-03", "2021-01-05")
TEXT = (
    "清晨的阳光照进会议室，几位同志已经围坐在一起，翻开了昨天没有读完的那一本小册子。",
    "大家轮流发言，讲自己的体会，也讲身边人的故事；说到动情处，笔记本翻过了一页又一页。",
)
COLUMN = f"{HOME}dj/zt/"


def listing(template: str, page: str, url: str = COLUMN) -> ListingPage:
    return TEMPLATES[template].listing(response_of(f"<html><body>{page}</body></html>", url), ADDRESSES)


def rows(page: ListingPage) -> list[tuple[str, str, str | None]]:
    return [(entry.url, entry.title, entry.date) for entry in page.entries()]


TRS_HREFS = ("./202103/t20210304_501.html", "./202102/t20210203_402.html", "../xx/202101/t20210105_303.shtml")
TRS_ROWS = [
    (f"{HOME}dj/zt/202103/t20210304_501.html", TITLES[0], DATES[0]),
    (f"{HOME}dj/zt/202102/t20210203_402.html", TITLES[1], DATES[1]),
    (f"{HOME}dj/xx/202101/t20210105_303.shtml", TITLES[2], DATES[2]),
]
TRS_ITEMS = "".join(
    f'<li><a href="{h}" title="{t}">{t[:4]}…</a><span>{d}</span></li>'
    for h, t, d in zip(TRS_HREFS, TITLES, DATES, strict=True)
)
PAGER = '<div class="page"><script>createPageHTML(4, 0, "index", "html");</script></div>'


@pytest.mark.parametrize(
    "page",
    [
        f'<ul class="list">{TRS_ITEMS}</ul>',
        f"<ul>{TRS_ITEMS[: TRS_ITEMS.index('</li>') + 5]}</ul><ul>{TRS_ITEMS[TRS_ITEMS.index('</li>') + 5 :]}</ul>",
        f"<dl>{TRS_ITEMS.replace('li>', 'dd>')}</dl>",
        f"<table>{TRS_ITEMS.replace('<li>', '<tr><td>').replace('</li>', '</td></tr>')}</table>",
        f"<aside><ul>{TRS_ITEMS.replace('t2021', 't2020') * 3}</ul></aside><ul>{TRS_ITEMS}</ul>",
        '<div class="slideBox"><ul><li><a href="./202103/t20210304_501.html"><img src="x.jpg"></a></li></ul></div>'
        f"<ul>{TRS_ITEMS}</ul>",
        f'<ul><li><a href="../">上级</a></li></ul><ul>{TRS_ITEMS}</ul>',
    ],
)
def test_trs_lists(page: str) -> None:
    found = listing("trs", f"{page}{PAGER}")
    assert rows(found) == TRS_ROWS
    assert (found.last_page(), found.tells_last_page, found.address(1)) == (4, True, COLUMN)
    assert found.address(2) == f"{COLUMN}index_1.html"


def test_trs_names_of_pages() -> None:
    page = listing(
        "trs", f"<ul>{TRS_ITEMS}</ul><script>createPageHTML( 2,0,'list','shtml' )</script>", COLUMN + "list.shtml"
    )
    assert page.address(2) == f"{COLUMN}list_1.shtml"
    bare = listing("trs", f"<ul>{TRS_ITEMS}</ul>")
    assert (bare.tells_last_page, bare.last_page(), bare.address(3)) == (False, None, f"{COLUMN}index_2.html")
    with pytest.raises(MarkupChanged):
        listing("trs", "<ul><li><a href='/a.html'>x</a></li></ul>")


META = (
    '<meta name="ArticleTitle" content="春天里的学习会"><meta name="PubDate" content="2021-03-04 09:05">'
    '<meta name="ContentSource" content="某司机关党委">'
)
TRS_PAGES = [
    '<div class="TRS_Editor"><style>.TRS_Editor P{line-height:2}</style>{}</div>',
    '<div class="trs_editor_view TRS_UEDITOR trs_paper_default">{}</div>',
    '<div class="article_con"><div class="TRS_Editor"><div class="Custom_UnionStyle">{}</div></div></div>',
    '<div class="article_con">{}</div>',
]


@pytest.mark.parametrize("container", TRS_PAGES)
def test_trs_articles(container: str) -> None:
    text = "".join(f"<p>　　{text}</p>" for text in TEXT) + (
        '<p><img src="./W020210304.jpg"></p><p>附件：<a href="./P020210304.pdf">安排表.pdf</a></p>'
    )
    page = (
        f"<html><head>{META}</head><body><div class='nav'>首页 &gt; 重要专题</div><h2>春天里的学习会</h2>"
        f"{container.replace('{}', text)}<div><script>createPageHTML(1,0,'t20210304_501','html')</script></div></body>"
        "</html>"
    )
    article = read(page, TRS_ROWS[0][0], template="trs")
    assert article.body_text == "\n".join([*TEXT, "附件：安排表.pdf"])
    assert (article.title, article.source, article.published_at) == (TITLES[0], "某司机关党委", "2021-03-04T09:05")
    assert [image.url for image in article.images] == [f"{HOME}dj/zt/202103/W020210304.jpg"]
    assert [file.url for file in article.attachments] == [f"{HOME}dj/zt/202103/P020210304.pdf"]
    assert (article.breadcrumb, article.extractor) == (["首页", "重要专题"], "trs@1")


JCMS_COLUMN = f"{HOME}col/col77/index.html"
JCMS_HREFS = ("/art/2021/3/4/art_77_501.html", "/art/2021/2/3/art_77_402.html", "/art/2021/1/5/art_77_303.html")
JCMS_ROWS = [(f"{HOME[:-1]}{h}", t, d) for h, t, d in zip(JCMS_HREFS, TITLES, DATES, strict=True)]
LIS = [f'<li><a href="{h}" title="{t}">{t[:4]}</a><span>{d}</span></li>' for h, t, d in JCMS_ROWS]
PROXY = "/module/web/jpage/dataproxy.jsp?page=1&amp;appid=1&amp;webid=3&amp;path=/&amp;columnid=77&amp;unitid=9"


def datastore(records: str, total: int = 48) -> str:
    return (
        f'<datastore><nextgroup><![CDATA[<a href="{PROXY}"></a>]]></nextgroup><totalrecord>{total}</totalrecord>'
        f"<totalpage>4</totalpage><recordset>{records}</recordset></datastore>"
    )


RECORDS = {
    "cdata": "".join(f"<record><![CDATA[{li}]]></record>" for li in LIS),
    "rows": "".join(f"<record><![CDATA[<tr><td>{li[4:-5]}</td></tr>]]></record>" for li in LIS),
    "escaped": "".join(
        f"<record>{li.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')}</record>" for li in LIS
    ),
    "one record": f"<record><![CDATA[{''.join(LIS)}]]></record>",
}


@pytest.mark.parametrize("records", RECORDS.values(), ids=RECORDS.keys())
@pytest.mark.parametrize("around", ['<div id="9"><script type="text/xml">{}</script></div>', "<div>{}</div>"])
def test_jcms_records(records: str, around: str) -> None:
    page = listing(
        "jcms", around.replace("{}", datastore(records)) + "<script>jpage({perPage:15})</script>", JCMS_COLUMN
    )
    assert rows(page) == JCMS_ROWS
    assert (page.declared(), page.tells_last_page, page.is_shell) == (48, True, False)
    query = dict(parse_qsl(urlsplit(page.address(2)).query))
    count = 3 if "</record><record>" in records else 1
    assert query == {
        "startrecord": str(count + 1),
        "endrecord": str(2 * count),
        "perpage": "15",
        "columnid": "77",
        "unitid": "9",
        "webid": "3",
    }
    assert page.last_page() == 48 // count


@pytest.mark.parametrize("kind", ["text/xml", "text/html", "application/xml"])
def test_jcms_replies(kind: str) -> None:
    page = listing(
        "jcms", f"<script>var columnid='77',unitid=\"9\", webid : 3;</script>{PROXY.split('?')[0]}", JCMS_COLUMN
    )
    assert (page.is_shell, page.entries()) == (True, [])
    assert page.address(1).endswith("startrecord=1&endrecord=45&perpage=15&columnid=77&unitid=9&webid=3")
    reply = page.read(
        response_of(
            f"<?xml version='1.0' encoding='UTF-8'?>{datastore(RECORDS['cdata'])}",
            page.address(1),
            {"Content-Type": kind},
        )
    )
    assert (rows(reply), reply.declared(), reply.last_page()) == (JCMS_ROWS, 48, 2)
    assert rows(page.read(response_of(datastore(""), page.address(9), {"Content-Type": kind}))) == []
    with pytest.raises(MarkupChanged):
        page.read(response_of("<html><body>错误</body></html>", page.address(2))).entries()


@pytest.mark.parametrize(
    "body",
    [
        '<div id="zoom">{}</div>',
        '<div class="main-txt">{}</div>',
        '<div id="zoom"><p>打印本页</p><meta name="ContentStart">{}<meta name="ContentEnd"><p>访问量统计，谢谢。</p>',
        '<div><div>访问量</div><meta name="ContentStart"><div>{}</div><meta name="ContentEnd"><p>上篇</p></div>',
    ],
)
def test_jcms_articles(body: str) -> None:
    text = "".join(f"<p>　　{text}</p>" for text in TEXT)
    page = (
        f"<html><head>{META}</head><body><div>当前位置：首页 &gt; 重要专题</div><h1>春天里的学习会</h1>"
        f"<p>发布日期：2021-03-04 09:05 来源：某司机关党委 浏览次数：7</p>{body.replace('{}', text)}</body></html>"
    )
    article = read(page, JCMS_ROWS[0][0], template="jcms")
    assert article.body_text == "\n".join(TEXT)
    assert (article.title, article.source, article.published_at) == (TITLES[0], "某司机关党委", "2021-03-04T09:05")
    assert (article.breadcrumb, article.extractor) == (["首页", "重要专题"], "jcms@1")


def test_a_text_written_in_several_editors_is_one_text() -> None:
    editors = (
        f'<div class="TRS_Editor"><p>{TEXT[0]}</p><p>{TEXT[1]}</p></div><table><tr><td>单位</td><td>户数</td></tr>'
        '</table><p><img src="./W020210304.jpg"></p><div class="TRS_Editor"><p>（研究院 邵明）</p></div>'
    )
    page = f"<body><h2>{TITLES[0]}</h2><div>2021-03-04 09:05</div><div class='article_con'>{editors}</div></body>"
    article = read(page, f"{COLUMN}202103/t20210304_501.html", template="trs")
    assert article.body_text.split("\n") == [*TEXT, "单位\t户数"]
    assert (article.unit, article.author) == ("研究院", "邵明")
    assert [image.url for image in article.images] == [f"{COLUMN}202103/W020210304.jpg"]
