"""What a file is, by its bytes: names and declared types are often wrong."""

import zipfile
from pathlib import Path

from exports.texts import limits
from exports.texts.limits import Unreadable

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BIFF = (
    b"\x09\x00\x04\x00",
    b"\x09\x00\x06\x00",
    b"\x09\x02\x06\x00",
    b"\x09\x04\x06\x00",
    b"\x09\x08\x08\x00",
    b"\x09\x08\x10\x00",
)
"""How worksheets older than the container format begin."""
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"II*\x00", b"MM\x00*")
_PACKED = {b"Rar!": "rar", b"7z\xbc\xaf": "7z", b"\x1f\x8b": "gzip"}
_IN_ZIP = {"word/document.xml": "docx", "xl/workbook.xml": "xlsx", "OFD.xml": "ofd", "ppt/presentation.xml": "pptx"}
_IN_OLE = {"WordDocument": "doc", "Workbook": "xls", "Book": "xls", "PowerPoint Document": "ppt"}
_HEAD = 4096


def kind_of(path: Path) -> str:
    """pdf, docx, xlsx, xls, ofd, html or txt; or doc, ppt, …, for which there is no reader.

    Raises Unreadable for a zip container that is damaged or would unpack to too much, OSError for no file.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise Unreadable("the file is empty")
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(b"PK\x03\x04"):
        return _in_zip(path)
    if head.startswith(_OLE):
        return _in_ole(path)
    if head.startswith(_BIFF):
        return "xls"
    if head.startswith(b"{\\rtf"):
        return "rtf"
    if head.startswith(_PICTURES):
        return "picture"
    if found := next((name for magic, name in _PACKED.items() if head.startswith(magic)), None):
        return found
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<meta", b"<table")):
        return "html"
    is_wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    return "txt" if is_wide or not any(byte < 9 or 13 < byte < 27 for byte in head) else "unknown"


def _in_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as container:
            members = container.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise Unreadable(f"damaged zip container: {error}") from None
    if len(members) > limits.MEMBERS:
        raise Unreadable(f"a zip container of {len(members)} members: at most {limits.MEMBERS} are opened")
    if (size := sum(member.file_size for member in members)) > limits.UNPACKED:
        raise Unreadable(f"a zip container that unpacks to {size} bytes: at most {limits.UNPACKED} are")
    for member in members:
        if member.file_size > limits.SMALL and member.file_size > limits.RATIO * max(member.compress_size, 1):
            raise Unreadable(f"a zip member packed more than {limits.RATIO} to 1: {member.filename[:80]!r}")
    names = {member.filename for member in members}
    return next((kind for name, kind in _IN_ZIP.items() if name in names), "zip")


def _in_ole(path: Path) -> str:
    content = path.read_bytes()
    return next((kind for name, kind in _IN_OLE.items() if name.encode("utf-16-le") in content), "ole")
