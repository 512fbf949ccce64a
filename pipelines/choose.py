"""Choose: of each field printed in several places, the value of the best one."""

from crawler.items import Article

_TYPES = ("原创", "编译", "摘编", "转载")


class Choose:
    """Fills title, source and content_type; ``printed`` keeps every other value."""

    def process_item(self, item: Article) -> Article:
        item.title = _first(item, "title")
        item.source = _first(item, "source")
        item.content_type = next(
            (value for value in item.printed.get("content_type", {}).values() if value in _TYPES), ""
        )
        return item


def _first(item: Article, name: str) -> str:
    return next(iter(item.printed.get(name, {}).values()), "")
