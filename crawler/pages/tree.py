"""A page parsed once: its elements, found by tag, class and id without walking the page for each question."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, cast
from weakref import WeakKeyDictionary

from lxml import etree, html
from lxml.html import HtmlElement
from parsel.csstranslator import HTMLTranslator
from parsel.selector import create_root_node
from scrapy.http import TextResponse

_SIMPLE = re.compile(r"([.#]?[\w-]+)?(?:\[((?!class\b|id\b)[\w-]+)(?:=([\w-]+))?\])?")
"""What selectors mostly are: .class, #id, tag, each with an attribute or without."""


class Tree:
    """The elements of one page."""

    def __init__(self, root: HtmlElement) -> None:
        self.root = root
        self.place = {node: number for number, node in enumerate(root.iter("*"))}
        """element -> where it comes in the page"""
        self._named: dict[str, list[HtmlElement]] = {}
        """.class, #id or the name of another attribute -> its elements"""
        for node in self.place:
            for name, value in node.items():
                if name == "class":
                    for part in value.split():
                        self._named.setdefault(f".{part}", []).append(node)
                else:
                    self._named.setdefault(f"#{value}" if name == "id" else name, []).append(node)

    def find(self, css: str) -> list[HtmlElement]:
        """What the CSS selectors find, in the page's order, each element once."""
        found: set[HtmlElement] = set()
        for part in _parts(css):
            if isinstance(part, etree.XPath):
                found.update(part(self.root))
                continue
            name, attribute, value = part
            if not attribute:
                found.update(self._all(name))
                continue
            having = set(self._named.get(attribute, ()))
            if name and having:
                having &= set(self._all(name))
            found.update(node for node in having if value in ("", node.get(attribute)))
        return sorted(found, key=self.place.__getitem__) if len(found) > 1 else list(found)

    def _all(self, name: str) -> Iterable[HtmlElement]:
        return self._named.get(name, ()) if name.startswith((".", "#")) else self.root.iter(name)


@cache
def _parts(css: str) -> list[Any]:
    """The selectors: (name, attribute, its value) of a simple one; others compiled."""
    found = [(part.strip(), _SIMPLE.fullmatch(part.strip())) for part in css.split(",")]
    if not all(simple for _, simple in found):
        return [etree.XPath(HTMLTranslator().css_to_xpath(css))]
    return [tuple(value or "" for value in simple.groups()) for _, simple in found if simple]


def _parser(**options: Any) -> etree.HTMLParser:
    """lxml.html's, but every element is a plain HtmlElement, made without a call of Python."""
    parser = etree.HTMLParser(**options)
    parser.set_element_class_lookup(etree.ElementDefaultClassLookup(element=HtmlElement, comment=html.HtmlComment))
    return parser


def tree(response: TextResponse) -> Tree:
    """The response's tree, parsed as parsel parses it, once."""
    known = _TREES.get(response)
    if known is None:
        known = _TREES[response] = Tree(create_root_node(response.text, cast(Any, _parser)))
    return known


_TREES: WeakKeyDictionary[TextResponse, Tree] = WeakKeyDictionary()


def text_of(node: HtmlElement) -> str:
    """All text inside the element but scripts and styles."""
    if next(node.iter("script", "style"), None) is None:
        return str(etree.tostring(node, method="text", encoding="unicode", with_tail=False))
    return "".join(texts_of(node))


def texts_of(node: HtmlElement) -> list[str]:
    """The same, text node by text node."""
    found: list[str] = _TEXTS(node)
    return found


_TEXTS = etree.XPath(".//text()[not(parent::script or parent::style)]", smart_strings=False)
