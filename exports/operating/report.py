"""The report of a run: Markdown for terminals and mails, HTML for browsers, the same content."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path

from exports import disk
from exports.operating.facts import FIELDS, Facts
from exports.operating.rules import Alert
from exports.query import OUTCOMES
from exports.terminal import local_time, printable

_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}th,td{padding:.2rem .8rem;border-bottom:1px solid #ccc;text-align:left}"
)


def write(directory: Path, facts: Facts, alerts: Sequence[Alert]) -> Path:
    """Write reports/run-ID.md and .html; returns the path of the Markdown."""
    blocks = list(_blocks(facts, alerts))
    target = directory / "reports" / f"run-{facts.run.id}.md"
    for path, text in ((target, _markdown(blocks)), (target.with_suffix(".html"), _html(blocks, facts))):
        with disk.replacing(path, path.with_name(f".{path.name}")) as file:
            file.write(text.encode("utf-8", "replace"))
    return target


Block = str | list[list[str]]
"""A paragraph (a heading where it begins with #), or a table with its header row."""


def _blocks(facts: Facts, alerts: Sequence[Alert]) -> Iterator[Block]:
    run, previous = facts.run, facts.previous
    yield f"# {run.column_name} ({run.column_id}), run {run.id}"
    yield (
        f"{run.spider} from {local_time(run.started_at)} to {local_time(run.finished_at)} (Asia/Shanghai), "
        f"{facts.seconds:.0f} s, {run.requests} requests, {run.bytes / 2**20:.1f} MiB"
    )
    yield f"Exit code {run.exit_code}" + (f": {run.reason}" if run.reason else ": the ledger closes")
    yield "## Ledger"
    before = previous.ledger if previous else {}
    names = sorted(run.ledger.keys() | before.keys(), key=lambda name: (*OUTCOMES, name).index(name))
    rows = [[name, str(run.ledger.get(name, 0)), str(before.get(name, 0))] for name in names]
    yield [["outcome", "this run", f"run {previous.id}" if previous else "before"], *rows]
    yield f"{facts.listed} listed, {facts.new} for the first time, {facts.new_archived} of these archived."
    if alerts:
        yield "## To look at"
        yield [["event", "what"], *([alert.event, alert.text] for alert in alerts)]
    if facts.now.versions:
        yield "## Fields found"
        header = ["field", f"in {facts.now.versions} versions of this run", f"in {facts.before.versions} before"]
        shares = ([name, f"{facts.now.shares[name]:.0%}", f"{facts.before.shares[name]:.0%}"] for name in FIELDS)
        yield [header, *shares]
    if facts.failures:
        yield f"## Not archived: {facts.failing}"
        yield [["outcome", "attempts", "address", "reason"]] + [
            [failure.outcome, str(failure.attempts), failure.url, failure.reason] for failure in facts.failures
        ]


def _markdown(blocks: Iterable[Block]) -> str:
    parts = []
    for block in blocks:
        if isinstance(block, str):
            parts.append(_plain(block))
            continue
        header, *rows = [[_plain(cell).replace("|", "\\|") for cell in row] for row in block]
        lines = [header, ["---"] * len(header), *rows]
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    return "\n\n".join(parts) + "\n"


def _html(blocks: Iterable[Block], facts: Facts) -> str:
    parts = []
    for block in blocks:
        if isinstance(block, str):
            mark, _, text = block.partition(" ") if block.startswith("#") else ("", "", block)
            tag = f"h{len(mark)}" if mark else "p"
            parts.append(f"<{tag}>{escape(_plain(text))}</{tag}>")
            continue
        header, *rows = [[escape(_plain(cell)) for cell in row] for row in block]
        head = "".join(f'<th scope="col">{cell}</th>' for cell in header)
        lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>")
    title = escape(_plain(f"{facts.run.column_name}, run {facts.run.id}"))
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    return f'<!DOCTYPE html>\n<html lang="zh-CN"><head>{head}</head><body>\n' + "\n".join(parts) + "\n</body></html>\n"


def _plain(text: str) -> str:
    return " ".join(printable(text).split())
