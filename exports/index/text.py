"""Text as it is compared: folded, and cut into what the indexes hold."""

import re
import unicodedata
from collections.abc import Callable


def folded(text: str) -> str:
    """The text in the form in which it is compared: NFKC (full and half width are equal), lower case."""
    for wide, narrow in _PUNCTUATION:
        text = text.replace(wide, narrow)
    return unicodedata.normalize("NFKC", text).lower()


_PUNCTUATION = tuple((sign, unicodedata.normalize("NFKC", sign)) for sign in "，：；（）？！")
"""Without these most texts are in that form already, which is noticed five times faster than it is made."""


def squeezed(text: str) -> str:
    """Folded and without blanks: how names are compared."""
    return "".join(folded(text).split())


def characters(text: str) -> str:
    """The folded text as FTS5's ascii tokenizer reads it: every character is a token of its own, blanks too.

    That tokenizer takes letters, digits and everything outside ASCII as they are; the rest is spelled as x and its
    number, which no single character can be.
    """
    return " ".join([_SPELLED.get(char, char) for char in text])


_SPELLED = {chr(code): f"x{code:02x}" for code in range(128) if not chr(code).isalnum()}


def ideographs(words: str) -> bool:
    """Whether the folded words consist of common ideographs alone, see is_printed_so()."""
    return _IDEOGRAPHS.fullmatch(words) is not None


def may_hold(words: str) -> Callable[[bytes], bool]:
    """Whether a text can hold the folded words, asked of it in UTF-8 and not folded; see is_printed_so().

    Of what stands between the ideographs it is only looked whether there is any.
    """
    runs = [re.escape(run.encode()) for run in _IDEOGRAPHS.findall(words)]
    if not runs:
        return lambda text: True
    if ideographs(words):
        found = words.encode()
        return lambda text: found in text
    # how ideographs begin in UTF-8, and nothing else does; all have three bytes
    before = b"" if ideographs(words[0]) else b"(?<!\xe4[\xb8-\xbf].%b)(?<![\xe5-\xe9]..%b)" % (runs[0], runs[0])
    after = b"" if ideographs(words[-1]) else b"(?!\xe4[\xb8-\xbf]|[\xe5-\xe9])"
    between = (b"(?:(?!\xe4[\xb8-\xbf]|[\xe5-\xe9]).)+" + run for run in runs[1:])
    pattern = re.compile(runs[0] + before + b"".join(between) + after, re.DOTALL)
    return lambda text: pattern.search(text) is not None


def is_printed_so(text: str) -> bool:
    """Whether ideographs stand in the text where they stand in its folded form: none is made of another character.

    Words of ideographs can then be looked for in the text as it is.
    """
    return not _MADE_TO_IDEOGRAPHS.search(text)


_IDEOGRAPHS = re.compile("[\u4e00-\u9fff]+")
_MADE_TO_IDEOGRAPHS = re.compile(
    "[\u2e80-\u2fdf\u3036-\u303a\u3190-\u33ff\uf900-\ufaff\U0001f200-\U0001f2ff\U0002f800-\U0002fa1f]"
)
"""Radicals, compatibility ideographs, bracketed and circled ones …, and what stands between them."""
