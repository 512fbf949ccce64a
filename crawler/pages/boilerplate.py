"""What stands in or beside the text and is not the article: forms, bars, neighbours, related lists.

Elements are judged by what they are (a form, a script, a share bar by its class), lines by what they say and
where they stand: furniture is printed before or after the text. So 验证码, 打印 or 姓名 stay where an article
says them, in a sentence, in a table of names, or as a short paragraph between others.
"""

import re
from collections import Counter
from itertools import chain
from pathlib import Path

from lxml import etree
from lxml.html import HtmlElement

from crawler.pages.lines import CONTROLS, UNSEEN, Line, lines
from crawler.pages.row import is_row
from crawler.pages.text import drop
from crawler.pages.tree import text_of
from crawler.urls import is_file

SSI_ERROR = "[an error occurred while processing this directive]"

_DROPPED = UNSEEN | CONTROLS | {"label", "nav", "aside"}
_CLASS = re.compile(
    r"(?:^|[\s_-])(?:article-tool|tools?bar|tool|share|bdshare\w*|bshare\w*|social-share|print|yjzj|opinion|feedback|comments?"
    r"|related|relevant|xgxw|xgwz|xgyd|xglj|prevnext|prev-next|pre-next|page-?nav|sxp|znwd|qrcode|ewm|jiathis\w*|footer"
    r"|jgRBox|rColumnBox|hidden)(?:$|[\s_-])",
    re.I,
)
_SENTENCE = re.compile("[。！？；…]")
_HIDDEN = re.compile(r"display\s{0,3}:\s{0,3}none", re.I)
_CODE_IMAGE = re.compile(r"(?:^|[/_\W])(?:\w{0,9}captcha|kaptcha|qr\w{0,6}|ewm|erweima|yzm|\w{0,9}code)\b", re.I)

_SECTIONS = dict[str, list[str]]()
for _line in Path(__file__).with_name("furniture.txt").read_text(encoding="utf-8").splitlines():
    if _line.startswith("["):
        _section = _SECTIONS.setdefault(_line[1:].partition("]")[0], [])
    elif _line and not _line.startswith("#"):
        _section.append(_line)
_SURE, _BAR = frozenset(_SECTIONS["sure"]), frozenset(_SECTIONS["bar"])
_WORD = re.compile("|".join(map(re.escape, sorted(chain(*_SECTIONS.values()), key=len, reverse=True))))

_FILLER = r"[○●◯□■☐☑√＿\s*＊:：?？!！,，、。.\[\]【】()（）<>《》＜＞«»|｜·•_\-—+/\\©]"
_NOTHING = re.compile(rf"(?:(?>{_WORD.pattern})|{_FILLER})*+")
_NEIGHBOUR = re.compile(
    r"[\s【\[<＜>＞«»]*(?:上一?(?:篇|条|页)|下一?(?:篇|条|页))[\s】\]>＞»]*(?:[:：]|$|没有|无|(?=\s))(.*)"
)
_NO_NEIGHBOUR = re.compile(r"[\s:：]*(?:(?:已经)?(?:没有|无|暂无)(?:了|上一篇|下一篇|更多)?[。！]?|暂无)?")
_RELATED = re.compile(
    r"[【\[]?(?:相关(?:链接|文章|新闻|阅读|信息|报道|专题|稿件|内容|推荐)|延伸阅读|推荐阅读|猜你喜欢|热点推荐)[】\]]?[:：]?"
)
_FOOT = re.compile(r"网站标识码|备(?<=[Ii][Cc][Pp]备)\d|公网安备")
_FOOT_BEGINS = re.compile(r"(?:Copyright|版权所有)[\s:：©]", re.I)
_BESIDE_FOOT = re.compile(r"(?:主办单位|承办单位|地址|邮编|电话|技术支持|建议使用)[:：]")
_PATH = re.compile(r"(?:.{0,8}位置[:：]?\s{0,3})?首页\s{0,3}[>＞»]")
_HINT = re.compile(r"(?:宝贵|您的)(?:的)?(?:意见|建议|留言)|意见建议|留言|反馈|必填|文明")
_ROBOTS = frozenset(("智能问答", "智能机器人", "智能客服"))
"""Links to the site's question machine, inside whatever sentence."""
_LONGEST = 160
"""No line with more characters than this is furniture by its words."""


def prune(body: HtmlElement) -> HtmlElement:
    """Drop the boilerplate inside the body container, in place; returns it."""
    whole = len(text_of(body))
    for element in [*body.iterdescendants("*")]:
        if _by_form(element, whole) and element.getparent() is not None:
            drop(element)
    _by_words(body)
    for element in [*body.iterdescendants(etree.Comment, etree.PI, *_DROPPED)]:
        if element.getparent() is not None:
            drop(element)
    return body


def says_nothing(text: str) -> bool:
    """Whether a text consists of a page's furniture words alone."""
    return len(text) <= _LONGEST and _NOTHING.fullmatch(text) is not None


def is_prose(line: Line) -> bool:
    """Whether the line can only be part of the article: a sentence, or long."""
    length = len(line.text)
    is_text = length >= 60 or (length >= 12 and _SENTENCE.search(line.text) is not None)
    return is_text and line.linked * 2 < length and not says_nothing(line.text) and not _is_foot(line.text[:200])


def _by_form(element: HtmlElement, whole: int) -> bool:
    if element.tag == "img":
        return (element.get("src") or "").rpartition("/")[2].lower() in ("ev.gif", "print.gif", "close.gif")
    if (style := element.get("style")) and _HIDDEN.search(style):
        return True
    marked = element.tag in ("form", "fieldset", "label", "nav", "aside")
    marks = f"{element.get('class', '')} {element.get('id', '')}"
    # the text itself may stand in a form or in div#print
    return (marked or (len(marks) > 1 and _CLASS.search(marks) is not None)) and (
        element.tag in ("nav", "aside") or 2 * len(text_of(element)) <= whole or _is_opinion_form(element)
    )


