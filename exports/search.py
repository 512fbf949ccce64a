"""What a search text means and where it hits.

Terms are found as substrings, full- and half-width forms and letter case being equal, on every database in
the same way: no term is too short, nothing depends on word boundaries (Chinese prints none).
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, String, and_, literal, not_, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from exports.database.models import Article

_TOKEN = re.compile(r'(?P<minus>-?)(?:"(?P<phrase>[^"]*)"|(?P<word>\S+))')
_HAYSTACK = (
    Article.title + "\n" + Article.subtitle + "\n" + Article.byline + "\n" + Article.author + "\n"
    + Article.unit + "\n" + Article.editor_note + "\n" + Article.body_text
)  # fmt: skip
"""All that is searched. No term holds a line break, so none can match across two fields."""


def folded(text: str) -> str:
    """The text in the form in which it is compared: NFKC, lower case."""
    return unicodedata.normalize("NFKC", text).lower()


@dataclass(frozen=True)
class Term:
    """One word or "quoted phrase", as typed but for its width."""

    text: str
    excluded: bool = False


def parse(text: str) -> list[list[Term]]:
    """The groups of a search text: all must hold, and a group holds when any of its terms does.

    Terms stand between blanks; "quoted phrases" are kept whole; a leading - excludes; OR joins its two
    neighbours (and binds closer than the blank). Every text is valid: an OR without two neighbours, a quote
    without its partner and a lone - are ordinary words.
    """
    tokens = [token for token in _TOKEN.finditer(unicodedata.normalize("NFKC", text)) if _words(token)]
    groups: list[list[Term]] = []
    alternative = False
    for position, token in enumerate(tokens):
        last = position == len(tokens) - 1
        if token[0] == "OR" and groups and not last and not alternative:
            alternative = True
            continue
        term = Term(_words(token), excluded=bool(token["minus"]))
        if alternative:
            groups[-1].append(term)
        else:
            groups.append([term])
        alternative = False
    return groups


def _words(token: re.Match[str]) -> str:
    return " ".join((token["word"] or token["phrase"] or "").split())


def wanted(text: str) -> list[str]:
    """The terms of a search text that a hit shows, folded."""
    return [folded(term.text) for group in parse(text) for term in group if not term.excluded]


class _Folded(FunctionElement[str]):
    """A text in the form in which it is compared, made by the database."""

    type = String()
    inherit_cache = True


@compiles(_Folded, "sqlite")
def _folded_in_sqlite(element: _Folded, compiler: SQLCompiler, **options: Any) -> str:
    return f"archive_folded({compiler.process(element.clauses, **options)})"


@compiles(_Folded, "postgresql")
def _folded_in_postgresql(element: _Folded, compiler: SQLCompiler, **options: Any) -> str:
    return f"lower(normalize({compiler.process(element.clauses, **options)}, NFKC))"


class _Place(FunctionElement[int]):
    """Where the second text begins in the first, from 1; 0 for nowhere. Unlike LIKE it has no wildcards."""

    type = Integer()
    inherit_cache = True


@compiles(_Place, "sqlite")
def _place_in_sqlite(element: _Place, compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(_Place, "postgresql")
def _place_in_postgresql(element: _Place, compiler: SQLCompiler, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


def contains(column: ColumnElement[str] | InstrumentedAttribute[str], text: str) -> ColumnElement[bool]:
    """A condition: the column holds the text, width and case not counting. Needs `prepare` on its session."""
    return _Place(_Folded(column), _Folded(literal(text))) > 0


def equal(column: InstrumentedAttribute[str], text: str) -> ColumnElement[bool]:
    """A condition: the column is the text, width and case not counting. Needs `prepare` on its session."""
    return _Folded(column) == _Folded(literal(text))


def prepare(session: Session) -> None:
    """Gives SQLite, which cannot normalise Unicode itself, the function that folding calls there."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        driver.create_function("archive_folded", 1, folded, deterministic=True)


def condition(text: str) -> ColumnElement[bool]:
    """The condition on `articles` that a search text stands for; true for an empty text."""
    groups = [or_(*(_holds(term) for term in group)) for group in parse(text)]
    return and_(literal(True), *groups)


def _holds(term: Term) -> ColumnElement[bool]:
    found = contains(_HAYSTACK, term.text)
    return not_(found) if term.excluded else found


def hits(text: str, terms: Iterable[str]) -> list[tuple[int, int]]:
    """Where the folded terms stand in a short text: (start, end) offsets in the text as it is."""
    plain = folded(text)
    spans = []
    for term in terms:
        for match in re.finditer(re.escape(term), plain):
            spans.append((_origin(text, match.start()), _origin_end(text, match.end())))
    return sorted(spans)


def snippet(text: str, terms: Sequence[str], width: int = 80) -> str:
    """About `width` characters around the first hit in the text; its beginning where there is none."""
    for paragraph in text.split("\n"):
        plain = folded(paragraph)
        places = [place for term in terms if (place := plain.find(term)) >= 0]
        if places:
            start = max(0, _origin(paragraph, min(places)) - width // 3)
            return _cut(paragraph, start, width)
    return _cut(text.replace("\n", " "), 0, width)


def _cut(text: str, start: int, width: int) -> str:
    return ("…" if start else "") + text[start : start + width] + ("…" if start + width < len(text) else "")


# Folding changes lengths (… becomes three dots), but a longer text never folds to a shorter one: so bisection
# finds the way back.


def _origin(text: str, place: int) -> int:
    return bisect_right(range(len(text) + 1), place, key=lambda end: len(folded(text[:end]))) - 1


def _origin_end(text: str, place: int) -> int:
    return bisect_left(range(len(text) + 1), place, key=lambda end: len(folded(text[:end])))
