"""Whether a database has this program's schema: what every reader asks first, without loading Alembic or SQLAlchemy."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from exports.database.asking import Plain, plain
from exports.errors import ConfigError, SchemaError

if TYPE_CHECKING:
    from sqlalchemy import Engine

_VERSIONS = Path(__file__).parent / "migrations" / "versions"


@cache
def known() -> list[str]:
    """The revisions this program knows, in their order: a migration's file is named <revision>_<what it does>.py."""
    return sorted(path.name.partition("_")[0] for path in _VERSIONS.glob("[0-9]*_*.py"))


def check_current(engine: "Engine") -> None:
    """As check(), of the database behind an engine."""
    from sqlalchemy.orm import Session

    with Session(engine) as session:
        check(plain(session))


def check(ask: Plain) -> None:
    """Raise SchemaError, with what to do, where the schema is not this program's, ConfigError where there is none."""
    revision = current(ask)
    if revision is None and not _has(ask, "articles"):
        raise ConfigError("this database holds no archive: run `scrapy crawl zhuanti` first")
    refuse_newer(revision)
    if revision != known()[-1]:
        raise SchemaError("the archive has an older schema: run `archive migrate` first")


def current(ask: Plain) -> str | None:
    """The database's revision; None where it has none."""
    if not _has(ask, "alembic_version"):
        return None
    return next((name for (name,) in ask.rows("SELECT version_num FROM alembic_version")), None)


def _has(ask: Plain, table: str) -> bool:
    return any(name == table for (name,) in ask.rows(_TABLES[ask.dialect]))


_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE name IN ('articles', 'alembic_version')",
    "postgresql": "SELECT tablename FROM pg_tables WHERE tablename IN ('articles', 'alembic_version')"
    " AND schemaname = ANY(current_schemas(false))",
}


def refuse_newer(current: str | None) -> None:
    """Raise SchemaError where the revision is none this program knows."""
    if current is not None and current not in known():
        raise SchemaError(f"the archive has a newer schema ({current}) than this program: update the program")
