"""The ministry's own publishing system, before 2024: three generations of markup (T1, T2, T3).

A version is recognised by a marker on the page, never by its date. A redesign is a subclass that moves
selectors. Facts: the README's section on the site.
"""

import re
from collections.abc import Iterator
from typing import ClassVar
from urllib.parse import urldefrag

from lxml import html
from lxml.html import HtmlElement
from parsel import Selector, SelectorList
from scrapy.http import TextResponse

from crawler.exceptions import MarkupChanged
from crawler.items import Article, Attachment, Entry
from crawler.pages import metadata
from crawler.pages.base import RAILS, ArticlePage, ListingPage, collapse, squeeze
from crawler.pages.boilerplate import prune
from crawler.urls import file_name, is_file

_PAGER = re.compile(r"\?(\d{1,5})")
_ARTICLE_HREF = re.compile(r"/\d{6}/\d{14}\.s?html?|/art/\d{4}/|/\d{6}/t?\d{8}_\d+\.s?html?")


class Listing(ListingPage):
    """T3, the main form: ul.txtList_01; an li with a class is a separator. Page N is the address + ?N."""

    version = "mofcom@T3"
    LISTS: ClassVar[str] = (
        "section.listCon ul.txtList_01, .iListCon ul.txtList_01, .listCon ul.txtList_01, ul.txtList_01"
    )
    ITEMS: ClassVar[str] = "./li[not(@class) or normalize-space(@class)='']"

    @classmethod
    def matches(cls, response: TextResponse) -> bool:
        return any(not _in_rail(found) for found in response.css(cls.LISTS))

    def entries(self) -> list[Entry]:
        lists = [found for found in self.some(self.LISTS) if not _in_rail(found)]
        return [entry for found in lists for item in found.xpath(self.ITEMS) if (entry := self.entry(item))]

    def last_page(self) -> int | None:
        first = self.address(1)
        links = (self.addresses.resolve(href, self.base) or "" for href in self.response.css("a::attr(href)").getall())
        pages = (_PAGER.fullmatch(link.removeprefix(first)) for link in links if link.startswith(f"{first}?"))
        return max((int(found.group(1)) for found in pages if found), default=None)

    def address(self, number: int) -> str:
        first = re.sub(r"\?\d+$", "", urldefrag(self.response.url)[0])
        return first if number == 1 else f"{first}?{number}"


class ListingT2(Listing):
    """ul.u-newsList01."""

    version = "mofcom@T2"
    LISTS = "ul.u-newsList01"


class ListingPhotos(Listing):
    """T1's photo columns: table.category, one link a cell."""

    version = "mofcom@T1"
    LISTS = "table.category"
    ITEMS = ".//td//p[.//a] | .//td[not(.//p)][.//a]"


class ListingT1(Listing):
    """A plain ul: the one outside navigation and rails that links the most articles."""

    version = "mofcom@T1"
    LISTS = "ul"
    ITEMS = "./li"

    @classmethod
    def matches(cls, response: TextResponse) -> bool:
        return cls._best(response) is not None

    @classmethod
    def _best(cls, response: TextResponse) -> Selector | None:
        def articles(found: Selector) -> int:
            return sum(bool(_ARTICLE_HREF.search(href)) for href in found.xpath("./li//a/@href").getall())

        lists = [found for found in response.css(cls.LISTS) if not _in_rail(found)]
        best = max(lists, key=articles, default=None)
        return best if best is not None and articles(best) else None

    def entries(self) -> list[Entry]:
        best = self._best(self.response)
        if best is None:
            raise MarkupChanged(f"{self.version}: no list of articles on {self.response.url}")
        return [entry for item in best.xpath(self.ITEMS) if (entry := self.entry(item))]


