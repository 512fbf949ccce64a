"""What a replay has read again: kept beside the versions until all of a column is read, judged and promoted at once.

So a killed replay goes on where it was, and no reader ever meets an archive of which half is read by one template
and half by another.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Table, bindparam, delete, insert, select, tuple_, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from crawler import items
from exports import failpoints, jsonl, segments
from exports.canonical import LISTS
from exports.database.models import (
    Article,
    ArticleAuthor,
    ArticleVersion,
    Attachment,
    Base,
    Image,
    Rereading,
)
from exports.index import maintain
from exports.versions import reread

_VERSIONS, _ARTICLES = Base.metadata.tables["article_versions"], Base.metadata.tables["articles"]
_TABLES: dict[str, type[Base]] = dict(zip(LISTS, (ArticleAuthor, Attachment, Image), strict=True))
_AT_ONCE = 200


class Reread(Protocol):
    """One version read again; see crawler/spiders/replay.py."""

    article_id: int
    version: int
    article: items.Article | None
    """None where it could not be read."""
    outcome: str
    """reread, failed or damaged"""
    reason: str | None
    required: Sequence[str]
    """The fields whose coverage is judged."""


@dataclass
class Judgement:
    """What promoting a column's rereadings would change."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """reread, unchanged, failed, damaged -> versions"""
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(field, gained | lost | changed) -> versions"""
    filled: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Required field -> versions in which it is filled now, and would be."""
    total: int = 0
    """Versions whose evidence could be read."""


