"""The archive in numbers; asked in plain SQL, so that a file is counted before SQLAlchemy would have loaded."""

from collections.abc import Sequence

from exports.database.asking import Given, Source, plain
from exports.index.find import columns
from exports.search import Count, counting

GROUPINGS = ("column", "unit", "author", "month")
_TOTALS = {
    "withdrawn": "a.status = 'withdrawn'",
    "revised": "a.version > 1",
    "duplicates": "a.duplicate_of IS NOT NULL",
    "without a date": "a.published_at IS NULL",
    "without an author": "a.author = ''",
}
"""Name in a report -> the articles it counts."""
_BELONGING = {"versions": "article_versions", "attachments": "attachments", "images": "images"}
"""Name in a report -> the table whose rows it counts."""


def counts(source: Source, by: str, column_ids: Sequence[str] = ()) -> list[Count]:
    """Articles by one of GROUPINGS; most first, months in their order, the unknown last.

    An article counts once for each of its authors and units, so those counts may sum to more than there are.
    """
    names = columns(source) if by == "column" else {}
    result = [Count(key, names.get(key, key), number) for key, number in counting(source, column_ids).by(by).items()]
    if by == "month":
        return sorted(result, key=lambda count: (not count.key, count.key))
    return sorted(result, key=lambda count: (not count.key, -count.articles, count.key))


def totals(source: Source, column_ids: Sequence[str] = ()) -> dict[str, int]:
    """What there is in all, by its name in a report."""
    ask, given = plain(source), Given()
    # one walk through the articles for all of them
    counted = ", ".join(f"count(CASE WHEN {condition} THEN 1 END)" for condition in _TOTALS.values())
    those = f"WHERE {ask.one_of('a.column_id', column_ids, given)}" if column_ids else ""
    (numbers,) = ask.rows(f"SELECT count(*), {counted} FROM articles a {those}", given)
    result = dict(zip(("articles", *_TOTALS), numbers, strict=True))
    for name, table in _BELONGING.items():
        given = Given()
        narrowed = ""
        if column_ids:
            of_columns = ask.one_of("s.column_id", column_ids, given)
            narrowed = f"JOIN search_articles s ON s.id = t.article_id WHERE {of_columns}"
        ((result[name],),) = ask.rows(f"SELECT count(*) FROM {table} t {narrowed}", given)
    return result
