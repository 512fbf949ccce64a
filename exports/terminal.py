"""Text for people at a terminal. Everything printed passes `printable`: pages are untrusted."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from exports.printable import printable as printable

SHANGHAI = ZoneInfo("Asia/Shanghai")

_UNFOLDED = 10_000
"""Width of a table that goes into a pipe or a file: a row stays one line there, for grep."""


def local_time(moment: datetime | None) -> str:
    """A stored UTC time as Asia/Shanghai wall time; empty for None."""
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S") if moment else ""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # as every other way to print: cli.py knows what to do


def open_console() -> Console:
    """A console on standard output that interprets no markup in what it prints."""
    console = _Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _UNFOLDED
    return console


def marked(text: str, spans: Iterable[tuple[int, int]]) -> Text:
    """A text, which must be printable already, with the spans (offsets in it) highlighted."""
    styled = Text(text)
    for start, end in spans:
        styled.stylize("bold red", start, end)
    return styled


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str | int | Text | None]]) -> None:
    """Columns aligned by display width (a Chinese character takes two cells); numbers to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    rows = list(rows)
    for index, header in enumerate(headers):
        numeric = any(isinstance(row[index], int) for row in rows)
        table.add_column(header, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else _cell(cell) for cell in row))
    open_console().print(table)


def _cell(value: str | int | None) -> Text:
    return Text("" if value is None else printable(str(value)))


def print_bars(bars: Sequence[tuple[str, int]]) -> None:
    """A horizontal bar for each (label, count), the longest scaled to 50 cells."""
    console = open_console()
    block = "█" if console.encoding.lower().startswith("utf") else "#"
    labels = [printable(label) for label, _ in bars]
    margin = max(map(cell_len, labels), default=0)
    most = max((count for _, count in bars), default=0) or 1
    for label, (_, count) in zip(labels, bars, strict=True):
        bar = block * max(round(50 * count / most), 1 if count else 0)
        print_line(f"{label}{' ' * (margin - cell_len(label))}  {bar} {count}")


def escaped(line: str) -> str:
    """A line of JSON that says the same, what a terminal would obey written as escapes."""
    return "".join(char if printable(char) == char else f"\\u{ord(char):04x}" for char in line)


def print_line(text: str | Text = "") -> None:
    """One paragraph; a terminal folds it, a pipe gets one line."""
    open_console().print(text if isinstance(text, Text) else Text(printable(text)), soft_wrap=True)
