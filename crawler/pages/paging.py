"""Articles printed over several pages: where their further parts are, and the pager that is no text.

Part N of an article lies at its address with a bare ?N, or with _N before the ending (TRS counts the second page
as _1). Nothing else is taken for a part: 下一页 may lead to the next article too.
"""

import re

from lxml.html import HtmlElement

from crawler.pages.lines import lines
from crawler.pages.metadata import short_text
from crawler.pages.text import drop, squeeze
from crawler.pages.tree import Tree, text_of
from crawler.urls import Addresses

CREATED = re.compile(
    r"""createPageHTML\(\s{0,9}(\d{1,5})\s{0,9},\s{0,9}(\d{1,5})\s{0,9},\s{0,9}["']([\w./-]{1,100})["']\s{0,9},\s{0,9}["'](\w{1,9})["']"""
)
"""The call TRS prints its pagers with: pages, this page (from 0), name and ending of the first page's file."""
_PAGER = re.compile(
    r"(?:[\s\d\[\]【】（）()<>《》＜＞«»|｜/.…·:：-]|[上下前后]一?页|首页|尾页|末页|全文|第|页|共|当前|[一二三四五六七八九十])*"
)
_LONGEST = 120
_FIRST = frozenset(("1", "[1]", "首页", "第一页", "第1页", "上一页"))
_NEXT = frozenset(("下一页", "下页", "后一页", "尾页", "末页"))
MOST_PARTS = 100


def parts(page: Tree, addresses: Addresses, page_url: str, first: str) -> dict[int, str]:
    """number -> address of the parts behind the first that this page names; numbers between them are filled in.

    ``first`` is the article's own address, normalised.
    """
    forms: dict[str, set[int]] = {}
    for link in page.root.iter("a"):
        href = link.get("href", "")
        if not _may_be_part(href, first) or squeeze(text_of(link)) in _FIRST:
            continue
        if found := _suffix(addresses.resolve(href, page_url) or "", first):
            forms.setdefault(found[0], set()).add(found[1])
    if (created := _created(page, first)) > 1:
        forms.setdefault("_", set()).update((1, created - 1))
    if not forms:
        return {}
    mark, numbers = max(forms.items(), key=lambda form: len(form[1]))
    start = 1 if mark == "_" and 1 in numbers else 2
    stem, dot, ending = first.rpartition(".")
    return {
        number: f"{first}?{number}" if mark == "?" else f"{stem}{mark}{number}{dot}{ending}"
        for number in range(start, min(max(numbers), MOST_PARTS) + 1)
    }


def drop_pager(body: HtmlElement, page_url: str, addresses: Addresses, first: str) -> None:
    """Take the pager out of the body, in place; ``first`` as above."""
    looked_for = 0
    for link in [*body.iter("a")]:
        href = link.get("href", "")
        url = addresses.resolve(href, page_url) or "" if _may_be_part(href, first) else ""
        leads = url == first or _suffix(url, first) or squeeze(text_of(link)) in _NEXT
        if not leads or not _is_pager(link) or body not in link.iterancestors():
            continue
        node = link
        while (above := node.getparent()) is not None and above is not body and _is_pager(above):
            node = above
        if node is not link:
            drop(node)
            continue
        looked_for += 1
        if looked_for > MOST_PARTS:
            return
        for line in lines(body):  # the pager has no element of its own
            if link in line.links and len(line.text) <= _LONGEST and _PAGER.fullmatch(line.text):
                for holder, part in line.nodes:
                    setattr(holder, part, "")


def _is_pager(node: HtmlElement) -> bool:
    text = short_text(node, _LONGEST)
    return text is not None and _PAGER.fullmatch(text) is not None and next(node.iter("img"), None) is None


def _may_be_part(href: str, first: str) -> bool:
    """A quick look: most links of a page lead elsewhere."""
    return href.lstrip().startswith("?") or first.rpartition("/")[2].rpartition(".")[0] in href


def _suffix(url: str, first: str) -> tuple[str, int] | None:
    """(mark, number) of the address as a part of the first one; None where it is none."""
    stem, dot, ending = first.rpartition(".")
    if url.startswith(f"{first}?"):
        found = re.fullmatch(r"(\?)(\d{1,3})", url[len(first) :])
    elif url.startswith(f"{stem}_") and url.endswith(f"{dot}{ending}"):
        found = re.fullmatch(r"(_)(\d{1,3})", url[len(stem) : len(url) - len(dot + ending)])
    else:
        return None
    return (found[1], int(found[2])) if found and int(found[2]) > 0 else None


def _created(page: Tree, first: str) -> int:
    """How many pages the article's own pager script counts; 0 where there is none."""
    for script in page.root.iter("script"):
        for pages, _, name, ending in CREATED.findall(script.text or ""):
            if first.rpartition("/")[2] == f"{name.rpartition('/')[2]}.{ending}":
                return int(pages)
    return 0
