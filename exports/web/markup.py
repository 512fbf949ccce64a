"""Archived HTML as it may be shown: built anew from a list of tags and attributes, so that nothing else can pass.

The database holds sanitised HTML already; it is done again here, because a reader's browser must not depend on
who wrote the database. Pages nest thousands deep: nothing here recurses.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from lxml import etree, html
from lxml.html import HtmlElement
from markupsafe import Markup, escape

from exports.web.rendering import clean

# fmt: off
_BODY_TAGS = frozenset((
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "table", "caption", "thead", "tbody", "tfoot", "tr",
    "td", "th", "strong", "em", "u", "s", "sub", "sup", "blockquote", "pre", "br", "hr", "a", "figure", "figcaption",
))
_FRAME_TAGS = _BODY_TAGS | frozenset((
    "div", "span", "section", "article", "main", "header", "footer", "nav", "aside", "center", "b", "i", "font",
    "small", "big", "dl", "dt", "dd", "address", "strike", "del", "ins", "label", "fieldset",
))
_DROPPED = frozenset((
    "script", "style", "noscript", "head", "title", "meta", "link", "base", "template", "iframe", "frame", "frameset",
    "object", "embed", "applet", "svg", "math", "select", "option", "textarea", "button", "input", "video", "audio",
    "source", "track", "canvas", "portal", "dialog",
))
# fmt: on
"""These go with all they hold; any other unknown tag goes, and its content stays."""
_VOID = frozenset(("br", "hr", "img"))
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))

Rewrite = Callable[[str], str | None]
"""From an absolute address to what is put in its place; None for nothing."""


@dataclass(frozen=True)
class Heading:
    """One entry of an outline."""

    anchor: str
    level: int
    text: str


def body(source: str, base: str, image: Rewrite, link: Rewrite) -> tuple[Markup, list[Heading]]:
    """An article's text, and its outline."""
    builder = _Builder(_BODY_TAGS, base, image, link, styled=False)
    return builder.build(source), builder.outline


def frame(source: str, base: str, image: Rewrite) -> Markup:
    """A page as fetched: its styles stay, its scripts, forms and links go."""
    return _Builder(_FRAME_TAGS, base, image, lambda _: None, styled=True).build(source)


class _Builder:
    def __init__(self, tags: frozenset[str], base: str, image: Rewrite, link: Rewrite, *, styled: bool) -> None:
        self._tags = tags
        self._base = base
        self._image = image
        self._link = link
        self._styled = styled
        self._out: list[str] = []
        self.outline: list[Heading] = []

    def build(self, source: str) -> Markup:
        """The source, built anew. Call once."""
        source = clean(source)
        if not source.strip():
            return Markup("")
        # huge_tree: unclosed tags nest deeper than the 256 levels lxml otherwise keeps
        root = html.document_fromstring(f"<div>{source}", parser=html.HTMLParser(huge_tree=True))
        walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
        for event, node in walk:
            if event == "start":
                if node.tag in _DROPPED:
                    walk.skip_subtree()
                    continue
                self._start(node)
                self._text(node.text)
            else:
                if event == "end" and node.tag not in _DROPPED:
                    self._end(node)
                self._text(node.tail)
        return Markup("".join(self._out))  # noqa: S704 - every piece was escaped or is ours

    def _text(self, text: str | None) -> None:
        if text:
            self._out.append(str(escape(text)))

    def _start(self, node: HtmlElement) -> None:
        if node.tag == "img":
            self._out.append(self._picture(node))
        elif node.tag in self._tags:
            attributes = dict(self._attributes(node))
            written = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
            self._out.append(f"<{node.tag}{written}>")

    def _end(self, node: HtmlElement) -> None:
        if node.tag in self._tags and node.tag not in _VOID:
            self._out.append(f"</{node.tag}>")

    def _attributes(self, node: HtmlElement) -> Mapping[str, str]:
        kept = {name: node.get(name) for name in ("colspan", "rowspan") if (node.get(name) or "").isdecimal()}
        if self._styled:
            kept |= {name: node.get(name) for name in ("style", "align", "title") if node.get(name)}
        if node.tag in _HEADINGS and not self._styled:
            text = " ".join(node.text_content().split())
            if text:
                self.outline.append(Heading(f"h{len(self.outline) + 1}", int(node.tag[1]), text))
                kept["id"] = self.outline[-1].anchor
        if node.tag == "a" and (target := self._link(self._absolute(node.get("href")))):
            kept |= {"href": target}
            if not target.startswith("/"):
                kept["rel"] = "noreferrer noopener nofollow external"
        return kept

    def _picture(self, node: HtmlElement) -> str:
        name = " ".join((node.get("alt") or node.get("title") or "").split())
        source = self._image(self._absolute(node.get("src")))
        if source is None:
            return f'<span class="missing-picture">[{escape(name or "图")}]</span>'
        return f'<img src="{escape(source)}" alt="{escape(name)}" loading="lazy">'

    def _absolute(self, address: str | None) -> str:
        """An address of the page, absolute; empty where it is none, or not one of the web."""
        try:
            absolute = urljoin(self._base, (address or "").strip()) if address else ""
            return absolute if urlsplit(absolute).scheme in ("http", "https") else ""
        except ValueError:
            return ""
