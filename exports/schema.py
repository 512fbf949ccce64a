"""The tables as they are documented: names and types out of the models, meanings out of their docstrings."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from crawler import items
from exports.database.models import Base
from exports.database.views import VIEWS, View

_MEANT = {
    "ArticleFields": items.Article,
    "ArticleAuthor": items.Author,
    "FileFields": items.Attachment,
}
"""Where the meaning of the columns stands that are copied from an item."""


@dataclass(frozen=True)
class Field:
    """One column of one table or view."""

    table: str
    name: str
    type: str
    """As SQLite and PostgreSQL both understand it"""
    nullable: bool
    meaning: str
    """Its docstring; empty where the name says it all"""


@dataclass(frozen=True)
class Table:
    """One table or view."""

    name: str
    meaning: str
    """What one row is"""
    fields: list[Field]


def tables() -> list[Table]:
    """Every table of the archive, those with articles first, then the views."""
    models = {str(mapper.class_.__table__.name): mapper.class_ for mapper in Base.registry.mappers}
    order = ["articles", *(name for name in models if name.startswith("article_")), *sorted(models)]
    described = [_table(name, models[name]) for name in dict.fromkeys(order)]
    known = {f"{field.table}.{field.name}": field for table in described for field in table.fields}
    return described + [_view(name, view, known) for name, view in VIEWS.items()]


def _view(name: str, view: View, known: dict[str, Field]) -> Table:
    fields = []
    for column, shown in view.columns.items():
        if shown in known:
            fields.append(replace(known[shown], table=name, name=column))
        else:
            kind, _, meaning = shown.partition(": ")
            fields.append(Field(name, column, kind, column in ("year", "month", "day"), meaning))
    return Table(name, f"{view.meaning} (a view)", fields)


def _table(name: str, model: type) -> Table:
    meanings = _meanings(model)
    columns = Base.metadata.tables[name].columns
    fields = [
        Field(name, column.name, str(column.type), bool(column.nullable), meanings.get(column.name, ""))
        for column in columns
    ]
    return Table(name, " ".join((inspect.getdoc(model) or "").split()), fields)


def _meanings(model: type) -> dict[str, str]:
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if base.__module__.startswith(("exports.", "crawler.")):
            if base.__name__ in _MEANT:
                found |= docstrings(_MEANT[base.__name__])
            found |= docstrings(base)
    return found


@cache
def docstrings(described: type) -> dict[str, str]:
    """name -> docstring, of the annotated attributes of a class that have one below them."""
    (definition,) = ast.parse(inspect.getsource(described)).body
    assert isinstance(definition, ast.ClassDef)
    return dict(_documented(definition))


def _documented(definition: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for statement, below in zip(definition.body, definition.body[1:], strict=False):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            yield statement.target.id, " ".join(str(below.value.value).split())
