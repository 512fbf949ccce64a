"""The outline of an article: its headings, and what else stands under them."""

from collections.abc import Iterator

from lxml import html

_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}


def outline(body_html: str) -> Iterator[tuple[int, str]]:
    """(depth, line) of each heading, table, list and picture, in order; depth 0 is the outermost.

    Empty for a body of plain paragraphs.
    """
    if not body_html:
        return
    root = html.fragment_fromstring(body_html, create_parent="div")
    levels = sorted({_HEADINGS[node.tag] for node in root if node.tag in _HEADINGS})
    depth = 0
    for node in root:
        text = " ".join(node.text_content().split())
        if node.tag in _HEADINGS:
            depth = levels.index(_HEADINGS[node.tag])
            yield depth, text
            depth += 1
        elif node.tag == "table":
            rows = node.findall(".//tr")
            yield depth, f"[table: {len(rows)} rows, {max((len(row) for row in rows), default=0)} columns]"
        elif node.tag in ("ul", "ol"):
            yield depth, f"[list: {len(node.findall('.//li'))} entries]"
        elif node.find(".//img") is not None:
            yield depth, f"[picture{f': {text}' if text else ''}]"
