"""A body container in pieces: paragraphs, headings, tables, list entries, images.

The text of a block is what a reader would copy: no character replaced, white space collapsed, indents
dropped, table cells separated by tabs. Its HTML is built anew from a short list of tags, so nothing of
the page's own attributes or scripts can pass. Pages nest thousands deep: nothing here recurses.
"""

import re
from dataclasses import replace
from html import escape
from urllib.parse import urljoin, urlsplit

from lxml import etree
from lxml.html import HtmlElement

from crawler.items import Block

# fmt: off
_INLINE = {
    "b": "strong", "strong": "strong", "i": "em", "em": "em", "u": "u", "sub": "sub", "sup": "sup",
    "s": "s", "strike": "s", "del": "s",
}
_SKIPPED = frozenset((
    "script", "style", "noscript", "head", "title", "meta", "link", "template", "iframe", "object", "embed", "svg",
    "math", "select", "textarea", "button", "video", "audio",
))
_TABLE_PARTS = frozenset(("table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th"))
_BREAKING = _TABLE_PARTS | frozenset((
    "p", "div", "section", "article", "main", "header", "footer", "center", "blockquote", "pre", "ul", "ol", "dl",
    "dt", "dd", "li", "form", "fieldset", "figure", "figcaption", "address", "hr", "h1", "h2", "h3", "h4", "h5", "h6",
    "body", "html", "aside", "nav",
))
# fmt: on
_KINDS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6", "li"))
_LISTS = frozenset(("ul", "ol"))
_BOLD = re.compile(r"font-weight\s{0,3}:\s{0,3}(?:bold|[6-9]00)", re.I)
_CENTRED = re.compile(r"text-align\s{0,3}:\s{0,3}center", re.I)
_LONG_CELL = 40
_DEEPEST_LIST = 6


def blocks(fragment: str, base_url: str) -> list[Block]:
    """The container's blocks in order; those without text and image are left out."""
    # huge_tree: unclosed tags nest deeper than the 256 levels lxml otherwise keeps
    return _Splitter(base_url).split(etree.fromstring(fragment, parser=etree.HTMLParser(huge_tree=True)))


def without_closing(block: Block, closing: str) -> Block:
    """The block without the words that close it; in its HTML they may stand in several elements."""
    text = block.text[: -len(closing)].rstrip()
    if (position := block.html.rfind(closing)) >= 0:
        markup = block.html[:position] + block.html[position + len(closing) :]
    else:
        kind = re.match(r"<(\w+)", block.html)
        tag = kind[1] if kind else "p"
        markup = f"<{tag}>{escape(text, quote=False)}</{tag}>"
    return replace(block, text=text, html=re.sub(r"(?<!\s)\s+(?=</)", "", markup))


