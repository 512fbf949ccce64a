"""Metadata as printed, from each place a page prints it: the visible row, inline script, meta tags.

Best evidence first: what a reader sees beats what the script of the page says, which beats the
government meta tags (their PubDate may be a later rebuild).
"""

import re
from collections.abc import Iterator
from html import unescape

from lxml.html import HtmlElement
from parsel import Selector, SelectorList
from scrapy.http import TextResponse

from crawler.pages.base import in_rail
from crawler.pages.boilerplate import SSI_ERROR
from crawler.pages.lines import lines
from crawler.pages.row import AROUND, LABEL, LABELS, LONGEST_ROW, MOMENT, labelled
from crawler.pages.text import collapse, squeeze

Printed = dict[str, dict[str, str]]

_TYPES = ("原创", "编译", "摘编", "转载")
_VARIABLE = re.compile(
    r"""(?:\b(?:var|let|const)\s{1,9}|[{,;]\s{0,9}|^\s{0,9})(?:(?:window|self)\.)?["']?([A-Za-z_$][\w$]{0,40})["']?"""
    r"""\s{0,9}[=:]\s{0,9}(["'`])((?:(?!\2)[^\\\n]|\\.){0,500})\2""",
    re.M,
)
_LINE_COMMENT = re.compile(r"^\s{0,99}//.*$", re.M)
_NAMES = {
    "published_at": {
        "tm",
        "time",
        "publishtime",
        "pubtime",
        "pubdate",
        "publishdate",
        "date",
        "releasetime",
        "createtime",
        "fbsj",
    },
    "source": {
        "source",
        "contentsource",
        "contensource",
        "articlesource",
        "infosource",
        "ly",
        "laiyuan",
        "from",
    },
    "content_type": {"articletype", "infotype", "contype", "contenttype", "type", "arttype", "lx"},
    "title": {"title", "articletitle", "arttitle", "doctitle"},
    "byline": {"author", "articleauthor", "zz"},
}
_META = {
    "pubdate": "published_at",
    "contentsource": "source",
    "contensource": "source",
    "articletitle": "title",
    "author": "byline",
}
_CRUMBS = re.compile(
    r"^(?:您?(?:现在|当前|目前)?(?:所在)?的?位置(?:是|为)?[:：]?)?((?:网站)?首页(?:-?[>＞»›→]{1,3}[^>＞»›→]{1,60}){1,9})[>＞»›→]?$"
)


_HOME_NAMED = "//body//text()[contains(translate(., ' \u00a0\u3000\t', ''), '首页')]/.."
_MOST_STARTS = 30
"""So many places on a page are looked at for a breadcrumb or a row, no more."""


def printed(response: TextResponse, row: SelectorList[Selector], body: HtmlElement) -> Printed:
    """field -> origin -> value as printed, origins best first; fields nobody prints are missing.

    ``row``: what the template knows as the visible row; where that holds nothing, a row is looked for by its label.
    """
    found: Printed = {}
    if not any(squeeze("".join(_visible(part.root))) for part in row):
        row = SelectorList([*row, *_rows_by_label(response, body)])
    for origin, values in (
        ("row", _row(row, body)),
        ("script", _script(response)),
        ("meta", _meta(response)),
    ):
        for name, value in values.items():
            value = collapse(value.replace(SSI_ERROR, ""))
            if value:
                found.setdefault(name, {})[origin] = value
    return found


def breadcrumb(response: TextResponse, title: str) -> list[str]:
    """首页, …, column: the smallest element that prints such a path; empty where none does."""
    for start in response.xpath(_HOME_NAMED)[:_MOST_STARTS]:
        for node in (start.root, *start.root.iterancestors()):
            text = short_text(node)
            if text is None:
                break
            if match := _CRUMBS.match(text):
                return _names(match.group(1), title)
    for body in response.css("body"):  # no element of its own: a line between others
        for line in lines(body.root):
            if "首页" in line.text[:60] and len(line.text) <= 300 and (match := _CRUMBS.match(squeeze(line.text))):
                return _names(match.group(1), title)
    return []


