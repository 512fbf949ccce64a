"""Templates: how each publishing system prints listings and articles."""

from dataclasses import dataclass

from scrapy.http import JsonResponse, TextResponse, XmlResponse

from crawler.exceptions import MarkupChanged
from crawler.pages import general, jcms, jpaas, mofcom, trs
from crawler.pages.base import ArticlePage, ListingPage
from crawler.pages.encoding import rightly_decoded
from crawler.urls import Addresses


@dataclass(frozen=True)
class Template:
    """The versions of one publishing system, the most specific marker first."""

    name: str
    listings: tuple[type[ListingPage], ...]
    articles: tuple[type[ArticlePage], ...]

    def listing(self, response: TextResponse, addresses: Addresses) -> ListingPage:
        """The page read by the version whose marker it carries. Raises MarkupChanged where none fits."""
        response = rightly_decoded(response)
        for version in self.listings if _is_page(response) else ():
            if version.matches(response):
                return version(response, addresses)
        raise MarkupChanged(f"no listing version of template {self.name} fits {response.url}")

    def article(self, response: TextResponse, addresses: Addresses) -> ArticlePage:
        """The page read by the version whose marker it carries. Raises MarkupChanged where none fits."""
        response = rightly_decoded(response)
        for version in self.articles if _is_page(response) else ():
            if version.matches(response):
                return version(response, addresses)
        raise MarkupChanged(f"no article version of template {self.name} fits {response.url}")


def _is_page(response: TextResponse) -> bool:
    return not isinstance(response, JsonResponse | XmlResponse)


TEMPLATES = {
    # the ministry moved from its own system to jpaas in 2024; both are still served
    "mofcom": Template("mofcom", jpaas.LISTINGS + mofcom.LISTINGS, jpaas.ARTICLES + mofcom.ARTICLES + general.ARTICLES),
    "trs": Template("trs", trs.LISTINGS, trs.ARTICLES + general.ARTICLES),
    "jcms": Template("jcms", jcms.LISTINGS, jcms.ARTICLES + general.ARTICLES),
}
