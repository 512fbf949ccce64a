"""archive search: articles by text and filters."""

from typing import Any

import click

from exports import search, terminal
from exports.commands import common
from exports.index import marks


@click.command("search")
@click.argument("text", nargs=-1, required=True)
@click.option("--attachments", is_flag=True, help="Search the text of attachments too.")
@click.option("--versions", is_flag=True, help="Search earlier versions too.")
@click.option("--order", type=click.Choice(search.ORDERS), default="date", show_default=True, help="What comes first.")
@common.filter_options
@common.format_option("table", "jsonl", "csv")
@common.setting_option
def search_command(text: tuple[str, ...], form: str, limit: int | None, order: search.Order, **narrowed: Any) -> None:
    """Find articles by their text.

    Searched are title, text, byline, author, unit and editor's note. All words must occur (AND may stand between
    them); "in quotes" is a phrase, OR joins two alternatives, NOT or - excludes (write -- before a TEXT that begins
    so). title:word, author:name, unit:part, column:name, source:part, after:2021-05, before:2021 and has:attachment
    narrow. Letter case and full- or half-width forms do not count. '' finds every article the filters leave.

    \b
    Example: archive search '党建 "理论学习" -转载' --column 重要专题 --since 2021-01-01
    """
    words = " ".join(text)
    with common.asking() as archive:
        filters = common.filters(archive, words, narrowed)
        if form == "table":
            _table(search.page(archive, filters, order=order, limit=limit or common.TABLE_ROWS), words)
        else:
            hits = search.results(archive, filters, order, limit)
            common.write_rows(form, map(_row, hits), names=(*_FIELDS, "where", "snippet"))


_FIELDS = ("id", "url", "column_id", "column_name", "title", "author", "unit", "published_at", "status")


def _row(hit: search.Hit) -> dict[str, Any]:
    return {
        **{name: getattr(hit.article, name) for name in _FIELDS},
        "where": hit.where,
        "snippet": hit.snippet,
    }


def _table(page: search.Page, words: str) -> None:
    if not page.total:
        terminal.print_line(f"no article matches {words!r} and the filters" if words.strip() else "no article")
        return
    terminal.print_table(
        ["id", "published", "title", "author", "column", "text"],
        [_line(hit, page.terms) for hit in page.hits],
    )
    terminal.print_line(f"{len(page.hits)} of {page.total} shown")


def _line(hit: search.Hit, terms: list[str]) -> list[Any]:
    article = hit.article
    title = terminal.printable(article.title)
    text = terminal.printable(f"[{hit.where}] {hit.snippet}" if hit.where else hit.snippet)
    author = terminal.printable(article.author)
    if marks.hits(article.unit, terms):  # else nobody would see what was found
        author = f"{author} ({terminal.printable(article.unit)})".lstrip()
    if article.status == "withdrawn":
        title = f"[withdrawn] {title}"
    return [
        article.id,
        (article.published_at or "").replace("T", " "),
        terminal.marked(title, marks.hits(title, terms)),
        terminal.marked(author, marks.hits(author, terms)),
        article.column_name,
        terminal.marked(text, marks.hits(text, terms)),
    ]
