"""Text from pages made harmless for terminals and spreadsheets."""

import re
import unicodedata

_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    # OSC, DCS: titles, links; none within another, which a text of beginnings alone would take square time for
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
)
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def printable(text: str, keep: str = "") -> str:
    """The text without terminal escapes, control characters, bidi controls and lone surrogates.

    Line breaks and tabs become blanks, unless `keep` names them.
    """
    return "".join(_harmless(char, keep) for char in _ANSI.sub("", text))


def _harmless(char: str, keep: str) -> str:
    if char in keep:
        return char
    if char in "\n\r\t\v\f\x85\u2028\u2029":
        return " "
    return "" if char in _BIDI or unicodedata.category(char) in ("Cc", "Cs") else char
