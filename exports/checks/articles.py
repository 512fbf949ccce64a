"""The rows of the articles against their versions and hashes, and the files they cite."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler import items
from exports.canonical import content_hash, item_of, text_hash
from exports.checks import Findings, Problem, found, unsealed_runs
from exports.database.models import (
    Article,
    ArticleAuthor,
    ArticleFields,
    ArticleVersion,
    Attachment,
    Image,
    StoredFile,
)
from exports.store.places import Places

_CHUNK = 50
_DETAILS: dict[str, tuple[Any, type]] = {
    "authors": (ArticleAuthor, items.Author),
    "attachments": (Attachment, items.Attachment),
    "images": (Image, items.Attachment),
}
"""list of a version -> the table that repeats the current one, the item its rows are made of"""


def check(session: Session, places: Places) -> Findings:
    """Every file, every version, every article."""
    yield from _files(places.directory)
    yield from _stored_files(session, places)
    yield from _versions(session, places)
    yield from _articles(session)


def _files(directory: Path) -> Findings:
    for file in sorted((directory / "files").glob("*/*")):
        where = file.relative_to(directory).as_posix()
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        named = file.name.partition(".")[0] == digest and file.parent.name == digest[:2]
        yield found(where, None if named else f"its bytes have the SHA-256 {digest}")


def _stored_files(session: Session, places: Places) -> Findings:
    """The files that are in the store and not here."""
    if not places.has_store:
        return
    for path in session.scalars(select(StoredFile.path).where(StoredFile.path.like("files/%"))).all():
        if (places.directory / path).is_file():
            continue
        try:
            with places.at_hand(session, path) as file, file.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
            named = Path(path).name.partition(".")[0] == digest
            yield found(path, None if named else f"its bytes have the SHA-256 {digest}")
        except OSError as error:
            yield Problem(path, str(error.strerror))


def _versions(session: Session, places: Places) -> Findings:
    """Hashes, numbers and files of every version."""
    under_way = unsealed_runs(session) if places.has_store else set()
    query = select(ArticleVersion).order_by(ArticleVersion.article_id, ArticleVersion.version)
    article_id, number = 0, 0
    for version in session.scalars(query.execution_options(yield_per=_CHUNK)):
        number = number + 1 if version.article_id == article_id else 1
        article_id = version.article_id
        where = f"article {article_id} version {version.version}"
        gap = f"version {number} is missing before it" if version.version != number else None
        number = version.version
        yield found(where, gap, *_hash_faults(version))
        for file in [*version.attachments, *version.images]:
            fault = _file_fault(session, places, file, may_be_away=version.run_id in under_way)
            yield found(f"{where}, file {file.get('url')}", fault)


def _hash_faults(version: ArticleVersion) -> Iterator[str | None]:
    try:
        item = item_of(version)
        computed = {"content_hash": content_hash(item), "text_hash": text_hash(item)}
    except (TypeError, AttributeError) as error:
        yield f"authors or files are not as this program writes them ({error})"
        return
    for name, value in computed.items():
        if getattr(version, name) != value:
            yield f"{name} does not match: a field was changed"
    if version.valid_from != version.changed_at:
        yield "valid_from is not changed_at"


def _file_fault(session: Session, places: Places, file: dict[str, Any], *, may_be_away: bool) -> str | None:
    digest, path = file.get("sha256"), file.get("path")
    if not digest or not path:
        return None if digest == path else "only one of sha256 and path is known"
    if path.partition(".")[0] != f"files/{digest[:2]}/{digest}":
        return f"the path {path} is not that of its SHA-256 {digest}"
    if (places.directory / path).is_file():
        size = (places.directory / path).stat().st_size
    elif row := places.stored(session, path):
        size = row.size
    else:
        away = "is neither here nor in the store" if places.has_store else "is missing"
        return None if may_be_away else f"{path} {away}"
    return f"{path} has {size} bytes, not {file.get('size')}" if size != file.get("size") else None


def _articles(session: Session) -> Findings:
    """Every article against its current version."""
    current = (ArticleVersion.article_id == Article.id) & (ArticleVersion.version == Article.version)
    query = select(Article, ArticleVersion).outerjoin(ArticleVersion, current).order_by(Article.id)
    result = session.execute(query.execution_options(yield_per=_CHUNK))
    for chunk in result.partitions():
        details = _details(session, [article.id for article, _ in chunk])
        for article, version in chunk:
            where = f"article {article.id}"
            if version is None:
                yield Problem(where, f"its current version {article.version} is missing")
                continue
            yield found(where, *_row_faults(article, version), *_detail_faults(details[article.id], version))
    latest = select(ArticleVersion.article_id, ArticleVersion.version).join(
        Article, (Article.id == ArticleVersion.article_id) & (Article.version < ArticleVersion.version)
    )
    for article_id, number in session.execute(latest):
        yield Problem(f"article {article_id} version {number}", "is newer than the article's current version")


def _row_faults(article: Article, version: ArticleVersion) -> Iterator[str | None]:
    for name in ArticleFields.__annotations__:
        if name != "last_seen_at" and getattr(article, name) != getattr(version, name):
            yield f"{name} is not that of version {version.version}"
    if article.last_seen_at < version.last_seen_at:
        yield f"last_seen_at lies before version {version.version}"


def _details(session: Session, ids: list[int]) -> dict[int, dict[str, list[dict[str, Any]]]]:
    """article_id -> list -> its rows in order, as dictionaries."""
    details: dict[int, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: {name: [] for name in _DETAILS})
    for name, (table, item) in _DETAILS.items():
        names = [field.name for field in fields(item)]
        for row in session.scalars(
            select(table).where(table.article_id.in_(ids)).order_by(table.article_id, table.seq)
        ):
            details[row.article_id][name].append({field: getattr(row, field) for field in names})
    return details


def _detail_faults(details: dict[str, list[dict[str, Any]]], version: ArticleVersion) -> Iterator[str | None]:
    for name, rows in details.items():
        # texts of files come later than the version, and belong to the file
        mine = [{field: value for field, value in row.items() if field != "text"} for row in rows]
        if mine != [
            {field: value for field, value in row.items() if field != "text"} for row in getattr(version, name)
        ]:
            yield f"its {name} are not those of version {version.version}"
