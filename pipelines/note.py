"""Note: editorial notes printed with the text are kept, apart from it."""

import re

from crawler.items import Article
from pipelines.blocks import without_closing

_NOTE = re.compile(
    r"[（(【\[]\s{0,3}(?:"
    r"(?:本文|此文|该文|文章|原文|全文)[^（()）]{0,60}(?:删节|删改|删减|改动|整理|刊发|发表|刊载|刊登|转载|摘自|原载|节选|摘编|有改|编发|讲话|发言)[^（()）]{0,60}"
    r"|[^（()）。]{0,30}(?:有删节|有删改|略有删减|有改动|内容有删减|有修改)[^（()）]{0,40}"
    r"|[^（()）。]{0,30}(?:标题|题目|小标题)(?:为|系|由)(?:编者|编辑|本刊|本报|本网)(?:所加|后加|另加|改动|有改动|加)"
    r"|(?:编者按|编者注|编辑注|注|原题|原标题)[:：][^（()）]{1,200}"
    r")[。.]?\s{0,3}[）)】\]]"
)
_EDITORIAL = re.compile(r"(?:编者按|编者注|编者的话)\s?[:：]|[【\[（(](?:编者按|编者注|编者的话)[】\]）)]")
_CLOSING = re.compile(r"[。！？…!?”’]\s?([（(][^（()）]{0,30}(?:删节|删改|删减)[）)])$")
_LONGEST = 300


class TakeNote:
    """Moves notes from the first and last blocks to ``editor_note``, several joined by line ends."""

    def process_item(self, item: Article) -> Article:
        texts = [position for position, block in enumerate(item.blocks) if block.text]
        notes = {
            position
            for position in {*texts[:2], *texts[-5:]}
            if len(item.blocks[position].text) <= _LONGEST and is_note(item.blocks[position].text)
        }
        found = [item.blocks[position].text for position in sorted(notes)]
        item.blocks = [block for position, block in enumerate(item.blocks) if position not in notes]
        last = next((position for position in reversed(range(len(item.blocks))) if item.blocks[position].text), None)
        if last is not None and (match := _CLOSING.search(item.blocks[last].text)):  # closing the last sentence
            found.append(match[1])
            item.blocks[last] = without_closing(item.blocks[last], match[1])
        item.editor_note = "\n".join(found)
        return item


def is_note(text: str) -> bool:
    """Whether the whole paragraph is a note of the editors: （本文发布时有删节）."""
    return bool(_NOTE.fullmatch(text.strip()) or _EDITORIAL.match(text))
