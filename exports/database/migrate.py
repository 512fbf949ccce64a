"""The schema's versions: Alembic, run on start by the crawl and by `archive migrate`."""

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text

from exports.database.revision import check_current as check_current
from exports.database.revision import known, refuse_newer
from exports.index import maintain

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x7A68756E  # any number, the same in every process: serialises migrations on PostgreSQL


def _config() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


def upgrade(engine: Engine) -> None:
    """Bring the schema and the full-text index to this program's version; does nothing where they already are.

    Raises SchemaError where the archive was written by a newer version.
    """
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current != known()[-1]:
        refuse_newer(current)
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    maintain.ensure(engine)


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """For Alembic: whether a table is described by the models; the full-text index makes its own."""
    return kind != "table" or not str(name).startswith("search_index")
