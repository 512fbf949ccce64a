"""Finding a column: at the path its site file pins, else where the home page's navigation names it."""

import logging
from collections.abc import Awaitable
from typing import Protocol

from scrapy.http import TextResponse

from crawler import blocking
from crawler.exceptions import Gone, MarkupChanged
from crawler.pages.home import column_links
from crawler.site import Column
from crawler.urls import Addresses

log = logging.getLogger(__name__)


class Fetch(Protocol):
    """The spider's fetch()."""

    def __call__(self, url: str, role: str) -> Awaitable[TextResponse]: ...


async def first_page(fetch: Fetch, column: Column, addresses: Addresses) -> TextResponse:
    """The first page of the column's listing. Raises CrawlError where it cannot be had."""
    if column.path is not None:
        url = addresses.resolve(column.path, addresses.home)
        try:
            return await fetch(url or addresses.home, "listing")
        except Gone as error:
            log.warning("%s: pinned path %s: %s; looking in the navigation", column.name, column.path, error)
    home = await fetch(addresses.home, "home")
    for href in column_links(home, column.name):
        url = addresses.resolve(href, home.url)
        if url and addresses.is_own(url):
            return await fetch(url, "listing")
    raise blocking.explain(home) or MarkupChanged(f"the navigation of {home.url} names no column {column.name}")
