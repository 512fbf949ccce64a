"""Conditions over the tables themselves: exact, and as slow as the archive is large."""

from typing import Any

from sqlalchemy import ColumnElement, Integer, String, and_, literal, not_, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from exports.database.models import Article
from exports.index.parse import Term, parse
from exports.index.text import folded

_HAYSTACK = (
    Article.title + "\n" + Article.subtitle + "\n" + Article.byline + "\n" + Article.author + "\n"
    + Article.unit + "\n" + Article.editor_note + "\n" + Article.body_text
)  # fmt: skip
"""All that is searched. No term holds a line break, so none can match across two fields."""


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
