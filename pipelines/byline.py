"""Byline: the author lines are taken off the body and read into authors, units and positions."""

from crawler.items import Article, Author, Block
from pipelines.blocks import without_closing
from pipelines.bylines import Byline, Place, read_byline, split_closing_byline

_HEAD, _TAIL = 3, 4
"""How many blocks at either end may hold a byline."""


class TakeByline:
    """Fills ``byline``, ``authors`` and the joined fields; what is no byline stays in the body."""

    def process_item(self, item: Article) -> Article:
        lines: list[tuple[str, Byline]] = []
        printed = item.printed.get("byline", {})
        if (line := printed.get("row")) and (found := read_byline(line, "row")):
            lines.append((line, found))
        for line in printed.get("beside", "").split("\n"):
            if line and (found := read_byline(line, "head")):
                lines.append((line, found))
        item.blocks = _off_the_body(item.blocks, lines)
        if not lines:  # only now what no reader sees
            for origin in ("script", "meta"):
                if (line := printed.get(origin)) and (found := read_byline(line, "row")):
                    lines.append((line, found))
                    break
        item.byline = " ".join(dict.fromkeys(line for line, _ in lines))
        # the last resort reads pages nobody knows: its lines are kept as printed, nobody is named
        item.authors = [] if item.extractor.startswith("general@") else _merged([found for _, found in lines])
        item.author = _joined(author.name for author in item.authors)
        item.unit = _joined(author.unit for author in item.authors)
        item.position = _joined(author.position for author in item.authors)
        return item


def _off_the_body(blocks: list[Block], lines: list[tuple[str, Byline]]) -> list[Block]:
    """The blocks without the bylines among them, which are appended to lines."""
    kept = []
    texts = [position for position, block in enumerate(blocks) if block.text]
    head, tail = set(texts[:_HEAD]), set(texts[-_TAIL:])
    head_open = True
    for position, block in enumerate(blocks):
        place: Place = "head" if position in head and head_open else "tail" if position in tail else "middle"
        found = read_byline(block.text, place) if block.text and "\n" not in block.text else None
        if found:
            lines.append((block.text, found))
            continue
        if len(block.text) > 40:
            head_open = False  # the text has begun
        if position in tail and (split := split_closing_byline(block.text)):
            closing = read_byline(split[1], "tail")
            if closing:
                lines.append((split[1], closing))
                block = without_closing(block, split[1])
        kept.append(block)
    return kept


def _merged(bylines: list[Byline]) -> list[Author]:
    """All authors in order, each person once; a line that only names a unit and a post completes the one before."""
    authors: list[Author] = []
    for byline in bylines:
        for author in byline.authors:
            same = next((known for known in authors if author.name in ("", known.name)), None)
            if same is None:
                if author.name:
                    authors.append(Author(author.name, author.unit, author.position, author.role))
            else:
                same.unit, same.position = same.unit or author.unit, same.position or author.position
    return authors


def _joined(parts: object) -> str:
    assert not isinstance(parts, str)
    return "、".join(dict.fromkeys(part for part in parts if part))  # type: ignore[attr-defined]
