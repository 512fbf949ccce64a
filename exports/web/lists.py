"""The lists of the room: from a visit to a table. Which arguments each takes stands in openapi.py."""

from datetime import datetime
from itertools import islice
from typing import Any

from exports import query, search
from exports.index.text import folded
from exports.web import arguments, questions, svg, tables
from exports.web.errors import BadInput
from exports.web.rendering import segment
from exports.web.room import Visit
from exports.web.tables import Entry, Row, Table

_ARTICLE = (
    *(
        "id",
        "url",
        "column_id",
        "column_name",
        "title",
        "author",
        "unit",
        "source",
        "published_at",
        "status",
        "version",
    ),
    *("changed_at", "content_hash"),
)


def articles(visit: Visit) -> Table:
    """The articles a search finds."""
    filters = arguments.filters(visit)
    return articles_of(visit, filters, search.Results(visit.session, filters))


def articles_of(visit: Visit, filters: search.Filters, found: search.Results) -> Table:
    """The articles the filters leave."""
    order = found.ids(arguments.order(visit, filters))
    ids: list[int] = []

    def rows(start: int, size: int) -> list[Row]:
        ids.extend(islice(order, max(start + size - len(ids), 0)))
        return [_article_row(hit) for hit in found.hits(ids[start : start + size])]

    title = filters.text or visit.language.text("articles")
    return Table("articles", title, found.total, rows, _article_entry)


def _article_row(hit: search.Hit) -> Row:
    return tables.columns_of(hit.article, _ARTICLE) | {"snippet": hit.snippet, "found_in": hit.where}


def _article_entry(row: Row) -> Entry:
    return Entry(f"/articles/{row['id']}", row["title"], row["changed_at"], row["snippet"])


def people(visit: Visit) -> Table:
    """Authors and how many articles they have."""
    return _counted(visit, "author", "people")


def units(visit: Visit) -> Table:
    """Units (单位) and how many articles their authors have."""
    return _counted(visit, "unit", "units")


def _counted(visit: Visit, by: str, name: str) -> Table:
    columns, part = arguments.columns(visit), folded(arguments.text(visit, "name"))
    counted = query.counts(visit.session, by, columns)
    rows = [
        {"name": count.key, "articles": count.articles} for count in counted if count.key and part in folded(count.key)
    ]
    return tables.of(
        name,
        visit.language.text(name),
        rows,
        lambda row: Entry(f"/{name}/{segment(row['name'])}", row["name"], None, str(row["articles"])),
    )


def coverage(visit: Visit) -> Table:
    """The ledger of each column's last run."""
    rows: list[Row] = []
    for ledger in query.coverage(visit.session, arguments.columns(visit)):
        run = ledger.run
        row: Row = {"column_id": run.column_id, "column_name": run.column_name, "run_id": run.id}
        row |= tables.columns_of(run, ("started_at", "finished_at", "exit_code", "declared"))
        row |= {"listed": ledger.listed, "pending": ledger.pending, "closes": not ledger.problems}
        row |= {"problems": ledger.problems}
        row |= {name: ledger.outcomes.get(name, 0) for name in (*query.OUTCOMES, *ledger.outcomes)}
        rows.append(row)

    def entry(row: Row) -> Entry:
        said = "; ".join(row["problems"]) or visit.language.text("closes")
        return Entry(f"/coverage/{segment(row['column_id'])}", row["column_name"], _finished(row), said)

    return tables.of("coverage", visit.language.text("coverage"), rows, entry)


def _finished(row: Row) -> datetime | None:
    moment: datetime | None = row["finished_at"] or row["started_at"]
    return moment


def entries(visit: Visit) -> Table:
    """What became of each entry of one column's listing. Raises BadInput for an unknown column or outcome."""
    column_id = visit.request.path_params["column"]
    if column_id not in query.columns(visit.session):
        raise BadInput("no-column", value=column_id, allowed=", ".join(sorted(query.columns(visit.session))) or "-")
    outcome = arguments.choice(visit, "outcome", ("", *query.OUTCOMES))
    names = (
        *("url", "listed_title", "listed_date", "outcome", "reason", "article_id"),
        *("first_run_id", "last_run_id", "checked_at"),
    )
    listed = questions.entries(visit.session, column_id, outcome)
    rows = [tables.columns_of(entry, names) for entry in listed]

    def entry(row: Row) -> Entry:
        link = f"/articles/{row['article_id']}" if row["article_id"] else f"/coverage/{segment(column_id)}"
        said = f"{row['outcome'] or 'pending'} {row['reason'] or ''}".strip()
        return Entry(link, row["listed_title"] or row["url"], row["checked_at"], said, row["url"])

    return tables.of(f"coverage-{column_id}", f"{visit.language.text('coverage')} {column_id}", rows, entry)


