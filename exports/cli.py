"""`archive`: the readers' door. Nothing here fetches, and only `archive migrate` writes to the archive."""

import atexit
import gc
import os
import sqlite3
import sys
from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Any

import click

from exports.commands import settings
from exports.errors import ArchiveError, without_password
from exports.printable import printable

_COMMANDS = {
    "search": "search:search_command",
    "show": "article:show_command",
    "diff": "difference:diff_command",
    "stats": "stats:stats_command",
    "coverage": "reports:coverage_command",
    "runs": "reports:runs_command",
    "failures": "reports:failures_command",
    "export": "export:export_command",
    "release": "export:release_command",
    "verify": "upkeep:verify_command",
    "serve": "serve:serve_command",
    "migrate": "upkeep:migrate_command",
    "backup": "operating:backup_command",
    "alert": "operating:alert_command",
    "metrics": "operating:metrics_command",
    "schema": "about:schema_command",
    "completion": "about:completion_command",
}
"""Every command: its module in exports/commands/ and its name there."""


class _Commands(MutableMapping[str, click.Command]):
    """The commands, each loaded when it is asked for: a search need not wait for the others' libraries."""

    def __getitem__(self, name: str) -> click.Command:
        module, _, command = _COMMANDS[name].partition(":")
        loaded: click.Command = getattr(import_module(f"exports.commands.{module}"), command)
        return loaded

    def __setitem__(self, name: str, command: click.Command) -> None:
        raise TypeError("commands are named in _COMMANDS")

    def __delitem__(self, name: str) -> None:
        raise TypeError("commands are named in _COMMANDS")

    def __iter__(self) -> Iterator[str]:
        return iter(_COMMANDS)

    def __len__(self) -> int:
        return len(_COMMANDS)


class _Archive(click.Group):
    """A group whose every error is one line on standard error and an exit code."""

    def main(self, *args: Any, **options: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show Chinese must not end us
        sys.exit(self._run(*args, **options | {"standalone_mode": False}))

    def _run(self, *args: Any, **options: Any) -> int:
        try:
            result = super().main(*args, **options)
        except click.ClickException as error:
            return _complain(error.format_message(), 2)
        except click.Abort:
            return 130
        except ArchiveError as error:
            return _complain(str(error), error.exit_code)
        except UnicodeEncodeError:
            return _complain("an argument is not valid UTF-8", 2)
        except Exception as error:
            if not _is_of_the_database(error):
                raise
            return _complain(f"the database cannot be read: {getattr(error, 'orig', None) or error}", 5)
        return result if isinstance(result, int) else 0

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has what it wanted (`| head`). Python flushes once more at exit: let that go nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        return result


def _is_of_the_database(error: Exception) -> bool:
    if isinstance(error, sqlite3.Error):
        return True
    if "sqlalchemy" not in sys.modules:
        return False
    from sqlalchemy.exc import SQLAlchemyError

    return isinstance(error, SQLAlchemyError)


def _complain(message: str, exit_code: int) -> int:
    click.echo(f"archive: {' '.join(printable(without_password(message)).split())}", err=True)
    return exit_code


@click.group("archive", cls=_Archive, commands=_Commands(), invoke_without_command=True)
@settings.setting_option
@click.version_option(package_name="zhuanti-archive", prog_name="archive")
@click.pass_context
def main(context: click.Context) -> None:
    """Read the archive: search, show, count, compare, export, check.

    \b
    Example: archive search 党建 --column 重要专题
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


_OBJECTS = 50_000
"""New objects after which Python looks for garbage; by default 700, and loading a command makes many and no garbage."""


def run() -> None:
    """`archive` as a process of its own: what it has loaded is not looked through for garbage again and again."""
    gc.set_threshold(_OBJECTS)
    atexit.register(gc.freeze)  # nor once more when the process ends
    main()
