"""Credits: 责任编辑：… and the like, printed below the text, are no text and name no author."""

import re

from crawler.items import Article
from pipelines import vocabulary

_EDITS = re.compile(
    "(?:责任|执行|实习|网络|图文)?编辑|责编|编审|美编|[一二三初复终]?审|审[核校定阅签稿](?:人)?|审稿人|复核|签发|校对?|排版"
)
_LONGEST = 60
_TAIL = 3


class TakeCredits:
    """Moves such lines from the last blocks to ``printed``, where the archive keeps what was printed."""

    def process_item(self, item: Article) -> Article:
        texts = [position for position, block in enumerate(item.blocks) if block.text]
        found = [position for position in texts[1:][-_TAIL:] if is_credit(item.blocks[position].text)]
        if found:
            item.printed["editor"] = {"body": "\n".join(item.blocks[position].text for position in found)}
            item.blocks = [block for position, block in enumerate(item.blocks) if position not in found]
        return item


def is_credit(text: str) -> bool:
    """Whether the line names nothing but editors and the like: （责任编辑：王某 审核：李某）."""
    if len(text) > _LONGEST:
        return False
    parts = [part for part in vocabulary.segments(text.strip("（）()【】[] ")) if any(part)]
    return bool(parts) and all(_EDITS.fullmatch(label) and _are_people(content) for label, content in parts)


def _are_people(text: str) -> bool:
    words = [word.text for word in vocabulary.words_of(text) or []]
    return all(map(vocabulary.is_name, words)) or (len(words) == 1 and vocabulary.is_pen_name(words[0]))
