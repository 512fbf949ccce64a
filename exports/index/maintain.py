"""Keeping the index equal to the tables, in the transaction that changes them.

Whoever changes an article's texts calls changing() before (or added() for a new article), and update() is called
before the commit:

    index.changing(session, article_id)
    … write articles, article_versions, attachments …
    index.update(session)
"""

import logging
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import BindParameter, Engine, Row, bindparam, delete, exists, func, insert, select
from sqlalchemy.orm import Session

from exports import lock
from exports.database.asking import plain
from exports.database.models import (
    Article,
    Base,
    SearchArticle,
    SearchDocument,
    SearchState,
)
from exports.index import common
from exports.index.document import SEARCHED, Document
from exports.index.find import backend
from exports.index.spread import spread
from exports.index.text import folded, is_printed_so

log = logging.getLogger(__name__)

_CHUNK = 200
"""Articles taken at a time while the index is made."""
_NARROW = ("id", "version", "column_id", "source", "published_at", "attachments")
_KEYS = ("version", "attachment")
READ = frozenset({"title", "authors", *SEARCHED, *_NARROW})
"""The fields of a version the index holds something of."""

# Executed for every batch of articles: built once, and plain Core, which spares the session's bookkeeping
_tables = Base.metadata.tables
_articles, _texts, _attachments = _tables["articles"], _tables["article_versions"], _tables["attachments"]
_entered = _tables["search_articles"]
_ids: BindParameter[Any] = bindparam("ids", expanding=True)
_MISSING = select(_articles.c.id).where(_articles.c.id.in_(_ids), ~exists().where(_entered.c.id == _articles.c.id))
_CURRENT = select(
    *(_articles.c[name] for name in _NARROW[:-1]),
    select(func.count()).where(_attachments.c.article_id == _articles.c.id).scalar_subquery(),
).where(_articles.c.id.in_(_ids))
_VERSIONS = (
    select(*(_texts.c[name] for name in ("article_id", "version", "title", "authors", *SEARCHED)))
    .where(_texts.c.article_id.in_(_ids))
    .order_by(_texts.c.article_id, _texts.c.version)
)
_FILES = (
    select(*(_attachments.c[name] for name in ("article_id", "seq", "name", "text")))
    .where(_attachments.c.article_id.in_(_ids), _attachments.c.text != "")
    .order_by(_attachments.c.article_id, _attachments.c.seq)
)
_ENTER = insert(_entered)


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
    backend(plain(session)).delete(session, documents)
    session.execute(delete(SearchDocument).where(of_articles))
    session.execute(delete(SearchArticle).where(SearchArticle.id.in_(ids)))
    backend(plain(session)).count(session, ids)


def update(session: Session) -> None:
    """Enter the articles that changed since the last call."""
    changed = session.info.pop("changed_texts", ())
    if changed:
        session.flush()
    for chunk in _chunks(sorted(changed)):
        _add(session, sorted(session.connection().scalars(_MISSING, {"ids": chunk})))


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))


def ensure(engine: Engine) -> None:
    """Make the index where there is none, or none of this program's."""
    if is_current(engine):
        return
    with Session(engine) as session, session.begin():
        lock.alone(session)
        if not _is_current(session) and (articles := rebuild(session)):
            log.info("the full-text index was made anew: %d articles", articles)


def is_current(engine: Engine) -> bool:
    """Whether there is an index of this program's, and the archive has not outgrown it."""
    with Session(engine) as session:
        return _is_current(session)


def _is_current(session: Session) -> bool:
    state = session.get(SearchState, _made_by(session))
    articles = session.scalar(select(func.count()).select_from(SearchArticle)) or 0
    return state is not None and not backend(plain(session)).outgrown(state.articles, articles)


def rebuild(session: Session) -> int:
    """Make the index anew from the tables. Returns the number of articles."""
    for table in (SearchState, SearchDocument, SearchArticle):
        session.execute(delete(table))
    ids = list(session.scalars(select(Article.id).order_by(Article.id)))
    index = backend(plain(session))
    index.create(session, _sample(session, ids))
    texts = (_enter(session, chunk) for chunk in _chunks(ids))
    make_rows = partial(index.rows, terms=index.terms(session))
    for rows in spread(make_rows, texts, -(-len(ids) // _CHUNK)) if index.IS_SPREAD else map(make_rows, texts):
        index.insert(session, rows)
    index.optimize(session)
    session.execute(insert(SearchState).values(made_by=_made_by(session), articles=len(ids)))
    return len(ids)


def _sample(session: Session, ids: Sequence[int]) -> list[Document]:
    """One text of each of some articles, evenly spread."""
    chosen = ids[:: -(-len(ids) // common.SAMPLE) or 1]
    return list({row.article_id: _of_version(row, row.article_id) for row in _versions(session, chosen)}.values())


def _made_by(session: Session) -> str:
    dialect = session.get_bind().dialect.name
    return f"{dialect}, {backend(plain(session)).VERSION}, Unicode {unicodedata.unidata_version}"


def _add(session: Session, ids: Sequence[int]) -> None:
    if ids:
        index = backend(plain(session))
        index.insert(session, index.rows(_enter(session, ids), terms=index.terms(session)))
        index.condense(session)


def _enter(session: Session, ids: Sequence[int]) -> list[Document]:
    """Note articles as indexed; returns their texts, which the index lacks yet."""
    articles = {row.id: row for row in session.connection().execute(_CURRENT, {"ids": ids})}
    documents, current = [], []
    others: list[tuple[Document, dict[str, Any]]] = []
    for row in _versions(session, ids):
        article = articles[row.article_id]
        document = _of_version(row, article.id)
        if row.version == article.version:
            documents.append(document)
            further = {"checksum": document.checksum, "as_printed": is_printed_so(f"{row.title}\n{_body(row)}")}
            current.append(dict(zip(_NARROW, article, strict=True)) | further)
        else:
            others.append((document, {"article_id": article.id, "version": row.version, "attachment": None}))
    for row in _files(session, ids):
        about = {"article_id": row.article_id, "version": None, "attachment": row.seq}
        others.append((_of_file(row, row.article_id), about))
    if current:
        session.connection().execute(_ENTER, current)
        backend(plain(session)).count(session, ids)
    if others:
        rows = [about | {"checksum": document.checksum} for document, about in others]
        numbered = insert(SearchDocument).returning(SearchDocument.id, sort_by_parameter_order=True)
        numbers = session.scalars(numbered, rows)
        documents += [replace(document, id=-number) for number, (document, _) in zip(numbers, others, strict=True)]
    return documents


def _versions(session: Session, ids: Iterable[int]) -> Iterator[Row[Any]]:
    return iter(session.connection().execute(_VERSIONS, {"ids": ids}))


def _files(session: Session, ids: Iterable[int]) -> Iterator[Row[Any]]:
    return iter(session.connection().execute(_FILES, {"ids": ids}))


def _of_version(row: Row[Any], document_id: int) -> Document:
    return Document(document_id, folded(row.title), folded(_body(row)))


def _body(row: Row[Any]) -> str:
    return "\n".join(getattr(row, name) for name in SEARCHED)


def _of_file(row: Row[Any], document_id: int) -> Document:
    return Document(document_id, folded(row.name), folded(row.text))
