"""Articles and their versions: what an observed article changes in the archive."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from crawler import items
from exports.canonical import BYTES, COLUMNS, LISTS, changed_fields, completed, content_hash, item_of, text_hash
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

COMPLETED = "completed_versions"
"""The versions a session has completed in place, in its `info`: their JSON Lines files must be written anew."""
_ARTICLES, _VERSIONS = Base.metadata.tables["articles"], Base.metadata.tables["article_versions"]
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
_INSERT_VERSION = insert(_VERSIONS)
_INSERT_DETAILS = {
    name: insert(Base.metadata.tables[table])
    for name, table in {"authors": "article_authors", "attachments": "attachments", "images": "images"}.items()
}


def known(session: Session, url: str) -> Article | None:
    """The archived article of that address."""
    found = session.connection().execute(_KNOWN, {"of_url": url}).first()
    return session.get(Article, found.id) if found else None


def is_last_resort(row: Article | None, article: items.Article) -> bool:
    """Whether a page no template knows would replace what a template has read: it never does."""
    return row is not None and _is_general(article.extractor) and not _is_general(row.extractor)


def _is_general(extractor: str) -> bool:
    return extractor.startswith("general@")


def store(session: Session, run: Run, row: Article | None, article: items.Article, now: datetime) -> tuple[str, int]:
    """Bring the archive, in which the article is that row, to what was observed; returns the outcome and its id.

    Outcomes: archived, duplicate, revised, unchanged. Files that could not be fetched before and now came are no
    revision, for the site did not change: they complete the current version.
    """
    if row is None:
        return _insert(session, run, article, now)
    before = session.get_one(ArticleVersion, (row.id, row.version))
    _carry_over(before, article)
    late = _late(before, article)
    changed = changed_fields(before, article, late)
    row.last_seen_at = now
    if not changed and row.status == "live":
        if late:
            _complete(session, row, before, late)
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
    values: dict[str, Any] = {name: getattr(article, name) for name in COLUMNS}
    values |= {"content_hash": content_hash(article), "text_hash": text_hash(article)}
    values |= {"first_seen_at": now, "changed_at": now, "last_seen_at": now, "version": 1, "status": "live"}
    values["duplicate_of"] = _first_with(session, values["text_hash"])
    connection = session.connection()
    article_id = int(connection.execute(_INSERT_ARTICLE, values).scalar_one())
    lists = {name: [asdict(each) for each in getattr(article, name)] for name in LISTS}
    maintain.added(session, article_id)
    values |= lists | {"article_id": article_id, "valid_from": now, "event": "archived", "changed": []}
    values["run_id"] = run.id
    connection.execute(_INSERT_VERSION, values)
    for name, insertion in _INSERT_DETAILS.items():
        if lists[name]:
            rows = [{"article_id": article_id, "seq": seq} | each for seq, each in enumerate(lists[name])]
            connection.execute(insertion, rows)
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


def reread(version: "ArticleVersion | Row[Any]", article: items.Article) -> tuple[dict[str, str], dict[str, Any]]:
    """Replay: what reading the version again changes, and the row it would be.

    The first is field -> gained, lost or changed; the second column -> value, as JSON takes it.
    """
    if _is_general(article.extractor) and not _is_general(version.extractor):
        return {}, {name: getattr(version, name) for name in (*COLUMNS, *LISTS)}
    _carry_over(version, article)
    row = {name: getattr(article, name) for name in COLUMNS}
    row |= {name: [asdict(each) for each in getattr(article, name)] for name in LISTS}
    changes = {
        name: "gained" if not getattr(version, name) else "lost" if not value else "changed"
        for name, value in row.items()
        if getattr(version, name) != value
    }
    return changes, row | {"content_hash": content_hash(article), "text_hash": text_hash(article)}


def _first_with(session: Session, digest: str, other_than: int = 0) -> int | None:
    given = {"of_text": digest, "of_other": other_than}
    return session.connection().execute(_FIRST_WITH, given).scalar()


def _carry_over(before: "ArticleVersion | Row[Any]", article: items.Article) -> None:
    """A file that could not be fetched this time is still the file we hold: an outage is no revision."""
    for kept, seen in ((before.attachments, article.attachments), (before.images, article.images)):
        held = {file["url"]: file for file in kept if file["sha256"]}
        for file in seen:
            if file.sha256 is None and (old := held.get(file.url)):
                file.name = file.name or old["name"]
                for name in BYTES:
                    setattr(file, name, old[name])


def _late(before: ArticleVersion, article: items.Article) -> dict[str, items.Attachment]:
    """The files that came now and could not be fetched for that version, by address."""
    lacking = {file["url"] for file in (*before.attachments, *before.images) if file["sha256"] is None}
    return {file.url: file for file in (*article.attachments, *article.images) if file.sha256 and file.url in lacking}


def _complete(session: Session, row: Article, version: ArticleVersion, late: Mapping[str, items.Attachment]) -> None:
    """Fill files that came late into the current version, which stays the version it is."""
    maintain.changing(session, row.id)
    for table, name in ((Attachment, "attachments"), (Image, "images")):
        files = completed(getattr(version, name), late)
        for seq, file in enumerate(files):
            if file != getattr(version, name)[seq]:
                where = (table.article_id == row.id, table.seq == seq)
                session.execute(update(table).where(*where).values(file))
        setattr(version, name, files)
    item = item_of(version)
    for each in (row, version):
        each.content_hash, each.text_hash = content_hash(item), text_hash(item)
    done = session.info.setdefault(COMPLETED, [])
    done.append(version)
    if row.duplicate_of is None and (twin := _first_with(session, row.text_hash, row.id)):
        first, later = sorted((row.id, twin))
        copy = session.get_one(Article, later)
        current = session.get_one(ArticleVersion, (later, copy.version))
        copy.duplicate_of = current.duplicate_of = first
        done.append(current)


def _copy(article: items.Article, row: ArticleFields) -> None:
    for name in COLUMNS:
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
