"""archive export, archive release: the articles as files."""

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click

from exports import search, terminal
from exports.commands import common

FORMATS = ("jsonl", "csv", "parquet", "wacz")


@click.command("export")
@click.option("--format", "form", type=click.Choice(FORMATS), required=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of standard output.")
@click.option("--text", default="", help="Only articles that match this text, as in `archive search`.")
@common.filter_options
@common.setting_option
def export_command(form: str, output: Path | None, text: str, limit: int | None, **narrowed: Any) -> None:
    """Write the current version of the articles, newest first.

    jsonl: one object a line with every field. csv: the same fields, for spreadsheets (UTF-8 with a byte order
    mark; a cell that would be run as a formula begins with '). parquet: the same, typed, for DuckDB, pandas and R.
    wacz: the evidence of the articles with their files, for ReplayWeb.page.

    \b
    Example: archive export --format csv --column 重要专题 --since 2021-01-01 --output 2021.csv
             archive export --format wacz --text 调研 --output 调研.wacz
    """
    from exports import jsonl, query

    config = common.configuration()
    with common.reading(config) as session:
        ids = search.matching(session, common.filters(session, text, narrowed))[:limit]

        def write(stream: BinaryIO | None) -> int:
            records = (jsonl.record(version) for version in query.current_versions(session, ids))
            if form == "parquet":
                from exports import parquet

                return parquet.write(stream or sys.stdout.buffer, records, jsonl.KEYS)
            if form == "wacz":
                from exports import wacz
                from exports.store.places import Places

                return wacz.write(stream or sys.stdout.buffer, session, Places(config), ids)
            return common.write_rows(form, records, stream, jsonl.KEYS)

        if output is None or str(output) == "-":
            write(None)
            return
        with _replacing(output) as stream:
            written = write(stream)
    terminal.print_line(f"{written} articles written to {output}")


@click.command("release")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@common.format_option("table", "jsonl")
@common.setting_option
def release_command(folder: Path, form: str) -> None:
    """Write all articles with their description into a new folder, ready to be published.

    The folder is a Frictionless data package and an RO-Crate: articles.jsonl, .csv and .parquet, the meaning of every
    field, a crosswalk to schema.org and GB/T 42147-2022, checksums. The same archive gives the same bytes.

    \b
    Example: archive release release-2026
    """
    from exports import release

    with common.reading() as session:
        if folder.exists() and any(folder.iterdir()):
            raise click.UsageError(f"{str(folder)!r} is not empty: an empty or new folder is allowed")
        try:
            files = release.build(session, folder)
        except OSError as error:
            raise click.UsageError(f"{str(folder)!r} cannot be written: {error.strerror}") from None
    for file in files:
        common.tell(form, f"{file.sha256}  {file.path}", **vars(file))


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` when it is complete, so that half an export is never left."""
    path = path.resolve()
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):  # a pipe or a device takes what is written
            with path.open("wb") as stream:
                yield stream
            return
        handle, part = tempfile.mkstemp(prefix=f".{path.name[:50]}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                yield stream
            Path(part).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
            Path(part).replace(path)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise
    except BrokenPipeError:
        raise
    except OSError as error:
        raise click.UsageError(f"--output {str(path)!r} cannot be written: {error.strerror}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
