"""Keeping the index equal to the tables, in the transaction that changes them.

Whoever changes an article's texts calls changing() before (or added() for a new article), and update() is called
before the commit:

    index.changing(session, article_id)
    … write articles, article_versions, attachments …
    index.update(session)
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from types import ModuleType
from typing import Any

from sqlalchemy import Engine, Row, delete, exists, func, insert, select
from sqlalchemy.orm import Session

from exports import lock
from exports.database.models import (
    Article,
    ArticleVersion,
    Attachment,
    SearchArticle,
    SearchDocument,
    SearchState,
)
from exports.index.document import Document
from exports.index.text import folded

_TOKENS = 1
"""Version of what the index holds of a text; a greater one has every archive's index made anew."""
_CHUNK = 200
"""Articles taken at a time while the index is made."""
_NARROW = ("id", "version", "column_id", "source", "published_at", "attachments")
_KEYS = ("version", "attachment")
_SEARCHED = ("subtitle", "byline", "author", "unit", "editor_note", "body_text")
"""What the body of a document is made of, besides its title."""


def backend(session: Session) -> ModuleType:
    """The module of the session's database system, loaded when it is needed."""
    name = "sqlite" if session.get_bind().dialect.name == "sqlite" else "postgresql"
    return import_module(f"exports.index.{name}")


def added(session: Session, *ids: int) -> None:
    """Articles are new: update() will enter them."""
    session.info.setdefault("changed_texts", set()).update(ids)


def changing(session: Session, *ids: int) -> None:
    """Take the texts of articles out of the index, as they are before they change."""
    added(session, *ids)
    for chunk in _chunks(sorted(ids)):
        _remove(session, chunk)


def _remove(session: Session, ids: Sequence[int]) -> None:
    names = (SearchArticle.id, SearchArticle.version, SearchArticle.checksum)
    indexed = session.execute(select(*names).where(SearchArticle.id.in_(ids))).all()
    if not indexed:
        return
    of_articles = SearchDocument.article_id.in_(ids)
    others = session.execute(
        select(*(getattr(SearchDocument, name) for name in ("id", "article_id", *_KEYS, "checksum"))).where(of_articles)
    ).all()
    checksums = {row.id: row.checksum for row in indexed} | {-row.id: row.checksum for row in others}
    numbers = {(row.id, row.version, None): row.id for row in indexed}
    numbers |= {(row.article_id, row.version, row.attachment): -row.id for row in others}
    documents = []
    for row in _versions(session, ids):
        if number := numbers.get((row.article_id, row.version, None)):
            documents.append(_of_version(row, number))
    for row in _files(session, ids):
        if number := numbers.get((row.article_id, None, row.seq)):
            documents.append(_of_file(row, number))
    if {document.id: document.checksum for document in documents} != checksums:
        # changed behind our back: what the index holds of it is not known any more
        session.execute(delete(SearchState))
    backend(session).delete(session, documents)
    session.execute(delete(SearchDocument).where(of_articles))
    session.execute(delete(SearchArticle).where(SearchArticle.id.in_(ids)))


def update(session: Session) -> None:
    """Enter the articles that changed since the last call."""
    changed = session.info.pop("changed_texts", ())
    if changed:
        session.flush()
    for chunk in _chunks(sorted(changed)):
        missing = select(Article.id).where(Article.id.in_(chunk), ~exists().where(SearchArticle.id == Article.id))
        _add(session, sorted(session.scalars(missing)))


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))


def ensure(engine: Engine) -> None:
    """Make the index where there is none, or none of this program's."""
    with Session(engine) as session:
        if _is_current(session):
            return
    with Session(engine) as session, session.begin():
        lock.alone(session)
        if not _is_current(session):
            rebuild(session)


def _is_current(session: Session) -> bool:
    return session.scalar(select(SearchState.made_by)) == _made_by(session)


def rebuild(session: Session) -> int:
    """Make the index anew from the tables. Returns the number of articles."""
    for table in (SearchState, SearchDocument, SearchArticle):
        session.execute(delete(table))
    backend(session).create(session)
    ids = list(session.scalars(select(Article.id).order_by(Article.id)))
    for chunk in _chunks(ids):
        _add(session, chunk)
    backend(session).optimize(session)
    session.execute(insert(SearchState).values(made_by=_made_by(session)))
    return len(ids)


def _made_by(session: Session) -> str:
    return f"{session.get_bind().dialect.name}, tokens {_TOKENS}, Unicode {unicodedata.unidata_version}"


def _add(session: Session, ids: Sequence[int]) -> None:
    if not ids:
        return
    counted = select(func.count()).where(Attachment.article_id == Article.id).scalar_subquery()
    chosen = select(Article.id, Article.version, Article.column_id, Article.source, Article.published_at, counted)
    articles = {row.id: row for row in session.execute(chosen.where(Article.id.in_(ids)))}
    documents, current = [], []
    others: list[tuple[Document, dict[str, Any]]] = []
    for row in _versions(session, ids):
        article = articles[row.article_id]
        document = _of_version(row, article.id)
        if row.version == article.version:
            documents.append(document)
            current.append(dict(zip(_NARROW, article, strict=True)) | {"checksum": document.checksum})
        else:
            others.append((document, {"article_id": article.id, "version": row.version, "attachment": None}))
    for row in _files(session, ids):
        about = {"article_id": row.article_id, "version": None, "attachment": row.seq}
        others.append((_of_file(row, row.article_id), about))
    if current:
        session.execute(insert(SearchArticle), current)
    if others:
        rows = [about | {"checksum": document.checksum} for document, about in others]
        numbered = insert(SearchDocument).returning(SearchDocument.id, sort_by_parameter_order=True)
        numbers = session.scalars(numbered, rows)
        documents += [replace(document, id=-number) for number, (document, _) in zip(numbers, others, strict=True)]
    backend(session).insert(session, documents)


def _versions(session: Session, ids: Iterable[int]) -> Iterator[Row[Any]]:
    names = ("article_id", "version", "title", *_SEARCHED)
    chosen = select(*(getattr(ArticleVersion, name) for name in names)).where(ArticleVersion.article_id.in_(ids))
    return iter(session.execute(chosen.order_by(ArticleVersion.article_id, ArticleVersion.version)))


def _files(session: Session, ids: Iterable[int]) -> Iterator[Row[Any]]:
    chosen = select(Attachment.article_id, Attachment.seq, Attachment.name, Attachment.text)
    chosen = chosen.where(Attachment.article_id.in_(ids), Attachment.text != "")
    return iter(session.execute(chosen.order_by(Attachment.article_id, Attachment.seq)))


def _of_version(row: Row[Any], document_id: int) -> Document:
    return Document(document_id, folded(row.title), folded("\n".join(getattr(row, name) for name in _SEARCHED)))


def _of_file(row: Row[Any], document_id: int) -> Document:
    return Document(document_id, folded(row.name), folded(row.text))
