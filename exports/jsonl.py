"""JSON Lines: one line per version of an article, derived from the database row alone."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, false, select
from sqlalchemy.orm import Session

from crawler import items
from exports import disk, segments
from exports.database.models import ArticleVersion, Segment

_PRINTED = [field.name for field in fields(items.Article)]
FIELDS = [
    *_PRINTED[: _PRINTED.index("editor_note") + 1],
    *("status", "version", "content_hash", "duplicate_of", "first_seen_at", "last_seen_at", "changed_at"),
    *("capture_id", "extractor"),
]
"""The fields of `articles` after id, in the contract's order."""
KEYS = ["event", "id", *FIELDS, "authors", "attachments", "images", "run_id"]
"""The keys of a line, in the contract's order."""


def record(version: ArticleVersion) -> dict[str, Any]:
    """The line of one version as a dictionary, keys in the contract's order; times in UTC."""
    line: dict[str, Any] = {"event": version.event, "id": version.article_id}
    for name in FIELDS:
        line[name] = _plain(getattr(version, name))
    line |= {"authors": version.authors, "attachments": version.attachments, "images": version.images}
    line["run_id"] = version.run_id
    return line


def line(version: ArticleVersion) -> str:
    """The JSON line of one version, without the line end."""
    return json.dumps(record(version), ensure_ascii=False)


def path_of(version: ArticleVersion) -> str:
    """The file the version's line stands in, relative to ARCHIVE_DIR: by month (UTC) of archiving."""
    return path_for(version.column_id, version.valid_from)


def path_for(column_id: str, valid_from: datetime) -> str:
    """The file of the versions of that column and that moment."""
    return f"jsonl/{column_id}/{valid_from.astimezone(UTC):%Y-%m}.jsonl"


def versions_of(session: Session, path: str) -> Iterator[ArticleVersion]:
    """The versions whose lines stand in that file, oldest first; loaded a few dozen at a time."""
    query = select(ArticleVersion).where(*_belonging(path))
    query = query.order_by(ArticleVersion.valid_from, ArticleVersion.article_id, ArticleVersion.version)
    yield from session.scalars(query.execution_options(yield_per=50))


def keys_of(session: Session, path: str) -> Iterator[tuple[int, int]]:
    """(article_id, version) of the versions whose lines stand in that file."""
    query = select(ArticleVersion.article_id, ArticleVersion.version).where(*_belonging(path))
    yield from session.execute(query.execution_options(yield_per=5000))


def _belonging(path: str) -> list[ColumnElement[bool]]:
    """The conditions on a version that make path_of() name that file; none meets them where it is no such name."""
    _, column_id, file_name = path.split("/")
    try:
        begin = datetime.strptime(file_name, "%Y-%m.jsonl").replace(tzinfo=UTC)
    except ValueError:
        return [false()]
    end = (begin + timedelta(days=31)).replace(day=1)
    return [
        ArticleVersion.column_id == column_id,
        ArticleVersion.valid_from >= begin,
        ArticleVersion.valid_from < end,
    ]


def append(
    session: Session,
    directory: Path,
    versions: Iterable[ArticleVersion],
    completed: Iterable[ArticleVersion] = (),
    *,
    fleet: bool = False,
) -> None:
    """Append the lines of new versions, before the transaction that adds them commits.

    The files in which those stand that it completed are noted as stale; repair.py writes them anew. In a fleet each
    machine has files of its own, which lack what others have added: they are then written anew.
    """
    by_path: dict[str, list[str]] = {}
    for version in versions:
        by_path.setdefault(path_of(version), []).append(line(version) + "\n")
    stale = {path_of(version) for version in completed}
    for path in sorted(by_path.keys() | stale):  # sorted: two runs must not wait for each other
        if path in by_path and fleet and not segments.is_current(session, directory, path):
            rewrite(session, directory, path)
        elif path in by_path:
            segments.append(session, directory, path, "".join(by_path[path]).encode())
        if path in stale:
            segments.stale(session, path)


def rewrite(session: Session, directory: Path, path: str) -> None:
    """Write a file again from the database; the new file replaces the old one atomically."""
    # locked: a run of another column may be about to append the line of an article both list
    session.get(Segment, path, with_for_update=True)
    target = directory / path
    with disk.replacing(target, target.with_suffix(".jsonl.tmp")) as file:
        for version in versions_of(session, path):
            file.write(line(version).encode() + b"\n")
    segments.vouch(session, directory, path, closed=False)


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value