def is_read(article_id: InstrumentedAttribute[int], version: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Whether that version was read again already."""
    same = (Rereading.article_id == article_id) & (Rereading.version == version)
    return select(Rereading.version).where(same).exists()


def forget(session: Session, column_id: str, reader: str) -> None:
    """Drop what another program read: it would be promoted together with what this one reads."""
    session.execute(delete(Rereading).where(Rereading.column_id == column_id, Rereading.reader != reader))


def note(session: Session, column_id: str, reader: str, found: Sequence[Reread]) -> None:
    """Keep what was read again, compared with the version it is to replace."""
    keys = [(each.article_id, each.version) for each in found]
    wanted = tuple_(_VERSIONS.c.article_id, _VERSIONS.c.version).in_(keys)
    # plain rows: an object for each would cost as much as the comparison
    versions = {(row.article_id, row.version): row for row in session.execute(select(_VERSIONS).where(wanted))}
    rows = []
    for each in found:
        version = versions[each.article_id, each.version]
        before = [bool(getattr(version, name)) for name in each.required]
        changes: dict[str, str] = {}
        row, outcome = None, each.outcome
        if each.article is not None:
            changes, row = reread(version, each.article)
            outcome = "reread" if changes else "unchanged"
        after = [bool(row and row[name]) for name in each.required]
        rows.append(
            {
                "article_id": each.article_id,
                "version": each.version,
                "column_id": column_id,
                "reader": reader,
                "outcome": outcome,
                "reason": each.reason,
                "changes": changes,
                "filled": dict(zip(each.required, zip(before, after, strict=True), strict=True)),
                "article": row if changes else None,
            }
        )
    # a killed writing function may be run twice; what it wrote is replaced
    session.execute(
        delete(Rereading).where(tuple_(Rereading.article_id, Rereading.version).in_(keys)),
        execution_options={"synchronize_session": False},
    )
    session.execute(insert(Rereading), rows)


def judged(session: Session, column_id: str) -> Judgement:
    """What promoting the column's rereadings would change."""
    judgement = Judgement()
    query = select(Rereading.outcome, Rereading.changes, Rereading.filled).where(Rereading.column_id == column_id)
    for outcome, changes, filled in session.execute(query.execution_options(yield_per=1000)):
        judgement.outcomes[outcome] += 1
        judgement.changes.update(changes.items())
        if outcome == "damaged":
            continue  # no template can be blamed for it
        judgement.total += 1
        for name, (before, after) in filled.items():
            was, now = judgement.filled.get(name, (0, 0))
            judgement.filled[name] = was + before, now + after
    return judgement


def promote(session: Session, column_id: str) -> list[str]:
    """Make the rereadings the versions; returns the JSON Lines files that must be written anew.

    Plain tables and many rows a statement: the transaction that replaces a whole column must be short.
    """
    paths: set[str] = set()
    other_texts: set[int] = set()
    after = (0, 0)
    while rows := _next(session, column_id, after):
        after = rows[-1].article_id, rows[-1].version
        paths.update(jsonl.path_for(column_id, row.valid_from) for row in rows)
        maintain.changing(session, *{row.article_id for row in rows if not maintain.READ.isdisjoint(row.changes)})
        _update(
            session, _VERSIONS, [row.article | {"of_id": row.article_id, "of_version": row.version} for row in rows]
        )
        current = [row for row in rows if row.version == row.current]
        if current:
            of_articles = [
                {name: value for name, value in row.article.items() if name not in LISTS} | {"of_id": row.article_id}
                for row in current
            ]
            _update(session, _ARTICLES, of_articles)
            other_texts |= {row.article_id for row in current if row.text_hash != row.article["text_hash"]}
            for name, table in _TABLES.items():
                _replace(session, table, {row.article_id: row.article[name] for row in current if name in row.changes})
    paths |= _find_duplicates(session, other_texts)
    for path in sorted(paths):
        segments.stale(session, path)
    session.execute(delete(Rereading).where(Rereading.column_id == column_id))
    session.expire_all()  # of plain statements the session does not know
    failpoints.reach("before promotion")
    return sorted(paths)


def _find_duplicates(session: Session, ids: set[int]) -> set[str]:
    """Which articles are duplicates, now that these have other texts; returns the JSON Lines files concerned.

    An article is the duplicate of the first one whose text it has; of those read anew the first is the one of least id.
    """
    columns = (_ARTICLES.c.id, _ARTICLES.c.text_hash, _ARTICLES.c.duplicate_of)
    known = {row.id: row for row in session.execute(select(*columns))} if ids else {}
    anew = {row.id for row in known.values() if row.id in ids or row.duplicate_of in ids}
    first = {row.text_hash: row.id for row in known.values() if row.id not in anew and row.duplicate_of is None}
    changed = []
    for row in (known[article_id] for article_id in sorted(anew)):
        one = first.setdefault(row.text_hash, row.id)
        if (found := one if one != row.id else None) != row.duplicate_of:
            changed.append({"of_id": row.id, "duplicate_of": found})
    if not changed:
        return set()
    _update(session, _ARTICLES, changed)
    chosen = select(*(_ARTICLES.c[name] for name in ("id", "version", "column_id", "changed_at", "duplicate_of")))
    numbers = [row["of_id"] for row in changed]
    rows = session.execute(chosen.where(_ARTICLES.c.id.in_(numbers))).all()
    versions = [{"of_id": row.id, "of_version": row.version, "duplicate_of": row.duplicate_of} for row in rows]
    _update(session, _VERSIONS, versions)
    return {jsonl.path_for(row.column_id, row.changed_at) for row in rows}


def _next(session: Session, column_id: str, after: tuple[int, int]) -> Sequence[Any]:
    key = tuple_(Rereading.article_id, Rereading.version)
    version = (ArticleVersion.article_id == Rereading.article_id) & (ArticleVersion.version == Rereading.version)
    query = (
        select(
            *(Rereading.article_id, Rereading.version, Rereading.article, Rereading.changes),
            *(ArticleVersion.valid_from, ArticleVersion.text_hash),
            Article.version.label("current"),
        )
        .join(ArticleVersion, version)
        .join(Article, Article.id == Rereading.article_id)
        .where(Rereading.column_id == column_id, Rereading.outcome == "reread", key > after)
        .order_by(Rereading.article_id, Rereading.version)
        .limit(_AT_ONCE)
    )
    return session.execute(query).all()


def _update(session: Session, table: Table, rows: list[dict[str, Any]]) -> None:
    given = rows[0].keys() - {"of_id", "of_version"}
    if "of_version" in rows[0]:
        which = [table.c.article_id == bindparam("of_id"), table.c.version == bindparam("of_version")]
    else:
        which = [table.c.id == bindparam("of_id")]
    statement = update(table).where(*which).values({name: bindparam(name) for name in sorted(given)})
    session.connection().execute(statement, rows)


def _replace(session: Session, table: type[Base], lists: dict[int, list[dict[str, Any]]]) -> None:
    """The rows of the articles' current authors or files: article_id -> its list."""
    if not lists:
        return
    kept = table.metadata.tables[table.__tablename__]
    session.execute(delete(kept).where(kept.c.article_id.in_(lists)))
    rows = [
        {"article_id": article_id, "seq": seq} | row
        for article_id, listed in lists.items()
        for seq, row in enumerate(listed)
    ]
    if rows:
        session.execute(insert(kept), rows)
