"""The heading of an article page: the title, a subtitle, and the lines between them and the text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from lxml.html import HtmlElement

from crawler.pages.base import in_rail
from crawler.pages.boilerplate import SSI_ERROR, says_nothing
from crawler.pages.lines import lines
from crawler.pages.row import is_moment, is_row
from crawler.pages.text import collapse, squeeze
from crawler.pages.tree import Tree, texts_of

_SUBTITLE = "h3, .art-subtitle, .sub-title, .subtitle, .artSubTitle"
_BANNER = re.compile(r"(?:^|[\s_-])(?:site|page)?-?(?:header|head|top|logo|banner|topbar)(?:$|\s)", re.I)
_DASH = re.compile(r"^[—–―─-]{2,}")
_LONGEST_BYLINE = 80
_HOME = frozenset(("/", "./", "index.html", "/index.html"))


@dataclass
class Heading:
    """What a page prints above its text."""

    title: str = ""
    subtitle: str = ""
    beside: list[str] = field(default_factory=list)
    """Further short lines between title and text; an author may be among them."""


def read_heading(page: Tree, body: HtmlElement, css: str, known: Iterable[str]) -> Heading:
    """The heading above the body. ``css``: what marks titles; ``known``: the title as scripts and tags give it."""
    title = _title(page, body, css, {squeeze(name) for name in known} - {""})
    if title is None:
        return Heading()
    heading = Heading(_joined(title))
    subtitles = page.find(_SUBTITLE)
    inside = next((part for part in subtitles if title in part.iterancestors()), None)
    if inside is not None and heading.title.endswith(subtitle := _joined(inside)) and subtitle != heading.title:
        heading.title, heading.subtitle = heading.title[: -len(subtitle)].strip(), subtitle
    apart = set(subtitles)
    for part in _between(title, body):
        for line in lines(part):
            text = line.text.replace(SSI_ERROR, "").strip()
            if not text or says_nothing(text) or is_row(text) or is_moment(text):
                continue
            if not heading.subtitle and (_DASH.match(text) or part in apart):
                heading.subtitle = text
            elif len(text) <= _LONGEST_BYLINE and not line.is_link():
                heading.beside.append(text)
    return heading


def _title(page: Tree, body: HtmlElement, css: str, known: set[str]) -> HtmlElement | None:
    """The title printed as known; else the nearest above the text, then one inside it, plain headings last."""
    start = page.place[body]
    end = start + sum(1 for _ in body.iter("*"))
    candidates = []
    # h2 and h3 are titles only above the text: inside it they are its sub-titles
    for level, group in enumerate((css, "h1", "h2", "h3")):
        for part in page.find(group):
            place = page.place[part]
            where = 0 if place < start else 1 if start < place < end else 2
            if level > 1 and where > 0:
                continue
            text = _joined(part)
            if not text or len(text) > 300 or in_rail(part) or _is_banner(part, text):
                continue
            candidates.append((squeeze(text) not in known, where, level, part))
    # of equals the last: the nearest
    return min(reversed(candidates), key=lambda candidate: candidate[:3], default=(None,))[-1]


def _is_banner(part: HtmlElement, text: str) -> bool:
    """Whether it is the site's own name: in the page's head, or a link to the home page."""
    around = [part, *part.iterancestors()]
    if any(_BANNER.search(mark) for node in around for name in ("class", "id") if (mark := node.get(name))):
        return True
    return any(link.get("href") in _HOME and _joined(link) == text for link in part.iterdescendants("a"))


def _between(title: HtmlElement, body: HtmlElement) -> list[HtmlElement]:
    """The elements after the title and before the body, seen from the level that holds both."""
    above = {body, *body.iterancestors()}
    if title in above or body in title.iterancestors():
        return []
    found: list[HtmlElement] = []
    node = title
    while node is not None and node not in above:
        for follower in node.itersiblings():
            if follower in above:
                return found
            if isinstance(follower.tag, str):
                found.append(follower)
        node = node.getparent()
    return []  # the title stands below the text


def _joined(found: HtmlElement) -> str:
    """The visible text; <br> and blocks inside stand for a blank."""
    breaks = next(found.iterdescendants("br", "p", "div", "h1", "h2", "h3"), None) is not None
    return collapse((" " if breaks else "").join(texts_of(found)).replace(SSI_ERROR, " "))
