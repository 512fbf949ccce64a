"""`archive`: the readers' door. Nothing here fetches, and only `archive migrate` writes to the archive."""

import os
import sys
from typing import Any

import click
from sqlalchemy.exc import SQLAlchemyError

from exports.commands import article, common, difference, reports, search, serve, upkeep
from exports.errors import ArchiveError, without_password
from exports.terminal import printable


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
        except SQLAlchemyError as error:
            return _complain(f"the database cannot be read: {getattr(error, 'orig', None) or error}", 5)
        except UnicodeEncodeError:
            return _complain("an argument is not valid UTF-8", 2)
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


def _complain(message: str, exit_code: int) -> int:
    click.echo(f"archive: {' '.join(printable(without_password(message)).split())}", err=True)
    return exit_code


@click.group("archive", cls=_Archive, invoke_without_command=True)
@common.setting_option
@click.pass_context
def main(context: click.Context) -> None:
    """Read the archive: search, show, count, compare, export, check.

    \b
    Example: archive search 党建 --column 重要专题
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _command in (
    search.search_command,
    article.show_command,
    difference.diff_command,
    reports.stats_command,
    reports.coverage_command,
    reports.runs_command,
    reports.failures_command,
    search.export_command,
    upkeep.verify_command,
    serve.serve_command,
    upkeep.migrate_command,
):
    main.add_command(_command)
