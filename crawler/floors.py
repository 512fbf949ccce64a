"""Floors: how much of a column a required field must fill. Data; change a number here, and say why.

A replay promotes what it read only where no required field drops below its floor: a template that lost a
selector must not empty a field of the whole archive overnight.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Floor:
    """The least share of a column's versions in which a field is filled."""

    field: str
    """Of crawler.items.Article."""
    least: float
    """Between 0 and 1. A field that was below it before may stay there, but not drop further."""
    reason: str


FLOORS = (
    Floor("title", 0.98, "every page of the site prints a title"),
    Floor("body_text", 0.95, "only picture pages and pages that are a file have no text"),
    Floor(
        "breadcrumb", 0.90, "every template prints the path to the column; single pages lose it to a missing include"
    ),
    Floor("published_at", 0.90, "row, script, meta tags and listing all print it; single pages print none"),
    Floor("source", 0.50, "来源 is printed by most pages, and blank on some"),
    Floor("byline", 0.30, "about half of the articles print who wrote them"),
)
REQUIRED = tuple(floor.field for floor in FLOORS)


def broken(filled: Mapping[str, tuple[int, int]], total: int) -> list[str]:
    """One line per floor that is broken; ``filled``: field -> versions in which it was filled before, and is now."""
    lines = []
    for floor in FLOORS:
        before, now = filled.get(floor.field, (0, 0))
        if total and now < before and now / total < floor.least:
            share, was = f"{now / total:.1%}", f"{before / total:.1%}"
            lines.append(
                f"{floor.field} would be filled in {share} of {total} versions (now {was}, at least"
                f" {floor.least:.0%}: {floor.reason})"
            )
    return lines
