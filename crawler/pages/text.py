"""White space and control characters in printed text."""

import re

from lxml.html import HtmlElement

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_INVISIBLE = re.compile("[\u200b-\u200d\u2060\ufeff]+")


def collapse(text: str | None) -> str:
    """White space of every kind collapsed to single blanks."""
    return " ".join((text or "").split())


def squeeze(text: str | None) -> str:
    """White space of every kind, and invisible characters, removed: 重 要 专 题 -> 重要专题."""
    return _INVISIBLE.sub("", "".join(text.split())) if text else ""


def drop(element: HtmlElement) -> None:
    """Take the element out of its tree, leaving the text behind it; control characters in that text go with it."""
    previous, parent = element.getprevious(), element.getparent()
    try:
        element.drop_tree()
    except ValueError:  # lxml reads such characters but writes none
        if previous is not None:
            previous.tail = _NOT_XML.sub("", (previous.tail or "") + element.tail)
        else:
            parent.text = _NOT_XML.sub("", (parent.text or "") + element.tail)
        parent.remove(element)
