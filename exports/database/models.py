"""The tables of the archive, as analysts query them (names: see the README's schema section).

Times are UTC; ``published_at`` is the printed Asia/Shanghai wall time as ISO 8601 text, because its
precision varies. This module is their index: import tables from here, so that all of them are known to the metadata.
"""

from exports.database.article_tables import (
    Article,
    ArticleAuthor,
    ArticleFields,
    ArticlePart,
    ArticleVersion,
    Attachment,
    FileFields,
    FileText,
    Image,
)
from exports.database.base import Base, UTCDateTime
from exports.database.index_tables import SearchArticle, SearchDocument, SearchState
from exports.database.record_tables import Capture, Failure, GoneCheck, Listing, Run, Segment
from exports.database.upkeep_tables import Manifest, Rereading, StoredFile

__all__ = [
    "Article",
    "ArticleAuthor",
    "ArticleFields",
    "ArticlePart",
    "ArticleVersion",
    "Attachment",
    "Base",
    "Capture",
    "Failure",
    "FileFields",
    "FileText",
    "GoneCheck",
    "Image",
    "Listing",
    "Manifest",
    "Rereading",
    "Run",
    "SearchArticle",
    "SearchDocument",
    "SearchState",
    "Segment",
    "StoredFile",
    "UTCDateTime",
]
