"""Articles and their versions: what an observed article changes in the archive."""

import hashlib
import json
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select
from sqlalchemy.orm import Session

from crawler import items
from exports.database.models import (
    Article,
    ArticleAuthor,
    ArticleFields,
    ArticlePart,
    ArticleVersion,
    Attachment,
    Base,
    Image,
    Run,
)
from exports.index import maintain

_COLUMNS = [name for name in ArticleFields.__annotations__ if name in {f.name for f in fields(items.Article)}]
"""The columns that are copied from the item by name."""
LISTS = ("authors", "attachments", "images")
"""What a version holds as JSON and the current one also in tables of their own."""
_ARTICLES, _VERSIONS = Base.metadata.tables["articles"], Base.metadata.tables["article_versions"]
_DETAILS = {
    name: Base.metadata.tables[table]
    for name, table in {"authors": "article_authors", "attachments": "attachments", "images": "images"}.items()
}
# Executed for every article: built once, and plain Core, which spares the session's bookkeeping
_KNOWN = select(_ARTICLES.c.id).where(_ARTICLES.c.url == bindparam("of_url"))
_FIRST_WITH = (
    select(_ARTICLES.c.id)
    .where(
        _ARTICLES.c.text_hash == bindparam("of_text"),
        _ARTICLES.c.duplicate_of.is_(None),
        _ARTICLES.c.id != bindparam("of_other"),
    )
    .order_by(_ARTICLES.c.id)
    .limit(1)
)
_INSERT_ARTICLE = insert(_ARTICLES).returning(_ARTICLES.c.id)
HASHED = (
    *("title", "subtitle", "byline", "breadcrumb", "source", "content_type", "published_at"),
    *("body_text", "editor_note", "attachments", "images"),
)
"""What an article is: a change of any of these is a revision. All as printed, so that a better
reader of bylines does not make revisions; addresses of files are left out, their bytes are not."""


def canonical(article: items.Article) -> dict[str, Any]:
    """The canonical article the hash is over."""
    values = {name: getattr(article, name) for name in HASHED}
    values["attachments"] = [[file.name, file.sha256] for file in article.attachments]
    values["images"] = [file.sha256 for file in article.images]
    return values


def content_hash(article: items.Article) -> str:
    """SHA-256 over the canonical article as JSON with sorted keys."""
    return _sha256(canonical(article))


def known(session: Session, url: str) -> Article | None:
    """The archived article of that address."""
    found = session.connection().execute(_KNOWN, {"of_url": url}).first()
    return session.get(Article, found.id) if found else None


def is_last_resort(row: Article | None, article: items.Article) -> bool:
    """Whether a page no template knows would replace what a template has read: it never does."""
    return row is not None and _is_general(article.extractor) and not _is_general(row.extractor)


def _is_general(extractor: str) -> bool:
    return extractor.startswith("general@")


def text_hash(article: items.Article) -> str:
    """SHA-256 over title, text and file bytes: equal for one text at two addresses."""
    files = [file.sha256 or file.name for file in (*article.attachments, *article.images)]
    return _sha256([article.title, article.body_text, files])


def store(session: Session, run: Run, row: Article | None, article: items.Article, now: datetime) -> tuple[str, int]:
    """Bring the archive, in which the article is that row, to what was observed; returns the outcome and its id.

    Outcomes: archived, duplicate, revised, unchanged.
    """
    if row is None:
        return _insert(session, run, article, now)
    before = session.get_one(ArticleVersion, (row.id, row.version))
    _carry_over(before, article)
    changed = changed_fields(before, article)
    row.last_seen_at = now
    if not changed and row.status == "live":
        return "unchanged", row.id
    maintain.changing(session, row.id)
    event = "revised" if row.status == "live" else "restored"
    if event == "restored":
        changed = ["status", *changed]
    # two columns may list it: it stays with the one that had it first
    article.site_id, article.column_id, article.column_name = row.site_id, row.column_id, row.column_name
    _copy(article, row)
    row.version, row.changed_at, row.status = row.version + 1, now, "live"
    row.duplicate_of = _first_with(session, row.text_hash, row.id)
    _add_version(session, run, row, article, event, changed, now)
    return "revised", row.id


def _insert(session: Session, run: Run, article: items.Article, now: datetime) -> tuple[str, int]:
    """A new article with its first version. Plain tables: most of a first crawl's writing is this."""
    values: dict[str, Any] = {name: getattr(article, name) for name in _COLUMNS}
    values |= {"content_hash": content_hash(article), "text_hash": text_hash(article)}
    values |= {"first_seen_at": now, "changed_at": now, "last_seen_at": now, "version": 1, "status": "live"}
    values["duplicate_of"] = _first_with(session, values["text_hash"])
    connection = session.connection()
    article_id = int(connection.execute(_INSERT_ARTICLE, values).scalar_one())
    lists = {name: [asdict(each) for each in getattr(article, name)] for name in LISTS}
    maintain.added(session, article_id)
    values |= lists | {"article_id": article_id, "valid_from": now, "event": "archived", "changed": []}
    values["run_id"] = run.id
    connection.execute(insert(_VERSIONS), values)
    for name, table in _DETAILS.items():
        if lists[name]:
            rows = [{"article_id": article_id, "seq": seq} | each for seq, each in enumerate(lists[name])]
            connection.execute(insert(table), rows)
    _add_parts(session, article_id, 1, article)
    _note(session, ArticleVersion(**values))
    return ("duplicate" if values["duplicate_of"] else "archived"), article_id