def _is_opinion_form(element: HtmlElement) -> bool:
    return not any(is_prose(line) for line in lines(element))


def _by_words(body: HtmlElement) -> None:
    found = lines(body)
    for line in found:
        if SSI_ERROR in line.text:
            for node, part in line.nodes:
                setattr(node, part, (getattr(node, part) or "").replace(SSI_ERROR, ""))
            line.text = " ".join(line.text.replace(SSI_ERROR, "").split())
    found = [line for line in found if line.text or line.images or line.has_control]
    marked = [_mark(line) for line in found]
    _mark_hints(found, marked)
    sentences = [is_prose(line) for line in found]
    prose = [number for number, is_one in enumerate(sentences) if is_one and not marked[number]]
    first, last = (prose[0], prose[-1]) if prose else (len(found), -1)
    last_text = max((number for number, line in enumerate(found) if line.text), default=-1)
    tables = _Tables(found, sentences)
    for number, line in enumerate(found):
        if number < first and (is_row(line.text) or _PATH.match(line.text)):
            marked[number] = "sure"
        if number > last or number < first:
            _mark_neighbours(found, marked, number)
            if number > last and not marked[number] and len(line.text) <= _LONGEST and _RELATED.match(line.text):
                _mark_related(found, marked, number)
    for start, end in _runs(found, marked):
        run, marks = found[start:end], [mark for mark in marked[start:end] if mark]
        words = {word for line in run for word in _WORD.findall(line.text)}
        sure = "sure" in marks or any(line.has_control for line in run)
        several = len(words & _BAR) > 1
        if start > last or end <= first:
            ends_all = start > last and end > last_text
            falls = sure or several or (ends_all and "bar" in marks)
        else:
            falls = sure and len(words) > 2
        if falls and tables.fall_whole(run):
            _erase(run)


def _mark(line: Line) -> str:
    """How surely the line is furniture: sure, bar, plain; empty where it is none."""
    text = line.text or " ".join(image.get("alt") or "" for image in line.images).strip()
    if not text:
        source = line.images[0].get("src") or "" if line.images else ""
        return "plain" if line.has_control or _CODE_IMAGE.search(source[:300]) else ""
    if len(text) > _LONGEST:
        return ""
    if says_nothing(text):
        words = set(_WORD.findall(text))
        return "sure" if words & _SURE else "bar" if words & _BAR else "plain"
    if _is_foot(text) or any(text_of in _ROBOTS for text_of in map(_link_text, line.links)):
        return "sure"
    return "plain" if _BESIDE_FOOT.match(text) else ""


def _is_foot(text: str) -> bool:
    return _FOOT.search(text) is not None or _FOOT_BEGINS.match(text) is not None


def _link_text(link: HtmlElement) -> str:
    return "".join(text_of(link).split())


def _mark_hints(found: list[Line], marked: list[str]) -> None:
    """The sentence inside a form: 感谢您的关注，请留下宝贵意见。"""
    for number in range(1, len(found) - 1):
        text = found[number].text
        around = marked[number - 1] == "sure" and marked[number + 1]
        if around and not marked[number] and len(text) <= _LONGEST and _HINT.search(text):
            marked[number] = "plain"


def _mark_neighbours(found: list[Line], marked: list[str], number: int) -> None:
    """上一篇：… with a link or nothing behind it, also where the link stands on the next line."""
    line = found[number]
    match = _NEIGHBOUR.fullmatch(line.text) if len(line.text) <= _LONGEST else None
    if match is None or (re.search("[。！？]", match[1]) and not line.linked):
        return
    marked[number] = "sure"
    if _NO_NEIGHBOUR.fullmatch(match[1]) and number + 1 < len(found) and found[number + 1].is_link():
        marked[number + 1] = "sure"


def _mark_related(found: list[Line], marked: list[str], number: int) -> None:
    """A heading such as 相关链接 and the links under it; the heading alone only at the very end."""
    end = number + 1
    while end < len(found) and found[end].is_link() and not _leads_to_file(found[end]):
        end += 1
    heading = _RELATED.fullmatch(found[number].text)
    if found[number].linked or (heading and (end > number + 1 or end == len(found))):
        marked[number:end] = ["sure"] * (end - number)


def _leads_to_file(line: Line) -> bool:
    return any(is_file(link.get("href") or "") for link in line.links)


def _runs(found: list[Line], marked: list[str]) -> list[tuple[int, int]]:
    """Stretches of marked lines; one table is not mixed with what surrounds it."""
    runs: list[tuple[int, int]] = []
    for number, mark in enumerate(marked):
        if not mark:
            continue
        if runs and runs[-1][1] == number and found[number].table is found[number - 1].table:
            runs[-1] = (runs[-1][0], number + 1)
        else:
            runs.append((number, number + 1))
    return runs


class _Tables:
    """A table falls whole or not at all, but for one that only places the page's text."""

    def __init__(self, found: list[Line], sentences: list[bool]) -> None:
        self._lines = Counter(line.table for line in found)
        self._places_text = {line.table for line, is_one in zip(found, sentences, strict=True) if is_one}

    def fall_whole(self, run: list[Line]) -> bool:
        """Whether nothing of the run's table (a run lies in one) would be left."""
        table = run[0].table
        return table is None or self._lines[table] == len(run) or table in self._places_text


def _erase(run: list[Line]) -> None:
    for line in run:
        for node, part in line.nodes:
            setattr(node, part, "")
        for image in line.images:
            if image.getparent() is not None:
                drop(image)
