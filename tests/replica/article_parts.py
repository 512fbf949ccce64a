"""Pieces of an article page that several generations share."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from html import escape

from tests.replica import chrome
from tests.replica.body import body_html
from tests.replica.content import Story
from tests.replica.model import Entry, ReplicaColumn


@dataclass(slots=True, frozen=True)
class ArticleView:
    """Everything a page needs to know of one article and its surroundings."""

    story: Story
    column: ReplicaColumn
    form: Callable[[str], str]
    """The form the page takes on an axis of variations.PAGE."""
    path: str
    navigation: str
    rail: str
    older: Entry | None
    newer: Entry | None
    charset: str = "utf-8"


def printed_time(story: Story, short: bool = False) -> str:
    """The time in the story's precision; ``short``: single-digit parts without their zero, seconds given."""
    day = story.published
    if story.precision == "day":
        return f"{day.year}-{day.month}-{day.day}" if short else f"{day:%Y-%m-%d}"
    if story.precision == "minutes":
        return f"{day:%Y-%m-%d %H:%M}"
    if short:
        return f"{day.year}-{day.month}-{day.day} {day.hour}:{day:%M:%S}"
    return f"{day:%Y-%m-%d %H:%M:%S}"


def iso_time(story: Story) -> str:
    """The same as ISO 8601."""
    length = {"day": 10, "minutes": 16, "seconds": 19}[story.precision]
    return f"{story.published:%Y-%m-%dT%H:%M:%S}"[:length]


def title_html(story: Story) -> str:
    """The title; its two parts are separated by a line break or a blank."""
    parts = [escape(part) for part in story.title]
    return ("<br>" if story.title_form == "two-br" else "　").join(parts)


def heading(view: ArticleView) -> str:
    """Title, and subtitle where the article has one, of generations T3 and T4."""
    title = title_html(view.story)
    html = f"<h1>{title}</h1>" if view.form("heading") == "h1" else f'<div class="art-title">{title}</div>'
    if view.story.subtitle:
        html += f'<h3 class="art-subtitle">{escape(view.story.subtitle)}</h3>'
    return html


def body(view: ArticleView) -> str:
    """The inside of the body container; it may end with the opinion form that belongs behind it."""
    form = view.form("body")
    if form == "iframe":
        html = f'<iframe src="{text_path(view.path)}" width="100%" frameborder="0" scrolling="no"></iframe>'
    else:
        html = body_html(view.story, form)
    return html + (chrome.opinion_form("after-div") if view.form("form") == "inside" else "")


def after_body(view: ArticleView) -> str:
    """Tools and the opinion form, where it stands outside the body."""
    form = view.form("form")
    outside = chrome.opinion_form(form) if form != "inside" else ""
    return chrome.tools(view.form("tools"), view.older, view.newer) + outside


def text_path(path: str) -> str:
    """Where the document inside an article's iframe lies."""
    stem, dot, extension = path.rpartition(".")
    return f"{stem}_text{dot}{extension}"


def script_string(text: str, quote: str = '"') -> str:
    """A JavaScript string literal that is safe inside ``<script>``."""
    inner = json.dumps(text, ensure_ascii=False)[1:-1].replace("</", "<\\/")
    if quote == "'":
        inner = inner.replace('\\"', '"').replace("'", "\\'")
    return f"{quote}{inner}{quote}"


def government_meta(view: ArticleView, form: str) -> str:
    """The meta tags the guidelines for government sites ask for, in one of the forms of their axis."""
    if form == "none":
        return ""
    story, column = view.story, view.column
    built = story.published + timedelta(days=400) if form == "later" else story.published
    # A rebuilt page carries the time of the rebuild, to the second.
    time = f"{built:%Y-%m-%d %H:%M:%S}" if form == "later" else printed_time(story)
    names = {
        "SiteName": chrome.SITE_NAME,
        "SiteDomain": chrome.OFFICIAL_HOST,
        "SiteIDCode": "bm22000001",
        "ColumnName": column.name,
        "ColumnType": "工作动态",
        "ArticleTitle": story.full_title,
        "PubDate": time,
        "ContenSource" if form == "misspelt" else "ContentSource": story.source,
        "Keywords": "支部,学习",
        "Author": "",
        "Description": (story.paragraphs or [""])[0][:60],
        "Image": "",
        "Url": view.path,
    }
    tags = [f'<meta name="{name}" content="{escape(value)}">' for name, value in names.items()]
    return "\n".join(tags * 2 if form == "doubled" else tags)
