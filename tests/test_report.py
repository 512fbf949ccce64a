"""The exit code and the line that explains it, from a column's counts."""

import pytest

from crawler.exceptions import Unavailable
from crawler.report import Report


@pytest.mark.parametrize(
    ("about", "code", "reason"),
    [
        ({"listed": 3, "counts": {"archived": 2, "external": 1}}, 0, None),
        ({"listed": 3, "counts": {"archived": 2, "gone": 1}}, 3, "1 gone"),  # never archived
        ({"listed": 3, "counts": {"archived": 2, "gone": 1}, "noted": 1}, 0, None),
        ({"listed": 3, "counts": {"archived": 1, "gone": 2}, "noted": 1}, 3, "1 gone"),
        ({"listed": 1, "counts": {"gone": 1}, "noted": 1}, 0, None),
        ({"listed": 2, "counts": {"blocked": 1, "gone": 1}, "noted": 1}, 3, "1 blocked"),
        ({"listed": 2, "counts": {"blocked": 2}}, 4, "2 blocked"),
        ({"listed": 2, "counts": {"archived": 1}}, 3, None),  # an unexplained remainder
        ({"listed": 0, "counts": {}}, 3, "the listing names nothing"),
        ({"listed": 2, "counts": {"excluded": 2}, "refused": 2}, 3, "robots.txt forbids every article"),
        ({"listed": 0, "error": Unavailable("HTTP 503")}, 4, "HTTP 503"),
        (
            {"listed": 2, "counts": {"archived": 2}, "problems": ["listing page 2: HTTP 502"]},
            3,
            "listing page 2: HTTP 502",
        ),
    ],
)
def test_exit_code_and_reason(about: dict[str, object], code: int, reason: str | None) -> None:
    report = Report("c", "栏目", **about)  # type: ignore[arg-type]
    assert report.exit_code() == code
    assert report.reason() == reason or (code == 3 and reason is None)


@pytest.mark.parametrize(
    ("listed", "left", "problem"), [(40, 5, False), (20, 180, False), (19, 180, True), (1, 9, False), (15, 285, True)]
)
def test_a_listing_that_collapses_is_a_problem(listed: int, left: int, problem: bool) -> None:
    report = Report("c", "栏目", listed=listed, counts={"unchanged": listed})
    report.note_left(left)
    assert (report.exit_code() == 3) == problem
    assert bool(report.notes) != problem
    assert str(left) in (report.reason() or report.notes[0])
