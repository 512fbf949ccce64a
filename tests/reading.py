"""Reading one page as a crawl reads it, without network and archive: template, then pipelines."""

from dataclasses import asdict
from typing import Any

from scrapy.http import Headers
from scrapy.responsetypes import responsetypes
from scrapy.utils.misc import load_object

from crawler import settings
from crawler.items import Article
from crawler.pages import TEMPLATES
from crawler.urls import Addresses

HOME = "http://jgdw.mofcom.gov.cn/"
ADDRESSES = Addresses.of(HOME, ["images.mofcom.gov.cn"], None)
FIELDS = (
    *("title", "subtitle", "byline", "author", "unit", "position", "breadcrumb", "source", "content_type"),
    *("published_at", "body_text", "editor_note", "extractor"),
)
PIPELINES = [
    load_object(path)()
    for path in sorted(settings.ITEM_PIPELINES, key=settings.ITEM_PIPELINES.__getitem__)
    if path != "pipelines.store.Store"
]


def response_of(page: bytes | str, url: str, headers: dict[str, str] | None = None) -> Any:
    """The response Scrapy makes of these bytes."""
    body = page.encode() if isinstance(page, str) else page
    given = Headers(headers if headers is not None else {"Content-Type": "text/html; charset=utf-8"})
    return responsetypes.from_args(headers=given, url=url, body=body)(url, headers=given, body=body)


def read(
    page: bytes | str,
    url: str = HOME + "article/zt_x/a/202006/20200602979191.shtml",
    headers: dict[str, str] | None = None,
    *,
    template: str = "mofcom",
    listed_title: str = "",
    listed_date: str = "",
) -> Article:
    """The finished article. Raises MarkupChanged or Refused."""
    article = TEMPLATES[template].article(response_of(page, url, headers), ADDRESSES).article()
    for name, value in (("title", listed_title), ("published_at", listed_date)):
        if value:
            article.printed.setdefault(name, {})["listing"] = value
    for pipeline in PIPELINES:
        article = pipeline.process_item(article)
    return article


def fields(article: Article) -> dict[str, Any]:
    """What a saved page's expectation holds."""
    found = {name: getattr(article, name) for name in FIELDS}
    found["authors"] = [asdict(author) for author in article.authors]
    for name in ("attachments", "images"):
        found[name] = [{"url": file.url, "name": file.name} for file in getattr(article, name)]
    return found
