"""The arguments of an address: what may be asked, in which words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from exports import query, search
from exports.web.errors import BadInput
from exports.web.room import Visit

LONGEST = 200
"""Characters of a search text or a name."""
PER_PAGE = 20
LAST_PAGE = 10_000
MOST = 10_000
"""Rows of one download; the command line has no limit."""


@dataclass(frozen=True)
class Slice:
    """Which rows of a list are asked for."""

    number: int
    """Of the page, from 1."""
    size: int

    @property
    def start(self) -> int:
        return (self.number - 1) * self.size


def text(visit: Visit, name: str) -> str:
    """A search text or name. Raises BadInput where it is too long."""
    value = visit.argument(name).replace("\x00", "")
    if len(value) > LONGEST:
        raise BadInput("too-long", name=name, most=LONGEST)
    return value


def number(visit: Visit, name: str, default: int, most: int) -> int:
    """A whole number from 1 to `most`. Raises BadInput."""
    value = visit.argument(name)
    if not value:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", value) or not 1 <= int(value) <= most:
        raise BadInput("no-number", name=name, value=value, most=most)
    return int(value)


def choice(visit: Visit, name: str, allowed: Sequence[str]) -> str:
    """One of the allowed values, the first one by default. Raises BadInput."""
    value = visit.argument(name) or allowed[0]
    if value not in allowed:
        raise BadInput("no-choice", name=name, value=value, allowed=", ".join(allowed))
    return value


def day(visit: Visit, name: str) -> date | None:
    """A day as YYYY-MM-DD. Raises BadInput."""
    value = visit.argument(name)
    if not value:
        return None
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise BadInput("no-date", name=name, value=value)


def pages(visit: Visit, size: int = PER_PAGE) -> Slice:
    """The page of a list that is asked for. Raises BadInput."""
    return Slice(number(visit, "page", 1, LAST_PAGE), size)


def columns(visit: Visit) -> tuple[str, ...]:
    """The ids of the column named by `column`; empty for all. Raises BadInput."""
    name = text(visit, "column")
    if not name:
        return ()
    ids = query.column_ids(visit.session, name)
    if not ids:
        raise BadInput("no-column", value=name, allowed=", ".join(sorted(query.columns(visit.session))) or "-")
    return tuple(ids)


def filters(visit: Visit) -> search.Filters:
    """The search as the address describes it. Raises BadInput."""
    since, until, year = day(visit, "since"), day(visit, "until"), number(visit, "year", 0, 9999)
    if year:
        first, last = date(year, 1, 1), date(year, 12, 31)
        since, until = max(since or first, first), min(until or last, last)
    if since and until and since > until:
        raise BadInput("no-period", since=since, until=until)
    return search.Filters(
        text=text(visit, "q"),
        columns=columns(visit),
        author=text(visit, "author"),
        unit=text(visit, "unit"),
        source=text(visit, "source"),
        since=since,
        until=until,
        has_attachment=switch(visit, "has_attachment"),
        versions=switch(visit, "versions"),
        attachments=switch(visit, "attachments"),
    )


def order(visit: Visit, filters: search.Filters) -> search.Order:
    """In which order articles are wanted: the most relevant first where there is a text, else the newest.

    A feed is for what is new: a reader that is shown the most relevant would never see an article come in.
    """
    feed = visit.request.url.path.endswith(".atom")
    default: search.Order = "relevance" if filters.text and not feed else "date"
    return next(name for name in search.ORDERS if name == choice(visit, "order", (default, *search.ORDERS)))


def switch(visit: Visit, name: str) -> bool:
    """An argument that is 1 or not given. Raises BadInput."""
    return choice(visit, name, ("", "1")) == "1"
