"""What stands in or beside the text and is not the article: forms, bars, neighbours, related lists.

Elements are judged by what they are (a form, a script) and by what they say: one whose whole text
consists of such words is dropped. So 验证码 or 姓名 inside a sentence or a table of names stays.
"""

import re
from pathlib import Path

from lxml.html import HtmlElement

# fmt: off
_DROPPED = frozenset((
    "script", "style", "noscript", "template", "form", "input", "select", "textarea", "button", "label", "fieldset",
    "iframe", "frame", "object", "embed", "applet", "link", "meta", "title", "head", "svg", "canvas", "nav", "aside",
))
_INLINE = frozenset((
    "a", "abbr", "b", "bdi", "big", "em", "font", "i", "mark", "s", "small", "span", "strong", "sub", "sup", "u",
))
# fmt: on
_CLASS = re.compile(
    r"(?:^|[\s_-])(?:article-tool|tools?bar|tool|share|bdshare\w*|bshare\w*|social-share|print|yjzj|opinion|feedback|comments?"
    r"|related|relevant|xgxw|xgwz|xgyd|xglj|prevnext|prev-next|pre-next|page-?nav|sxp|znwd|qrcode|ewm|jiathis\w*|footer"
    r"|jgRBox|rColumnBox|hidden)(?:$|[\s_-])",
    re.I,
)
_WORDS = [
    line
    for line in Path(__file__).with_name("furniture.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
_WORD = re.compile("|".join(map(re.escape, sorted(_WORDS, key=len, reverse=True))))
_FILLER = re.compile(r"[\s*＊:：?？!！,，、。.\[\]【】()（）<>《》|｜·•_\-—+/\\©]+")
_NEIGHBOUR = re.compile(r"^[\s【\[<＜>＞«»]*(?:上一?(?:篇|条|页)|下一?(?:篇|条|页))[\s】\]]*(?:[:：]|$|没有|无|\s)")
_RELATED = re.compile(
    r"^[【\[]?(?:相关(?:链接|文章|新闻|阅读|信息|报道|专题|稿件)|延伸阅读|推荐阅读|猜你喜欢)[】\]]?[:：]?$"
)
_FOOT = re.compile(r"^(?:主办单位|承办单位|版权所有|网站标识码|京ICP备)[:：]?")
_LONGEST = 300
"""No element with more text than this is boilerplate by its words."""


def prune(body: HtmlElement) -> HtmlElement:
    """Drop the boilerplate inside the body container, in place; returns it."""
    for element in [*body.iterdescendants()]:
        if element.getparent() is not None and _by_form(element):
            _drop(element)
    _by_words(body)
    return body


def says_nothing(text: str) -> bool:
    """Whether a text consists of a page's furniture words alone."""
    return not _FILLER.sub("", _WORD.sub("", text.strip()))


def _by_form(element: HtmlElement) -> bool:
    if not isinstance(element.tag, str):
        return True  # comments and processing instructions
    if element.tag in _DROPPED:
        return True
    marks = f"{element.get('class', '')} {element.get('id', '')}"
    if len(marks) > 1 and _CLASS.search(marks):
        return True
    style = element.get("style")
    if style and re.search(r"display\s{0,3}:\s{0,3}none", style, re.I):
        return True
    source = element.get("src", "") if element.tag == "img" else ""
    return source.rpartition("/")[2].lower() in ("ev.gif", "print.gif", "close.gif")


def _by_words(body: HtmlElement) -> None:
    """Walk down from the container; an element that falls is not walked into, tables fall only whole."""
    stack = [body]
    while stack:
        parent = stack.pop()
        # 请输入<b>验证码</b>: an inline element inside a sentence is part of it
        sentence = not says_nothing((parent.text or "") + "".join(child.tail or "" for child in parent))
        for position, child in enumerate(children := list(parent)):
            text = "".join(child.itertext())
            if not text.strip() or (sentence and child.tag in _INLINE):
                continue
            short = text.strip() if len(text) <= _LONGEST else ""
            if short and _RELATED.match(short):
                for follower in children[position:]:
                    _drop(follower)
                break
            if short and _is_furniture(short) and not child.xpath(".//img"):
                _drop(child)
            elif child.tag not in ("table", "p"):
                stack.append(child)


def _is_furniture(text: str) -> bool:
    if says_nothing(text) or _FOOT.match(text):
        return True
    return len(text) < 160 and bool(_NEIGHBOUR.match(text))


def _drop(element: HtmlElement) -> None:
    """Remove the element but keep the text that follows it."""
    if element.getparent() is not None:
        element.drop_tree()
