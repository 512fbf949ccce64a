"""What changed between two versions of a text: by paragraph, and inside a paragraph by character."""

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal

Kind = Literal["same", "deleted", "added"]
Piece = tuple[Kind, str]

FIELDS = (
    *("url", "column_id", "column_name", "title", "subtitle", "byline", "author", "unit", "position"),
    *("breadcrumb", "source", "content_type", "published_at", "editor_note", "status", "duplicate_of"),
    *("authors", "attachments", "images"),
)
"""The fields of a version that are compared besides the text."""
_FILES = ("attachments", "images")
_ALIKE = 0.5
"""From this similarity (0 to 1) on, two paragraphs are versions of one."""
_LONG = 2_000
"""Paragraphs with more characters are compared by clauses: by characters, difflib takes seconds."""
_MANY = 2_500
"""Pairs of paragraphs in one changed place, beyond which old and new are not matched one by one."""


def plain(value: Any) -> str:
    """A field's value as one line to compare; lists joined by "; "."""
    if isinstance(value, list):
        return "; ".join(plain(entry) for entry in value)
    if isinstance(value, dict):
        return " ".join(f"{name}={entry}" for name, entry in value.items() if entry and name != "text")
    return "" if value is None else str(value)


def differing(before: Any, after: Any) -> list[str]:
    """Which of FIELDS differ between two versions; bytes that one of them could not get are no difference."""
    return [name for name in FIELDS if _comparable(before, after, name) != _comparable(after, before, name)]


def _comparable(version: Any, other: Any, name: str) -> Any:
    value = getattr(version, name)
    if name not in _FILES:
        return value
    known = [{file["url"] for file in getattr(each, name) if file["sha256"]} for each in (version, other)]
    both = known[0] & known[1]
    return [file if file["url"] in both else (file["url"], file["name"]) for file in value]


def paragraphs(before: Sequence[str], after: Sequence[str]) -> Iterator[list[Piece]]:
    """The paragraphs of both versions in order, each in pieces: same, deleted, added."""
    for operation, i, j, k, m in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if operation == "equal":
            yield from _all("same", before[i:j])
        else:
            yield from _replaced(before[i:j], after[k:m])


def _all(kind: Kind, texts: Sequence[str]) -> Iterator[list[Piece]]:
    return ([(kind, text)] for text in texts)


def _replaced(before: Sequence[str], after: Sequence[str]) -> Iterator[list[Piece]]:
    """Splits a changed place at its most similar pair of paragraphs, and so on on both sides of it."""
    best, i, j = _most_alike(before, after)
    if best < _ALIKE:
        yield from _all("deleted", before)
        yield from _all("added", after)
        return
    yield from _replaced(before[:i], after[:j])
    yield within(before[i], after[j])
    yield from _replaced(before[i + 1 :], after[j + 1 :])


def _most_alike(before: Sequence[str], after: Sequence[str]) -> tuple[float, int, int]:
    best = (0.0, 0, 0)
    if len(before) * len(after) > _MANY:
        return best
    for j, new in enumerate(after):
        matcher = difflib.SequenceMatcher(None, "", new, autojunk=False)
        for i, old in enumerate(before):
            matcher.set_seq1(old)
            if matcher.real_quick_ratio() > best[0] and (likeness := matcher.quick_ratio()) > best[0]:
                best = (likeness, i, j)
    return best


def within(before: str, after: str) -> list[Piece]:
    """The pieces of one paragraph, by characters."""
    old, new = (_units(text, max(len(before), len(after)) > _LONG) for text in (before, after))
    pieces: list[Piece] = []
    for operation, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if operation == "equal":
            pieces.append(("same", "".join(old[i:j])))
            continue
        if i < j:
            pieces.append(("deleted", "".join(old[i:j])))
        if k < m:
            pieces.append(("added", "".join(new[k:m])))
    return pieces


def _units(text: str, long: bool) -> list[str]:
    return re.findall(r"[^，。；！？,;!?]*[，。；！？,;!?]?", text) if long else list(text)
