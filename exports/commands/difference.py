"""archive diff: what changed between two versions of an article."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from exports import terminal
from exports.commands import common
from exports.commands.article import pick
from exports.comparison import Kind, Piece, differing, paragraphs, plain, within

if TYPE_CHECKING:
    from exports.database.models import ArticleVersion

_STYLES: dict[Kind, tuple[str, str]] = {
    "same": ("", "{}"),
    "deleted": ("strike red", "[-{}-]"),
    "added": ("green", "{{+{}+}}"),
}
"""With colours, and without."""


@click.command("diff")
@click.argument("reference", metavar="ID|URL")
@click.argument("numbers", metavar="[N M]", nargs=-1, type=int)
@common.format_option("table", "jsonl", "csv")
@common.setting_option
def diff_command(reference: str, numbers: tuple[int, ...], form: str) -> None:
    """Show what changed between two versions of an article, by default the last two.

    Deleted text is struck out in red, added text green; without colours they are [-deleted-] and {+added+}. jsonl and
    csv have a row for each field that differs.

    \b
    Example: archive diff 12 1 3
    """
    from exports import query

    if len(numbers) not in (0, 2):
        raise click.UsageError(f"{len(numbers)} version numbers given: two are allowed, or none")
    with common.reading() as session:
        article = common.article(session, reference)
        versions = query.versions(session, article.id)
        if not numbers and len(versions) < 2:
            if form != "table":
                return
            terminal.print_line(f"article {article.id} has one version: nothing to compare")
            return
        before, after = numbers or (versions[-2].version, versions[-1].version)
        old, new = pick(article, versions, before), pick(article, versions, after)
        if form == "table":
            _print(old, new)
        else:
            common.write_rows(form, _rows(old, new))


def _rows(before: "ArticleVersion", after: "ArticleVersion") -> Iterator[dict[str, Any]]:
    names = [*differing(before, after), *(["body_text"] if before.body_text != after.body_text else [])]
    for name in names:
        old, new = getattr(before, name), getattr(after, name)
        yield {"field": name, "from_version": before.version, "to_version": after.version, "from": old, "to": new}


def _print(before: "ArticleVersion", after: "ArticleVersion") -> None:
    for version, mark in ((before, "from"), (after, "to")):
        valid = terminal.local_time(version.valid_from)
        terminal.print_line(f"{mark:<5} version {version.version}, {version.event} {valid}")
    fields = differing(before, after)
    for name in fields:
        terminal.print_line()
        terminal.print_line(name)
        old, new = (plain(getattr(version, name)) for version in (before, after))
        terminal.print_line(_styled(within(old, new)))
    if before.body_text == after.body_text:
        terminal.print_line()
        terminal.print_line("the text is the same" if fields else "nothing differs")
        return
    terminal.print_line()
    terminal.print_line("text")
    for paragraph in paragraphs(before.body_text.split("\n"), after.body_text.split("\n")):
        if any(kind != "same" for kind, _ in paragraph):
            terminal.print_line(_styled(paragraph))


def _styled(pieces: Sequence[Piece]) -> Text:
    colour = terminal.open_console().color_system is not None
    text = Text()
    for kind, piece in pieces:
        style, brackets = _STYLES[kind]
        shown = terminal.printable(piece)
        text.append(shown if colour else brackets.format(shown), style if colour else "")
    return text
