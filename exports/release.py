"""A release: the articles as files other people can check, cite and describe in their own catalogues.

A folder that is a Frictionless data package and an RO-Crate at once. Nothing in it depends on when or where it is
built: the same archive gives the same bytes.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crawler import items
from exports import csv, disk, jsonl, parquet, query, search
from exports.database.models import Article
from exports.schema import docstrings

RIGHTS = "The texts belong to their publishers; see README.md."
_NAME = "zhuanti-archive"
_TYPES = {
    **dict.fromkeys(("id", "version", "duplicate_of", "capture_id", "run_id"), "integer"),
    **dict.fromkeys(("first_seen_at", "last_seen_at", "changed_at"), "datetime"),
}
_LISTS = ("breadcrumb", "authors", "attachments", "images")
_MEANINGS = {
    "event": "What made this version: archived, revised, withdrawn or restored.",
    "id": "The article's number in this archive.",
    "status": "live or withdrawn.",
    "version": "Number of the current version.",
    "content_hash": "SHA-256 over the canonical article.",
    "duplicate_of": "The article with the same content first seen.",
    "first_seen_at": "UTC.",
    "last_seen_at": "UTC.",
    "changed_at": "When the current version was first seen, UTC.",
    "capture_id": "The capture (WARC record) this row was read from.",
    "run_id": "The run that archived this version.",
}
CROSSWALK = (
    ("id", "identifier", "唯一标识"),
    ("url", "url", "网页地址（URL）"),
    ("title", "headline", "题名"),
    ("subtitle", "alternativeHeadline", "副题名"),
    ("author", "author", "责任者"),
    ("unit", "affiliation", "责任者所属机构"),
    ("column_name", "articleSection", "所属栏目"),
    ("breadcrumb", "breadcrumb", "栏目层级"),
    ("source", "sourceOrganization", "信息来源"),
    ("content_type", "genre", "信息类型"),
    ("published_at", "datePublished", "发布日期"),
    ("changed_at", "dateModified", "变更日期"),
    ("body_text", "articleBody", "正文内容"),
    ("attachments", "associatedMedia", "附件"),
    ("images", "image", "图像"),
    ("editor_note", "correction", "编者注"),
    ("version", "version", "版本"),
    ("status", "creativeWorkStatus", "状态"),
    ("content_hash", "sha256", "数字摘要（固化信息）"),
    ("first_seen_at", "dateCreated", "采集时间"),
    ("capture_id", "isBasedOn", "归档来源记录（WARC）"),
)
"""field -> schema.org property -> what GB/T 42147-2022 (政府网站网页归档指南) asks to be recorded, by concept."""


@dataclass(frozen=True)
class File:
    """One file of the release."""

    path: str
    size: int
    sha256: str


def build(session: Session, folder: Path) -> list[File]:
    """Writes the release into the folder, which must be empty or new. Raises OSError."""
    ids = search.matching(session, search.Filters(), "oldest")

    def records() -> Iterator[Mapping[str, Any]]:
        return (jsonl.record(version) for version in query.current_versions(session, ids))

    def as_lines(stream: BinaryIO) -> None:
        for record in records():
            stream.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")

    writers: dict[str, Callable[[BinaryIO], object]] = {
        "articles.csv": lambda stream: csv.write(stream, records()),
        "articles.jsonl": as_lines,
        "articles.parquet": lambda stream: parquet.write(stream, records(), jsonl.KEYS),
        "crosswalk.csv": lambda stream: csv.write(stream, _crosswalk()),
    }
    folder.mkdir(parents=True, exist_ok=True)
    files = [_write(folder, path, write) for path, write in writers.items()]
    changed = session.scalar(select(func.max(Article.changed_at)))
    about = _About(len(ids), changed.astimezone(UTC) if changed else datetime(1970, 1, 1, tzinfo=UTC))
    files.append(_write_text(folder, "README.md", _readme(about)))
    files.append(_write_json(folder, "datapackage.json", _package(about, files)))
    files.append(_write_json(folder, "ro-crate-metadata.json", _crate(about, files)))
    sums = "".join(f"{file.sha256}  {file.path}\n" for file in sorted(files, key=lambda file: file.path))
    files.append(_write_text(folder, "SHA256SUMS", sums))
    return files


@dataclass(frozen=True)
class _About:
    articles: int
    changed: datetime
    """When anything in it changed last: the release's date"""

    @property
    def day(self) -> str:
        return self.changed.strftime("%Y-%m-%d")

    @property
    def description(self) -> str:
        return f"{self.articles} articles of the web columns of 商务部直属机关党委, as archived up to {self.day}."


