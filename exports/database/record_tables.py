"""How it was archived: captures, listings, runs, failures, and what is vouched for of each file."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from exports.database.base import Base


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
    checked_at: Mapped[datetime | None]
    """When its address last answered: with the article as we hold it, changed, or gone; None: see last_seen_at"""
    absent_since: Mapped[datetime | None]
    """When a complete walk first did not meet it any more; None while it is listed"""


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
    fields: Mapped[dict[str, Any] | None]
    """field -> [articles read, of which it was filled, revisions that lost it]; None before this was kept"""
    requests: Mapped[int] = mapped_column(default=0)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    complete: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the listing was walked to its end and every page of it read"""
    manifest: Mapped[int | None]
    """Number of the manifest that covers the run; None while none does"""


class Failure(Base):
    """The dead letters: what could not be archived, with reason and attempts, until it is resolved."""

    __tablename__ = "failures"

    id: Mapped[int] = mapped_column(primary_key=True)
    column_id: Mapped[str] = mapped_column(index=True)
    url: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    """article, listing, file"""
    outcome: Mapped[str]
    """failed, blocked or gone; excluded for a column's own page that robots.txt forbids"""
    reason: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int]
    first_failed_at: Mapped[datetime]
    last_failed_at: Mapped[datetime]
    first_run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    last_run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    capture_id: Mapped[int | None] = mapped_column(ForeignKey("captures.id"))
    resolved_at: Mapped[datetime | None]
    """When a later run archived it; None while it stands"""
    next_attempt_at: Mapped[datetime | None]
    """The first run after this moment tries again; None: the next run"""


class GoneCheck(Base):
    """One row per answer that said an archived article is gone: the evidence of withdrawals.

    It counts once ``control_capture_id`` is there and while ``voided_at`` is not.
    """

    __tablename__ = "gone_checks"

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id"), index=True)
    column_id: Mapped[str]
    url: Mapped[str]
    """The address asked, as the column lists it"""
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), index=True)
    checked_at: Mapped[datetime]
    kind: Mapped[str]
    """404, 410, redirect (to the home page or a 404 page) or soft 404 (a page that says so)"""
    capture_id: Mapped[int] = mapped_column(ForeignKey("captures.id"))
    """The answer itself"""
    control_capture_id: Mapped[int | None] = mapped_column(ForeignKey("captures.id"))
    """The answer that shows the host in health in the same run; None where there was none"""
    voided_at: Mapped[datetime | None]
    """When it ceased to count: the article answered again, or the host was not in health"""
    tombstone: Mapped[int | None]
    """The version with the event withdrawn that this check helps to prove"""


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
    sealed: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """How many of these bytes the manifests cover; 0 where the file was written anew since"""
