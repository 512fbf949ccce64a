"""The name a Content-Disposition header gives a file: data to be shown, never a path to be written to."""

import re
import unicodedata
from urllib.parse import unquote_to_bytes

LONGEST = 200
"""Characters kept of a name."""
_MOST_BYTES = 4000
_EXTENDED = re.compile(rb"filename\*\s{0,9}=\s{0,9}\"?([A-Za-z0-9_-]{0,40})'[^']{0,40}'([^;\"\s]{1,3000})", re.I)
_QUOTED = re.compile(rb"filename\s{0,9}=\s{0,9}\"((?:[^\"\\]|\\.){0,4000})", re.I | re.S)
_BARE = re.compile(rb"filename\s{0,9}=\s{0,9}([^;\"]{1,3000})", re.I)
_PERCENT = re.compile(rb"%[0-9A-Fa-f]{2}")


def file_name(header: bytes | None) -> str:
    """The file's name without folders, control and bidi characters; empty where the header gives none.

    The name may be percent-encoded or raw, UTF-8 or GBK: all four occur.
    """
    header = (header or b"")[:_MOST_BYTES]
    if match := _EXTENDED.search(header):
        name = _decoded(unquote_to_bytes(match[2]), match[1].decode("ascii"))
    elif match := _QUOTED.search(header) or _BARE.search(header):
        raw = re.sub(rb"\\(.)", rb"\1", match[1], flags=re.S) if b'"' in match[0] else match[1]
        name = _decoded(unquote_to_bytes(raw) if _PERCENT.search(raw) else raw, "")
    else:
        return ""
    return plain(name)


def plain(name: str) -> str:
    """The last part of a name, without what changes the look of a line; at most LONGEST characters, the end kept."""
    name = "".join(char for char in name if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
    name = name.replace("\\", "/").rpartition("/")[2].strip(" .")
    return name if len(name) <= LONGEST else name[: LONGEST - 20] + "…" + name[-19:]


def _decoded(raw: bytes, charset: str) -> str:
    # the label is often wrong, and anything can be read as gb18030: UTF-8 first
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1" if charset.lower() == "iso-8859-1" else "gb18030", "replace")