def short_text(node: HtmlElement, limit: int = 200) -> str | None:
    """The visible text without blanks; None where it is longer."""
    text = ""
    for part in node.iter():
        if part.tag not in ("script", "style") and isinstance(part.tag, str):
            text += squeeze(part.text)
        if part is not node:
            text += squeeze(part.tail)
        if len(text) > limit + len(SSI_ERROR):
            return None
    text = text.replace(squeeze(SSI_ERROR), "")
    return text if len(text) <= limit else None


def _names(path: str, title: str) -> list[str]:
    names = re.split(r"-?[>＞»›→]+", path.rstrip(">＞»›→"))
    while len(names) > 1 and names[-1] in ("正文", "内容", "详情", "文章内容", squeeze(title)):
        names.pop()
    return names


def _visible(node: HtmlElement) -> list[str]:
    return [str(text) for text in node.xpath(".//text()[not(parent::script or parent::style)]")]


def _rows_by_label(response: TextResponse, body: HtmlElement) -> Iterator[Selector]:
    """The largest small element around a label 来源: outside the body, or a row inside it that gives more."""
    above = {*body.iterancestors()}
    starts = response.xpath(
        "//body//text()[contains(., '来源') or contains(., '发布时间') or contains(., '发布日期')]/.."
    )
    for start in starts[:_MOST_STARTS]:
        node, text = start, ""
        while node.root not in above and node.root is not body and not in_rail(node):
            whole = collapse(" ".join(_visible(node.root)))
            if len(whole) > LONGEST_ROW:
                break
            best, text = node, whole
            if not (parents := node.xpath("..")):
                break
            node = parents[0]
        inside = body in start.root.iterancestors()
        if LABEL.search(text) and (not inside or (MOMENT.search(text) and "来源" in text)):
            yield best
            return


def _row(row: SelectorList[Selector], body: HtmlElement) -> dict[str, str]:
    values: dict[str, str] = {}
    for part in row:
        if body in part.root.iter():
            continue  # a wrapper, not a row
        text = collapse(" ".join(_visible(part.root)).replace(SSI_ERROR, " "))
        if moment := MOMENT.search(text):
            values.setdefault("published_at", moment.group())
        rest = MOMENT.sub(" ", text)
        pieces = LABEL.split(labelled(rest))
        for label, value in zip(pieces[1::2], pieces[2::2], strict=False):
            for name, labels in LABELS.items():
                if label in labels and (value := value.strip(AROUND)):
                    words = value.split()
                    # what follows the type is something else: a date without a year
                    values.setdefault(name, words[0] if name == "content_type" and words[0] in _TYPES else value)
        if (link := collapse(part.xpath(".//a/text()").get())) and link in pieces[0]:
            values.setdefault("source", link)  # T1 prints the source as a bare link, no label before it
    return values


def _script(response: TextResponse) -> dict[str, str]:
    values: dict[str, str] = {}
    for script in response.xpath("//script[not(@src)]/text()").getall():
        for variable, _, raw in _VARIABLE.findall(_without_comments(script)):
            value = unescape(re.sub(r"\\(.)", r"\1", raw)).strip()
            if not value:
                continue
            for name, variables in _NAMES.items():
                if variable.lower().strip("_$") in variables:
                    values.setdefault(name, value)
            if value in _TYPES:
                values.setdefault("content_type", value)
    if values.get("content_type") not in (*_TYPES, None):
        del values["content_type"]  # `type` names many things
    if not MOMENT.search(values.get("published_at", "")):
        values.pop("published_at", None)
    return values


def _without_comments(script: str) -> str:
    kept, position = [], 0
    while (start := script.find("/*", position)) >= 0:
        end = script.find("*/", start + 2)
        if end < 0:
            break
        opens = start == 0 or script[start - 1] in " \t\r\n;{},"  # "image/*" is none
        kept.append(script[position : start if opens else start + 2])
        position = end + 2 if opens else start + 2
    return _LINE_COMMENT.sub("", "".join([*kept, script[position:]]))


def _meta(response: TextResponse) -> dict[str, str]:
    values: dict[str, str] = {}
    for tag in response.xpath("//meta[@name and @content]"):
        name = _META.get(tag.root.get("name", "").strip().lower())
        if name and (value := tag.root.get("content", "").strip()):
            values.setdefault(name, value)
    return values
