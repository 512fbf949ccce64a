"""The files an article links to, and the images it shows."""

import re
from collections.abc import Iterator
from copy import deepcopy

from lxml.html import HtmlElement

from crawler.items import Attachment
from crawler.pages.boilerplate import prune
from crawler.pages.text import collapse, squeeze
from crawler.pages.tree import text_of
from crawler.urls import Addresses, file_name, is_file, may_be_file

_IMAGE = re.compile(r"\.(?:jpe?g|png|gif|bmp|webp|tiff?)$", re.I)
_LEVELS = 3


def beside(body: HtmlElement, page_url: str, addresses: Addresses) -> Iterator[HtmlElement]:
    """What follows the body in its parent, and further out what says 附件: some pages list their files there."""
    node, level = body, 0
    while node is not None and node.tag != "body" and level < _LEVELS:
        for follower in node.itersiblings():
            if not isinstance(follower.tag, str) or follower.tag in ("aside", "footer", "nav", "script", "style"):
                continue
            if not any(True for _ in attachments([follower], page_url, addresses)):
                continue  # most: a copy and a close look would be for nothing
            if level == 0 or "附件" in text_of(follower):
                yield prune(deepcopy(follower))
        node, level = node.getparent(), level + 1


def attachments(nodes: list[HtmlElement], page_url: str, addresses: Addresses) -> Iterator[Attachment]:
    """Each file linked in the nodes, once, named as the link names it."""
    seen, tried = set(), set()
    for node in nodes:
        for link in node.iter("a"):
            href = link.get("href", "")
            if href in tried or not may_be_file(href):
                continue
            tried.add(href)
            url = addresses.resolve(href, page_url)
            if url and is_file(url) and url not in seen:
                seen.add(url)
                name = collapse(text_of(link)) or collapse(link.get("title")) or file_name(url)
                yield Attachment(url, name)


def images(body: HtmlElement, page_url: str, addresses: Addresses) -> Iterator[Attachment]:
    """Each image shown in the body, once; the icon of a linked document is none."""
    seen = set()
    for image in body.iter("img"):
        url = addresses.resolve(image.get("src", ""), page_url)
        link = next(image.iterancestors("a"), None)
        target = "" if link is None else link.get("href", "")
        label = "" if link is None else squeeze(text_of(link))
        icon = is_file(target) and (label or not _IMAGE.search(target))
        if url and not icon and url not in seen:
            seen.add(url)
            yield Attachment(url, collapse(image.get("alt") or image.get("title")))
