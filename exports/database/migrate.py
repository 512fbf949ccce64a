"""The schema's versions: Alembic, run on start by the crawl and by `archive migrate`."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from exports.errors import ConfigError, SchemaError
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
    scripts = _scripts()
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current != scripts.get_current_head():
        _refuse_newer(scripts, current)
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


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def check_current(engine: Engine) -> None:
    """Raise SchemaError, with what to do, where the schema is not this program's, ConfigError where there is none."""
    scripts = _scripts()
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        if current is None and not inspect(connection).has_table("articles"):
            raise ConfigError("this database holds no archive: run `scrapy crawl zhuanti` first")
    _refuse_newer(scripts, current)
    if current != scripts.get_current_head():
        raise SchemaError("the archive has an older schema: run `archive migrate` first")


def _refuse_newer(scripts: ScriptDirectory, current: str | None) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    if current is not None and current not in known:
        raise SchemaError(f"the archive has a newer schema ({current}) than this program: update the program")
