"""Other committees' publishing systems: TRS WCM and Hanweb jcms, telling the same stories as the main site."""

import re
from dataclasses import replace
from html import escape
from urllib.parse import parse_qs

from tests.replica import chrome
from tests.replica.article_parts import ArticleView, body, government_meta, heading, printed_time
from tests.replica.content import Story
from tests.replica.listings import entry_html
from tests.replica.model import ReplicaColumn

PROXY = "/module/web/jpage/dataproxy.jsp"
UNIT, WEB = "90210", "7"
_PER_PAGE = 15


def is_in_parts(view_form: str, index: int) -> bool:
    """Whether TRS prints article ``index`` over two pages; one in an iframe stays whole."""
    return index % 7 == 3 and view_form != "iframe"


def part_path(path: str) -> str:
    """Where the second part of an article lies."""
    stem, dot, ending = path.rpartition(".")
    return f"{stem}_1{dot}{ending}"


def _part(story: Story, number: int) -> Story:
    """The first (0) or second half of a story; a closing byline stays with its paragraph."""
    blocks = story.blocks
    cut = next((n for n in range(len(blocks) // 2, len(blocks)) if blocks[n].kind == "text"), len(blocks) - 1)
    cut = max(1, cut)
    return replace(story, blocks=blocks[:cut], editor_note="") if number == 0 else replace(story, blocks=blocks[cut:])


def trs_article(view: ArticleView, number: int = 0) -> str:
    """One page of an article of TRS."""
    story = view.story
    parts = 2 if is_in_parts(view.form("body"), story.index) else 1
    shown = replace(view, story=_part(story, number)) if parts > 1 else view
    name = view.path.rpartition("/")[2].removesuffix(".html")
    container = f'<div class="TRS_Editor">\n{body(shown)}\n</div>'
    if story.index % 2:
        container = f'<div class="article_con">{container}</div>'
    pager = f'<div class="fenye"><script>createPageHTML({parts}, {number}, "{name}", "html");</script></div>'
    return _page(view, f"{container}\n{pager}")


def jcms_article(view: ArticleView) -> str:
    """An article of jcms; its text stands between two meta tags."""
    container = 'id="zoom"' if view.story.index % 2 else 'class="main-txt"'
    inner = f'<meta name="ContentStart">\n{body(view)}\n<meta name="ContentEnd">'
    return _page(view, f"<div {container}>{inner}</div>")


def _page(view: ArticleView, container: str) -> str:
    story = view.story
    row = f"来源：{escape(story.source)} 类型：{story.content_type} 发布时间：{printed_time(story)}"
    row += f" 浏览次数：{chrome.VISITS}"
    tools = chrome.tools(view.form("tools"), view.older, view.newer)
    html = (
        f"{view.navigation}\n{chrome.breadcrumb(view.column, view.form('crumb'))}\n<div class='main'>{heading(view)}"
        f'<div class="info-row">{row}</div>\n{container}\n{tools}\n{view.rail}</div>\n{chrome.footer()}'
    )
    head = government_meta(view, view.form("government-meta"))
    return chrome.page(head, html, story.full_title, view.charset)


def trs_listing(column: ReplicaColumn, number: int, size: int, navigation: str, rail: str, base_url: str) -> str | None:
    """Page ``number`` (from 1) of a column; None past its end."""
    last = max(1, -(-len(column.entries) // size))
    if number > last:
        return None
    shown = column.entries[(number - 1) * size : number * size]
    items = "\n".join(entry_html(entry, column.path, base_url) for entry in shown)
    items = re.sub(r'href="((?:\w+/)?\d{6}/t)', r'href="./\1', items)
    pager = f'<script>createPageHTML({last}, {number - 1}, "index", "html");</script>'
    slides = chrome.slides([entry for entry in column.entries[:2] if entry.kind == "article"]) if number == 1 else ""
    main = (
        f'{chrome.breadcrumb(column, "label")}{slides}<ul class="list">\n{items}\n</ul><div class="page">{pager}</div>'
    )
    return _listing(column, main, navigation, rail)


def jcms_listing(column: ReplicaColumn, navigation: str, rail: str, base_url: str) -> str:
    """The column's page: the first records, and where the others come from."""
    records = datastore(column, 1, 3 * _PER_PAGE, base_url)
    script = f'$("#{UNIT}").jpage({{perPage:{_PER_PAGE},totalRecord:{len(column.entries)}}});'
    main = (
        f'{chrome.breadcrumb(column, "label")}<div id="{UNIT}"><script type="text/xml">{records}</script></div>'
        f"<script>{script}</script>"
    )
    return _listing(column, main, navigation, rail)


def _listing(column: ReplicaColumn, main: str, navigation: str, rail: str) -> str:
    html = f'{navigation}\n<div class="main">{main}\n{rail}</div>\n{chrome.footer()}'
    return chrome.page("", html, f"{column.name}-{chrome.SITE_NAME}")


def column_number(column: ReplicaColumn) -> str:
    """The column's number in jcms."""
    return str(int.from_bytes(column.folder.encode(), "big") % 90_000 + 10_000)


def datastore(column: ReplicaColumn, start: int, end: int, base_url: str) -> str:
    """Records ``start`` to ``end`` of a column."""
    query = f"page=1&webid={WEB}&path=/&columnid={column_number(column)}&unitid={UNIT}&webname=x&permissiontype=0"
    records = "".join(
        f"<record><![CDATA[{entry_html(entry, column.path, base_url)}]]></record>"
        for entry in column.entries[start - 1 : end]
    )
    return (
        f'<datastore><nextgroup><![CDATA[<a href="{PROXY}?{escape(query)}"></a>]]></nextgroup>'
        f"<totalrecord>{len(column.entries)}</totalrecord><recordset>\n{records}</recordset></datastore>"
    )


def proxy_reply(columns: list[ReplicaColumn], query: str, base_url: str) -> str | None:
    """What dataproxy.jsp answers; None where the query is not understood."""
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    column = next((c for c in columns if column_number(c) == asked.get("columnid")), None)
    right = asked.get("unitid") == UNIT and asked.get("webid") == WEB and asked.get("perpage") == str(_PER_PAGE)
    numbers = asked.get("startrecord", ""), asked.get("endrecord", "")
    if column is None or not right or not all(number.isdigit() for number in numbers):
        return None
    return f'<?xml version="1.0" encoding="UTF-8"?>{datastore(column, int(numbers[0]), int(numbers[1]), base_url)}'
