"""Listing pages, API shells and replies, and home pages: what a person would say they list."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from crawler.exceptions import MarkupChanged
from crawler.pages import TEMPLATES
from crawler.pages.base import ListingPage
from crawler.pages.home import column_links
from crawler.urls import Addresses
from tests.reading import HOME, response_of

ADDRESSES = Addresses.of(HOME, ["images.mofcom.gov.cn"], None)
COLUMN = f"{HOME}article/zt_x/"
HREFS = ("a/202103/20210302979191.shtml", "a/202102/20210202979192.shtml", "b/202101/20210102979193.shtml")
TITLES = ("春天里的学习会", "一间办公室的灯光", "读书札记三则")
DATES = ("2021-03-04", "2021-02-03", "2021-01-05")
SEPARATOR = '<li class="listline"></li>'
Row = tuple[str, str, str | None]
ROWS: list[Row] = [(f"{COLUMN}{href}", title, date) for href, title, date in zip(HREFS, TITLES, DATES, strict=True)]
RAIL = (
    '<ul class="txtList_01"><li><a href="/article/y/a/202103/20210302900001.shtml">别的</a>'
    "<span>2021-03-09</span></li></ul>"
)


def item(
    number: int, date: str = "<span>{}</span>", link: str = '<a href="{href}" title="{title}">{short}…</a>'
) -> str:
    title = TITLES[number]
    return f"<li>{link.format(href=HREFS[number], title=title, short=title[:4])}{date.format(DATES[number])}</li>"


def items(date: str = "<span>{}</span>", link: str = '<a href="{href}" title="{title}">{short}…</a>') -> str:
    return "".join(item(number, date, link) + SEPARATOR for number in range(3))


def t3(inside: str) -> str:
    return f'<section class="listCon"><ul class="txtList_01">{inside}</ul></section>'


def listing(page: str | bytes, headers: dict[str, str] | None = None, url: str = COLUMN) -> ListingPage:
    return TEMPLATES["mofcom"].listing(response_of(page, url, headers), ADDRESSES)


def rows(page: ListingPage) -> list[Row]:
    return [(entry.url, entry.title, entry.date) for entry in page.entries()]


PLAIN = items().replace(SEPARATOR, "")
LAYOUTS = {
    "T3": t3(items()),
    "iListCon": f'<div class="iListCon"><ul class="txtList_01 cf">{items()}</ul></div>',
    "no section": f'<div><ul class="txtList_01">{items()}</ul></div>',
    "other ul": f'<section class="listCon"><ul class="newlist">{items()}</ul></section>',
    "upper case": t3(items()).replace("section", "SECTION").replace("<li>", "<LI>").replace("<a href", "<A HREF"),
    "T2": f'<ul class="u-newsList01 f14">{PLAIN}</ul>',
    "T1": f'<div class="nav"><ul><li><a href="/article/q/">x</a></li></ul></div><div><ul>{PLAIN}</ul></div>',
    "T1 unclosed": f"<ul>{PLAIN.replace('</li>', '')}</ul>",
    "T1 nested": f"<ul><li><ul>{PLAIN}</ul></li></ul>",
    "T1 in parts": f"<div><ul>{item(0)}{item(1)}</ul><ul>{item(2)}</ul></div>",
    "policy list": f'<ul class="policy-list">{PLAIN.replace("<li>", "<li class=item>")}</ul>',
    "slide before T1": (
        '<div class="slideBox"><ul>'
        + "".join(f'<li><a href="{h}"><img src="x.jpg" alt="{t}"></a></li>' for h, t in zip(HREFS, TITLES, strict=True))
        + f"</ul></div><div><ul>{PLAIN}</ul></div>"
    ),
    "other column below": f'{t3(items())}<div class="hot">{RAIL}</div>',
    "slide above": f'<div><ul><li><a href="{HREFS[0]}"><img src="x.jpg"></a></li></ul></div>{t3(items())}',
    "pager below": f'{t3(items())}<ul class="page"><li><a href="?2">2</a></li></ul>',
    "more": t3(f'<li class="more"><a href="/x">更多</a></li>{items()}'),
    "empty class": t3(items().replace("<li>", '<li class="">')),
}
for _rail in (
    '<aside class="jgRBox">{}</aside>',
    '<section class="rColumnBox x">{}</section>',
    "<div class='rColumnBox'><div>{}</div></div>",
):
    LAYOUTS[f"{_rail} before"] = _rail.format(RAIL) + t3(items())
    LAYOUTS[f"{_rail} after"] = t3(items()) + _rail.format(RAIL)
    LAYOUTS[f"{_rail} inside"] = (
        f'<section class="listCon">{_rail.format(RAIL)}<ul class="txtList_01">{items()}</ul></section>'
    )


@pytest.mark.parametrize("page", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_the_columns_own_entries_are_listed(page: str) -> None:
    assert rows(listing(f"<html><body>{page}</body></html>")) == ROWS


@pytest.mark.parametrize(
    "date",
    [
        *("<span>{}</span>", "<span>[{}]</span>", "<em>{}</em>", "<i>({})</i>", " {}", "<div>{}</div>"),
        "<script>document.write('{}')</script>",
        '<span><script>var tm = "{}"; document.write(tm.substring(0, 10));</script></span>',
        "<p>2020年5月1日，大家来到社区。</p><span>{}</span>",
        "<span>{}</span><p>2020年5月1日，大家来到社区。</p>",
    ],
)
def test_a_date_is_found_where_it_is_printed(date: str) -> None:
    assert rows(listing(t3(items(date)))) == ROWS


@pytest.mark.parametrize(
    "link",
    [
        '<a href="{href}" title="{title}"><img src="x.jpg"></a>',
        '<a href="{href}"><img src="x.jpg"></a><a href="{href}" title="{title}">{short}</a>',
        '<a href="{href}"><img src="x.jpg" alt="{title}"></a>',
        '<a href="/article/zt_x/">[专题]</a><a href="{href}" title="{title}">{short}</a>',
        '<h4><a href="{href}">{title}</a></h4>',
        '<a href="{href}"><b>{title}</b></a>',
    ],
)
def test_an_entry_is_named_by_its_full_title(link: str) -> None:
    assert rows(listing(t3(items(link=link)))) == ROWS


def test_a_date_inside_the_link_is_not_part_of_the_title() -> None:
    page = t3("".join(f'<li><a href="{HREFS[n]}">{TITLES[n]}<span>{DATES[n]}</span></a></li>' for n in range(3)))
    assert rows(listing(page)) == ROWS


@pytest.mark.parametrize(
    ("markup", "date"),
    [
        ("<span>2021-03-04 09:05:03</span>", "2021-03-04T09:05:03"),
        ("<span>2021年3月4日</span>", "2021-03-04"),
        ("<span>2021/3/4</span>", "2021-03-04"),
        ("<span>2021.03.04</span>", "2021-03-04"),
        ("<span>二〇二一年三月四日</span>", "2021-03-04"),
        ("<span>［２０２１-０３-０４］</span>", "2021-03-04"),
        ("<span>[03-04]</span>", None),
        ("<span>2021-02-31</span>", None),
        ("", None),
    ],
)
def test_no_year_is_guessed(markup: str, date: str | None) -> None:
    assert rows(listing(t3(f'<li><a href="{HREFS[0]}">{TITLES[0]}</a>{markup}</li>'))) == [(*ROWS[0][:2], date)]


def test_a_date_in_the_title_is_the_last_resort() -> None:
    page = t3(f'<li><a href="{HREFS[0]}" title="关于2021年3月4日学习的通知">关于…</a></li>')
    assert rows(listing(page)) == [(ROWS[0][0], "关于2021年3月4日学习的通知", "2021-03-04")]


@pytest.mark.parametrize(
    ("href", "url", "kind"),
    [
        ("/article/zt_x/1.shtml", f"{COLUMN}1.shtml", "article"),
        ("https://jgdw.mofcom.gov.cn/article/zt_x/1.shtml", f"{COLUMN}1.shtml", "article"),
        ("http://www.example.gov.cn/a.html", "http://www.example.gov.cn/a.html", "external"),
        ("http://other.mofcom.gov.cn/a.shtml", "http://other.mofcom.gov.cn/a.shtml", "external"),
        ("http://images.mofcom.gov.cn/x/1.pdf", "http://images.mofcom.gov.cn/x/1.pdf", "attachment"),
        ("/cms_files/oldfile//x/1.doc", f"{HOME}cms_files/oldfile//x/1.doc", "attachment"),
        ("mailto:a@b.cn", "mailto:a@b.cn", "external"),
        *((nothing, "about:blank#题", "excluded") for nothing in ("", "#", "javascript:void(0)", "http://[")),
    ],
)
def test_where_an_entry_leads(href: str, url: str, kind: str) -> None:
    [entry] = listing(t3(f'<li><a href="{href}" title="题">题</a></li>')).entries()
    assert (entry.url, entry.kind) == (url, kind)


@pytest.mark.parametrize("rail", ["", f"<aside>{RAIL}</aside>", f"<div>{RAIL}</div>"])
def test_a_page_past_the_end_lists_nothing(rail: str) -> None:
    assert rows(listing(t3("") + rail, url=f"{COLUMN}?9")) == []


def test_a_plain_list_past_the_end_lists_nothing() -> None:
    page = f'<ul class="nav"><li><a href="/">首页</a></li></ul>{"<div><ul>{}</ul></div>"}<aside>{RAIL}</aside>'
    assert rows(listing(page.format(PLAIN))) == ROWS
    assert (
        rows(
            TEMPLATES["mofcom"]
            .listing(response_of(page.format(PLAIN), COLUMN), ADDRESSES)
            .read(response_of(page.format(""), f"{COLUMN}?9"))
        )
        == []
    )


@pytest.mark.parametrize("texts", [0, 1])
def test_photo_columns(texts: int) -> None:
    cell = (
        '<td><p><a href="{0}" title="{1}"><img src="x.jpg"></a></p></td>',
        '<td><p><a href="{0}"><img src="x.jpg"></a></p><p><a href="{0}">{1}</a></p></td>',
    )[texts]
    page = f'<table class="category"><tr>{"".join(map(cell.format, HREFS, TITLES))}</tr></table>'
    assert rows(listing(page)) == [(url, title, None) for url, title, _ in ROWS]


@pytest.mark.parametrize("label", ["utf-8", "gb2312", "iso-8859-1"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("place", ["header", "meta"])
def test_the_bytes_decide_whatever_the_label_says(label: str, encoding: str, place: str) -> None:
    meta = f'<meta charset="{label}">' if place == "meta" else ""
    page = f"<html><head>{meta}</head><body>{t3(items())}</body></html>".encode(encoding)
    kind = f"text/html; charset={label}" if place == "header" else "text/html"
    assert rows(listing(page, {"Content-Type": kind})) == ROWS


API = "/api-gateway/jpaas-publish-server/front/page/build/unit"


def query(tag: str = "分页列表", page: str = "c9", quote: str = "'") -> str:
    values = {"parseType": "bulidstatic", "webId": "w1", "tplSetId": "t1", "pageType": "column", "tagId": tag}
    pairs = (values | {"editType": "null", "pageId": page}).items()
    return "{" + ",".join(f"{quote}{key}{quote}:{quote}{value}{quote}" for key, value in pairs) + "}"


def unit(data: str, delimiter: str = '"') -> str:
    return f'<script src="/x/unitbuild.js" url="{API}" queryData={delimiter}{data}{delimiter}></script>'


def shell(body: str, head: str = '<meta name="ColId" content="c9">') -> ListingPage:
    page = f"<html><head>{head}</head><body>{body}</body></html>"
    return listing(page, {"Content-Type": "text/html"}, f"{HOME}zyzt/index.html")


SHELLS = {
    "plain": shell(unit(query())),
    "double quotes": shell(unit(query(quote='"'), "'")),
    "entities": shell(unit(query(quote="&quot;"))),
    "bare words": shell(unit(query(quote=""))),
    "bare attribute": shell(unit(query(), "")),
    "spaces": shell(unit(query().replace(":", " : ").replace(",", ",\n "))),
    "null": shell(unit(query().replace("'null'", "null"))),
    "escaped": shell(unit(query("%E5%88%86%E9%A1%B5%E5%88%97%E8%A1%A8"))),
    "rail before": shell(f'<aside class="jgRBox">{unit(query(page="c7"))}</aside>{unit(query())}'),
    "rail of this column": shell(f'<aside class="jgRBox">{unit(query("信息列表"))}</aside>{unit(query())}'),
    "rail without ColId": shell(f'<div class="rColumnBox">{unit(query(page="c7"))}</div>{unit(query())}', ""),
    "other units": shell("".join(map(unit, map(query, ("导航", "当前位置", "分页列表", "栏目列表"))))),
    "both tags": shell(unit(query("信息列表")) + unit(query())),
    "without pageId": shell(unit(query().replace(",'pageId':'c9'", ""))),
    "other host": shell(unit(query()).replace('url="', 'url="http://www.mofcom.gov.cn')),
}


@pytest.mark.parametrize("page", SHELLS.values(), ids=SHELLS.keys())
def test_a_shell_names_its_api(page: ListingPage) -> None:
    parts = urlsplit(page.address(2))
    found = {key: values[0] for key, values in parse_qs(parts.query).items()}
    assert (page.is_shell, f"{parts.scheme}://{parts.netloc}/", parts.path) == (True, HOME, API)
    assert (found["tagId"], found["pageId"], found["webId"]) == ("分页列表", "c9", "w1")
    assert json.loads(found["paramJson"]) == {"pageNo": 2, "pageSize": 15}
    assert found["parseType"] == "bulidstatic"


def test_a_shell_may_call_its_list_otherwise() -> None:
    assert "tagId=%E4%BF%A1%E6%81%AF%E5%88%97%E8%A1%A8&" in shell(unit(query("信息列表"))).address(1)


def test_a_column_rendered_into_the_page_is_no_shell_of_another() -> None:
    page = shell(f'{unit(query("信息列表", page="c7"))}<ul class="policy-list">{T4_ITEMS}</ul>')
    assert (page.is_shell, rows(page)) == (False, T4_ROWS)


T4_ROWS: list[Row] = [(f"{HOME}zyzt/a/art/2021/art_{str(n) * 32}.html", TITLES[n], DATES[n]) for n in range(3)]
T4_ITEMS = "".join(
    f'<li><a href="{url.removeprefix(HOME[:-1])}" title="{title}">x</a><span>[{date}]</span></li>{SEPARATOR}'
    for url, title, date in T4_ROWS
)
PAGING = (
    '<div class="pagination" rows="15" count="48" pageNo="1"><ul><li><a href="javascript:;">下一页</a></li></ul></div>'
)


def reply(html: str, **changes: object) -> str:
    return json.dumps({"code": "200", "success": True, "data": {"html": html}} | changes)


@pytest.mark.parametrize(
    "body",
    [
        reply(f'<ul class="txtList_01">{T4_ITEMS}</ul>{PAGING}'),
        reply(f"<div><ul>{T4_ITEMS}</ul>{PAGING}</div>", code=200),
        reply(f"<ul>{T4_ITEMS}</ul>{PAGING}", success="true"),
        "\ufeff" + reply(f"<ul>{T4_ITEMS}</ul>{PAGING}"),
    ],
)
@pytest.mark.parametrize("kind", ["application/json", "text/html", "text/plain"])
def test_a_reply_brings_entries_and_the_total(body: str, kind: str) -> None:
    page = SHELLS["plain"].read(response_of(body, f"{HOME}{API[1:]}", {"Content-Type": kind}))
    assert (rows(page), page.declared(), page.last_page()) == (T4_ROWS, 48, 4)


def test_a_reply_may_lack_paging_and_entries() -> None:
    for html, found in ((f"<ul>{T4_ITEMS}</ul>", T4_ROWS), ("<ul></ul>", []), ("", []), (" ", [])):
        page = SHELLS["plain"].read(response_of(reply(html), f"{HOME}{API[1:]}"))
        assert (rows(page), page.declared(), page.last_page()) == (found, None, None)


@pytest.mark.parametrize(
    "body",
    [
        "<html><body>错误</body></html>",
        "[]",
        json.dumps({"code": "500", "success": False, "message": "x", "data": None}),
        json.dumps({"code": "200", "success": True, "data": "x"}),
        reply("<ul></ul>", success=False),
        reply("<ul></ul>", code="500"),
    ],
)
def test_an_error_is_no_empty_list(body: str) -> None:
    with pytest.raises(MarkupChanged):
        SHELLS["plain"].read(response_of(body, f"{HOME}{API[1:]}"))


@pytest.mark.parametrize(
    "page",
    [
        '<nav><a href="/a/">重要专题</a></nav>',
        '<div class="menu"><a href="/a/">重&nbsp;要　专 题</a></div>',
        '<ul class="nav"><li><a href="#x">机关党建</a><ul><li><a href="/a/">重要专题</a></li></ul></li></ul>',
        '<nav><a href="/a/"><span>重要</span><span>专题</span></a></nav>',
        '<div class="b"><a href="/b/">重要专题</a></div><nav><a href="/a/">重要专题</a></nav>',
        '<footer><a href="/b/">重要专题</a></footer><div><a href="/a/">重要专题</a></div>',
        '<footer><a href="/a/">重要专题</a></footer>',
        '<div><h3>重 要 专 题</h3><a href="/a/">更多&gt;&gt;</a><ul><li><a href="/x.html">文章</a></li></ul></div>',
        '<div><div><span>重要专题</span><span><a href="/a/">More+</a></span></div></div>',
        '<div><a href="/a/">更多</a><h2>重要专题</h2></div><div><a href="/b/">更多</a><h2>别的</h2></div>',
        '<div><a href="/a/"><img src="x.png" alt="重要专题"></a></div>',
        '<div><a href="/a/"><img src="x.png" title="重 要 专 题"></a></div>',
        '<div><a href="/a/" title="重要专题"><img src="x.png"></a></div>',
        '<map><area href="/a/" alt="重要专题"></map>',
        '<div><a href="/a/">· 重要专题</a></div>',
        '<div><a href="/a/">【重要专题】</a></div>',
        '<div><a href="/a/">重要专题 更多&gt;&gt;</a></div>',
        "<nav><li onclick=\"location.href='/a/'\">重要专题</li></nav>",
    ],
)
def test_a_column_is_found_by_its_name(page: str) -> None:
    assert next(column_links(response_of(f"<body>{page}</body>", HOME), "重要专题"), None) == "/a/"


def test_a_link_that_only_begins_with_the_name_is_another() -> None:
    page = '<body><a href="/a/">重要专题讲座举行</a><a href="/b/">重要</a><p>重要专题</p></body>'
    assert list(column_links(response_of(page, HOME), "重要专题")) == []


def test_every_link_of_that_name_is_offered() -> None:
    page = '<body><nav><a href="#">重要专题</a></nav><div><a href="/a/">重要专题</a></div></body>'
    assert list(column_links(response_of(page, HOME), "重要专题")) == ["#", "/a/"]
