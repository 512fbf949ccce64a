"""What the commands share: settings, filters, opening the archive, the three output formats."""

import json
import re
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import click

from exports import csv, search, terminal
from exports.commands.settings import setting_option as setting_option
from exports.config import Config
from exports.database import revision, sqlite_file
from exports.database.asking import File, Source
from exports.errors import StorageError
from exports.index import find

if TYPE_CHECKING:  # loaded by the commands that need it: `archive search` does not on SQLite
    from sqlalchemy.orm import Session

    from exports.database.models import Article

Command = TypeVar("Command", bound=Callable[..., Any])
TABLE_ROWS = 20
"""Rows of a table unless --limit says otherwise; the other formats are for programs and have none."""


def configuration() -> Config:
    """The settings of this call. Raises ConfigError."""
    return Config.from_settings(click.get_current_context().obj)


@contextmanager
def reading(config: Config | None = None) -> Iterator["Session"]:
    """A session that cannot write. Raises ConfigError, StorageError, SchemaError."""
    from sqlalchemy.orm import Session

    from exports.database.session import open_engine

    engine = open_engine((config or configuration()).database_url, read_only=True)
    try:
        revision.check_current(engine)
        with Session(engine) as session:
            yield session
    finally:
        engine.dispose()


@contextmanager
def asking() -> Iterator[Source]:
    """What a search is asked of: the bare SQLite file, else a session as reading() has it. Raises the same."""
    config = configuration()
    path = config.sqlite_file
    if path is None:
        with reading(config) as session:
            yield session
        return
    sqlite_file.require(path)
    try:
        connection = sqlite_file.for_reading(path)
    except sqlite3.Error as error:
        raise StorageError(f"cannot open the database {config.database_url}: {error}") from None
    try:
        connection.execute("BEGIN")
        ask = File(connection)
        revision.check(ask)
        yield ask
    finally:
        connection.close()


def format_option(*formats: str) -> Callable[[Command], Command]:
    """--format, by default a table."""
    return click.option("--format", "form", type=click.Choice(formats), default=formats[0], show_default=True)


limit_option = click.option("--limit", type=click.IntRange(1), help="At most so many, the newest first.")
column_option = click.option("--column", metavar="ID|NAME", help="Only articles of this column.")


def _day(_context: click.Context, _option: click.Parameter, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise click.BadParameter(f"{text!r} is not a date: YYYY-MM-DD is allowed")


def filter_options(command: Command) -> Command:
    """The filters that search and export share."""
    for option in (
        limit_option,
        click.option("--until", metavar="YYYY-MM-DD", callback=_day, help="Published on this day or before."),
        click.option("--since", metavar="YYYY-MM-DD", callback=_day, help="Published on this day or later."),
        click.option("--unit", help="Only articles by an author whose unit has this in its name."),
        click.option("--has-attachment", is_flag=True, help="Only articles with an attachment."),
        click.option("--source", help="Only articles whose source (来源) has this in its name."),
        click.option("--author", help="Only articles by the author of this (whole) name."),
        click.option("--column", metavar="ID|NAME", help="Only articles of this column, or listed in it."),
    ):
        command = option(command)
    return command


def filters(source: Source, text: str, narrowed: Mapping[str, Any]) -> search.Filters:
    """The filters as given on the command line. Raises click.UsageError."""
    for given in (text, *narrowed.values()):
        str(given).encode()  # raises UnicodeEncodeError for an argument that is not UTF-8
    since, until = narrowed["since"], narrowed["until"]
    if since and until and since > until:
        raise click.UsageError(f"--since {since} is later than --until {until}: allowed is the same day or earlier")
    return search.Filters(
        text=text,
        columns=column_ids(source, narrowed["column"]),
        author=narrowed["author"] or "",
        unit=narrowed["unit"] or "",
        source=narrowed["source"] or "",
        has_attachment=narrowed["has_attachment"],
        versions=narrowed.get("versions", False),
        attachments=narrowed.get("attachments", False),
        since=since,
        until=until,
    )


def column_ids(source: Source, reference: str | None) -> tuple[str, ...]:
    """The ids of the named column; empty for None, which means all. Raises click.UsageError."""
    if reference is None:
        return ()
    ids = find.column_ids(source, reference)
    if not ids:
        known = ", ".join(f"{column_id} ({name})" for column_id, name in sorted(find.columns(source).items()))
        raise click.UsageError(f"no column {reference!r}: the archive has {known or 'none yet'}")
    return tuple(ids)


def article(session: "Session", reference: str) -> "Article":
    """The article of an id or address. Raises click.UsageError."""
    from exports import query

    found = query.find_article(session, reference)
    if found is None:
        raise click.UsageError(f"no article {reference!r}: the id or the address of an archived article is allowed")
    return found


def write_rows(
    form: str, rows: Iterable[Mapping[str, Any]], stream: BinaryIO | None = None, names: Iterable[str] = ()
) -> int:
    """Rows for programs, as jsonl or csv, to the stream or standard output; `names` head a csv without rows."""
    watched = stream is None and sys.stdout.isatty()
    stream = stream or sys.stdout.buffer
    if form == "csv":
        return csv.write(stream, rows, names)
    written = 0
    for row in rows:
        line = json.dumps(row, ensure_ascii=False)
        stream.write((terminal.escaped(line) if watched else line).encode("utf-8", "backslashreplace") + b"\n")
        written += 1
    return written


def tell(form: str, line: str, **did: Any) -> None:
    """One thing a command did: the line for people, or the object for programs."""
    if form == "jsonl":
        write_rows(form, [did])
    else:
        terminal.print_line(line)


def show_rows(form: str, rows: list[dict[str, Any]], none: str, names: Iterable[str] = ()) -> None:
    """Rows in the given format; as a table, the line `none` where there are no rows."""
    if form != "table":
        write_rows(form, rows, names=names)
    elif rows:
        terminal.print_table([name.replace("_", " ") for name in rows[0]], [[*row.values()] for row in rows])
    else:
        terminal.print_line(none)
