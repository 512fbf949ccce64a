"""The home page: where it names a column."""

import re
from collections.abc import Iterator

from scrapy.http import TextResponse

from crawler.pages.encoding import rightly_decoded
from crawler.pages.lines import lines
from crawler.pages.text import collapse, squeeze

_IN_NAVIGATION = (
    "ancestor::nav or ancestor::*[contains(@class,'nav') or contains(@id,'nav')"
    " or contains(@class,'menu') or contains(@id,'menu')]"
)
_IN_FOOTER = "ancestor::footer or ancestor::*[contains(@class,'foot') or contains(@id,'foot')]"
_MORE = re.compile(r"(?:查看|进入)?(?:更多|more|专题|专栏|栏目)?[+>＞»》…]{0,6}", re.I)
_ONCLICK = re.compile(
    r"""location(?:\.href)?\s{0,3}=\s{0,3}["']([^"']{1,500})["']|open\(\s{0,3}["']([^"']{1,500})["']"""
)
_LEVELS = 4
"""How far around a block's heading its 更多 may stand."""


def column_links(response: TextResponse, name: str) -> Iterator[str]:
    """The hrefs of the home page's links to the column, best first.

    Links named like it in a navigation, then anywhere, then in the footer; then links with its name and a little
    more (· 重要专题 >>), and the 更多 of a block it is the heading of. Blanks inside the name are ignored.
    """
    response = rightly_decoded(response)
    wanted = squeeze(name)
    ranked: list[tuple[int, str]] = []
    for link in response.css("a, area, [onclick]"):
        names = [link.xpath("string()").get(), *link.xpath("@title | @alt | .//img/@alt | .//img/@title").getall()]
        if link.root.tag in ("a", "area"):
            href = link.root.get("href", "")
        elif match := _ONCLICK.search(link.root.get("onclick", "")[:1000]):
            href = match[1] or match[2]
        else:
            continue
        if wanted in map(squeeze, names):
            in_footer = link.xpath(_IN_FOOTER).get() == "1"
            ranked.append((0 if link.xpath(_IN_NAVIGATION).get() == "1" else 2 if in_footer else 1, href))
        elif any(_bare(text) == _bare(name) for text in names if text and len(text) < 100):
            ranked.append((3, href))
    ranked += [(4, href) for href in _more_links(response, name)]
    yield from dict.fromkeys(href for _, href in sorted(ranked, key=lambda found: found[0]))


def _more_links(response: TextResponse, name: str) -> Iterator[str]:
    for body in response.css("body"):
        for line in lines(body.root):
            if len(line.text) > 100 or _bare(line.text) != _bare(name) or not line.nodes:
                continue
            node = line.nodes[0][0]
            for _ in range(_LEVELS):
                links = [a for a in node.iter("a") if _MORE.fullmatch(squeeze("".join(a.itertext())))]
                if links or node.getparent() is None:
                    yield from (a.get("href", "") for a in links[:1])
                    break
                node = node.getparent()


def _bare(text: str | None) -> str:
    """The text without punctuation and 更多."""
    return re.sub(r"[\W_]+|更多|more", "", collapse(text), flags=re.I)
