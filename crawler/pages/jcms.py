"""Hanweb jcms: a column's records stand in a datastore on its page; further ones come from dataproxy.jsp.

The datastore is XML in a script; each record holds the HTML of one entry.
"""

import re
from collections.abc import Iterator
from functools import cached_property
from html import unescape
from typing import ClassVar
from urllib.parse import parse_qsl, urlencode, urljoin

from lxml.html import HtmlElement
from parsel import Selector
from scrapy.http import TextResponse

from crawler.exceptions import MarkupChanged
from crawler.items import Entry
from crawler.pages.base import ArticlePage, ListingPage
from crawler.pages.mofcom import ArticleT3
from crawler.urls import Addresses

_PROXY = "/module/web/jpage/dataproxy.jsp"
_NAMED = re.compile(r"dataproxy\.jsp\?([^\"'<>\]\s]{1,1000})")
_IDS = ("columnid", "unitid", "webid")
_ID = {name: re.compile(rf"""\b{name}["']?\s{{0,3}}[:=]\s{{0,3}}["']?(\d{{1,9}})""", re.I) for name in _IDS}
_TOTAL = re.compile(r"""<totalrecord>\s{0,9}(\d{1,8})|\btotalrecord["']?\s{0,3}[:=]\s{0,3}["']?(\d{1,8})""", re.I)
_PER_PAGE = re.compile(r"""\bperpage["']?\s{0,3}[:=]\s{0,3}["']?(\d{1,4})""", re.I)
_AT_ONCE = 3
"""The system sends so many pages' records with one request."""


class Listing(ListingPage):
    """/col/colN/index.html, and every reply of dataproxy.jsp."""

    version = "jcms@1"

    def __init__(self, response: TextResponse, addresses: Addresses, first: "Listing | None" = None) -> None:
        super().__init__(response, addresses)
        self._records = list(_between(response.text, "<record>", "</record>"))
        if first is not None:
            self._first = first
            self.base = first.base
            return
        self._first = self
        self.tells_last_page = self._total is not None
        self.is_shell = not self._records

    @classmethod
    def matches(cls, response: TextResponse) -> bool:
        return "<datastore" in response.text or "dataproxy.jsp" in response.text

    @cached_property
    def _total(self) -> int | None:
        found = _TOTAL.search(self.response.text)
        return int(found[1] or found[2]) if found else None

    @cached_property
    def _query(self) -> dict[str, str]:
        """What dataproxy.jsp is asked with, but for the range. Raises MarkupChanged where the page does not say."""
        text = unescape(self.response.text)
        named = _NAMED.search(text)
        given = {key.lower(): value for key, value in parse_qsl(named[1])} if named else {}
        for name in _IDS:
            if name not in given and (found := _ID[name].search(text)):
                given[name] = found[1]
        if missing := [name for name in _IDS if name not in given]:
            raise MarkupChanged(f"{self.version}: {', '.join(missing)} not given on {self.response.url}")
        per_page = _PER_PAGE.search(text)
        return {"perpage": per_page[1] if per_page else "15"} | {name: given[name] for name in _IDS}

    @cached_property
    def _group(self) -> int:
        """Records a request asks for."""
        return len(self._records) or int(self._query["perpage"]) * _AT_ONCE

    def entries(self) -> list[Entry]:
        if "<datastore" not in self.response.text:
            if self.is_shell:
                return []
            raise MarkupChanged(f"{self.version}: no datastore in the reply of {self.response.url}")
        found = []
        for record in self._records:
            inner = next(_between(record, "<![CDATA[", "]]>"), None)
            root = Selector(text=f"<div>{unescape(record) if inner is None else inner}</div>")
            for item in root.css("li") or root.css("body > div"):
                if entry := self.entry(item):
                    found.append(entry)
        return found

    def declared(self) -> int | None:
        return self._total

    def last_page(self) -> int | None:
        total = self._total
        return None if total is None else max(1, -(-total // self._first._group))

    def address(self, number: int) -> str:
        if self._first is not self:
            return self._first.address(number)
        if number == 1 and not self.is_shell:
            return self.response.url
        start = (number - 1) * self._group + 1
        query = {"startrecord": start, "endrecord": number * self._group} | self._query
        return urljoin(self.response.url, f"{_PROXY}?{urlencode(query)}")

    def read(self, response: TextResponse) -> ListingPage:
        return type(self)(response, self.addresses, self._first)


class Article(ArticleT3):
    """#zoom or .main-txt; ContentStart and ContentEnd, where given, say what of it is the text."""

    version = "jcms@1"
    TITLE = ".main-title, .art_title, .art-title, .article-title, .detail-title, #artitle"
    ROW = ".main-info, .art_info, .article-info, .sp_time"
    BODY: ClassVar[str] = "#zoom, .main-txt"
    MARKER = "#zoom, .main-txt, meta[name=ContentStart]"

    @cached_property
    def body(self) -> HtmlElement:
        if self.tree.find(self.BODY):
            return super().body
        start, end = self._marks(self.tree.root)
        if start is None or end is None:
            raise MarkupChanged(f"{self.version}: neither {self.BODY!r} nor ContentStart on {self.response.url}")
        above = {*end.iterancestors()}
        return next(node for node in start.iterancestors() if node in above)

    def text(self, body: HtmlElement) -> HtmlElement:
        start, end = self._marks(body)
        if start is not None:
            for node in _up_to(start, body):
                for before in [*node.itersiblings(preceding=True)]:
                    node.getparent().remove(before)
                node.getparent().text = None
        if end is not None:
            end.tail = None
            for node in _up_to(end, body):
                for after in [*node.itersiblings()]:
                    node.getparent().remove(after)
                node.tail = None
        return body

    @staticmethod
    def _marks(root: HtmlElement) -> tuple[HtmlElement | None, HtmlElement | None]:
        marks = {meta.get("name", "").lower(): meta for meta in root.iter("meta")}
        return marks.get("contentstart"), marks.get("contentend")


def _up_to(node: HtmlElement, root: HtmlElement) -> list[HtmlElement]:
    """The node and its ancestors below the root."""
    found: list[HtmlElement] = []
    while node is not root and node is not None:
        found.append(node)
        node = node.getparent()
    return found


def _between(text: str, opening: str, closing: str) -> Iterator[str]:
    """Each piece of the text between the two, in linear time."""
    end = 0
    while (start := text.find(opening, end)) >= 0:
        start += len(opening)
        end = text.find(closing, start)
        if end < 0:
            return
        yield text[start:end]


LISTINGS: tuple[type[ListingPage], ...] = (Listing,)
ARTICLES: tuple[type[ArticlePage], ...] = (Article,)
