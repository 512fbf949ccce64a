"""The text of an element as the lines a reader sees, each knowing which text nodes it is made of."""

import re
from dataclasses import dataclass, field

from lxml import etree
from lxml.html import HtmlElement

# fmt: off
UNSEEN = frozenset((
    "script", "style", "noscript", "template", "head", "title", "meta", "link", "select", "textarea", "iframe",
    "frame", "object", "embed", "applet", "svg", "canvas", "video", "audio",
))
"""Elements whose text nobody sees, or that is no text of the page."""
CONTROLS = frozenset(("input", "select", "textarea", "button"))
_MARKED = UNSEEN | CONTROLS | {"table", "img", "a"}
_BREAKING = frozenset((
    "p", "div", "section", "article", "main", "header", "footer", "center", "blockquote", "pre", "ul", "ol", "dl",
    "dt", "dd", "li", "table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th", "form", "fieldset", "legend",
    "figure", "figcaption", "address", "hr", "br", "h1", "h2", "h3", "h4", "h5", "h6", "body", "html", "aside", "nav",
))
# fmt: on


_DATE = re.compile(r"[\[(（]?(?:(?:19|20)\d\d[-/.年])?\d{1,2}[-/.月]\d{1,2}日?[\])）]?")


@dataclass(slots=True)
class Line:
    """What stands between two line breaks."""

    text: str = ""
    """White space collapsed."""
    linked: int = 0
    """How many of its characters, blanks aside, are inside links."""
    nodes: list[tuple[HtmlElement, str]] = field(default_factory=list)
    """(element, "text" or "tail") of every text node."""
    images: list[HtmlElement] = field(default_factory=list)
    links: list[HtmlElement] = field(default_factory=list)
    has_control: bool = False
    table: HtmlElement | None = None
    """The innermost table it stands in."""

    def is_link(self) -> bool:
        """Whether all of it, but for a date or a bullet, is a link."""
        if not self.linked or len(self.text) > 300:
            return False
        letters = len("".join(_DATE.sub("", self.text).split()))
        return letters - self.linked <= 4 and self.linked * 2 > letters


def lines(root: HtmlElement) -> list[Line]:
    """The element's lines in order, those without text, image and control left out. Never recurses."""
    found: list[Line] = []
    line, texts = Line(), list[str]()
    tables: list[HtmlElement] = []
    in_links = 0

    def end() -> None:
        nonlocal line, texts
        if texts or line.links or line.images or line.has_control:
            line.text = " ".join("".join(texts).split())
            if line.text or line.images or line.has_control:
                line.table = tables[-1] if tables else None
                found.append(line)
            line, texts = Line(), []

    walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, node in walk:
        tag = node.tag
        if event != "comment" and event != "pi" and tag in _BREAKING:
            end()
        if event == "start":
            if tag in _MARKED:
                if tag in CONTROLS and node.get("type") != "hidden":
                    line.has_control = True
                if tag in UNSEEN:
                    walk.skip_subtree()
                    continue
                if tag == "table":
                    tables.append(node)
                elif tag == "img":
                    line.images.append(node)
                elif tag == "a":
                    in_links += 1
                    line.links.append(node)
            part, text = "text", node.text
        else:
            if event == "end":
                if tag == "table" and tables:
                    tables.pop()
                elif tag == "a":
                    in_links -= 1
            if node is root:
                break
            part, text = "tail", node.tail
        if text:
            texts.append(text)
            line.nodes.append((node, part))
            if in_links:
                line.linked += len("".join(text.split()))
    end()
    return found