def runs(visit: Visit) -> Table:
    """The runs, last one first."""
    names = (
        *("id", "spider", "column_id", "column_name", "started_at", "finished_at", "exit_code", "reason"),
        *("declared", "ledger", "requests", "bytes"),
    )
    rows = [tables.columns_of(run, names) for run in query.runs(visit.session, arguments.columns(visit))]

    def entry(row: Row) -> Entry:
        said = ", ".join(f"{name} {number}" for name, number in row["ledger"].items())
        return Entry(f"/runs?column={segment(row['column_id'])}#run-{row['id']}", _run_title(row), _finished(row), said)

    return tables.of("runs", visit.language.text("runs"), rows, entry)


def _run_title(row: Row) -> str:
    return f"{row['id']} {row['column_name']} ({row['exit_code'] if row['exit_code'] is not None else '…'})"


def failures(visit: Visit) -> Table:
    """What could not be archived; with `resolved=1` also what later was."""
    resolved = arguments.choice(visit, "resolved", ("", "1")) == "1"
    names = (
        *("id", "column_id", "kind", "outcome", "attempts", "reason", "url"),
        *("first_failed_at", "last_failed_at", "resolved_at"),
    )
    found = query.failures(visit.session, arguments.columns(visit), resolved=resolved)
    rows = [tables.columns_of(failure, names) for failure in found]
    return tables.of(
        "failures",
        visit.language.text("failures"),
        rows,
        lambda row: Entry(f"/failures#failure-{row['id']}", row["url"], row["last_failed_at"], row["reason"]),
    )


def chart_lines(visit: Visit, by: str) -> list[svg.Line]:
    """The lines of a chart: articles a month by column or unit, or with each of the `term`s. Raises BadInput."""
    columns = arguments.columns(visit)
    if by != "terms":
        names = query.columns(visit.session) if by == "column" else {}
        counted = questions.monthly(visit.session, by, columns)
        lines = [svg.Line(names.get(key, key), months) for key, months in counted.items()]
    else:
        lines = [svg.Line(term, months_of(visit, search.Filters(text=term, columns=columns))) for term in terms(visit)]
    if arguments.choice(visit, "per", ("month", "year")) == "year":
        lines = [svg.by_year(line) for line in lines]
    return lines


def terms(visit: Visit) -> list[str]:
    """The search texts to compare: each `term`, and in one of them what stands between commas. Raises BadInput."""
    given: list[str] = []
    for value in visit.request.query_params.getlist("term"):
        for separator in "，、；;":
            value = value.replace(separator, ",")
        given += [term for part in value.replace("\x00", "").split(",") if (term := " ".join(part.split()))]
    given = list(dict.fromkeys(given))
    if len(given) > svg.LINES or any(len(term) > arguments.LONGEST for term in given):
        raise BadInput("too-many-terms", most=svg.LINES, longest=arguments.LONGEST)
    return given


def months_of(visit: Visit, filters: search.Filters) -> dict[str, int]:
    """month (YYYY-MM) -> how many of the articles the filters leave were published in it."""
    return {count.key: count.articles for count in search.timeline(visit.session, filters)}


def chart(by: str) -> Any:
    """The function that makes a chart's data: one row for each name and period that has articles."""

    def make(visit: Visit) -> Table:
        rows = [
            {"name": line.label, "period": period, "articles": number}
            for line in chart_lines(visit, by)
            for period, number in sorted(line.values.items())
        ]

        def entry(row: Row) -> Entry:
            point = f"{row['name']} {row['period']}"
            return Entry(f"/charts/{by}", point, None, str(row["articles"]), point)

        return tables.of(f"chart-{by}", visit.language.text("charts"), rows, entry)

    return make
