"""archive stats: how many articles there are, of what."""

import click

from exports import search, terminal, totals
from exports.commands import common

_UNKNOWN = "(unknown)"


@click.command("stats")
@click.option("--by", type=click.Choice(totals.GROUPINGS), help="Count by this; default: totals, column and month.")
@click.option("--unsure", is_flag=True, help="List the articles to look at before counting, and why.")
@common.column_option
@common.format_option("table", "chart", "jsonl", "csv")
@common.setting_option
def stats_command(by: str | None, unsure: bool, column: str | None, form: str) -> None:
    """Count the articles.

    \b
    Example: archive stats --by month --format chart
    """
    if unsure and (by or form == "chart"):
        raise click.UsageError("--unsure is a list: --by and --format chart are not allowed with it")
    if unsure:
        _unsure(column, form)
        return
    with common.asking() as archive:
        columns = common.column_ids(archive, column)
        if by is None and form in ("table", "chart"):
            for name, number in totals.totals(archive, columns).items():
                terminal.print_line(f"{name:<18} {number}")
        groups = {name: totals.counts(archive, name, columns) for name in ([by] if by else ["column", "month"])}
    if form in ("jsonl", "csv"):
        common.write_rows(
            form,
            [
                {"by": name, "key": count.key, "name": count.label, "articles": count.articles}
                for name, counted in groups.items()
                for count in counted
            ],
        )
        return
    for name, counted in groups.items():
        _print_counts(name, counted, form, heading=by is None)


def _print_counts(name: str, counted: list[search.Count], form: str, *, heading: bool) -> None:
    if heading:
        terminal.print_line()
    if not counted:
        terminal.print_line("no article")
    elif form == "chart":
        if heading:
            terminal.print_line(f"by {name}")
        terminal.print_bars([(count.label or count.key or _UNKNOWN, count.articles) for count in counted])
    else:
        terminal.print_table(
            [name, "articles"], [[count.label or count.key or _UNKNOWN, count.articles] for count in counted]
        )


def _unsure(column: str | None, form: str) -> None:
    from exports import doubts, query

    names = ("id", "published_at", "title", "byline", "url")
    with common.reading() as session:
        found = doubts.doubts(session, common.column_ids(session, column))
        rows = [
            {name: getattr(article, name) for name in names} | {"why": found[article.id]}
            for article in query.articles(session, list(found))
        ]
    common.show_rows(form, rows, "no article is in doubt")
