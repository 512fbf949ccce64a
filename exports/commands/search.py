"""archive search, archive export: articles by text and filters."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click

from exports import jsonl, query, search, terminal
from exports.commands import common
from exports.database.models import Article
from exports.index import marks


@click.command("search")
@click.argument("text", nargs=-1, required=True)
@common.filter_options
@common.format_option("table", "jsonl", "csv")
@common.setting_option
def search_command(text: tuple[str, ...], form: str, limit: int | None, **narrowed: Any) -> None:
    """Find articles by their text.

    Searched are title, text, byline, author, unit and editor's note. All words must occur; "in quotes" is a
    phrase, OR joins two alternatives, -word excludes (write -- before a TEXT that begins so). Letter case and
    full- or half-width forms do not count. '' finds every article the filters leave.

    \b
    Example: archive search '党建 "理论学习" -转载' --column 重要专题 --since 2021-01-01
    """
    words = " ".join(text)
    with common.reading() as session:
        filters = common.filters(session, words, narrowed)
        if form == "table":
            _table(search.page(session, filters, order="date", limit=limit or common.TABLE_ROWS), words)
        else:
            common.write_rows(form, map(_row, search.results(session, filters, "date", limit)))


def _row(hit: search.Hit) -> dict[str, Any]:
    article = hit.article
    return {
        **{name: getattr(article, name) for name in ("id", "url", "column_id", "column_name", "title")},
        **{name: getattr(article, name) for name in ("author", "unit", "published_at", "status")},
        "where": hit.where,
        "snippet": hit.snippet,
    }


def _table(page: search.Page, words: str) -> None:
    if not page.total:
        terminal.print_line(f"no article matches {words!r} and the filters" if words.strip() else "no article")
        return
    terminal.print_table(
        ["id", "published", "title", "author", "column", "text"],
        [_line(hit.article, hit.snippet, page.terms) for hit in page.hits],
    )
    terminal.print_line(f"{len(page.hits)} of {page.total} shown")


def _line(article: Article, snippet: str, terms: list[str]) -> list[Any]:
    title, text = terminal.printable(article.title), terminal.printable(snippet)
    if article.status == "withdrawn":
        title = f"[withdrawn] {title}"
    return [
        article.id,
        (article.published_at or "").replace("T", " "),
        terminal.marked(title, marks.hits(title, terms)),
        article.author,
        article.column_name,
        terminal.marked(text, marks.hits(text, terms)),
    ]


@click.command("export")
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), required=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of standard output.")
@click.option("--text", default="", help="Only articles that match this text, as in `archive search`.")
@common.filter_options
@common.setting_option
def export_command(form: str, output: Path | None, text: str, limit: int | None, **narrowed: Any) -> None:
    """Write the current version of the articles, newest first.

    jsonl: one object a line with every field. csv: the same fields, for spreadsheets (UTF-8 with a byte order
    mark; a cell that would be run as a formula begins with ').

    \b
    Example: archive export --format csv --column 重要专题 --since 2021-01-01 --output 2021.csv
    """
    with common.reading() as session:
        ids = search.matching(session, common.filters(session, text, narrowed))[:limit]
        records = (jsonl.record(version) for version in query.current_versions(session, ids))
        if output is None or str(output) == "-":
            common.write_rows(form, records)
            return
        with _replacing(output) as stream:
            written = common.write_rows(form, records, stream)
    terminal.print_line(f"{written} articles written to {output}")


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
