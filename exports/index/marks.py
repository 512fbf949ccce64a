"""Where the terms stand in a text: for highlighting, and for snippets."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from exports.index.text import folded

_PARTS = 2
"""Of one snippet, at most."""
_SENTENCE_END = re.compile(r"[。！？!?；;…][”’」』）)]{0,3}")


def hits(text: str, terms: Iterable[str]) -> list[tuple[int, int]]:
    """Where the folded terms stand in a short text: (start, end) offsets in the text as it is, in order, apart."""
    plain = folded(text)
    origin = _Origin(text, plain)
    spans = sorted(
        (origin.start(match.start()), origin.end(match.end()))
        for term in {term for term in terms if term}
        for match in re.finditer(re.escape(term), plain)
    )
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def snippet(text: str, terms: Sequence[str], width: int = 80) -> str:
    """About `width` characters around the first hit in the text; its beginning where there is none.

    Where other terms stand elsewhere, half as much around the first of them follows. Each part begins and ends at the
    end of a sentence where one is near; elsewhere … stands for what is left out.
    """
    missing = {term for term in terms if term}
    parts: list[str] = []
    for paragraph in text.split("\n"):
        if not missing or len(parts) == _PARTS:
            break
        plain = folded(paragraph)
        while missing and len(parts) < _PARTS:
            places = [place for term in missing if (place := plain.find(term)) >= 0]
            if not places:
                break
            parts.append(_cut(paragraph, _Origin(paragraph, plain).start(min(places)), width // (len(parts) + 1)))
            shown = folded(parts[-1])
            found = {term for term in missing if term in shown}
            if not found:  # a term longer than the part
                return parts[0]
            missing -= found
    return " ".join(parts) or _cut(text.replace("\n", " "), 0, width)


def _cut(text: str, hit: int, width: int) -> str:
    borders = [0, *(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]
    start = borders[bisect_right(borders, hit) - 1]
    if start < hit - width // 2:
        start = hit - width // 3
    end = borders[bisect_right(borders, start + width) - 1]
    if end < start + width // 2:
        end = min(start + width, len(text))
    return ("" if start in borders else "…") + text[start:end].strip() + ("" if end in borders else "…")


class _Origin:
    """The way back from an offset in the folded text to one in the text as it is.

    Folding changes lengths (… becomes three dots), but a longer text never folds to a shorter one: so bisection
    finds the way.
    """

    def __init__(self, text: str, plain: str) -> None:
        self._text = text
        self._same = len(text) == len(plain) and all(len(folded(char)) == 1 for char in set(text))

    def start(self, place: int) -> int:
        if self._same:
            return place
        return bisect_right(range(len(self._text) + 1), place, key=self._length) - 1

    def end(self, place: int) -> int:
        if self._same:
            return place
        return bisect_left(range(len(self._text) + 1), place, key=self._length)

    def _length(self, end: int) -> int:
        return len(folded(self._text[:end]))
