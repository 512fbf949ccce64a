"""The tables of the archive's upkeep: what a replay has read and not promoted, the manifests, what is in the store."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from exports.database.base import Base


class Rereading(Base):
    """One row per version a replay has read again and not promoted yet; empty between replays."""

    __tablename__ = "rereadings"

    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    column_id: Mapped[str] = mapped_column(index=True)
    reader: Mapped[str]
    """Fingerprint of the program that read it: what another program read is not promoted"""
    outcome: Mapped[str]
    """reread, unchanged, failed (the templates take the page no longer) or damaged (its evidence)"""
    reason: Mapped[str | None] = mapped_column(Text)
    """Why, for failed and damaged"""
    changes: Mapped[dict[str, Any]]
    """field -> gained, lost or changed"""
    filled: Mapped[dict[str, Any]]
    """Required field -> whether it was filled before and is after"""
    article: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """The article as read now, for reread"""


class Manifest(Base):
    """One row per file in manifests/, in the order of the chain."""

    __tablename__ = "manifests"

    number: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    """Of the file's bytes, which name the digest of the manifest before"""
    made_at: Mapped[datetime]


class StoredFile(Base):
    """One row per file whose copy in the shared store was read back and found right."""

    __tablename__ = "stored_files"

    path: Mapped[str] = mapped_column(primary_key=True)
    """Relative to ARCHIVE_DIR, and to ARCHIVE_STORE"""
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    stored_at: Mapped[datetime]
