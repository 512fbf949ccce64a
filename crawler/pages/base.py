"""What every template shares: selectors that must find something, and the two kinds of pages.

Pages are pure functions of a response: they print what the page prints and parse nothing.
"""

import re
import unicodedata
from datetime import datetime
from typing import ClassVar

from lxml import etree
from lxml.html import HtmlElement
from parsel import Selector, SelectorList
from scrapy.http import TextResponse

from crawler.exceptions import MarkupChanged
from crawler.items import Article, Entry
from crawler.pages.text import collapse as collapse
from crawler.pages.text import squeeze as squeeze
from crawler.pages.tree import tree
from crawler.urls import Addresses, is_file

_RAIL_TAGS = ("aside", "nav", "header", "footer")
_RAIL_CLASSES = frozenset(("jgRBox", "rColumnBox"))
"""Parts of a page that list other columns."""

_CHINESE = re.compile(
    r"([〇零○Ｏ一二三四五六七八九]{4})年([一二三四五六七八九十]{1,3})月([一二三四五六七八九十]{1,3})日?"
)
_DIGITS = str.maketrans("〇零○Ｏ一二三四五六七八九", "0000123456789")
_MOMENT = re.compile(
    r"(?<!\d)((?:19|20)\d\d)\s?[-/.年]\s?(\d{1,2})\s?[-/.月]\s?(\d{1,2})(?!\d)"
    r"(?:\s?日?[\sT]{0,4}(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?(?!\d))?"
)


def in_digits(text: str) -> str:
    """Full-width digits and dates in Chinese numerals as ASCII digits: 二〇二一年三月四日 -> 2021年3月4日."""
    return unicodedata.normalize("NFKC", _CHINESE.sub(_arabic, text))


def _arabic(match: re.Match[str]) -> str:
    def number(part: str) -> str:
        tens, ten, ones = part.partition("十")
        if not ten:
            return part.translate(_DIGITS)
        return str(int(tens.translate(_DIGITS) or 1) * 10 + int(ones.translate(_DIGITS) or 0))

    year, month, day = match.groups()
    if max(month.count("十"), day.count("十")) > 1:  # no number
        return match.group()
    return f"{year.translate(_DIGITS)}年{number(month)}月{number(day)}日"


def printed_moment(text: str) -> str | None:
    """The first whole date, with its time where one follows, as ISO 8601; a year is never guessed."""
    text = text if text.isascii() else in_digits(text)
    for match in _MOMENT.finditer(text):
        year, month, day, *clock = (int(part) if part else None for part in match.groups())
        try:
            if clock[0] is None:
                return datetime(year or 0, month or 0, day or 0).date().isoformat()
            moment = datetime(year or 0, month or 0, day or 0, clock[0], clock[1] or 0, clock[2] or 0)
        except ValueError:
            continue
        return moment.isoformat(timespec="minutes" if clock[2] is None else "seconds")
    return None


def in_rail(found: HtmlElement) -> bool:
    """Whether the element stands in a part of the page that lists other columns."""
    return any(
        node.tag in _RAIL_TAGS or not _RAIL_CLASSES.isdisjoint((node.get("class") or "").split())
        for node in (found, *found.iterancestors())
    )


_IN_BRACKETS = re.compile(r"[\[【［][^\]】］]{1,12}[\]】］]")
_DATE_ALONE = re.compile(
    r"[\s\[(（【]{0,40}(?:(?:19|20)\d\d\s?[-/.年]\s?)?\d{1,2}\s?[-/.月]\s?\d{1,2}\s?日?[\s\d:]{0,12}[\])）】\s]{0,40}"
)


# asked of every entry: compiled once
_LINKS = etree.XPath(".//a")
_TEXTS = etree.XPath(".//text()", smart_strings=False)
_PRINTED = etree.XPath(".//text()[not(parent::script or parent::style)]", smart_strings=False)
_OUTSIDE_LINKS = etree.XPath(".//text()[not(ancestor::a)]", smart_strings=False)
_ALTS = etree.XPath(".//img/@alt", smart_strings=False)


def _title_of(link: HtmlElement) -> str:
    """The full title in @title; else the text without a date set apart in it; else an image's."""
    if title := collapse(link.get("title")):
        return title
    texts = _PRINTED(link)
    if len(texts) > 1:
        texts = [text for text in texts if not (len(text) < 40 and _DATE_ALONE.fullmatch(in_digits(text)))]
    return collapse("".join(texts)) or next(filter(None, map(collapse, _ALTS(link))), "")


