"""White space in printed text."""

import re


def collapse(text: str | None) -> str:
    """White space of every kind collapsed to single blanks."""
    return " ".join((text or "").split())


def squeeze(text: str | None) -> str:
    """White space of every kind, and invisible characters, removed: 重 要 专 题 -> 重要专题."""
    return re.sub(r"[\s\u200b-\u200d\u2060\ufeff]+", "", text or "")
