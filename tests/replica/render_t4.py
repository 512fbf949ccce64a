"""Generation T4: articles, the empty shell of a column, and the interface that fills it."""

import json
from html import escape
from urllib.parse import parse_qs

from tests.replica import chrome
from tests.replica.article_parts import ArticleView, after_body, body, government_meta, heading
from tests.replica.listings import entry_html
from tests.replica.model import ReplicaColumn

API = "/api-gateway/jpaas-publish-server/front/page/build/unit"
WEB_ID = "5a1c0f6be2d94b0f8e7d3c2b1a098f7e"
TEMPLATE_ID = "c3d2b1a0f9e84d7c6b5a493827160f5e"
TAGS = ("分页列表", "信息列表")


def page_id(column: ReplicaColumn) -> str:
    """The column's number in the publishing system."""
    return str(int.from_bytes(column.folder.encode(), "big") % 900_000 + 100_000)


def tag_id(column: ReplicaColumn) -> str:
    """What the template calls the list of this column."""
    return TAGS[int(page_id(column)) % 2]


def article_page(view: ArticleView) -> str:
    """The whole page; every one has the meta tags and a static meta row."""
    story = view.story
    form = view.form("government-meta")
    head = government_meta(view, "full" if form == "none" else form)
    head += f'\n<meta name="ColId" content="{page_id(view.column)}"><meta name="WebId" content="{WEB_ID}">'
    time = f"{story.published:%Y-%m-%d}" if story.precision == "day" else f"{story.published:%Y-%m-%d %H:%M}"
    row = f"来源：{escape(story.source)} 类型：{story.content_type} {time}"
    container = f'<div class="art-con" ergodic="article">\n{body(view)}\n</div>'
    if view.form("nesting") == "double":
        container = f'<div class="art-con art-con-bottonmLine">{container}</div>'
    main = (
        f'<article class="article-box"><div class="art-info"><div class="at-left">{row}</div></div>\n'
        f"{heading(view)}\n{container}\n{after_body(view)}</article>"
    )
    html = (
        f"{view.navigation}\n{chrome.breadcrumb(view.column, view.form('crumb'))}\n"
        f'<div class="main">{main}\n{view.rail}</div>\n{chrome.footer()}'
    )
    return chrome.page(head, html, story.full_title)


def _unit_script(column: ReplicaColumn) -> str:
    query = {
        "parseType": "bulidstatic",  # sic
        "webId": WEB_ID,
        "tplSetId": TEMPLATE_ID,
        "pageType": "column",
        "tagId": tag_id(column),
        "editType": "null",
        "pageId": page_id(column),
    }
    data = "{" + ",".join(f"'{name}':'{value}'" for name, value in query.items()) + "}"
    return f'<script async src="/script/web/unitbuild.js" url="{API}" queryData="{data}"></script>'


def column_page(column: ReplicaColumn, navigation: str, rail: str, base_url: str, beside: ReplicaColumn) -> str:
    """The shell of a column, or its whole list where it is not listed through the interface.

    ``beside``: another column, whose list the page's rail loads through the same interface.
    """
    head = f'<meta name="ColumnName" content="{column.name}"><meta name="ColId" content="{page_id(column)}">'
    if column.from_api:
        inner = f'<div class="list-box">{_unit_script(column)}</div>'
    else:
        items = "\n".join(entry_html(entry, column.path, base_url) for entry in column.entries)
        inner = f'<ul class="policy-list">\n{items}\n</ul>'
    main = (
        f'{chrome.breadcrumb(column, "links")}<section class="{column.box}"><h2>{column.name}</h2>{inner}</section>'
        f'<aside class="jgRBox"><h3>{beside.name}</h3>{_unit_script(beside)}</aside>'
    )
    html = f'{navigation}\n<div class="main">{main}\n{rail}</div>\n{chrome.footer()}'
    return chrome.page(head, html, f"{column.name}-{chrome.SITE_NAME}")


def unit_reply(columns: list[ReplicaColumn], query: str, base_url: str) -> str:
    """What the interface answers to a query: one page of a column's list, as JSON holding HTML."""
    asked = {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}
    column = next((c for c in columns if c.from_api and page_id(c) == asked.get("pageId")), None)
    try:
        paging = json.loads(asked.get("paramJson", "{}"))
        number, size = int(paging.get("pageNo", 1)), int(paging.get("pageSize", 15))
    except (ValueError, AttributeError, TypeError):
        column, number, size = None, 1, 15
    fixed = {"parseType": "bulidstatic", "webId": WEB_ID, "tplSetId": TEMPLATE_ID, "pageType": "column"}
    right = all(asked.get(name) == value for name, value in fixed.items())
    if column is None or not right or asked.get("tagId") != tag_id(column) or number < 1 or size < 1:
        return json.dumps({"code": "500", "success": False, "message": "参数错误", "data": None}, ensure_ascii=False)
    shown = column.entries[(number - 1) * size : number * size]
    items = "\n".join(entry_html(entry, column.path, base_url) for entry in shown)
    html = (
        f'<ul class="txtList_01">\n{items}\n</ul>\n'
        f'<div class="pagination" rows="{size}" count="{len(column.entries)}" pageNo="{number}"></div>'
    )
    return json.dumps({"code": "200", "success": True, "data": {"html": html}}, ensure_ascii=False)
