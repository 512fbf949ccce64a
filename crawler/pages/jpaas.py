"""Hanweb jpaas, the ministry's system since 2024 (T4): a column is an empty shell and a JSON API."""

import json
import re
from typing import ClassVar
from urllib.parse import unquote, urlencode, urljoin, urlsplit

from parsel import Selector
from scrapy.http import TextResponse

from crawler.exceptions import MarkupChanged
from crawler.items import Entry
from crawler.pages.base import ArticlePage, ListingPage, in_rail
from crawler.pages.mofcom import ArticleT3, Listing

_TAGS = ("分页列表", "信息列表")
_PAIR = re.compile(r"""['"]?\b(\w{1,40})['"]?\s{0,9}:\s{0,9}(?:'([^']{0,500})'|"([^"]{0,500})"|([^\s'",{}]{1,200}))""")
PAGE_SIZE = 15


class Shell(ListingPage):
    """/<col>/index.html: names the API's parameters in an attribute of its script tag."""

    version = "jpaas@T4"
    is_shell = True
    tells_last_page = True

    @classmethod
    def matches(cls, response: TextResponse) -> bool:
        return cls._query(response) is not None

    @classmethod
    def _query(cls, response: TextResponse) -> tuple[str, dict[str, str]] | None:
        """The API's address and parameters, of the unit that lists the column itself, not one in a rail."""
        column = response.xpath("//meta[translate(@name,'COLID','colid')='colid']/@content").get("").strip()
        found = []
        # attribute names are lower-cased by the parser
        for script in response.css("script[querydata][url]"):
            values = {key: unquote(a or b or c) for key, a, b, c in _PAIR.findall(script.root.get("querydata", ""))}
            values.setdefault("pageId", column)
            another, beside = bool(column) and values["pageId"] != column, in_rail(script.root)
            if values.get("tagId") in _TAGS and not (beside and (another or not column)):
                rank = (another, beside, _TAGS.index(values["tagId"]))
                found.append((rank, script.root.get("url", ""), values))
        best = min(found, key=lambda unit: unit[0], default=None)
        # a column rendered into the page may still load the lists of others
        if best is None or (best[0][0] and StaticListing.matches(response)):
            return None
        return best[1:]

    def address(self, number: int) -> str:
        found = self._query(self.response)
        if found is None:
            raise MarkupChanged(f"{self.version}: no script with queryData on {self.response.url}")
        url, values = found
        values.pop("paramJson", None)
        paging = json.dumps({"pageNo": number, "pageSize": PAGE_SIZE}, separators=(",", ":"))
        query = urlencode(values | {"paramJson": paging})
        # the API of the same host as the page, whatever host the attribute spells out
        path = urlsplit(urljoin(self.response.url, url)).path
        return self.addresses.resolve(f"{path}?{query}", self.response.url) or ""

    def entries(self) -> list[Entry]:
        return []

    def read(self, response: TextResponse) -> ListingPage:
        return Reply(response, self.addresses, self)


class Reply(ListingPage):
    """One reply of the API. Raises MarkupChanged where it is not the JSON it should be."""

    version = "jpaas@T4"

    def __init__(self, response: TextResponse, addresses: object, shell: Shell) -> None:
        super().__init__(response, shell.addresses)
        self._shell = shell
        self.base = shell.base  # the browser puts the fragment into the shell
        try:
            reply = json.loads(response.text.lstrip("\ufeff"))
            failed = reply.get("success") in (False, "false") or str(reply.get("code", 200)) != "200"
            fragment = None if failed else reply["data"]["html"]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            fragment = None
        if not isinstance(fragment, str):
            raise MarkupChanged(f"{self.version}: no data.html in the reply of {response.url}: {response.text[:80]!r}")
        self._html = Selector(text=fragment or "<html></html>")

    def entries(self) -> list[Entry]:
        items = self._html.xpath(f"//ul[not(ancestor::*[contains(@class, 'pagination')])]/{Listing.ITEMS[2:]}")
        return [entry for item in items if (entry := self.entry(item))]

    def declared(self) -> int | None:
        return self._pagination("count")

    def last_page(self) -> int | None:
        count, rows = self._pagination("count"), self._pagination("rows")
        return -(-count // rows) if count is not None and rows else None

    def _pagination(self, name: str) -> int | None:
        value = self._html.css(f".pagination::attr({name})").get("").strip()
        return int(value) if value.isdecimal() and len(value) < 10 else None

    def address(self, number: int) -> str:
        return self._shell.address(number)

    def read(self, response: TextResponse) -> ListingPage:
        return self._shell.read(response)


class StaticListing(Listing):
    """A column rendered without the API: ul.policy-list, everything on one page."""

    version = "jpaas@T4"
    WITHIN = LISTS = "ul.policy-list"
    ITEMS = "./li"


class ArticleT4(ArticleT3):
    """T3's classes; the body is marked ergodic=article and may be nested in another .art-con."""

    version = "jpaas@T4"
    MARKER: ClassVar[str] = ".art-con[ergodic], [ergodic=article]"
    BODY = "[ergodic=article], .art-con[ergodic]"


LISTINGS: tuple[type[ListingPage], ...] = (Shell, StaticListing)
ARTICLES: tuple[type[ArticlePage], ...] = (ArticleT4,)
