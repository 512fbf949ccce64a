"""Metadata as printed, from each place a page prints it: the visible row, inline script, meta tags.

Best evidence first: what a reader sees beats what the script of the page says, which beats the
government meta tags (their PubDate may be a later rebuild).
"""

import re
from collections.abc import Iterator
from html import unescape

from lxml import etree
from lxml.html import HtmlElement

from crawler.pages.base import in_rail
from crawler.pages.boilerplate import SSI_ERROR
from crawler.pages.lines import lines
from crawler.pages.row import AROUND, LABEL, LABELS, LONGEST_ROW, MOMENT, labelled
from crawler.pages.text import collapse, squeeze
from crawler.pages.tree import Tree, text_of, texts_of

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


_HOME_NAMED = etree.XPath(
    "/html/body/descendant::text()[contains(., '首') and contains(translate(., ' \u00a0\u3000\t', ''), '首页')]/.."
)
_LABEL_NAMED = etree.XPath(
    "/html/body/descendant::text()[contains(., '来源') or contains(., '发布时间') or contains(., '发布日期')]/.."
)
_LINKED = etree.XPath(".//a/text()", smart_strings=False)
_NO_CRUMBS = re.compile("首页(?!-?[>＞»›→]|-?$)")
_CRUMBS_BEGIN = re.compile("首页-?[>＞»›→]")
_MOST_STARTS = 30
"""So many places on a page are looked at for a breadcrumb or a row, no more."""


def printed(page: Tree, row: list[HtmlElement], body: HtmlElement) -> Printed:
    """field -> origin -> value as printed, origins best first; fields nobody prints are missing.

    ``row``: what the template knows as the visible row; where that holds nothing, a row is looked for by its label.
    """
    found: Printed = {}
    if not any(squeeze(text_of(part)) for part in row):
        row = [*row, *_rows_by_label(page, body)]
    for origin, values in (("row", _row(row, body)), ("script", _script(page)), ("meta", _meta(page))):
        for name, value in values.items():
            value = collapse(value.replace(SSI_ERROR, ""))
            if value:
                found.setdefault(name, {})[origin] = value
    return found


def breadcrumb(page: Tree, title: str) -> list[str]:
    """首页, …, column: the smallest element that prints such a path; empty where none does."""
    looked_at: set[HtmlElement] = set()
    for start in _HOME_NAMED(page.root)[:_MOST_STARTS]:
        for node in (start, *start.iterancestors()):
            if node in looked_at or (text := short_text(node)) is None:
                break
            if match := _CRUMBS.match(text):
                return _names(match.group(1), title)
            if _NO_CRUMBS.search(text):
                break  # what stands around it cannot change that
            looked_at.add(node)
    for body in page.root.iter("body"):  # no element of its own: a line between others
        if not _CRUMBS_BEGIN.search(squeeze(text_of(body).replace(SSI_ERROR, ""))):
            continue
        for line in lines(body):
            if "首页" in line.text[:60] and len(line.text) <= 300 and (match := _CRUMBS.match(squeeze(line.text))):
                return _names(match.group(1), title)
    return []


def short_text(node: HtmlElement, limit: int = 200) -> str | None:
    """The visible text without blanks; None where it is longer."""
    text = squeeze(text_of(node).replace(SSI_ERROR, ""))
    return text if len(text) <= limit else None


def _names(path: str, title: str) -> list[str]:
    names = re.split(r"-?[>＞»›→]+", path.rstrip(">＞»›→"))
    while len(names) > 1 and names[-1] in ("正文", "内容", "详情", "文章内容", squeeze(title)):
        names.pop()
    return names


def _rows_by_label(page: Tree, body: HtmlElement) -> Iterator[HtmlElement]:
    """The largest small element around a label 来源: outside the body, or a row inside it that gives more."""
    above = {*body.iterancestors()}
    for start in _LABEL_NAMED(page.root)[:_MOST_STARTS]:
        node, text = start, ""
        while node is not None and node not in above and node is not body and not in_rail(node):
            whole = collapse(" ".join(texts_of(node)))
            if len(whole) > LONGEST_ROW:
                break
            best, text = node, whole
            node = node.getparent()
        inside = body in start.iterancestors()
        if LABEL.search(text) and (not inside or (MOMENT.search(text) and "来源" in text)):
            yield best
            return


def _row(row: list[HtmlElement], body: HtmlElement) -> dict[str, str]:
    values: dict[str, str] = {}
    for part in row:
        if part is body or part in body.iterancestors():
            continue  # a wrapper, not a row
        text = collapse(" ".join(texts_of(part)).replace(SSI_ERROR, " "))
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
        if (linked := _LINKED(part)) and (source := collapse(linked[0])) and source in pieces[0]:
            values.setdefault("source", source)  # T1 prints the source as a bare link, no label before it
    return values


def _script(page: Tree) -> dict[str, str]:
    values: dict[str, str] = {}
    for script in page.root.iter("script"):
        if script.get("src") is not None or not script.text:
            continue
        for variable, _, raw in _VARIABLE.findall(_without_comments(script.text)):
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


def _meta(page: Tree) -> dict[str, str]:
    values: dict[str, str] = {}
    for tag in page.root.iter("meta"):
        name = _META.get(tag.get("name", "").strip().lower())
        if name and (value := tag.get("content", "").strip()):
            values.setdefault(name, value)
    return values
