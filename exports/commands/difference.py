"""archive diff: what changed between two versions of an article."""

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import click
from rich.text import Text

from exports import query, terminal
from exports.commands import common
from exports.commands.article import pick
from exports.database.models import ArticleVersion

Kind = Literal["same", "deleted", "added"]
Piece = tuple[Kind, str]

_FIELDS = (
    *("url", "column_id", "column_name", "title", "subtitle", "byline", "author", "unit", "position"),
    *("breadcrumb", "source", "content_type", "published_at", "editor_note", "status", "duplicate_of"),
    *("authors", "attachments", "images"),
)
"""What is compared besides the text."""
_ALIKE = 0.5
"""From this similarity (0 to 1) on, two paragraphs are versions of one."""
_LONG = 2_000
"""Paragraphs with more characters are compared by clauses: by characters, difflib takes seconds."""
_MANY = 2_500
"""Pairs of paragraphs in one changed place, beyond which old and new are not matched one by one."""
_STYLES: dict[Kind, tuple[str, str]] = {
    "same": ("", "{}"),
    "deleted": ("strike red", "[-{}-]"),
    "added": ("green", "{{+{}+}}"),
}
"""With colours, and without."""


@click.command("diff")
@click.argument("reference", metavar="ID|URL")
@click.argument("numbers", metavar="[N M]", nargs=-1, type=int)
@common.setting_option
def diff_command(reference: str, numbers: tuple[int, ...]) -> None:
    """Show what changed between two versions of an article, by default the last two.

    Deleted text is struck out in red, added text green; without colours they are [-deleted-] and {+added+}.

    \b
    Example: archive diff 12 1 3
    """
    if len(numbers) not in (0, 2):
        raise click.UsageError(f"{len(numbers)} version numbers given: two are allowed, or none")
    with common.reading() as session:
        article = common.article(session, reference)
        versions = query.versions(session, article.id)
        if not numbers and len(versions) < 2:
            terminal.print_line(f"article {article.id} has one version: nothing to compare")
            return
        before, after = numbers or (versions[-2].version, versions[-1].version)
        _print(pick(article, versions, before), pick(article, versions, after))


def _print(before: ArticleVersion, after: ArticleVersion) -> None:
    for version, mark in ((before, "from"), (after, "to")):
        valid = terminal.local_time(version.valid_from)
        terminal.print_line(f"{mark:<5} version {version.version}, {version.event} {valid}")
    fields = [name for name in _FIELDS if getattr(before, name) != getattr(after, name)]
    for name in fields:
        terminal.print_line()
        terminal.print_line(name)
        old, new = (_plain(getattr(version, name)) for version in (before, after))
        terminal.print_line(_styled(_within(old, new)))
    if before.body_text == after.body_text:
        terminal.print_line()
        terminal.print_line("the text is the same" if fields else "nothing differs")
        return
    terminal.print_line()
    terminal.print_line("text")
    for paragraph in paragraphs(before.body_text.split("\n"), after.body_text.split("\n")):
        if any(kind != "same" for kind, _ in paragraph):
            terminal.print_line(_styled(paragraph))


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(_plain(entry) for entry in value)
    if isinstance(value, dict):
        return " ".join(f"{name}={entry}" for name, entry in value.items() if entry and name != "text")
    return "" if value is None else str(value)


def _styled(pieces: Sequence[Piece]) -> Text:
    colour = terminal.open_console().color_system is not None
    text = Text()
    for kind, piece in pieces:
        style, brackets = _STYLES[kind]
        shown = terminal.printable(piece)
        text.append(shown if colour else brackets.format(shown), style if colour else "")
    return text


def paragraphs(before: Sequence[str], after: Sequence[str]) -> Iterator[list[Piece]]:
    """The paragraphs of both versions in order, each in pieces: same, deleted, added."""
    for operation, i, j, k, m in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if operation == "equal":
            yield from _all("same", before[i:j])
        else:
            yield from _replaced(before[i:j], after[k:m])


def _all(kind: Kind, texts: Sequence[str]) -> Iterator[list[Piece]]:
    return ([(kind, text)] for text in texts)


def _replaced(before: Sequence[str], after: Sequence[str]) -> Iterator[list[Piece]]:
    """Splits a changed place at its most similar pair of paragraphs, and so on on both sides of it."""
    best, i, j = _most_alike(before, after)
    if best < _ALIKE:
        yield from _all("deleted", before)
        yield from _all("added", after)
        return
    yield from _replaced(before[:i], after[:j])
    yield _within(before[i], after[j])
    yield from _replaced(before[i + 1 :], after[j + 1 :])


def _most_alike(before: Sequence[str], after: Sequence[str]) -> tuple[float, int, int]:
    best = (0.0, 0, 0)
    if len(before) * len(after) > _MANY:
        return best
    for j, new in enumerate(after):
        matcher = difflib.SequenceMatcher(None, "", new, autojunk=False)
        for i, old in enumerate(before):
            matcher.set_seq1(old)
            if matcher.real_quick_ratio() > best[0] and (likeness := matcher.quick_ratio()) > best[0]:
                best = (likeness, i, j)
    return best


def _within(before: str, after: str) -> list[Piece]:
    """The pieces of one paragraph, by characters."""
    old, new = (_units(text, max(len(before), len(after)) > _LONG) for text in (before, after))
    pieces: list[Piece] = []
    for operation, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if operation == "equal":
            pieces.append(("same", "".join(old[i:j])))
            continue
        if i < j:
            pieces.append(("deleted", "".join(old[i:j])))
        if k < m:
            pieces.append(("added", "".join(new[k:m])))
    return pieces


def _units(text: str, long: bool) -> list[str]:
    return re.findall(r"[^，。；！？,;!?]*[，。；！？,;!?]?", text) if long else list(text)
