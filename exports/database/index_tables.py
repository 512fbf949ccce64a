"""What the full-text index knows of each text besides the text; derived, and rebuilt by `archive migrate --reindex`.

The index proper is the table `search_index` (SQLite: FTS5; PostgreSQL: it leads to lists), with the tables
`search_index_…` beside it. Its rows have the article's id for its current text and the negative id of
`search_documents` for any other text; see exports/index/.
"""

from sqlalchemy import BigInteger, ForeignKey, Index, false
from sqlalchemy.orm import Mapped, mapped_column

from exports.database.base import Base


class SearchArticle(Base):
    """One row per article in the full-text index: what results are narrowed, ordered and counted by, in short rows."""

    __tablename__ = "search_articles"
    __table_args__ = (
        Index("ix_search_articles_published", "published_at", "id"),
        Index("ix_search_articles_source", "source"),
    )

    id: Mapped[int] = mapped_column(ForeignKey("articles.id"), primary_key=True, autoincrement=False)
    """The article's id"""
    version: Mapped[int]
    """The version whose text is in the index as the article's current one"""
    checksum: Mapped[int] = mapped_column(BigInteger)
    """CRC-32 of the text in the index, to notice a text that was changed behind the index"""
    column_id: Mapped[str]
    source: Mapped[str]
    published_at: Mapped[str | None]
    attachments: Mapped[int]
    """How many attachments the article has"""
    as_printed: Mapped[bool] = mapped_column(server_default=false())
    """Whether words of ideographs can be looked for in the text as printed, see exports/index/text.py"""


class SearchDocument(Base):
    """One row per further text in the full-text index: an earlier version, or the text of an attachment."""

    __tablename__ = "search_documents"

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id"), index=True)
    version: Mapped[int | None]
    """The number of the earlier version; NULL for an attachment"""
    attachment: Mapped[int | None]
    """The attachment's seq; NULL for a version"""
    checksum: Mapped[int] = mapped_column(BigInteger)
    """As in search_articles"""


class SearchState(Base):
    """One row once the full-text index is complete; none while it must be rebuilt."""

    __tablename__ = "search_state"

    made_by: Mapped[str] = mapped_column(primary_key=True)
    """Database system, version of our tokens and of Unicode: an index made by another combination is rebuilt"""
    articles: Mapped[int] = mapped_column(server_default="0")
    """Articles there were when the index was made; when it has outgrown them, its common terms are chosen anew"""
