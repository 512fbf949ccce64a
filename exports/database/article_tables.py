"""What was archived: articles, their versions, authors and files.

Long texts come last in a row: SQLite must not walk them to reach a short column.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from exports.database.base import Base

_SECOND = text("duplicate_of IS NOT NULL")


class ArticleFields:
    """The fields an article and each of its versions share; their meaning is in crawler.items.Article."""

    url: Mapped[str]
    site_id: Mapped[str]
    column_id: Mapped[str]
    column_name: Mapped[str]
    title: Mapped[str]
    subtitle: Mapped[str]
    byline: Mapped[str]
    author: Mapped[str]
    unit: Mapped[str]
    position: Mapped[str]
    breadcrumb: Mapped[list[Any]]
    source: Mapped[str]
    content_type: Mapped[str]
    published_at: Mapped[str | None]
    status: Mapped[str]
    """live or withdrawn"""
    version: Mapped[int]
    content_hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 over the canonical article; see exports/canonical.py"""
    text_hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 over title and content alone: what makes two addresses duplicates"""
    duplicate_of: Mapped[int | None]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    capture_id: Mapped[int] = mapped_column(ForeignKey("captures.id"))
    extractor: Mapped[str]
    editor_note: Mapped[str] = mapped_column(Text)
    printed: Mapped[dict[str, Any]]
    """field -> origin -> value as printed"""
    body_html: Mapped[str] = mapped_column(Text)
    body_text: Mapped[str] = mapped_column(Text)


class Article(ArticleFields, Base):
    """One row per article: its current state."""

    __tablename__ = "articles"
    __table_args__ = (
        Index("ix_articles_column_published", "column_id", "published_at"),
        Index("ix_articles_duplicate_of", "duplicate_of", sqlite_where=_SECOND, postgresql_where=_SECOND),
    )

    id: Mapped[int] = mapped_column(primary_key=True, sort_order=-1)
    url: Mapped[str] = mapped_column(unique=True)
    text_hash: Mapped[str] = mapped_column(String(64), index=True)


class ArticleVersion(ArticleFields, Base):
    """One row per version of an article, the current one included; one JSON line each."""

    __tablename__ = "article_versions"
    __table_args__ = (Index("ix_article_versions_column_from", "column_id", "valid_from"),)

    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id"), primary_key=True, sort_order=-2)
    version: Mapped[int] = mapped_column(primary_key=True, sort_order=-1)
    valid_from: Mapped[datetime]
    event: Mapped[str]
    """archived, revised, withdrawn or restored"""
    changed: Mapped[list[Any]]
    """The names of the fields that differ from the version before; empty in the first"""
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    authors: Mapped[list[Any]]
    attachments: Mapped[list[Any]]
    images: Mapped[list[Any]]


class ArticlePart(Base):
    """The further responses a version was read from, beside its capture: one row per page or iframe, in order."""

    __tablename__ = "article_parts"
    __table_args__ = (
        ForeignKeyConstraint(["article_id", "version"], ["article_versions.article_id", "article_versions.version"]),
    )

    article_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    """From 0, in the order of the text"""
    url: Mapped[str]
    """The address asked"""
    kind: Mapped[str]
    """page (a further page of the article) or frame (the document of an iframe that holds the text)"""
    capture_id: Mapped[int] = mapped_column(ForeignKey("captures.id"))
    """The response it was read from"""


class ArticleAuthor(Base):
    """The authors of an article's current version, in printed order."""

    __tablename__ = "article_authors"
    # all names, or units, are counted from these alone
    __table_args__ = (
        Index("ix_article_authors_name", "name", "article_id"),
        Index("ix_article_authors_unit", "unit", "article_id"),
    )

    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    unit: Mapped[str]
    position: Mapped[str]
    role: Mapped[str]


class FileFields:
    """A file an article's current version links to or shows; see crawler.items.Attachment."""

    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str]
    name: Mapped[str]
    sha256: Mapped[str | None] = mapped_column(String(64))
    media_type: Mapped[str]
    size: Mapped[int | None] = mapped_column(BigInteger)
    path: Mapped[str | None]
    text: Mapped[str | None] = mapped_column(Text)
    """What the file says, as far as it could be read; why it could not stands in file_texts"""


class Attachment(FileFields, Base):
    """Documents: PDF, doc, xls, …"""

    __tablename__ = "attachments"
    __table_args__ = (Index("ix_attachments_sha256", "sha256"),)


class Image(FileFields, Base):
    """Pictures shown in the body."""

    __tablename__ = "images"


class FileText(Base):
    """What became of reading an attached file; one row per content, however many articles have it."""

    __tablename__ = "file_texts"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str]
    """What the bytes are: pdf, docx, xlsx, xls, ofd, html, txt, doc, …; empty where that cannot be told"""
    reason: Mapped[str | None]
    """Why there is no text, or not all of it"""
    reader: Mapped[str]
    """Which version of the readers it was"""
    read_at: Mapped[datetime]
    text: Mapped[str | None] = mapped_column(Text)
    """Paragraphs and table rows as lines, cells parted by tabs"""
