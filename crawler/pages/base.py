"""What every template shares: selectors that must find something, and the two kinds of pages.

Pages are pure functions of a response: they print what the page prints and parse nothing.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar

from parsel import Selector, SelectorList
from scrapy.http import TextResponse

from crawler.exceptions import MarkupChanged
from crawler.items import Article, Entry
from crawler.urls import Addresses, is_file

RAILS = "aside, .jgRBox, .rColumnBox, nav, header, footer"
"""Parts of a page that list other columns."""

_MOMENT = re.compile(
    r"(?<!\d)((?:19|20)\d\d)\s?[-/.年]\s?(\d{1,2})\s?[-/.月]\s?(\d{1,2})(?!\d)"
    r"(?:\s?日?\s{0,4}(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?(?!\d))?"
)


def collapse(text: str | None) -> str:
    """White space of every kind collapsed to single blanks."""
    return " ".join((text or "").split())


def squeeze(text: str | None) -> str:
    """White space of every kind, and invisible characters, removed: 重 要 专 题 -> 重要专题."""
    return re.sub(r"[\s\u200b-\u200d\u2060\ufeff]+", "", text or "")


def printed_moment(text: str) -> str | None:
    """The first whole date, with its time where one follows, as ISO 8601; a year is never guessed."""
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

    is_shell: ClassVar[bool] = False
    """Whether the page only names an API that brings the entries."""

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
        links = item.xpath(".//a") if item.root.tag != "a" else [item]
        link = next((a for a in links if a.attrib.get("title") or squeeze(a.xpath("string()").get())), None)
        if link is None:
            return None
        title = collapse(link.attrib.get("title")) or collapse(link.xpath("string()").get())
        # dates stand in a span, after the link, or in a script of the item; in the title only as a last resort
        around = " ".join(item.xpath(".//text()[not(ancestor::a)]").getall()) if item is not link else ""
        date = printed_moment(around) or printed_moment(title)
        return self._classified(link.attrib.get("href", ""), title, date)

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

    def frame(self) -> str | None:
        """The address of an iframe that holds the text, where the body itself holds none."""
        return None

    def article(self, frame: TextResponse | None = None) -> Article:
        """The article as printed. Raises MarkupChanged where the template does not fit."""
        raise NotImplementedError


def column_links(response: TextResponse, name: str) -> Iterator[str]:
    """The hrefs of the home page's links named like the column, those in a navigation first."""
    wanted = squeeze(name)
    later = []
    for link in response.css("a"):
        if wanted not in (squeeze(link.xpath("string()").get()), squeeze(link.attrib.get("title"))):
            continue
        href = link.attrib.get("href", "")
        if (
            link.xpath(
                "ancestor::nav or ancestor::*[contains(@class,'nav') or contains(@id,'nav')"
                " or contains(@class,'menu') or contains(@id,'menu')]"
            ).get()
            == "1"
        ):
            yield href
        else:
            later.append(href)
    yield from later
