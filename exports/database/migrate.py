"""The schema's versions: Alembic, run on start by the crawl and by `archive migrate`."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from exports.database import revision
from exports.database.asking import plain
from exports.database.revision import check_current as check_current
from exports.index import maintain

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x7A68756E  # any number, the same in every process: serialises migrations on PostgreSQL


def upgrade(engine: Engine) -> None:
    """Bring the schema and the full-text index to this program's version; does nothing where they already are.

    Raises SchemaError where the archive was written by a newer version.
    """
    with Session(engine) as session:
        current = revision.current(plain(session))
    if current != revision.known()[-1]:
        revision.refuse_newer(current)
        _migrate(engine)
    maintain.ensure(engine)


def _migrate(engine: Engine) -> None:
    from alembic import command

    config = _config()
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _config() -> "Config":
    from alembic.config import Config  # loading it takes a tenth of a second, which most starts do without

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """For Alembic: whether a table is described by the models; the full-text index makes its own."""
    return kind != "table" or not str(name).startswith("search_index")
