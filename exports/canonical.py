"""The canonical article: what its hashes are over, and what makes a revision."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from crawler import items
from exports.database.models import ArticleFields, ArticleVersion

COLUMNS = [name for name in ArticleFields.__annotations__ if name in {f.name for f in fields(items.Article)}]
"""The columns that are copied from the item by name."""
BYTES = ("sha256", "media_type", "size", "path", "text")
"""What is known of a file once it was fetched."""
LISTS = ("authors", "attachments", "images")
"""What a version holds as JSON and the current one also in tables of their own."""
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


def text_hash(article: items.Article) -> str:
    """SHA-256 over title, text and file bytes: equal for one text at two addresses."""
    files = [file.sha256 or file.name for file in (*article.attachments, *article.images)]
    return _sha256([article.title, article.body_text, files])


def item_of(version: ArticleVersion) -> items.Article:
    """The item a version was made of, as far as the archive keeps it."""
    return items.Article(
        **{name: getattr(version, name) for name in COLUMNS},
        authors=[items.Author(**author) for author in version.authors],
        attachments=[items.Attachment(**file) for file in version.attachments],
        images=[items.Attachment(**file) for file in version.images],
    )


def changed_fields(
    before: ArticleVersion, article: items.Article, late: Mapping[str, items.Attachment] = MappingProxyType({})
) -> list[str]:
    """The names of the canonical fields that differ from that version, had it had these files (by address)."""
    old = {name: getattr(before, name) for name in HASHED}
    old["attachments"] = [[file["name"], file["sha256"]] for file in completed(before.attachments, late)]
    old["images"] = [file["sha256"] for file in completed(before.images, late)]
    new = canonical(article)
    return [name for name in HASHED if old[name] != new[name]]


def completed(files: list[dict[str, Any]], late: Mapping[str, items.Attachment]) -> list[dict[str, Any]]:
    """The files of a version, those that came late filled in."""
    whole = []
    for file in files:
        if file["sha256"] is None and (found := late.get(file["url"])):
            file = file | {name: getattr(found, name) for name in BYTES} | {"name": file["name"] or found.name}
        whole.append(file)
    return whole


def _sha256(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
