"""The ministry's own publishing system, before 2024: three generations of markup (T1, T2, T3).

A version is recognised by a marker on the page, never by its date. A redesign is a subclass that moves
selectors. Facts: the README's section on the site.
"""

import re
from copy import deepcopy
from functools import cached_property
from itertools import chain
from typing import ClassVar
from urllib.parse import urldefrag

from lxml import html
from lxml.html import HtmlElement
from parsel import Selector
from scrapy.http import TextResponse

from crawler.exceptions import MarkupChanged
from crawler.items import Article, Entry
from crawler.pages import files, metadata, paging
from crawler.pages.base import ArticlePage, ListingPage, in_rail
from crawler.pages.boilerplate import is_prose, prune
from crawler.pages.encoding import rightly_decoded
from crawler.pages.heading import read_heading
from crawler.pages.lines import lines
from crawler.pages.text import drop, squeeze
from crawler.pages.tree import text_of, tree

_MOST_NESTED = 4
_PAGER = re.compile(r"\?(\d{1,5})")
SLIDES = re.compile(r"(?:^|[\s_-])(?:\w{0,9}slide|swiper|carousel|banner|focus|lunbo)", re.I)
_ARTICLE_HREF = re.compile(r"/\d{6}/\d{14}\.s?html?|/art/\d{4}/|/\d{6}/t?\d{8}_\d+\.s?html?")


class Listing(ListingPage):
    """T3, the main form: ul.txtList_01; an li with a class is a separator. Page N is the address + ?N."""

    version = "mofcom@T3"
    WITHIN: ClassVar[str] = ".listCon ul.txtList_01, .iListCon ul.txtList_01"
    LISTS: ClassVar[str] = "ul.txtList_01"
    ITEMS: ClassVar[str] = "./li[not(@class) or normalize-space(@class)='']"

    @classmethod
    def matches(cls, response: TextResponse) -> bool:
        return any(not in_rail(found.root) for found in response.css(cls.LISTS))

    def entries(self) -> list[Entry]:
        # lists outside the column's own section are other columns'
        found = self.response.css(self.WITHIN) or self.some(self.LISTS)
        lists = [part for part in found if not in_rail(part.root)]
        return [entry for part in lists for item in part.xpath(self.ITEMS) if (entry := self.entry(item))]

    def last_page(self) -> int | None:
        first = self.address(1)
        links = (
            self.addresses.resolve(href, self.base) or ""
            for href in self.response.css("a[href*='?']::attr(href)").getall()
        )
        pages = (_PAGER.fullmatch(link.removeprefix(first)) for link in links if link.startswith(f"{first}?"))
        return max((int(found.group(1)) for found in pages if found), default=None)

    def address(self, number: int) -> str:
        first = re.sub(r"\?\d+$", "", urldefrag(self.response.url)[0])
        return first if number == 1 else f"{first}?{number}"


class ListingT2(Listing):
    """ul.u-newsList01."""

    version = "mofcom@T2"
    WITHIN = LISTS = "ul.u-newsList01"


class ListingPhotos(Listing):
    """T1's photo columns: table.category, one link a cell."""

    version = "mofcom@T1"
    WITHIN = LISTS = "table.category"
    ITEMS = ".//td//p[.//a] | .//td[not(.//p)][.//a]"


class ListingT1(Listing):
    """A plain ul: the one outside navigation and rails that links the most articles."""

    version = "mofcom@T1"
    WITHIN = LISTS = "ul"
    ITEMS = "./li"

    @classmethod
    def matches(cls, response: TextResponse) -> bool:
        return cls._best(response) is not None

    @classmethod
    def _best(cls, response: TextResponse) -> Selector | None:
        def articles(found: Selector) -> int:
            links = found.root.xpath("./li//a[@href]")
            own = (link.get("href") for link in links if next(link.iterancestors("ul")) is found.root)
            return sum(bool(_ARTICLE_HREF.search(href)) for href in own)

        def rank(found: Selector) -> tuple[bool, int, int]:
            # slides repeat the newest entries of the list, as pictures
            around = " ".join(node.get("class") or "" for node in chain([found.root], found.root.iterancestors()))
            return not SLIDES.search(around), articles(found), len(found.root.text_content().strip())

        lists = [found for found in response.css(cls.LISTS) if not in_rail(found.root) and articles(found)]
        return max(lists, key=rank, default=None)

    def entries(self) -> list[Entry]:
        best = self._best(self.response)
        if best is None and any(
            not len(found.root) and not in_rail(found.root) for found in self.response.css(self.LISTS)
        ):
            return []  # past the end the list is there, and empty
        if best is None:
            raise MarkupChanged(f"{self.version}: no list of articles on {self.response.url}")
        # a long column may be printed in several lists of a few entries
        lists = [
            part
            for part in best.xpath("../ul")
            if part.root.get("class") == best.root.get("class")
            and (best.root.get("class") or part.root is best.root or _links_article(part))
        ]
        return [entry for part in lists for item in part.xpath(self.ITEMS) if (entry := self.entry(item))]


