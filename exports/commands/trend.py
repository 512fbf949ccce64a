"""How a column's runs have gone of late, in a line for each: what `archive runs` ends with."""

from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from exports import query
from exports.database.models import Run
from exports.operating.facts import trend

RUNS = 20
"""Runs a trend looks back on."""
_BARS = "▁▂▃▄▅▆▇█"


def lines(session: Session, column_ids: Sequence[str]) -> Iterator[str]:
    """A line for each column that has at least two finished runs."""
    for runs in trend(session, column_ids or sorted(query.columns(session)), RUNS).values():
        if len(runs) > 1:
            yield _line(runs)


def _line(runs: list[Run]) -> str:
    listed = [sum(run.ledger.values()) for run in runs]
    lost = [sum(run.ledger.get(name, 0) for name in query.INCOMPLETE) for run in runs]
    complete = sum(run.exit_code == 0 for run in runs)
    return (
        f"{runs[-1].column_id}: {complete} of the last {len(runs)} runs complete; listed {spark(listed)} {listed[-1]}"
        f" ({listed[-1] - listed[-2]:+d}), not archived {spark(lost)} {lost[-1]}"
    )


def spark(numbers: Sequence[int]) -> str:
    """A bar a number, from the least to the most."""
    least, most = min(numbers), max(numbers)
    steps = len(_BARS) - 1
    return "".join(_BARS[(number - least) * steps // ((most - least) or 1)] for number in numbers)
