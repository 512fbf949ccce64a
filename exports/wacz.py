"""WACZ 1.1.1: the evidence of articles in one file that ReplayWeb.page opens, copied byte by byte from the WARC files.

https://specs.webrecorder.net/wacz/1.1.1/
"""

import hashlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import IO, Any, BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from exports import cdxj, query
from exports.database.models import Article, Attachment, Capture, Image
from exports.errors import StorageError
from exports.store.places import Places
from exports.warc import WarcDamage

_WARC = "archive/data.warc.gz"
_CHUNK = 500
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Every entry's time in the zip file, so that the same archive gives the same bytes."""


def write(stream: BinaryIO, session: Session, places: Places, ids: Sequence[int]) -> int:
    """Writes the pages of these articles with their files and images; returns the number of pages.

    Raises StorageError where evidence is missing or damaged.
    """
    captures = _captures(session, ids)
    with tempfile.TemporaryFile() as warc:
        index = sorted(_copy(warc, session, places, captures))
        pages = list(_pages(session, ids))
        created = max((capture.fetched_at for capture in captures), default=datetime(1980, 1, 1, tzinfo=UTC))
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as package:
            resources = [
                _add(package, _WARC, warc),
                _add_bytes(package, "indexes/index.cdxj", b"".join(index)),
                _add_bytes(package, "pages/pages.jsonl", _lines([_HEADER, *pages])),
            ]
            description = {
                "profile": "data-package",
                "wacz_version": "1.1.1",
                "title": "zhuanti-archive",
                "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "software": "zhuanti-archive",
                "resources": resources,
            }
            if pages:
                description |= {"mainPageUrl": pages[0]["url"], "mainPageDate": pages[0]["ts"]}
            text = json.dumps(description, ensure_ascii=False, indent=2).encode()
            _add_bytes(package, "datapackage.json", text)
            digest = {"path": "datapackage.json", "hash": f"sha256:{hashlib.sha256(text).hexdigest()}"}
            _add_bytes(package, "datapackage-digest.json", json.dumps(digest, indent=2).encode())
    return len(pages)


_HEADER = {"format": "json-pages-1.0", "id": "pages", "title": "All Pages", "hasText": True}


def _captures(session: Session, ids: Sequence[int]) -> list[Capture]:
    """What the articles were read from, and the last good capture of each of their files; with what these refer to."""
    found: dict[int, Capture] = {}
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        of_articles = select(Capture).join(Article, Article.capture_id == Capture.id).where(Article.id.in_(chunk))
        captures = list(session.scalars(of_articles))
        for table in (Attachment, Image):
            urls = select(table.url).where(table.article_id.in_(chunk))
            fetched = select(Capture).where(Capture.url.in_(urls), Capture.status == 200).order_by(Capture.id)
            captures += {capture.url: capture for capture in session.scalars(fetched)}.values()
        for capture in captures:
            found[capture.id] = capture
            origin = query.payload_capture(session, capture)
            found[origin.id] = origin
    return [found[number] for number in sorted(found)]


def _copy(target: IO[bytes], session: Session, places: Places, captures: Iterable[Capture]) -> Iterator[bytes]:
    """Copies the records and yields the index line of each."""
    for capture in captures:
        try:
            record = places.record(session, capture)
            offset = target.tell()
            target.write(places.part(session, capture.warc_file, record.offset, record.length))
        except OSError as error:
            raise StorageError(f"the evidence {capture.warc_file} cannot be read: {error.strerror}") from None
        except WarcDamage as error:
            raise StorageError(f"the evidence is damaged: {error}") from None
        yield cdxj.line("data.warc.gz", replace(record, offset=offset))


def _pages(session: Session, ids: Sequence[int]) -> Iterator[dict[str, Any]]:
    for article in query.articles(session, ids):
        capture = session.get_one(Capture, article.capture_id)
        moment = capture.fetched_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        page = {"id": str(article.id), "url": capture.url, "ts": moment, "title": article.title}
        yield page | {"text": article.body_text}


def _lines(rows: Iterable[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _add_bytes(package: zipfile.ZipFile, path: str, content: bytes) -> dict[str, Any]:
    package.writestr(zipfile.ZipInfo(path, _EPOCH), content)
    return _resource(path, hashlib.sha256(content).hexdigest(), len(content))


def _add(package: zipfile.ZipFile, path: str, content: IO[bytes]) -> dict[str, Any]:
    size = content.tell()
    content.seek(0)
    digest = hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]
    content.seek(0)
    entry = zipfile.ZipInfo(path, _EPOCH)
    entry.file_size = size
    with package.open(entry, "w") as target:
        shutil.copyfileobj(content, target)
    return _resource(path, digest, size)


def _resource(path: str, digest: str, size: int) -> dict[str, Any]:
    name = path.rpartition("/")[2]
    return {"name": name, "path": path, "hash": f"sha256:{digest}", "bytes": size}