class ArticleT3(ArticlePage):
    """div.art-title, a meta row .at-left filled by inline script, div.art-con."""

    version = "mofcom@T3"
    TITLE: ClassVar[str] = ".art-title"
    ROW: ClassVar[str] = ".at-left"
    BODY: ClassVar[str] = ".art-con"
    MARKER: ClassVar[str] = ".art-con"

    @classmethod
    def matches(cls, response: TextResponse) -> bool:
        return bool(tree(response).find(cls.MARKER))

    @cached_property
    def body(self) -> HtmlElement:
        """The body container. Raises MarkupChanged where there is none.

        Of several the one with the most text; of nested ones the innermost that holds the article.
        """
        found = self.tree.find(self.BODY)
        if not found:
            raise MarkupChanged(f"{self.version}: {self.BODY!r} found nothing on {self.response.url}")
        if len(found) == 1:
            return found[0]
        all_found = set(found)
        outer = [node for node in found if all_found.isdisjoint(node.iterancestors())]
        body: HtmlElement = max(outer, key=lambda node: (_prose(node), len(text_of(node))))
        for _ in range(_MOST_NESTED):
            inner = [node for node in found if body in node.iterancestors()]
            if not inner:
                break
            best = max(inner, key=_prose)
            if 2 * _prose(best) < _prose(body) or any(_is_continued_by(best, other) for other in inner):
                break
            body = best
        return body

    def frame(self) -> str | None:
        frame = self._frame_in(self.body)
        if frame is None or any(is_prose(line) for line in lines(prune(deepcopy(self.body)))):
            return None
        return self.addresses.resolve(frame.get("src", ""), self.response.url)

    def _frame_in(self, body: HtmlElement) -> HtmlElement | None:
        for frame in body.iter("iframe", "frame"):
            url = self.addresses.resolve(frame.get("src", ""), self.response.url)
            if url and self.addresses.may_fetch(url):
                return frame
        return None

    def text(self, body: HtmlElement) -> HtmlElement:
        """A copy of the body container without what the system marks as no text."""
        return body

    def parts(self) -> dict[int, str]:
        return paging.parts(self.tree, self.addresses, self.response.url, self.first)

    def article(self, frame: TextResponse | None = None) -> Article:
        original = self.body
        printed = metadata.printed(self.tree, self.tree.find(self.ROW), original)
        heading = read_heading(self.tree, original, self.TITLE, printed.get("title", {}).values())
        if heading.title:
            printed["title"] = {"row": heading.title} | printed.get("title", {})
        if heading.beside:
            printed.setdefault("byline", {})["beside"] = "\n".join(heading.beside)
        body = self.text(deepcopy(original))
        if frame is not None and (place := self._frame_in(body)) is not None:
            _put_in_place(place, frame)  # what stands around it stays: a byline, a note, attachments
        paging.drop_pager(body, self.response.url, self.addresses, self.first)
        body = prune(body)
        page_url = self.response.url
        beside = list(files.beside(original, page_url, self.addresses))
        return Article(
            url=self.address,
            subtitle=heading.subtitle,
            breadcrumb=metadata.breadcrumb(self.tree, heading.title),
            printed=printed,
            body_html=html.tostring(body, encoding="unicode", with_tail=False),
            attachments=list(files.attachments([body, *beside], page_url, self.addresses)),
            images=list(files.images(body, page_url, self.addresses)),
            extractor=self.version,
        )


class ArticleT2(ArticleT3):
    """.artTitle or #artitle; .artCon, .cont or #zoom."""

    version = "mofcom@T2"
    TITLE = ".artTitle, #artitle"
    ROW = "#arsource, .artInfo, .artSource, .at-left, .source"
    BODY = ".artCon, .cont, #zoom"
    MARKER = ".artCon, .artTitle, .cont"

    @classmethod
    def matches(cls, response: TextResponse) -> bool:
        page = tree(response)
        return bool(page.find(cls.MARKER) and page.find(cls.BODY) and page.find(f"{cls.TITLE}, h1"))


class ArticleT1(ArticleT2):
    """h4#artitle, div#arsource, div#zoom."""

    version = "mofcom@T1"
    TITLE = "#artitle"
    BODY = "#zoom"
    MARKER = "#artitle"


LISTINGS: tuple[type[ListingPage], ...] = (Listing, ListingT2, ListingPhotos, ListingT1)
ARTICLES: tuple[type[ArticlePage], ...] = (ArticleT3, ArticleT2, ArticleT1)


def _links_article(found: Selector) -> bool:
    return any(_ARTICLE_HREF.search(href) for href in found.xpath("./li//a/@href").getall())


def _is_continued_by(body: HtmlElement, other: HtmlElement) -> bool:
    """Whether a container like it, with something in it, stands beside it: an editor may write one text in several."""
    alike = other is not body and other.getparent() is body.getparent() and other.get("class") == body.get("class")
    return alike and (bool(squeeze(text_of(other))) or next(other.iter("img", "table"), None) is not None)


def _put_in_place(place: HtmlElement, frame: TextResponse) -> None:
    """The text of the frame's document instead of the iframe."""
    for found in tree(rightly_decoded(frame)).root.iter("body"):
        document = deepcopy(found)
        document.tag, document.tail = "div", None
        document.make_links_absolute(frame.url, handle_failures="ignore")
        place.addprevious(document)
        break
    drop(place)


def _prose(node: HtmlElement) -> int:
    return sum(len(line.text) for line in lines(node) if is_prose(line))