def _date_of(item: HtmlElement, title: str) -> str | None:
    """A date that stands alone, in the item or its script; then one between other words; the title's last."""
    alone = (printed_moment(text) for text in _TEXTS(item) if len(text) < 40 and _DATE_ALONE.fullmatch(in_digits(text)))
    if date := next(filter(None, alone), None):
        return date
    around = " ".join(_OUTSIDE_LINKS(item)) if item.tag != "a" else ""
    return printed_moment(around) or printed_moment(title)


class Page:
    """One response read by one version of a template."""

    version: ClassVar[str]
    """template@version, as stored in articles.extractor."""

    def __init__(self, response: TextResponse, addresses: Addresses) -> None:
        self.response = response
        self.addresses = addresses
        self.base = response.url
        """What relative addresses on it are relative to."""

    @classmethod
    def matches(cls, response: TextResponse) -> bool:
        """Whether the page carries this version's marker."""
        raise NotImplementedError

    def some(self, css: str) -> SelectorList[Selector]:
        """Everything the selector finds. Raises MarkupChanged where that is nothing."""
        found = self.response.css(css)
        if not found:
            raise MarkupChanged(f"{self.version}: {css!r} found nothing on {self.response.url}")
        return found

    def one(self, css: str) -> Selector:
        """The one thing the selector finds. Raises MarkupChanged where it is none or several."""
        found = self.some(css)
        if len(found) > 1:
            raise MarkupChanged(f"{self.version}: {css!r} found {len(found)} on {self.response.url}")
        return found[0]


class ListingPage(Page):
    """One page of a column."""

    is_shell: bool = False
    """Whether the page only names an API that brings the entries."""
    tells_last_page: bool = False
    """Whether last_page() is all there is: nothing needs to be asked for behind it."""

    def entries(self) -> list[Entry]:
        """The column's own entries, in order, doubled ones included; empty past the end."""
        raise NotImplementedError

    def declared(self) -> int | None:
        """The total the column declares."""
        return None

    def last_page(self) -> int | None:
        """The number of the last page, as far as this page tells."""
        return None

    def address(self, number: int) -> str:
        """Where page `number` (from 1) of this column is."""
        raise NotImplementedError

    def read(self, response: TextResponse) -> "ListingPage":
        """A further page of the same column, fetched from address()."""
        return type(self)(response, self.addresses)

    def entry(self, item: Selector) -> Entry | None:
        """The entry a list item prints; None where it holds no link and no text (a separator)."""
        element = item.root
        links = _LINKS(element) if element.tag != "a" else [element]
        named = [(link, title) for link in links if (title := _title_of(link))]
        if not named:
            return None
        # a link in brackets names the column the article is of
        link, title = next(((a, name) for a, name in named if not _IN_BRACKETS.fullmatch(name)), named[0])
        return self._classified(link.get("href", ""), title, _date_of(element, title))

    def _classified(self, href: str, title: str, date: str | None) -> Entry:
        url = self.addresses.resolve(href, self.base)
        if url is None:
            scheme = href.strip().partition(":")[0].lower()
            if scheme in ("mailto", "tel"):
                return Entry(href.strip(), title, date, "external")
            return Entry(f"about:blank#{title}", title, date, "excluded", f"no address (href={href.strip()[:80]!r})")
        if is_file(url) and (self.addresses.is_own(url) or self.addresses.may_fetch(url)):
            return Entry(url, title, date, "attachment")
        if not self.addresses.is_own(url):
            return Entry(url, title, date, "external")
        return Entry(url, title, date)


class ArticlePage(Page):
    """One article page."""

    def __init__(self, response: TextResponse, addresses: Addresses) -> None:
        super().__init__(response, addresses)
        self.tree = tree(response)
        self.address = addresses.resolve(response.url, response.url) or response.url
        """The page's own, normalised."""
        self.first = self.address
        """The address of the article's first page; this one may be a further part of it."""

    def parts(self) -> dict[int, str]:
        """number -> address of the article's further pages, as far as this one names them."""
        return {}

    def frame(self) -> str | None:
        """The address of an iframe that holds the text, where the body itself holds none."""
        return None

    def article(self, frame: TextResponse | None = None) -> Article:
        """The article as printed. Raises MarkupChanged where the template does not fit."""
        raise NotImplementedError
