"""Clean: the body container as printed becomes blocks; the title repeated on top of them goes."""

import re

from crawler.items import Article, Block
from pipelines.blocks import blocks

_NO_LETTERS = re.compile(r"\W+")


class Clean:
    """Fills ``blocks``; byline.py takes lines off them, finish.py joins them."""

    def process_item(self, item: Article) -> Article:
        found = blocks(item.body_html, item.url)
        for title in dict.fromkeys(item.printed.get("title", {}).values()):
            found = without_title(found, title + item.subtitle)
        item.blocks = found
        return item


def without_title(found: list[Block], title: str) -> list[Block]:
    """The blocks without a title repeated at their head, in one block or in the parts it has."""
    wanted, head = _letters(title), ""
    for count, block in enumerate(found[:4], 1):
        head += _letters(block.text)
        if wanted and head == wanted and not any("<img " in b.html for b in found[:count]):
            return found[count:]
        if not wanted.startswith(head):
            break
    return found


def _letters(text: str) -> str:
    return _NO_LETTERS.sub("", text)
