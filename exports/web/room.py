"""What every page needs: the archive, opened read-only for one request, and an answer in the reader's language."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from exports.config import Config
from exports.database.migrate import check_current
from exports.database.session import open_engine
from exports.errors import ConfigError, SchemaError, StorageError
from exports.store.places import Places
from exports.web.errors import Unavailable
from exports.web.texts import Language

SECONDS = 10.0
"""How long the queries of one request may take together."""
_CHECKED_FOR = 5.0
"""Seconds after which the version of the schema is looked at again."""
_STEPS = 20_000
"""Instructions of SQLite between two looks at the clock: well under a millisecond."""


class Room:
    """The archive behind the pages."""

    def __init__(self, config: Config, seconds: float = SECONDS) -> None:
        self.config = config
        self.places = Places(config)
        self._seconds = seconds
        self._engine: Engine | None = None
        self._checked_at = 0.0

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session that cannot write and whose queries end in time. Raises Unavailable."""
        try:
            with Session(self._opened()) as session:
                self._limit(session)
                yield session
        except (ConfigError, StorageError) as error:
            self._engine = None
            raise Unavailable("no-archive", cause=str(error)) from error
        except SchemaError as error:
            self._engine = None
            raise Unavailable("other-schema", cause=str(error)) from error
        except SQLAlchemyError as error:
            self._checked_at = 0.0
            cause = " ".join(str(getattr(error, "orig", None) or error).split())
            if "interrupted" in cause or "statement timeout" in cause:
                raise Unavailable("too-slow", seconds=f"{self._seconds:g}") from error
            raise Unavailable("unreadable", cause=cause) from error

    def _opened(self) -> Engine:
        engine = self._engine or open_engine(self.config.database_url, read_only=True, untouched=True)
        if self._engine is None or time.monotonic() - self._checked_at > _CHECKED_FOR:
            check_current(engine)
            self._checked_at = time.monotonic()
        self._engine = engine
        return engine

    def _limit(self, session: Session) -> None:
        connection = session.connection()
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET statement_timeout = {int(self._seconds * 1000)}")
            return
        driver: Any = connection.connection.driver_connection
        end = time.monotonic() + self._seconds
        driver.set_progress_handler(lambda: time.monotonic() > end, _STEPS)


@dataclass(frozen=True)
class Visit:
    """One request: what was asked, of which archive, in which language."""

    request: Request
    room: Room
    session: Session
    language: Language

    def argument(self, name: str) -> str:
        """An argument of the address, white space collapsed; empty where it is not given."""
        return " ".join(self.request.query_params.get(name, "").split())

    @property
    def address(self) -> str:
        """Scheme, host and port under which the reader sees the room."""
        return str(self.request.base_url).rstrip("/")


Page = Callable[[Visit], Response]


def endpoint(room: Room, page: Page) -> Callable[[Request], Any]:
    """The page as Starlette calls it: in a thread of its own, with a session that ends with the request."""

    def answer(request: Request) -> Response:
        with room.session() as session:
            return page(Visit(request, room, session, Language.of(request)))

    async def run(request: Request) -> Response:
        return await run_in_threadpool(answer, request)

    return run
