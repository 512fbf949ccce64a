"""Home page and listing pages of the generations before T4; the entries of every generation."""

import posixpath
from collections.abc import Iterable, Sequence
from html import escape

from tests.replica import chrome
from tests.replica.model import Entry, ReplicaColumn


def listed_date(entry: Entry) -> str | None:
    """The date an entry prints, as ISO 8601; None where it prints none."""
    if entry.date_form == "absent":
        return None
    return entry.date.replace(" ", "T") if entry.date_form == "seconds" else entry.date[:10]


def href(entry: Entry, column_path: str, base_url: str) -> str:
    """The address of an entry as the listing at ``column_path`` prints it."""
    if entry.href is not None:
        return entry.href
    if entry.link_form == "relative":
        return posixpath.relpath(entry.path, posixpath.dirname(column_path))
    prefix = {
        "host": base_url.rstrip("/"),
        "official-http": f"http://{chrome.OFFICIAL_HOST}",
        "official-https": f"https://{chrome.OFFICIAL_HOST}",
    }.get(entry.link_form, "")
    return prefix + entry.path


def entry_html(entry: Entry, column_path: str, base_url: str) -> str:
    """One ``li``."""
    title = escape(entry.title)
    attribute = "" if entry.text_form == "untitled" else f' title="{title}"'
    text = f"{escape(entry.title[:14])}…" if entry.text_form == "cut" else title
    link = f'<a href="{escape(href(entry, column_path, base_url))}"{attribute} target="_blank">{text}</a>'
    day = entry.date[:10]
    date = {
        "day": f"<span>{day}</span>",
        "seconds": f"<span>{entry.date}</span>",
        "bracket": f"<span>[{day}]</span>",
        "script": f'<script>document.write("{day}");</script>',
    }.get(entry.date_form, "")
    return f"<li>{link}{date}</li>"


def listing_page(column: ReplicaColumn, number: int, size: int, navigation: str, rail: str, base_url: str) -> str:
    """Page ``number`` (from 1) of a column; what a page after the last shows is the column's ``past_end``."""
    last = max(1, -(-len(column.entries) // size))
    shown = number
    if number > last:
        shown = {"last": last, "first": 1}.get(column.past_end, number)
    entries = column.entries[(shown - 1) * size : shown * size]
    articles = [entry for entry in column.entries[:size] if entry.kind == "article"]
    list_html = _list(entries, column.path, base_url)
    main = (
        f"{chrome.breadcrumb(column, 'label')}\n"
        f"{chrome.slides(articles[:2]) if shown == 1 and column.past_end != 'first' else ''}\n"
        f'<section class="{column.box}"><h2>{column.name}</h2>\n{list_html}\n{_pager(shown, last)}</section>'
    )
    html = f'{navigation}\n<div class="main">{main}\n{rail}</div>\n{chrome.footer()}'
    return chrome.page("", html, f"{column.name}-{chrome.SITE_NAME}")


def _list(entries: Iterable[Entry], column_path: str, base_url: str) -> str:
    items = []
    for place, entry in enumerate(entries, 1):
        items.append(entry_html(entry, column_path, base_url))
        if place % 5 == 0:
            items.append('<li class="listline"></li>')
    return '<ul class="txtList_01">\n' + "\n".join(items) + "\n</ul>"


def _pager(number: int, last: int) -> str:
    links = []
    if number > 1:
        links.append(f'<a href="?{number - 1}">上一页</a>')
    if number < last:
        links += [f'<a href="?{number + 1}">下一页</a>', f'<a href="?{last}">尾页</a>']
    return f'<div class="page">{"".join(links)}</div>'


def home_page(columns: Sequence[ReplicaColumn], navigation: str, base_url: str) -> str:
    """Navigation, slides, a block of each column and a rail."""
    blocks = []
    for column in columns:
        items = "".join(
            f'<li><a href="{escape(href(entry, "/", base_url))}" title="{escape(entry.title)}">'
            f"{escape(entry.title[:16])}</a><span>[{entry.date[5:10]}]</span></li>"
            for entry in column.entries[:6]
        )
        more = f'<a class="more" href="{column.path}">更多</a>'
        blocks.append(f'<div class="block"><h3>{column.name}</h3>{more}<ul class="txtList_01">{items}</ul></div>')
    slides = chrome.slides([e for column in columns for e in column.entries[:1] if e.kind == "article"])
    rail = chrome.rail(columns[1:3], "section")
    html = f'{navigation}\n{slides}\n<div class="main">{"".join(blocks)}\n{rail}</div>\n{chrome.footer()}'
    return chrome.page("", html, chrome.SITE_NAME)
