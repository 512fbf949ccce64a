"""TRS WCM, as many ministries' and committees' sites use it: lists of ./YYYYMM/tYYYYMMDD_ID.html, pages index_N.html.

A redesign is a subclass that moves selectors.
"""

import re
from itertools import chain
from typing import ClassVar
from urllib.parse import urljoin

from lxml.html import HtmlElement
from scrapy.http import TextResponse

from crawler.exceptions import MarkupChanged
from crawler.items import Entry
from crawler.pages.base import ArticlePage, ListingPage, in_rail
from crawler.pages.mofcom import SLIDES, ArticleT3
from crawler.pages.paging import CREATED
from crawler.urls import Addresses

_ARTICLE_HREF = re.compile(r"(?:^|/)t\d{8}_\d{1,12}\.s?html?")


class Listing(ListingPage):
    """The list that links the most articles; createPageHTML(pages, current, "index", "html") names its pages."""

    version = "trs@1"
    LISTS: ClassVar[tuple[str, ...]] = ("ul", "ol", "dl", "table")
    ITEMS: ClassVar[str] = "./li | ./dd | ./tr | ./tbody/tr"

    def __init__(self, response: TextResponse, addresses: Addresses) -> None:
        super().__init__(response, addresses)
        scripts = response.xpath("//script[contains(., 'createPageHTML')]/text()").getall()
        calls = (CREATED.search(script) for script in scripts)
        self._pager = next((call for call in calls if call), None)
        self.tells_last_page = self._pager is not None

    @classmethod
    def matches(cls, response: TextResponse) -> bool:
        return bool(cls._counts(response)) or b"createPageHTML" in response.body

    @classmethod
    def _counts(cls, response: TextResponse) -> dict[HtmlElement, int]:
        """list -> how many articles it links itself."""
        counts: dict[HtmlElement, int] = {}
        for link in response.xpath("//a[@href]"):
            if _ARTICLE_HREF.search(link.root.get("href")) and not in_rail(link.root):
                nearest = next(link.root.iterancestors(*cls.LISTS), None)
                if nearest is not None:
                    counts[nearest] = counts.get(nearest, 0) + 1
        return counts

    def entries(self) -> list[Entry]:
        counts = self._counts(self.response)
        if not counts:
            if self._pager is None:
                raise MarkupChanged(f"{self.version}: no list of articles on {self.response.url}")
            return []
        best = max(counts, key=lambda found: (not _is_slide(found), counts[found], len(found.text_content().strip())))
        # a long column may be printed in several lists of a few entries
        lists = [
            part
            for part in self.response.xpath(f"//{best.tag}")
            if part.root is best
            or (
                part.root.getparent() is best.getparent()
                and _kind(part.root) == _kind(best)
                and (_kind(best) or part.root in counts)
            )
        ]
        return [entry for part in lists for item in part.xpath(self.ITEMS) if (entry := self.entry(item))]

    def last_page(self) -> int | None:
        return int(self._pager[1]) if self._pager else None

    def address(self, number: int) -> str:
        if number == 1:
            return self.response.url
        name, ending = (self._pager[3], self._pager[4]) if self._pager else ("index", "html")
        return urljoin(self.response.url, f"{name}_{number - 1}.{ending}")


class Article(ArticleT3):
    """.TRS_Editor or what surrounds it; the title and the row are found by tags and labels."""

    version = "trs@1"
    TITLE = ".article_title, .arti_title, .article-title, .art_title, .art-title, .detail-title, #artitle"
    ROW = ".article_info, .arti_info, .article-info, .art_info, .pages-info"
    BODY = MARKER = ".article_con, .trs_editor_view, .TRS_Editor"


def _kind(found: HtmlElement) -> str:
    return " ".join((found.get("class") or "").split())


def _is_slide(found: HtmlElement) -> bool:
    return any(SLIDES.search(node.get("class") or "") for node in chain([found], found.iterancestors()))


LISTINGS: tuple[type[ListingPage], ...] = (Listing,)
ARTICLES: tuple[type[ArticlePage], ...] = (Article,)
