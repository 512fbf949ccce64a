"""The pages that are lists or charts: search, people, units, coverage, runs, failures, charts."""

from typing import Any

from starlette.responses import Response

from exports import query, search
from exports.index.parse import wanted
from exports.web import arguments, lists, questions, svg
from exports.web.errors import NotThere
from exports.web.rendering import render, segment
from exports.web.room import Visit
from exports.web.tables import Table

_NAMES = 100
"""Names on one page."""
_BARS = 30
_FACETS = ("column", "year", "unit", "author", "source")
_VALUES = 12
"""Entries of a facet."""
_ASKED = (
    *("q", "order", "column", "year", "unit", "author", "source", "since", "until"),
    *("has_attachment", "versions", "attachments"),
)


def show(visit: Visit, template: str, **values: Any) -> Response:
    """The page in the visit's language."""
    return render(visit.request, visit.language, template, columns=query.columns(visit.session), **values)


def _part(table: Table, part: arguments.Slice) -> dict[str, Any]:
    """The rows of the page asked for. Raises NotThere behind the last page."""
    last = max(-(-table.total // part.size), 1)
    if part.number > last:
        raise NotThere("no-such-page", value=part.number, last=last)
    return {"rows": table.rows(part.start, part.size), "total": table.total, "page": part.number, "last": last}


def find(visit: Visit) -> Response:
    """The search page, which is the front page too."""
    filters, part = arguments.filters(visit), arguments.pages(visit)
    found = search.Results(visit.session, filters)
    table = lists.articles_of(visit, filters, found)
    asked = {name: visit.argument(name) for name in _ASKED}
    chosen = {name: value for name, value in asked.items() if value and name not in ("q", "order")}
    facets = found.facets(_FACETS, _VALUES) if table.total else {}
    return show(
        visit,
        "search.html",
        **_part(table, part),
        asked=asked,
        chosen=chosen,
        facets=facets,
        terms=wanted(filters.text),
        order=arguments.order(visit, filters),
        orders=search.ORDERS if filters.text else search.ORDERS[1:],
        most=arguments.MOST,
    )


def people(visit: Visit) -> Response:
    """All authors."""
    return _names(visit, lists.people(visit))


def units(visit: Visit) -> Response:
    """All units."""
    return _names(visit, lists.units(visit))


def _names(visit: Visit, table: Table) -> Response:
    part = arguments.pages(visit, _NAMES)
    rows = _part(table, part)
    return show(visit, "names.html", name=table.name, title=table.title, part=visit.argument("name"), **rows)


def person(visit: Visit) -> Response:
    """One author: units and posts, articles, years."""
    name = visit.request.path_params["name"]
    return _profile(visit, "people", name, search.Filters(author=name), questions.authorships(visit.session, name=name))


def unit(visit: Visit) -> Response:
    """One unit: its authors, articles, years."""
    name = visit.request.path_params["name"]
    return _profile(visit, "units", name, search.Filters(unit=name), questions.authorships(visit.session, unit=name))


def _profile(visit: Visit, kind: str, name: str, filters: search.Filters, roles: list[Any]) -> Response:
    if not roles:
        raise NotThere("no-name", value=name)
    found = search.Results(visit.session, filters)
    table = lists.articles_of(visit, filters, found)
    months = svg.Line(name, {count.key: count.articles for count in found.timeline()})
    line = svg.by_year(months)
    labels = svg.periods([line], yearly=True)
    picture = svg.chart([line], labels, f"{name}: {visit.language.text('per-year')}") if len(labels) > 1 else None
    return show(
        visit, "profile.html", kind=kind, name=name, roles=roles, picture=picture, terms=[],
        **_part(table, arguments.pages(visit)),
    )  # fmt: skip


def coverage(visit: Visit) -> Response:
    """The ledger of every column."""
    table = lists.coverage(visit)
    return show(visit, "coverage.html", rows=table.rows(0, table.total), outcomes=query.OUTCOMES)


def entries(visit: Visit) -> Response:
    """The entries of one column."""
    part = arguments.pages(visit, _NAMES)
    table = lists.entries(visit)
    column_id = visit.request.path_params["column"]
    outcome = visit.argument("outcome")
    return show(
        visit, "entries.html", column_id=column_id, outcome=outcome, outcomes=query.OUTCOMES, **_part(table, part)
    )


def runs(visit: Visit) -> Response:
    """The runs."""
    table = lists.runs(visit)
    return show(visit, "runs.html", **_part(table, arguments.pages(visit, _NAMES)))


def failures(visit: Visit) -> Response:
    """What could not be archived."""
    table = lists.failures(visit)
    resolved = visit.argument("resolved") == "1"
    return show(visit, "failures.html", resolved=resolved, **_part(table, arguments.pages(visit, _NAMES)))


def charts(visit: Visit) -> Response:
    """One of the charts, its numbers below it."""
    by = visit.request.path_params.get("by", "column")
    if by not in ("column", "unit", "terms"):
        raise NotThere("no-page-here")
    yearly = arguments.choice(visit, "per", ("month", "year")) == "year"
    lines = lists.chart_lines(visit, by)
    drawn = lines[: svg.LINES]
    labels = svg.periods(drawn, yearly=yearly)
    title = visit.language.text(f"chart-{by}")
    said = "; ".join(f"{line.label} {line.total}" for line in drawn)
    most = max((line.total for line in lines), default=0) or 1
    return show(
        visit,
        "charts.html",
        by=by,
        yearly=yearly,
        title=title,
        lines=drawn,
        bars=[(line, round(100 * line.total / most, 1)) for line in lines[:_BARS]],
        more=max(len(lines) - _BARS, 0),
        labels=labels,
        picture=svg.chart(drawn, labels, f"{title}: {said}") if labels else None,
        entered="、".join(lists.terms(visit)),
        link=segment,
        column=visit.argument("column"),
    )
