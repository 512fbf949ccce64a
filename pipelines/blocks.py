"""A body container in pieces: paragraphs, headings, tables, list entries, images.

The text of a block is what a reader would copy: no character replaced, white space collapsed, indents
dropped, table cells separated by tabs. Its HTML is built anew from a short list of tags, so nothing of
the page's own attributes or scripts can pass.
"""

import re
from html import escape
from urllib.parse import urljoin, urlsplit

from lxml import html
from lxml.html import HtmlElement

from crawler.items import Block

_INLINE = {
    "b": "strong", "strong": "strong", "i": "em", "em": "em", "u": "u", "sub": "sub", "sup": "sup",
    "s": "s", "strike": "s", "del": "s",
}  # fmt: skip
_SKIPPED = frozenset(("script", "style", "noscript", "head", "title", "meta", "link", "template"))
_BREAKING = frozenset(
    """p div section article main header footer center blockquote pre ul ol dl dt dd li table form fieldset figure
    figcaption address hr br h1 h2 h3 h4 h5 h6 body html""".split()
)
_HEADING = re.compile(r"h[1-6]")
_CENTRED = re.compile(r"text-align\s{0,3}:\s{0,3}center", re.I)


def blocks(fragment: str, base_url: str) -> list[Block]:
    """The container's blocks in order; those without text and image are left out."""
    splitter = _Splitter(base_url)
    splitter.walk(html.fromstring(fragment), "p", False)
    splitter.flush("p", False)
    return splitter.blocks


class _Splitter:
    def __init__(self, base_url: str) -> None:
        self.blocks: list[Block] = []
        self._base_url = base_url
        self._text: list[str] = []
        self._html: list[str] = []
        self._open: list[str] = []

    def walk(self, node: HtmlElement, kind: str, centred: bool) -> None:
        """Take over the node's text and children; kind is the tag the surrounding block is written as."""
        if _HEADING.fullmatch(str(node.tag)):
            kind = node.tag
        elif node.tag == "li":
            kind = "li"
        centred = centred or node.tag == "center" or (node.get("align") or "").lower() == "center"
        centred = centred or bool(_CENTRED.search(node.get("style") or ""))
        self._add(node.text)
        for child in node:
            tag = child.tag
            if not isinstance(tag, str) or tag in _SKIPPED:
                pass
            elif tag == "table" and not _is_layout(child):
                self.flush(kind, centred)
                self._table(child)
            elif tag == "img":
                self._image(child)
            elif tag == "br":
                self.flush(kind, centred)
            elif tag in _BREAKING or tag in ("table", "tbody", "thead", "tfoot", "tr", "td", "th"):
                self.flush(kind, centred)
                self.walk(child, kind, centred)
                self.flush(_kind_of(child, kind), _centred_in(child, centred))
            else:
                self._inline(child, kind, centred)
            self._add(child.tail)

    def flush(self, kind: str, centred: bool) -> None:
        """End the current block."""
        text = " ".join("".join(self._text).split())
        markup = "".join(self._html) + "".join(f"</{tag}>" for tag in reversed(self._open))
        if text or "<img " in markup:
            markup = re.sub(r"\s+", " ", markup).strip()
            self.blocks.append(Block(text, f"<{kind}>{markup}</{kind}>", centred))
        self._text, self._html = [], [f"<{tag}>" for tag in self._open]

    def _add(self, text: str | None) -> None:
        if text:
            self._text.append(text)
            self._html.append(escape(text, quote=False))

    def _inline(self, node: HtmlElement, kind: str, centred: bool) -> None:
        tag = _INLINE.get(node.tag)
        href = self._address(node.get("href")) if node.tag == "a" else None
        if href:
            self._html.append(f'<a href="{escape(href)}">')
            self.walk(node, kind, centred)
            self._html.append("</a>")
            return
        if tag:
            self._open.append(tag)
            self._html.append(f"<{tag}>")
        self.walk(node, kind, centred)
        if tag:
            self._open.pop()
            self._html.append(f"</{tag}>")

    def _image(self, node: HtmlElement) -> None:
        if source := self._address(node.get("src")):
            alt = escape(" ".join((node.get("alt") or "").split()))
            self._html.append(f'<img src="{escape(source)}" alt="{alt}">')

    def _table(self, table: HtmlElement) -> None:
        """One block a table: its rows are the lines of the text."""
        lines, markup = [], []
        for row in table.iter("tr"):
            cells = [cell for cell in row if cell.tag in ("td", "th")]
            texts = [" ".join("".join(cell.itertext()).split()) for cell in cells]
            if any(texts):
                lines.append("\t".join(texts))
            markup.append("<tr>" + "".join(map(_cell, cells, texts)) + "</tr>")
        for image in table.iter("img"):
            self._image(image)
        images = "".join(self._html)
        self._html = []
        if lines or images:
            self.blocks.append(Block("\n".join(lines), f"<table>{''.join(markup)}</table>{images}"))

    def _address(self, value: str | None) -> str | None:
        try:
            url = urljoin(self._base_url, (value or "").strip())
            return url if value and urlsplit(url).scheme in ("http", "https") else None
        except ValueError:
            return None


def _cell(cell: HtmlElement, text: str) -> str:
    spans = "".join(
        f' {name}="{cell.get(name)}"' for name in ("colspan", "rowspan") if (cell.get(name) or "").isdecimal()
    )
    return f"<{cell.tag}{spans}>{escape(text, quote=False)}</{cell.tag}>"


def _is_layout(table: HtmlElement) -> bool:
    """A table of one cell only places text; its paragraphs are paragraphs."""
    return len(table.xpath(".//td | .//th")) <= 1 or bool(table.xpath(".//table"))


def _kind_of(node: HtmlElement, kind: str) -> str:
    if _HEADING.fullmatch(str(node.tag)) or node.tag == "li":
        return str(node.tag)
    return kind


def _centred_in(node: HtmlElement, centred: bool) -> bool:
    return (
        centred
        or node.tag == "center"
        or (node.get("align") or "").lower() == "center"
        or bool(_CENTRED.search(node.get("style") or ""))
    )
