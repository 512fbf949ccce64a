"""`scrapy crawl zhuanti`: the column 重要专题."""

from crawler.spiders.columns import ColumnsSpider


class ZhuantiSpider(ColumnsSpider):
    name = "zhuanti"
    only = "zhuanti"
