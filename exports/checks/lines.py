"""The JSON Lines files against the versions in the database: each one line, byte for byte, in the order written."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from exports import jsonl
from exports.checks import Findings, Problem, bytes_fault, found, is_unfinished, size_fault
from exports.database.models import ArticleVersion, Segment
from exports.store.places import Places

_CHUNK = 50
Key = tuple[int, int]
"""article_id, version"""


def check(session: Session, places: Places) -> Findings:
    """Every file, every line, and that no version is without one.

    Of a fleet each machine has files of its own, which it writes anew before it adds to them: one that is not as the
    last writer left his is not read. Where there is a store, a machine that only reads has none.
    """
    directory, fleet = places.directory, places.is_fleet(session)
    unfinished = is_unfinished(session, directory)
    known = {row.path: row for row in session.scalars(select(Segment).where(Segment.path.like("jsonl/%")))}
    on_disk = {file.relative_to(directory).as_posix() for file in (directory / "jsonl").glob("*/*.jsonl")}
    versions = 0
    for path in sorted(on_disk | known.keys()):
        if path not in known:
            yield found(path, None if unfinished else "the database does not know this file")
            continue
        seen: set[Key] = set()
        target = directory / path
        # a run completed versions in it, and writes it anew at its end, or the next start does
        stale = unfinished and known[path].crc32 is None
        if stale or (places.has_store and not target.is_file()) or (fleet and not _is_as_vouched(target, known[path])):
            versions += sum(1 for _ in jsonl.keys_of(session, path))
            continue
        yield from _file(session, target, known[path], unfinished, seen)
        for key in jsonl.keys_of(session, path):
            versions += 1
            if key not in seen:
                yield Problem(path, f"has no line for article {key[0]} version {key[1]}")
    total = session.scalar(select(func.count()).select_from(ArticleVersion)) or 0
    yield found("jsonl", f"{total - versions} versions belong to no file" if total != versions else None)


def _is_as_vouched(target: Path, segment: Segment) -> bool:
    return target.stat().st_size == segment.size and not bytes_fault(target, segment)


def _file(session: Session, target: Path, segment: Segment, unfinished: bool, seen: set[Key]) -> Findings:
    if not target.is_file():
        yield Problem(segment.path, "is missing")
        return
    yield found(
        segment.path,
        size_fault(target, segment, may_be_longer=unfinished),
        # an edit, or the same lines in another order
        bytes_fault(target, segment),
        "is to be written again from the database: the next start does" if segment.crc32 is None else None,
    )
    lines = _lines(target, segment.size)
    while chunk := list(islice(lines, _CHUNK)):
        keys = [_key(line) for _, line in chunk]
        wanted = tuple_(ArticleVersion.article_id, ArticleVersion.version).in_([key for key in keys if key])
        rows = {(row.article_id, row.version): row for row in session.scalars(select(ArticleVersion).where(wanted))}
        for (number, line), key in zip(chunk, keys, strict=True):
            where = f"{segment.path}, line {number}"
            if key is None:
                yield Problem(where, "is no line of an article")
            elif key in seen:
                yield Problem(where, f"article {key[0]} version {key[1]} stands here again")
            elif key not in rows:
                yield Problem(where, f"article {key[0]} version {key[1]} is not in the database")
            else:
                seen.add(key)
                yield found(where, _fault(segment.path, line, rows[key]))
        session.expunge_all()


def _lines(target: Path, size: int) -> Iterator[tuple[int, bytes]]:
    """The committed lines, numbered from 1."""
    with target.open("rb") as file:
        number = 0
        while size > 0 and (line := file.readline(size)):
            number, size = number + 1, size - len(line)
            yield number, line


def _key(line: bytes) -> Key | None:
    try:
        record = json.loads(line)
        key = record["id"], record["version"]
    except (ValueError, TypeError, KeyError):
        return None
    return key if all(type(number) is int and 0 < number < 2**31 for number in key) else None


def _fault(path: str, line: bytes, row: ArticleVersion) -> str | None:
    name = f"article {row.article_id} version {row.version}"
    if jsonl.path_of(row) != path:
        return f"{name} belongs into {jsonl.path_of(row)}"
    if line == jsonl.line(row).encode() + b"\n":
        return None
    stored, printed = jsonl.record(row), json.loads(line)
    differing = [field for field in [*stored, *(printed.keys() - stored)] if stored.get(field) != printed.get(field)]
    return f"{name} differs from the database in {', '.join(differing) or 'its spelling'}"
