"""Alembic's entry point: runs on the connection migrate.py hands over, or on a scratch database for
`alembic revision --autogenerate` (see README, "a new field")."""

from typing import Literal

from alembic import context
from sqlalchemy import Connection

from exports.config import Config
from exports.database.migrate import is_ours
from exports.database.models import Base, UTCDateTime
from exports.database.session import open_engine


def render_item(kind: str, item: object, autogen_context: object) -> str | Literal[False]:
    """Write our column type into migrations as the plain type it is."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        render_item=render_item,
        compare_type=True,
        include_name=is_ours,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with open_engine(Config.from_settings({}).database_url).begin() as opened:
        run(opened)
