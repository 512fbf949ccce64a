"""archive coverage, runs, failures: what the crawls did."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from exports import terminal
from exports.commands import common

if TYPE_CHECKING:
    from exports import query
    from exports.database.models import Failure, Run


@click.command("coverage")
@click.argument("column", metavar="[COLUMN]", required=False)
@common.format_option("table", "jsonl", "csv")
@common.setting_option
def coverage_command(column: str | None, form: str) -> None:
    """Show what became of every entry that a column listed in its last run.

    The ledger closes when every entry is archived or has a harmless reason, the column's own total (where it
    prints one) is the number listed, and the run has finished.

    \b
    Example: archive coverage 重要专题
    """
    from exports import query

    with common.reading() as session:
        ledgers = query.coverage(session, common.column_ids(session, column))
        if form != "table":
            common.write_rows(form, [_coverage_row(ledger, form) for ledger in ledgers])
            return
        if not ledgers:
            terminal.print_line("no column has been crawled")
        for number, ledger in enumerate(ledgers):
            if number:
                terminal.print_line()
            _print_coverage(ledger)


def _coverage_row(ledger: "query.Coverage", form: str) -> dict[str, Any]:
    from exports.query import OUTCOMES

    run = ledger.run
    row = {
        "column_id": run.column_id,
        "column_name": run.column_name,
        "run_id": run.id,
        "started_at": _iso(run.started_at),
        "finished_at": _iso(run.finished_at),
        "exit_code": run.exit_code,
        "declared": run.declared,
        "listed": ledger.listed,
        "pending": ledger.pending,
        "gone_noted": ledger.noted,
        "absent": ledger.absent,
        "closes": not ledger.problems,
        "problems": ledger.problems,
    }
    outcomes = {name: ledger.outcomes.get(name, 0) for name in (*OUTCOMES, *ledger.outcomes)}
    return row | (outcomes if form == "csv" else {"outcomes": outcomes})


def _print_coverage(ledger: "query.Coverage") -> None:
    run = ledger.run
    terminal.print_line(f"{run.column_id} {run.column_name}")
    terminal.print_line(f"  run {run.id}, started {terminal.local_time(run.started_at)}, {state(run)}")
    if run.declared is not None:
        terminal.print_line(f"  declared by the column: {run.declared}")
    parts = [*ledger.outcomes.items(), *([("pending", ledger.pending)] if ledger.pending else [])]
    total = " + ".join(f"{name} {number}" for name, number in parts) or "0"
    terminal.print_line(f"  listed {ledger.listed} = {total}")
    if ledger.noted:
        terminal.print_line(f"  of the gone, archived before and noted: {ledger.noted}")
    if ledger.absent:
        terminal.print_line(f"  absent from the list, archived and still checked: {ledger.absent}")
    verdict = f"does not close: {'; '.join(ledger.problems)}" if ledger.problems else "closes"
    terminal.print_line(f"  the ledger {verdict}")


def state(run: "Run") -> str:
    """How a run ended, in words."""
    if run.finished_at is None:
        return "not finished: still running, or killed"
    reason = f": {run.reason}" if run.reason else ""
    return f"finished {terminal.local_time(run.finished_at)}, exit code {run.exit_code}{reason}"


def _iso(moment: Any) -> str | None:
    return moment.astimezone(terminal.SHANGHAI).isoformat() if moment else None


@click.command("runs")
@click.argument("column", metavar="[COLUMN]", required=False)
@common.limit_option
@common.format_option("table", "jsonl", "csv")
@common.setting_option
def runs_command(column: str | None, limit: int | None, form: str) -> None:
    """List the runs, the last one first, and how each column has gone of late.

    \b
    Example: archive runs 重要专题 --limit 5
    """
    from exports import query
    from exports.commands import trend

    time = terminal.local_time if form == "table" else _iso
    with common.reading() as session:
        limit = limit or (common.TABLE_ROWS if form == "table" else None)
        rows = [
            {
                "id": run.id,
                "spider": run.spider,
                "column_id": run.column_id,
                "column_name": run.column_name,
                "started_at": time(run.started_at),
                "finished_at": time(run.finished_at),
                "exit_code": run.exit_code,
                "requests": run.requests,
                "bytes": run.bytes,
                "ledger": _ledger(run.ledger) if form != "jsonl" else run.ledger,
                "reason": run.reason,
            }
            for run in query.runs(session, common.column_ids(session, column), limit)
        ]
        lately = list(trend.lines(session, common.column_ids(session, column))) if form == "table" else []
    common.show_rows(form, rows, "no run")
    for line in lately:
        terminal.print_line(line)


def _ledger(ledger: dict[str, int]) -> str:
    return " ".join(f"{name} {number}" for name, number in ledger.items())


@click.command("failures")
@click.argument("column", metavar="[COLUMN]", required=False)
@click.option("--all", "resolved", is_flag=True, help="Also what a later run archived after all.")
@common.limit_option
@common.format_option("table", "jsonl", "csv")
@common.setting_option
def failures_command(column: str | None, resolved: bool, limit: int | None, form: str) -> None:
    """List what could not be archived, with reason, attempts and the time of the next attempt.

    The first run after that time tries again; `scrapy crawl columns -a retry=failures` does so at once.

    \b
    Example: archive failures 重要专题 --all
    """
    from exports import query

    time = terminal.local_time if form == "table" else _iso
    with common.reading() as session:
        columns = common.column_ids(session, column)
        failures = query.failures(session, columns, resolved=resolved)
        rows = [
            {
                **{name: getattr(failure, name) for name in _FAILURE},
                "first_failed_at": time(failure.first_failed_at),
                "last_failed_at": time(failure.last_failed_at),
                "next_attempt": _next_attempt(failure, time),
                "resolved_at": time(failure.resolved_at),
            }
            for failure in failures[:limit]
        ]
    names = (*_FAILURE, "first_failed_at", "last_failed_at", "next_attempt", "resolved_at")
    common.show_rows(form, rows, "no failure" if resolved else "no unresolved failure", names)


_FAILURE = ("id", "column_id", "kind", "outcome", "attempts", "reason", "url")


def _next_attempt(failure: "Failure", time: Callable[[Any], str | None]) -> str | None:
    if failure.resolved_at is not None:
        return None
    return time(failure.next_attempt_at) if failure.next_attempt_at else "next run"
