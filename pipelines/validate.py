"""Validate: join the text of the blocks, and refuse what is no whole article."""

from crawler.items import Article
from pipelines.errors import Refused


class Validate:
    """Fills ``body_text``. Raises Refused: nothing half-empty is ever stored."""

    def process_item(self, item: Article) -> Article:
        item.body_text = "\n".join(block.text for block in item.blocks if block.text)
        if not item.title:
            raise Refused("no title")
        if not item.body_text and not item.images and not item.attachments:
            raise Refused("empty body")
        return item
