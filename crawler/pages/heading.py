"""The heading of an article page: the title, a subtitle, and the lines between them and the text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from lxml.html import HtmlElement
from parsel import Selector, SelectorList
from scrapy.http import TextResponse

from crawler.pages.base import in_rail
from crawler.pages.boilerplate import SSI_ERROR, says_nothing
from crawler.pages.lines import lines
from crawler.pages.row import is_moment, is_row
from crawler.pages.text import collapse, squeeze

_SUBTITLE = "h3, .art-subtitle, .sub-title, .subtitle, .artSubTitle"
_BANNER = re.compile(r"(?:^|[\s_-])(?:site|page)?-?(?:header|head|top|logo|banner|topbar)(?:$|\s)", re.I)
_DASH = re.compile(r"^[—–―─-]{2,}")
_LONGEST_BYLINE = 80


@dataclass
class Heading:
    """What a page prints above its text."""

    title: str = ""
    subtitle: str = ""
    beside: list[str] = field(default_factory=list)
    """Further short lines between title and text; an author may be among them."""


def read_heading(response: TextResponse, body: HtmlElement, css: str, known: Iterable[str]) -> Heading:
    """The heading above the body. ``css``: what marks titles; ``known``: the title as scripts and tags give it."""
    title = _title(response, body, css, {squeeze(name) for name in known} - {""})
    if title is None:
        return Heading()
    heading = Heading(_joined(title))
    inside = [part for part in title.xpath("./*").css(_SUBTITLE) if part.root is not title.root]
    if inside and heading.title.endswith(subtitle := _joined(inside[0])) and subtitle != heading.title:
        heading.title, heading.subtitle = heading.title[: -len(subtitle)].strip(), subtitle
    subtitles = {part.root for part in response.css(_SUBTITLE)}
    for part in _between(title.root, body):
        for line in lines(part):
            text = line.text.replace(SSI_ERROR, "").strip()
            if not text or says_nothing(text) or is_row(text) or is_moment(text):
                continue
            if not heading.subtitle and (_DASH.match(text) or part in subtitles):
                heading.subtitle = text
            elif len(text) <= _LONGEST_BYLINE and not line.is_link():
                heading.beside.append(text)
    return heading


def _title(response: TextResponse, body: HtmlElement, css: str, known: set[str]) -> Selector | None:
    """The title printed as known; else the nearest above the text, then one inside it, plain headings last."""
    # h2 and h3 are titles only above the text: inside it they are its sub-titles
    found = [(level, part) for level, group in enumerate((css, "h1", "h2", "h3")) for part in response.css(group)]
    place = _places(body, [part.root for _, part in found])
    candidates = []
    for level, part in found:
        where = place.get(part.root, 2)
        text = _joined(part)
        if not text or len(text) > 300 or (level > 1 and where > 0) or in_rail(part) or _is_banner(part, text):
            continue
        candidates.append((squeeze(text) not in known, where, level, part))
    # of equals the last: the nearest
    return min(reversed(candidates), key=lambda candidate: candidate[:3], default=(None,))[-1]


def _places(body: HtmlElement, nodes: list[HtmlElement]) -> dict[HtmlElement, int]:
    """node -> 0 before the body, 1 inside it; nodes after it are missing."""
    wanted, place = set(nodes), {}
    for node in body.getroottree().getroot().iter():
        if node is body:
            break
        if node in wanted:
            place[node] = 0
    for node in body.iterdescendants():
        if node in wanted:
            place[node] = 1
    return place


def _is_banner(part: Selector, text: str) -> bool:
    """Whether it is the site's own name: in the page's head, or a link to the home page."""
    marks = part.xpath("ancestor-or-self::*/@class | ancestor-or-self::*/@id").getall()
    links = part.xpath(".//a[@href='/' or @href='./' or @href='index.html' or @href='/index.html']")
    return any(map(_BANNER.search, marks)) or any(_joined(link) == text for link in links)


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


def _joined(found: Selector | SelectorList[Selector]) -> str:
    """The visible text; <br> and blocks inside stand for a blank."""
    breaks = found.xpath(".//br | .//p | .//div | .//h1 | .//h2 | .//h3")
    texts = found.xpath(".//text()[not(parent::script or parent::style)]").getall()
    return collapse((" " if breaks else "").join(texts).replace(SSI_ERROR, " "))