def withdraw(session: Session, run: Run, row: Article, now: datetime) -> int:
    """Set the tombstone: a version with the text as it was; returns its number."""
    before = session.get_one(ArticleVersion, (row.id, row.version))
    maintain.changing(session, row.id)
    row.version, row.changed_at, row.status = row.version + 1, now, "withdrawn"
    _add_version(session, run, row, item_of(before), "withdrawn", ["status"], now)
    return row.version


def item_of(version: ArticleVersion) -> items.Article:
    """The item a version was made of, as far as the archive keeps it."""
    return items.Article(
        **{name: getattr(version, name) for name in _COLUMNS},
        authors=[items.Author(**author) for author in version.authors],
        attachments=[items.Attachment(**file) for file in version.attachments],
        images=[items.Attachment(**file) for file in version.images],
    )


def changed_fields(before: ArticleVersion, article: items.Article) -> list[str]:
    """The names of the canonical fields that differ from that version."""
    old = {name: getattr(before, name) for name in HASHED}
    old["attachments"] = [[file["name"], file["sha256"]] for file in before.attachments]
    old["images"] = [file["sha256"] for file in before.images]
    new = canonical(article)
    return [name for name in HASHED if old[name] != new[name]]


def reread(version: "ArticleVersion | Row[Any]", article: items.Article) -> tuple[dict[str, str], dict[str, Any]]:
    """Replay: what reading the version again changes, and the row it would be.

    The first is field -> gained, lost or changed; the second column -> value, as JSON takes it.
    """
    if _is_general(article.extractor) and not _is_general(version.extractor):
        return {}, {name: getattr(version, name) for name in (*_COLUMNS, *LISTS)}
    _carry_over(version, article)
    row = {name: getattr(article, name) for name in _COLUMNS}
    row |= {name: [asdict(each) for each in getattr(article, name)] for name in LISTS}
    changes = {
        name: "gained" if not getattr(version, name) else "lost" if not value else "changed"
        for name, value in row.items()
        if getattr(version, name) != value
    }
    return changes, row | {"content_hash": content_hash(article), "text_hash": text_hash(article)}


def _sha256(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _first_with(session: Session, digest: str, other_than: int = 0) -> int | None:
    given = {"of_text": digest, "of_other": other_than}
    return session.connection().execute(_FIRST_WITH, given).scalar()


def _carry_over(before: "ArticleVersion | Row[Any]", article: items.Article) -> None:
    """A file that could not be fetched this time is still the file we hold: an outage is no revision."""
    for kept, seen in ((before.attachments, article.attachments), (before.images, article.images)):
        held = {file["url"]: file for file in kept if file["sha256"]}
        for file in seen:
            if file.sha256 is None and (old := held.get(file.url)):
                for name in ("sha256", "media_type", "size", "path", "text"):
                    setattr(file, name, old[name])


def _copy(article: items.Article, row: ArticleFields) -> None:
    for name in _COLUMNS:
        setattr(row, name, getattr(article, name))
    row.content_hash, row.text_hash = content_hash(article), text_hash(article)


def _copy_lists(article: items.Article, version: ArticleVersion) -> None:
    version.authors = [asdict(author) for author in article.authors]
    version.attachments = [asdict(file) for file in article.attachments]
    version.images = [asdict(file) for file in article.images]


def _add_version(
    session: Session,
    run: Run,
    row: Article,
    article: items.Article,
    event: str,
    changed: list[str],
    now: datetime,
) -> None:
    shared = {name: getattr(row, name) for name in ArticleFields.__annotations__}
    version = ArticleVersion(**shared, article_id=row.id, valid_from=now, event=event, changed=changed, run_id=run.id)
    _copy_lists(article, version)
    session.add(version)
    (_add_details if row.version == 1 else _replace_details)(session, row.id, article)
    session.flush()
    _add_parts(session, row.id, row.version, article)
    _note(session, version)


def _add_parts(session: Session, article_id: int, version: int, article: items.Article) -> None:
    if article.parts:
        key = {"article_id": article_id, "version": version}
        rows = [key | {"seq": seq} | asdict(part) for seq, part in enumerate(article.parts)]
        session.execute(insert(ArticlePart), rows)


def _note(session: Session, version: ArticleVersion) -> None:
    """Archive.py writes the version's JSON line before the commit."""
    session.info.setdefault("new_versions", []).append(version)


def _replace_details(session: Session, article_id: int, article: items.Article) -> None:
    for table in (ArticleAuthor, Attachment, Image):
        session.execute(delete(table).where(table.article_id == article_id))
    _add_details(session, article_id, article)


def _add_details(session: Session, article_id: int, article: items.Article) -> None:
    for seq, author in enumerate(article.authors):
        session.add(ArticleAuthor(article_id=article_id, seq=seq, **asdict(author)))
    for model, files in ((Attachment, article.attachments), (Image, article.images)):
        for seq, file in enumerate(files):
            session.add(model(article_id=article_id, seq=seq, **asdict(file)))