class ArticleT3(ArticlePage):
    """div.art-title, a meta row .at-left filled by inline script, div.art-con."""

    version = "mofcom@T3"
    TITLE: ClassVar[str] = ".art-title, h1"
    ROW: ClassVar[str] = ".at-left"
    BODY: ClassVar[str] = ".art-con"
    MARKER: ClassVar[str] = ".art-con"
    SUBTITLE: ClassVar[str] = "h3, .art-subtitle, .sub-title, .subtitle, .artSubTitle"

    @classmethod
    def matches(cls, response: TextResponse) -> bool:
        return bool(response.css(cls.MARKER))

    def body(self) -> HtmlElement:
        """The body container, the innermost of nested ones. Raises MarkupChanged where there is none."""
        found = [item.root for item in self.some(self.BODY)]
        inner = [
            node for node in found if not any(node in other.iterancestors() for other in found if other is not node)
        ]
        best: HtmlElement = max(inner, key=lambda node: len("".join(node.itertext())))
        return best

    def frame(self) -> str | None:
        body = self.body()
        if len(squeeze("".join(prune(_copy(body)).itertext()))) > 20:
            return None
        for frame in body.iter("iframe", "frame"):
            url = self.addresses.resolve(frame.get("src", ""), self.response.url)
            if url and self.addresses.may_fetch(url):
                return url
        return None

    def article(self, frame: TextResponse | None = None) -> Article:
        original = self.body()
        title, subtitle = self._title()
        printed = metadata.printed(self.response, self.response.css(self.ROW), original)
        if title:
            printed["title"] = {"row": title} | printed.get("title", {})
        body = prune(_copy(original) if frame is None else html.fromstring(frame.text).find("body"))
        beside = [] if frame is not None else list(self._beside(original))
        article = Article(
            url=self.addresses.resolve(self.response.url, self.response.url) or self.response.url,
            subtitle=subtitle,
            breadcrumb=metadata.breadcrumb(self.response, title),
            printed=printed,
            body_html=html.tostring(body, encoding="unicode", with_tail=False),
            extractor=self.version,
        )
        page_url = self.response.url if frame is None else frame.url
        article.attachments = list(self._attachments([body, *beside], page_url))
        article.images = list(self._images(body, page_url))
        if line := self._author_line(original):
            printed.setdefault("byline", {})["row"] = line
        return article

    def _title(self) -> tuple[str, str]:
        for found in self.response.css(self.TITLE):
            if _in_rail(found):
                continue
            inside = found.css(self.SUBTITLE)
            subtitle = _joined(inside or SelectorList(self._between(found, self.SUBTITLE)))
            title = _joined(found)
            if inside and title.endswith(subtitle):
                title = title[: -len(subtitle)].strip()
            if title:
                return title, subtitle
        return "", ""

    def _author_line(self, body: HtmlElement) -> str:
        """What stands between the title and the body, meta row and subtitle aside: a byline set apart."""
        titles = [found for found in self.response.css(self.TITLE) if not _in_rail(found)]
        lines = [_joined(part) for part in self._between(titles[0])] if titles else []
        return " ".join(line for line in lines if line and len(line) <= 80)

    def _between(self, title: Selector, css: str | None = None) -> list[Selector]:
        """The elements between title and body that match the selector; without one, all but rows and subtitles."""
        body = self.body()
        others = {found.root for found in self.response.css(f"{self.ROW}, {self.SUBTITLE}")}
        wanted = {found.root for found in self.response.css(css)} if css else None
        found = []
        for node in title.xpath("following-sibling::*[not(self::script or self::style)]"):
            if node.root is body or body in node.root.iterdescendants():
                break
            if node.root in wanted if wanted is not None else not others & {node.root, *node.root.iter()}:
                found.append(node)
        return found

    def _beside(self, body: HtmlElement) -> Iterator[HtmlElement]:
        """What follows the body in its parent: attachment lists stand there on some pages."""
        for node in body.itersiblings():
            if isinstance(node.tag, str) and not node.xpath("ancestor-or-self::*[self::aside or self::footer]"):
                yield prune(_copy(node))

    def _attachments(self, nodes: list[HtmlElement], page_url: str) -> Iterator[Attachment]:
        seen = set()
        for node in nodes:
            for link in node.iter("a"):
                url = self.addresses.resolve(link.get("href", ""), page_url)
                if url and is_file(url) and url not in seen:
                    seen.add(url)
                    yield Attachment(url, collapse("".join(link.itertext())) or link.get("title") or file_name(url))

    def _images(self, body: HtmlElement, page_url: str) -> Iterator[Attachment]:
        seen = set()
        for image in body.iter("img"):
            url = self.addresses.resolve(image.get("src", ""), page_url)
            link = next(image.iterancestors("a"), None)
            icon = link is not None and is_file(link.get("href", "")) and squeeze("".join(link.itertext()))
            if url and not icon and url not in seen:
                seen.add(url)
                yield Attachment(url, collapse(image.get("alt") or image.get("title")))


class ArticleT2(ArticleT3):
    """.artTitle or #artitle; .artCon, .cont or #zoom."""

    version = "mofcom@T2"
    TITLE = ".artTitle, #artitle, h1"
    ROW = "#arsource, .artInfo, .artSource, .at-left, .source"
    BODY = ".artCon, .cont, #zoom"
    MARKER = ".artCon, .artTitle, .cont"

    @classmethod
    def matches(cls, response: TextResponse) -> bool:
        return bool(response.css(cls.MARKER) and response.css(cls.BODY) and response.css(cls.TITLE))


class ArticleT1(ArticleT2):
    """h4#artitle, div#arsource, div#zoom."""

    version = "mofcom@T1"
    TITLE = "#artitle"
    BODY = "#zoom"
    MARKER = "#artitle"


LISTINGS: tuple[type[ListingPage], ...] = (Listing, ListingT2, ListingPhotos, ListingT1)
ARTICLES: tuple[type[ArticlePage], ...] = (ArticleT3, ArticleT2, ArticleT1)


def _copy(node: HtmlElement) -> HtmlElement:
    duplicate: HtmlElement = html.fromstring(html.tostring(node, encoding="unicode", with_tail=False))
    return duplicate


def _joined(found: Selector | SelectorList[Selector]) -> str:
    """The visible text; <br> and blocks inside stand for a blank."""
    breaks = found.xpath(".//br | .//p | .//div | .//h1 | .//h2 | .//h3")
    texts = found.xpath(".//text()[not(parent::script or parent::style)]").getall()
    return collapse((" " if breaks else "").join(texts))


def _in_rail(found: Selector) -> bool:
    path = " | ".join(f"ancestor-or-self::{_xpath(part)}" for part in RAILS.split(", "))
    return bool(found.xpath(path))


def _xpath(css: str) -> str:
    return f"*[contains(concat(' ', @class, ' '), ' {css[1:]} ')]" if css.startswith(".") else css
