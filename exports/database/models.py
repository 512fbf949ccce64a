"""The tables of the archive, as analysts query them (names: see the README's schema section).

Times are UTC; ``published_at`` is the printed Asia/Shanghai wall time as ISO 8601 text, because its
precision varies. Long texts come last in a row: SQLite must not walk them to reach a short column.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, ForeignKey, Index, MetaData, String, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UTCDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC on every database (SQLite has no time zones of its own)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC).replace(tzinfo=None if dialect.name == "sqlite" else UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UTCDateTime, dict[str, Any]: JSON, list[Any]: JSON}


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
    """SHA-256 over the canonical article; see exports/versions.py"""
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
    __table_args__ = (Index("ix_articles_column_published", "column_id", "published_at"),)

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


class ArticleAuthor(Base):
    """The authors of an article's current version, in printed order."""

    __tablename__ = "article_authors"

    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
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


class Attachment(FileFields, Base):
    """Documents: PDF, doc, xls, …"""

    __tablename__ = "attachments"


class Image(FileFields, Base):
    """Pictures shown in the body."""

    __tablename__ = "images"


class Capture(Base):
    """One row per response kept in the WARC files, whatever its status."""

    __tablename__ = "captures"

    id: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(index=True)
    fetched_at: Mapped[datetime]
    status: Mapped[int]
    role: Mapped[str]
    """What it was fetched as: robots, home, listing, article, file"""
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    warc_file: Mapped[str]
    warc_offset: Mapped[int] = mapped_column(BigInteger)
    warc_record_id: Mapped[str]
    payload_sha256: Mapped[str] = mapped_column(String(64))
    revisit_of: Mapped[int | None] = mapped_column(ForeignKey("captures.id"))
    """The earlier capture that holds the payload, for a WARC revisit record"""
    etag: Mapped[str | None]
    last_modified: Mapped[str | None]


class Listing(Base):
    """One row per entry seen in a column."""

    __tablename__ = "listings"
    __table_args__ = (Index("ix_listings_pending", "column_id", "last_run_id", "outcome"),)

    column_id: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(primary_key=True, index=True)
    """Normalised address; about:blank#<title> where the entry has none"""
    listed_title: Mapped[str]
    listed_date: Mapped[str | None]
    """As ISO 8601; None when the listing prints none"""
    position: Mapped[int]
    """Place in the column at the last walk, from 0"""
    first_run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    last_run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    outcome: Mapped[str | None]
    """A name of the ledger; None while the run has not come to it (or was killed before)"""
    reason: Mapped[str | None]
    """Why, where the outcome alone does not say"""
    article_id: Mapped[int | None] = mapped_column(ForeignKey("articles.id"), index=True)


class Run(Base):
    """One row per `scrapy crawl` of one column."""

    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    spider: Mapped[str]
    site_id: Mapped[str]
    column_id: Mapped[str] = mapped_column(index=True)
    column_name: Mapped[str]
    base_url: Mapped[str]
    arguments: Mapped[dict[str, Any]]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    """None while it runs, and for ever after a kill"""
    exit_code: Mapped[int | None]
    reason: Mapped[str | None]
    """One line for people, where the exit code is not 0"""
    declared: Mapped[int | None]
    """The total the column itself declares (T4), None where it declares none"""
    ledger: Mapped[dict[str, Any]]
    """outcome -> count at the end of the run"""
    requests: Mapped[int] = mapped_column(default=0)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)


class Failure(Base):
    """The dead letters: what could not be archived, with reason and attempts, until it is resolved."""

    __tablename__ = "failures"

    id: Mapped[int] = mapped_column(primary_key=True)
    column_id: Mapped[str] = mapped_column(index=True)
    url: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    """article, listing, file"""
    outcome: Mapped[str]
    """failed, blocked or gone"""
    reason: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int]
    first_failed_at: Mapped[datetime]
    last_failed_at: Mapped[datetime]
    first_run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    last_run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    capture_id: Mapped[int | None] = mapped_column(ForeignKey("captures.id"))
    resolved_at: Mapped[datetime | None]
    """When a later run archived it; None while it stands"""


class Segment(Base):
    """How many bytes of a WARC or JSON Lines file the database vouches for.

    A file longer than this was written by a run that was killed before it committed.
    """

    __tablename__ = "segments"

    path: Mapped[str] = mapped_column(primary_key=True)
    """Relative to ARCHIVE_DIR"""
    size: Mapped[int] = mapped_column(BigInteger)
    crc32: Mapped[int | None] = mapped_column(BigInteger)
    """CRC-32 of those bytes; None where they are to be written again from the database, as after a replay"""
    closed: Mapped[bool]
    """No further bytes will be appended"""
