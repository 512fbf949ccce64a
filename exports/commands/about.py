"""archive schema, archive completion: the program about itself."""

from typing import Any

import click
from click import shell_completion

from exports.commands import common


@click.command("schema")
@click.argument("table", required=False)
@common.format_option("table", "jsonl", "csv")
def schema_command(table: str | None, form: str) -> None:
    """List the tables of the database and what their columns mean, for those who write SQL.

    \b
    Example: archive schema articles
    """
    from exports import schema, terminal

    known = {described.name: described for described in schema.tables()}
    if table is not None and table not in known:
        raise click.UsageError(f"no table {table!r}: allowed are {', '.join(known)}")
    chosen = [known[table]] if table else list(known.values())
    if form != "table":
        common.write_rows(form, [vars(field) for described in chosen for field in described.fields])
        return
    for number, described in enumerate(chosen):
        if number:
            terminal.print_line()
        terminal.print_line(f"{described.name}: {described.meaning}")
        rows: list[list[Any]] = [
            [field.name, field.type, "" if field.nullable else "not null", field.meaning] for field in described.fields
        ]
        terminal.print_table(["column", "type", "", "meaning"], rows)


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print what makes a shell complete the commands and options of `archive`.

    \b
    Example: archive completion bash > ~/.local/share/bash-completion/completions/archive
    """
    made = shell_completion.get_completion_class(shell)
    assert made is not None
    root = context.find_root().command
    variables = made(root, {}, "archive", "_ARCHIVE_COMPLETE").source_vars()
    # source() itself would start a shell to ask for its version
    click.echo(made.source_template % variables)
