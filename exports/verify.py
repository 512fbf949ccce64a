"""`archive verify`: the archive against its own evidence, offline and without writing anything.

Reads every byte the archive keeps, a part at a time, and from the store what is not here; see checks/ for what is
compared with what.
"""

from collections.abc import Callable, Iterator

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from exports.checks import Findings, Problem, articles, evidence, found, lines, manifests, store
from exports.config import Config
from exports.database.revision import check_current
from exports.database.session import open_engine
from exports.errors import ConfigError
from exports.store.places import Places

Check = Callable[[Session, Places], Findings]


class Verification:
    """One verification: iterate over it once for the problems, then ask how much was checked."""

    def __init__(self, config: Config, *, with_store: bool = False) -> None:
        self.checked = 0
        """Things checked so far: files, records, rows and lines."""
        self._config = config
        self._places = Places(config)
        self._further = (store.check,) if with_store else ()

    def __iter__(self) -> Iterator[Problem]:
        """Raises ConfigError, StorageError or SchemaError where there is no archive to check."""
        engine = open_engine(self._config.database_url, read_only=True)
        try:
            check_current(engine)
            for check in (_database, evidence.check, articles.check, lines.check, manifests.check, *self._further):
                yield from self._run(check, engine)
        finally:
            engine.dispose()

    def _run(self, check: Check, engine: Engine) -> Iterator[Problem]:
        if engine.dialect.name == "postgresql":  # SQLite's transactions see one state of the database anyway
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        try:
            with Session(engine) as session:
                for problem in check(session, self._places):
                    self.checked += 1
                    if problem is not None:
                        yield problem
        except (SQLAlchemyError, ValueError) as error:  # ValueError: a cell that is not JSON, or no date
            cause = getattr(error, "orig", None) or error
            yield Problem("database", f"cannot be read ({' '.join(str(cause).split())})")
        except OSError as error:
            yield Problem(str(error.filename), f"cannot be read ({error.strerror})")


def verify(config: Config, *, with_store: bool = False) -> Verification:
    """Verify the archive (and every object in its store): iterate over the result. Raises ConfigError."""
    if with_store and not config.store:
        raise ConfigError("there is no store to check: set ARCHIVE_STORE")
    return Verification(config, with_store=with_store)


def _database(session: Session, _places: Places) -> Findings:
    """The database file itself; PostgreSQL checks its own."""
    if session.get_bind().dialect.name != "sqlite":
        return
    for (line,) in session.execute(text("PRAGMA integrity_check")):
        yield found("database", None if line == "ok" else line)
    for table, row_id, parent, _ in session.execute(text("PRAGMA foreign_key_check")):
        yield Problem(f"{table}, row {row_id}", f"cites a row of {parent} that does not exist")
