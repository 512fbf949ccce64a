"""Metadata as printed, from each place a page prints it: the visible row, inline script, meta tags.

Best evidence first: what a reader sees beats what the script of the page says, which beats the
government meta tags (their PubDate may be a later rebuild).
"""

import re
from html import unescape

from lxml.html import HtmlElement
from parsel import Selector, SelectorList
from scrapy.http import TextResponse

from crawler.pages.base import collapse, squeeze

Printed = dict[str, dict[str, str]]

_SSI_ERROR = "[an error occurred while processing this directive]"
_MOMENT = re.compile(
    r"(?:19|20)\d\d\s?[-/.年]\s?\d{1,2}\s?[-/.月]\s?\d{1,2}\s?日?(?:\s{0,3}\d{1,2}\s?[:：时]\s?\d{1,2}(?:\s?[:：分]\s?\d{1,2})?\s?[秒分]?)?"
)
_LABELS = {
    "source": ("来源", "文章来源", "信息来源", "稿件来源"),
    "content_type": ("类型", "文章类型", "信息类型"),
    "byline": ("作者", "撰稿人", "撰稿"),
}
_LABEL = re.compile(r"(?:^|(?<=[\s|｜]))([\u4e00-\u9fff]{2,6})\s?[:：]")
_TYPES = ("原创", "编译", "摘编", "转载")
_VARIABLE = re.compile(
    r"""(?:\bvar\s{1,9}|[{,;]\s{0,9}|^\s{0,9})([A-Za-z_$][\w$]{0,40})\s{0,9}[=:]\s{0,9}(["'])((?:(?!\2)[^\\\n]|\\.){0,500})\2""",
    re.M,
)
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
    r"^(?:您?(?:现在|当前|目前)?(?:所在)?的?位置(?:是|为)?[:：])?(首页(?:[>＞»›]{1,3}[^>＞»›]{1,60})+)$"
)


def printed(response: TextResponse, row: SelectorList[Selector], body: HtmlElement) -> Printed:
    """field -> origin -> value as printed, origins best first; fields nobody prints are missing."""
    found: Printed = {}
    for origin, values in (
        ("row", _row(row, body)),
        ("script", _script(response)),
        ("meta", _meta(response)),
    ):
        for name, value in values.items():
            value = collapse(value.replace(_SSI_ERROR, ""))
            if value:
                found.setdefault(name, {})[origin] = value
    return found


def breadcrumb(response: TextResponse, title: str) -> list[str]:
    """首页, …, column: the smallest element that prints such a path; empty where none does."""
    for start in response.xpath("//body//text()[contains(., '首页')]/.."):
        for node in (start.root, *start.root.iterancestors()):
            text = squeeze("".join(_visible(node)).replace(_SSI_ERROR, ""))
            if len(text) > 200:
                break
            if match := _CRUMBS.match(text):
                names = re.split(r"[>＞»›]+", match.group(1))
                while len(names) > 1 and names[-1] in ("正文", "内容", "详情", "文章内容", squeeze(title)):
                    names.pop()
                return names
    return []


def _visible(node: HtmlElement) -> list[str]:
    return [str(text) for text in node.xpath(".//text()[not(parent::script or parent::style)]")]


def _row(row: SelectorList[Selector], body: HtmlElement) -> dict[str, str]:
    values: dict[str, str] = {}
    for part in row:
        if body in part.root.iter():
            continue  # a wrapper, not a row
        text = collapse(" ".join(_visible(part.root)).replace(_SSI_ERROR, " "))
        if moment := _MOMENT.search(text):
            values.setdefault("published_at", moment.group())
        rest = _MOMENT.sub(" ", text)
        pieces = _LABEL.split(rest)
        for label, value in zip(pieces[1::2], pieces[2::2], strict=False):
            for name, labels in _LABELS.items():
                if label in labels and value.strip(" |｜"):
                    values.setdefault(name, value.strip(" |｜"))
        if len(pieces) == 1 and (link := collapse(part.xpath(".//a/text()").get())):
            values.setdefault("source", link)  # T1 prints the source as a bare link
    return values


def _script(response: TextResponse) -> dict[str, str]:
    values: dict[str, str] = {}
    for script in response.xpath("//script[not(@src)]/text()").getall():
        for variable, _, raw in _VARIABLE.findall(script):
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
    if not _MOMENT.search(values.get("published_at", "")):
        values.pop("published_at", None)
    return values


def _meta(response: TextResponse) -> dict[str, str]:
    values: dict[str, str] = {}
    for tag in response.xpath("//meta[@name and @content]"):
        name = _META.get(tag.attrib["name"].strip().lower())
        if name and (value := tag.attrib["content"].strip()):
            values.setdefault(name, value)
    return values