class _Splitter:
    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._blocks: list[Block] = []
        self._text: list[str] = []
        self._html: list[str] = []
        self._open: list[tuple[str, str]] = []
        """Start and end tags of the inline elements the current text stands in."""
        self._around: list[tuple[str, bool, tuple[str, ...]]] = [("p", False, ())]
        """For each open element the tag its block is written as, whether it is centred, and the lists around it."""
        self._filled = False
        """Whether the current block has text, blank or not, or an image."""
        self._in_pre = 0

    def split(self, root: HtmlElement) -> list[Block]:
        """The blocks of the element. Call once."""
        inline: list[bool] = []
        walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
        for event, node in walk:
            if event == "start":
                skips = self._start(node, inline)
                if skips:
                    walk.skip_subtree()
                continue
            if event == "end":
                self._end(node, inline)
            if node is not root:
                self._add(node.tail)
        self._flush()
        return self._blocks

    def _start(self, node: HtmlElement, inline: list[bool]) -> bool:
        """Take over a start tag and the text after it; returns whether what is inside is not to be walked."""
        tag = node.tag
        if tag in _BREAKING or tag == "br":
            self._flush()
        kind, centred, lists = self._around[-1]
        if tag in _LISTS:
            lists = (*lists, tag)
        style = node.get("style") or ""
        centred = (
            centred
            or tag == "center"
            or (node.get("align") or "").lower() == "center"
            or _CENTRED.search(style) is not None
        )
        self._around.append((tag if tag in _KINDS else kind, centred, lists[:_DEEPEST_LIST]))
        markup = self._markup(node, style)
        inline.append(markup is not None)
        if markup:
            self._open.append(markup)
            self._html.append(markup[0])
        if tag == "table" and (table := _data_table(node)):
            self._table(node, table)
            return True
        if tag == "img":
            self._image(node)
        if tag in _SKIPPED:
            return True
        self._in_pre += tag == "pre"
        self._add(node.text)
        return False

    def _end(self, node: HtmlElement, inline: list[bool]) -> None:
        if node.tag in _BREAKING:
            self._flush()
        self._in_pre -= node.tag == "pre"
        if inline.pop():
            opening, closing = self._open.pop()
            if self._html and self._html[-1] == opening:
                self._html.pop()  # emphasis of nothing
            else:
                self._html.append(closing)
        self._around.pop()

    def _flush(self) -> None:
        """End the current block."""
        if not self._filled:
            self._html = [start for start, _ in self._open]
            return
        kind, centred, lists = self._around[-1]
        text = " ".join("".join(self._text).split())
        pieces, still_open = self._html, len(self._open)
        while still_open and pieces and pieces[-1] == self._open[still_open - 1][0]:
            pieces.pop()
            still_open -= 1
        markup = "".join(pieces)
        if text or "<img " in markup:
            markup += "".join(end for _, end in reversed(self._open[:still_open]))
            markup = " ".join(markup.split())
            self._blocks.append(Block(text, f"<{kind}>{markup}</{kind}>", centred, lists if kind == "li" else ()))
        self._text, self._html, self._filled = [], [start for start, _ in self._open], False

    def _add(self, text: str | None) -> None:
        if not text:
            return
        for number, line in enumerate(text.split("\n") if self._in_pre else [text]):
            if number:
                self._flush()
            if line:
                self._text.append(line)
                self._html.append(escape(line, quote=False))
                self._filled = True

    def _markup(self, node: HtmlElement, style: str) -> tuple[str, str] | None:
        if node.tag == "a" and (href := self._address(node.get("href"))):
            return f'<a href="{escape(href)}">', "</a>"
        tag = _INLINE.get(node.tag)
        if tag is None and style and _BOLD.search(style) and "<strong>" not in (start for start, _ in self._open):
            tag = "strong"
        return (f"<{tag}>", f"</{tag}>") if tag else None

    def _image(self, node: HtmlElement) -> None:
        if source := self._address(node.get("src")):
            alt = escape(" ".join((node.get("alt") or "").split()))
            self._html.append(f'<img src="{escape(source)}" alt="{alt}">')
            self._filled = True

    def _table(self, table: HtmlElement, rows: list[list[tuple[HtmlElement, str]]]) -> None:
        """One block a table: its rows are the lines of the text."""
        for caption in table.iter("caption"):
            self._add(_text_of(caption))
            self._flush()
        lines = ["\t".join(text for _, text in row) for row in rows if any(text for _, text in row)]
        cells = (("<tr>" + "".join(self._cell(cell) for cell, _ in row) + "</tr>") for row in rows)
        markup = f"<table>{''.join(cells)}</table>"
        if lines or "<img " in markup:
            self._blocks.append(Block("\n".join(lines), markup))

    def _cell(self, cell: HtmlElement) -> str:
        """The cell with its emphasis, links and images; its paragraphs are parted by <br>."""
        spans = "".join(
            f' {name}="{cell.get(name)}"'
            for name in ("colspan", "rowspan")
            if re.fullmatch(r"\d{1,4}", cell.get(name) or "")
        )
        inside = (inner(block) for block in _Splitter(self._base_url).split(cell))
        return f"<{cell.tag}{spans}>{'<br>'.join(inside)}</{cell.tag}>"

    def _address(self, value: str | None) -> str | None:
        try:
            url = urljoin(self._base_url, "".join((value or "").split()))
            return url if value and urlsplit(url).scheme in ("http", "https") else None
        except ValueError:
            return None


def _data_table(table: HtmlElement) -> list[list[tuple[HtmlElement, str]]] | None:
    """The table's rows of (cell, text); None where it only places text, whose paragraphs are paragraphs."""
    if next(table.iterdescendants("table"), None) is not None:
        return None
    rows = [[(cell, _text_of(cell)) for cell in row if cell.tag in ("td", "th")] for row in table.iterdescendants("tr")]
    cells = [cell for row in rows for cell in row]
    filled = [(cell, text) for cell, text in cells if text]
    if len(cells) <= 1 or (len(filled) <= 1 and len(rows) <= 1):
        return None
    captions = "".join(_text_of(caption) for caption in table.iter("caption"))
    inside = sum(len("".join(text.split())) for _, text in filled)
    if inside + len("".join(captions.split())) != len("".join(_text_of(table).split())):
        return None  # text beside the cells would be lost
    longest, text = max(filled, key=lambda cell: len(cell[1]), default=(None, ""))
    paragraphs = 0 if longest is None else sum(len(_text_of(p)) >= _LONG_CELL for p in longest.iter("p", "div"))
    return None if paragraphs > 1 and len(text) * 3 > inside * 2 else rows


def _text_of(node: HtmlElement) -> str:
    """What a reader sees of the element, in one line; blocks and <br> inside are parted by a blank."""
    texts: list[str] = []
    walk = etree.iterwalk(node, events=("start", "end", "comment", "pi"))
    for event, part in walk:
        if event == "start":
            texts.append(" " if part.tag in _BREAKING or part.tag == "br" else "")
            if part.tag in _SKIPPED:
                walk.skip_subtree()
            else:
                texts.append(part.text or "")
        elif part is not node:
            texts.append(" " if part.tag in _BREAKING else "")
            texts.append(part.tail or "")
    return " ".join("".join(texts).split())


def inner(block: Block) -> str:
    """The block's HTML without the tag around it."""
    return block.html[block.html.index(">") + 1 : block.html.rindex("</")]