def _crosswalk() -> Iterator[dict[str, str]]:
    for name, schema, concept in CROSSWALK:
        yield {"field": name, "schema.org": f"https://schema.org/{schema}", "GB/T 42147-2022": concept}


def _package(about: _About, files: list[File]) -> dict[str, Any]:
    kinds = {"csv": "text/csv", "jsonl": "application/jsonl", "parquet": "application/vnd.apache.parquet"}
    resources = []
    for file in files:
        stem, _, kind = file.path.rpartition(".")
        if kind not in kinds:
            continue
        resource: dict[str, Any] = {"name": f"{stem}-{kind}", "path": file.path, "format": kind}
        resource |= {"mediatype": kinds[kind], "bytes": file.size, "hash": f"sha256:{file.sha256}"}
        if kind == "parquet":
            # has its own schema, with lists, which frictionless cannot read as a table: it checks size and hash alone
            resource["type"] = "file"
        else:
            resource["encoding"] = "utf-8"
        if file.path == "articles.csv":
            resource |= {"profile": "tabular-data-resource", "schema": {"fields": _fields(), "primaryKey": "id"}}
        resources.append(resource)
    return {
        "profile": "data-package",
        "name": _NAME,
        "title": "Archive of the web columns of 商务部直属机关党委",
        "description": about.description,
        "version": about.day,
        "created": about.changed.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "rights": RIGHTS,
        "resources": resources,
    }


def _fields() -> list[dict[str, str]]:
    meanings = docstrings(items.Article) | _MEANINGS
    terms = {name: f"https://schema.org/{schema}" for name, schema, _ in CROSSWALK}
    fields = []
    for name in jsonl.KEYS:
        field = {"name": name, "type": _TYPES.get(name, "string"), "description": meanings.get(name, "")}
        if name in _LISTS:
            field["description"] += " In this file joined by '; '; articles.jsonl has the parts."
        fields.append(field | ({"rdfType": terms[name]} if name in terms else {}))
    return fields


def _crate(about: _About, files: list[File]) -> dict[str, Any]:
    parts = [{"@id": file.path} for file in files]
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": "Archive of the web columns of 商务部直属机关党委",
        "description": about.description,
        "datePublished": about.day,
        "license": RIGHTS,
        "inLanguage": "zh-CN",
        "hasPart": parts,
    }
    descriptor = {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        "about": {"@id": "./"},
    }
    entities = [
        {"@id": file.path, "@type": "File", "contentSize": str(file.size), "sha256": file.sha256} for file in files
    ]
    return {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": [descriptor, root, *entities]}


def _readme(about: _About) -> str:
    return f"""# Archive of the web columns of 商务部直属机关党委

{about.description}

- `articles.jsonl`: every field of the current version of every article, oldest first; the authoritative form.
- `articles.parquet`: the same, typed, and `published_on` (the day, where it is known).
- `articles.csv`: the same for spreadsheets: lists are joined, cells that would run as a formula begin with `'`.
- `datapackage.json`: Frictionless data package: the meaning and type of every field.
- `ro-crate-metadata.json`: RO-Crate 1.1: what the files are, with their SHA-256.
- `crosswalk.csv`: the fields as schema.org names them, and by concept in GB/T 42147-2022 (政府网站网页归档指南). That
  guideline names what must be recorded, not fields: the third column says which of its concepts a field serves.
- `SHA256SUMS`: check with `sha256sum -c SHA256SUMS`.

The texts are the publishers'; cite the address, the time of capture and the digest of what you use.
"""


def _write_text(folder: Path, path: str, text: str) -> File:
    return _write(folder, path, lambda stream: stream.write(text.encode()))


def _write_json(folder: Path, path: str, value: dict[str, Any]) -> File:
    return _write_text(folder, path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def _write(folder: Path, path: str, write: Callable[[BinaryIO], object]) -> File:
    target = folder / path
    with disk.replacing(target, folder / f".{path}.part") as stream:
        write(stream)
    with target.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return File(path, target.stat().st_size, digest)
