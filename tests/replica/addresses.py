"""Addresses that look as arbitrary as the real ones, and from which the server can still tell what is meant."""

import base64
import re
from datetime import datetime
from urllib.parse import parse_qs, quote

SUBSITE = "jgdw"
HEX = 2**128
DIGITS = 10**11
# Any odd number not divisible by 5 can be undone modulo both HEX and DIGITS.
_FACTOR = 0x9E3779B97F4A7C15F39CC0605CEDC833
_SHIFT = 0x6A09E667F3BCC908B2FB1366EA957D3E


def conceal(number: int, modulus: int) -> int:
    """A number below ``modulus`` that shows nothing of ``number``; see ``reveal``."""
    return (number * _FACTOR + _SHIFT) % modulus


def reveal(concealed: int, modulus: int) -> int:
    """The number ``conceal`` was given."""
    return (concealed - _SHIFT) * pow(_FACTOR, -1, modulus) % modulus


def hex32(number: int) -> str:
    """32 hex digits that stand for ``number``."""
    return f"{conceal(number, HEX):032x}"


def file_address(form: str, number: int, day: datetime, extension: str, quoted_name: str) -> str:
    """Path (and query) of file ``number``.

    Forms: legacy (generations before T4), old (the same file after the move), download, filemanager.
    """
    digits = f"{day:%Y%m}{conceal(number, DIGITS):011d}"
    if form == "legacy":
        return f"/{SUBSITE}/{day:%Y%m}/{digits}.{extension}"
    if form == "old":
        return f"/cms_files/oldfile//{SUBSITE}/{day:%Y%m}/{digits}.{extension}"
    if form == "filemanager":
        return f"/cms_files/filemanager/83142/attach/{day.year}{day.month}/{hex32(number)}.{extension}"
    opaque = base64.b64encode(conceal(number, HEX).to_bytes(16, "big")).decode()
    return (
        f"/api-gateway/jpaas-web-server/front/document/download?fileUrl={quote(opaque, safe='')}&fileName={quoted_name}"
    )


def file_number(path: str, query: str) -> int | None:
    """The number of the file at this address; None where it is no address of a file."""
    if path.endswith("/document/download"):
        try:
            opaque = base64.b64decode(parse_qs(query).get("fileUrl", [""])[0], validate=True)
        except ValueError:
            return None
        return reveal(int.from_bytes(opaque, "big"), HEX) if len(opaque) == 16 else None
    if found := re.search(r"/\d{6}(\d{11})\.\w+$", path):
        return reveal(int(found[1]), DIGITS)
    if found := re.search(r"/([0-9a-f]{32})\.\w+$", path):
        return reveal(int(found[1], 16), HEX)
    return None
