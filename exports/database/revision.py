"""Whether a database has this program's schema: what every reader asks first, and so without loading Alembic."""

from functools import cache
from pathlib import Path

from sqlalchemy import Engine, inspect, text

from exports.errors import ConfigError, SchemaError

_VERSIONS = Path(__file__).parent / "migrations" / "versions"


@cache
def known() -> list[str]:
    """The revisions this program knows, in their order: a migration's file is named <revision>_<what it does>.py."""
    return sorted(path.name.partition("_")[0] for path in _VERSIONS.glob("[0-9]*_*.py"))


def check_current(engine: Engine) -> None:
    """Raise SchemaError, with what to do, where the schema is not this program's, ConfigError where there is none."""
    with engine.connect() as connection:
        found = inspect(connection)
        current = None
        if found.has_table("alembic_version"):
            current = connection.scalar(text("SELECT version_num FROM alembic_version"))
        if current is None and not found.has_table("articles"):
            raise ConfigError("this database holds no archive: run `scrapy crawl zhuanti` first")
    refuse_newer(current)
    if current != known()[-1]:
        raise SchemaError("the archive has an older schema: run `archive migrate` first")


def refuse_newer(current: str | None) -> None:
    """Raise SchemaError where the revision is none this program knows."""
    if current is not None and current not in known():
        raise SchemaError(f"the archive has a newer schema ({current}) than this program: update the program")
