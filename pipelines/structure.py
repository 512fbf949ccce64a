"""Structure: the blocks joined to HTML with the outline a reader sees: headings, lists, pictures with captions.

Officialese numbers its headings 一、（一）1.（1） and sets others in bold, in plain paragraphs. Only whole short
lines count, and only those with text of their own below them: entries of an enumeration are no headings.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from crawler.items import Article, Block
from pipelines.blocks import inner

_NUMBERS = (
    re.compile(r"(?:第[一二三四五六七八九十百]{1,4}(?:章|部分|篇)|[一二三四五六七八九十]{1,4}、)\s{0,2}\S"),
    re.compile(r"[（(][一二三四五六七八九十]{1,4}[）)]\s{0,2}\S"),
    re.compile(r"\d{1,2}(?:[.．](?!\d)|、)\s{0,2}\S"),
    re.compile(r"[（(]\d{1,2}[）)]\s{0,2}\S"),
)
"""How headings of each level are numbered, the highest first: they become h2, h3, h4, h5."""
_BOLD = re.compile(r"<p>\s?(?:<strong>(?:(?!</strong>).){1,400}</strong>\s?){1,9}</p>", re.S)
_LONGEST_HEADING = 50
_LONGEST_CAPTION = 60
_NO_END = "。；;！!，,：:"


class Structure:
    """Fills ``body_html``; the blocks, and so the text, stay as they are."""

    def process_item(self, item: Article) -> Article:
        levels = heading_levels(item.blocks)
        parts = [
            f"<h{level}>{inner(block)}</h{level}>" if level else block.html
            for block, level in zip(item.blocks, levels, strict=True)
        ]
        item.body_html = "\n".join(_in_lists(item.blocks, _with_captions(item.blocks, parts)))
        return item


def heading_levels(blocks: list[Block]) -> list[int]:
    """For each block the level of heading (2 to 5) it is printed as though its markup is a paragraph's; else 0."""
    styles = [_style(block) for block in blocks]
    bold = 3 if 0 in styles else 2
    levels = []
    for number, style in enumerate(styles):
        below = styles[number + 1] if number + 1 < len(blocks) else style
        above = styles[number - 1] if number else None
        # 1. 2. 3. one below the other with nothing between them are an enumeration; so is its last line
        enumerated = style is not None and style < len(_NUMBERS) and style in (below, above)
        levels.append(0 if style is None or enumerated else bold if style == len(_NUMBERS) else style + 2)
    return levels


def _style(block: Block) -> int | None:
    """Which numbering the line has, len(_NUMBERS) for bold without one; None where it can be no heading."""
    if not block.html.startswith("<p>") or not 1 < len(block.text) <= _LONGEST_HEADING or block.text[-1] in _NO_END:
        return None
    if "<img " in block.html or "<a " in block.html:
        return None
    numbered = next((level for level, number in enumerate(_NUMBERS) if number.match(block.text)), None)
    return numbered if numbered is not None else len(_NUMBERS) if _BOLD.fullmatch(block.html) else None


def _with_captions(blocks: list[Block], parts: list[str]) -> list[str]:
    """A picture alone and the short centred line below it become a figure."""
    parts = list(parts)
    for number, (block, below) in enumerate(pairwise(blocks)):
        is_picture = not block.text and parts[number].startswith("<p><img ")
        is_caption = below.centred and 0 < len(below.text) <= _LONGEST_CAPTION and parts[number + 1].startswith("<p>")
        if is_picture and is_caption and "<img " not in below.html:
            parts[number] = f"<figure>{inner(block)}<figcaption>{inner(below)}</figcaption></figure>"
            parts[number + 1] = ""
    return parts


def _in_lists(blocks: list[Block], parts: list[str]) -> Iterator[str]:
    """The parts, list entries inside ul and ol; an inner list stands in the entry before it."""
    open_: tuple[str, ...] = ()
    for block, part in zip(blocks, parts, strict=True):
        wanted = (block.lists or ("ul",)) if part.startswith("<li>") else ()
        shared = next((n for n, (a, b) in enumerate(zip(open_, wanted, strict=False)) if a != b), None)
        shared = min(len(open_), len(wanted)) if shared is None else shared
        markup = "".join(f"</li></{name}>" for name in reversed(open_[shared:]))
        if wanted and shared == len(wanted):
            markup += "</li>"
        markup += "".join(
            f"<{name}>" if n == len(wanted) - 1 else f"<{name}><li>" for n, name in enumerate(wanted) if n >= shared
        )
        open_ = wanted
        if part or markup:
            yield markup + (part.removesuffix("</li>") if wanted else part)
    if open_:
        yield "".join(f"</li></{name}>" for name in reversed(open_))
