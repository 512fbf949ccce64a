"""Store: hand the article to the archive and wait until it is committed."""

from typing import Any, Self

from scrapy.crawler import Crawler

from crawler.items import Article


class Store:
    """The only pipeline that hands on; the spider carries the archive and the run."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_item(self, item: Article) -> Article:
        spider: Any = self._crawler.spider
        await spider.hand_over(item)
        return item
