"""The text of OFD files (GB/T 33190), the format Chinese authorities publish fixed pages in: a zip of XML parts.

OFD.xml names the documents, each names its pages, a page holds text objects with a place and their characters.
"""

import posixpath
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from exports.texts.limits import Unreadable


def lines(path: Path) -> Iterator[str]:
    """The lines of all pages, from the top down. Raises Unreadable where a part is missing or no plain XML."""
    with zipfile.ZipFile(path) as container:
        for document in _texts(_part(container, "OFD.xml"), "DocRoot"):
            root = document.strip().lstrip("/")
            for page in _part(container, root).iter("{*}Pages"):
                for entry in page.iter("{*}Page"):
                    yield from _page(_part(container, _beside(root, entry.get("BaseLoc", ""))))


def _part(container: zipfile.ZipFile, name: str) -> Any:
    try:
        content = container.read(name)
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        root = etree.fromstring(content, parser)
    except (KeyError, etree.XMLSyntaxError) as error:
        raise Unreadable(f"ofd: the part {name[:80]!r} cannot be read: {error}") from None
    if root.getroottree().docinfo.doctype:
        raise Unreadable(f"ofd: the part {name[:80]!r} declares a document type")
    return root


def _beside(document: str, location: str) -> str:
    """The name of a part that a document names relative to itself, or from the root of the container."""
    joined = location if location.startswith("/") else posixpath.join(posixpath.dirname(document), location)
    return posixpath.normpath(joined).lstrip("/")


def _texts(root: Any, name: str) -> list[str]:
    return [node.text or "" for node in root.iter(f"{{*}}{name}")]


def _page(root: Any) -> Iterator[str]:
    """Text objects side by side (their boxes begin at one height) are one line."""
    line, height = "", None
    for node in root.iter("{*}TextObject"):
        box = (node.get("Boundary") or "").split()
        top = box[1] if len(box) == 4 else None
        if line and (top is None or top != height):
            yield line
            line = ""
        line += "".join(_texts(node, "TextCode"))
        height = top
    yield line
