"""What a search text means."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from exports.index.text import folded

FIELDS = ("title", "author", "unit", "column", "source", "after", "before", "has")
"""What may stand before a colon in a search text."""
TEXT_FIELDS = ("", "title")
"""The fields of terms that are looked for in the text; the others narrow by what is known of the article."""
_TOKEN = re.compile(
    r"(?P<minus>-?)(?:(?P<field>" + "|".join(FIELDS) + r"):)?"
    r'(?:"(?P<ascii>[^"]*)"|“(?P<curly>[^“”]*)”|「(?P<corner>[^「」]*)」|(?P<word>[^\s"]\S*|"\S*))',
    re.IGNORECASE,
)
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""What no text in a database holds, and none can be asked for."""
_DAY = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?")


@dataclass(frozen=True)
class Term:
    """One word, "quoted phrase" or field:value."""

    text: str
    """As typed but for its width; of after: and before: the date as YYYY-MM-DD"""
    excluded: bool = False
    field: str = ""
    """One of FIELDS; empty for a term that may stand anywhere in the text"""


def parse(text: str) -> list[list[Term]]:
    """The groups of a search text: all must hold, and a group holds when any of its terms does.

    Terms stand between blanks or AND; "quoted" phrases (also “…” and 「…」) are kept whole; a leading - or NOT
    excludes; OR joins its two neighbours (and binds closer than AND). field:value narrows (see FIELDS). Every text is
    valid: an OR without two neighbours, a quote without its partner, a lone - and a date that is none are
    ordinary words.
    """
    plain = unicodedata.normalize("NFKC", _UNSTORABLE.sub(" ", text))
    tokens = [token for token in _TOKEN.finditer(plain) if _words(token)]
    groups: list[list[Term]] = []
    alternative = negated = False
    for position, token in enumerate(tokens):
        before_last = position < len(tokens) - 1
        if token[0] == "OR" and groups and before_last and not alternative and not negated:
            alternative = True
            continue
        if token[0] == "AND" and groups and before_last and not alternative and not negated:
            continue
        if token[0] == "NOT" and before_last and not negated:
            negated = True
            continue
        term = _term(token, negated)
        if alternative:
            groups[-1].append(term)
        else:
            groups.append([term])
        alternative = negated = False
    return [list(group) for group in dict.fromkeys(map(tuple, groups))]


def shown(groups: Iterable[Iterable[Term]]) -> list[str]:
    """The terms that are highlighted in what they found, folded."""
    terms = (term for group in groups for term in group)
    return [folded(term.text) for term in terms if not term.excluded and term.field in TEXT_FIELDS]


def wanted(text: str) -> list[str]:
    """The terms of a search text that are highlighted in what it found, folded."""
    return shown(parse(text))


def _words(token: re.Match[str]) -> str:
    return " ".join((token["ascii"] or token["curly"] or token["corner"] or token["word"] or "").split())


def _term(token: re.Match[str], negated: bool) -> Term:
    words, excluded = _words(token), bool(token["minus"]) != negated
    field = (token["field"] or "").lower()
    value = _VALUES.get(field, str)(words)
    if value is None:
        return Term(f"{token['field']}:{words}", excluded)
    return Term(value, excluded, field)


def _day(text: str, *, last: bool) -> str | None:
    """The first or last day of YYYY, YYYY-MM or YYYY-MM-DD as ISO 8601; None for anything else."""
    if not (match := _DAY.fullmatch(text)):
        return None
    year, month, day = (int(part) if part else None for part in match.groups())
    assert year is not None
    try:
        date(year, month or 1, day or 1)
    except ValueError:
        return None
    return f"{year:04}-{month or (12 if last else 1):02}-{day or (31 if last else 1):02}"


_VALUES: dict[str, Callable[[str], str | None]] = {
    "after": lambda text: _day(text, last=False),
    "before": lambda text: _day(text, last=True),
    "has": lambda text: "attachment" if text.lower() in ("attachment", "attachments") else None,
}
