"""Whose store it is: one object in it whose digest the database knows.

So a share that is not mounted, an empty bucket or another archive's store is named instead of written into.
"""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from exports import disk, lock
from exports.database.models import StoredFile
from exports.errors import StoreError
from exports.store.objects import Content, content_of
from exports.store.places import Places

MARKER = "zhuanti-archive.json"
"""The object, and the file in ARCHIVE_DIR that is written first: a killed first run knows its own store again."""


class ForeignStore(StoreError):
    """The store holds an archive, and the database does not know which. Raised by join."""


def join(engine: Engine, places: Places) -> None:
    """Make sure that the store is this archive's; the first time it becomes so. Raises StoreError.

    A lost database leaves the question to adopt(), which a rebuilding asks.
    """
    store = places.store
    held = store.read(MARKER)
    with Session(engine) as session:
        row = session.get(StoredFile, MARKER)
    if row is None:
        with Session(engine) as session, session.begin():
            lock.alone(session)  # of two machines one is the first
            if session.get(StoredFile, MARKER) is None:
                _found(session, places)
        return
    if held is None:
        raise StoreError(
            f"the store {store.url} does not hold {MARKER}, which this archive put there: is it mounted, and the "
            "address right? (Where it was lost: `archive migrate --store`)"
        )
    if content_of_bytes(held).sha256 != row.sha256:
        raise StoreError(f"the store {store.url} is another archive's")


def _found(session: Session, places: Places) -> None:
    """The database knows of no store yet: this one becomes its own."""
    store = places.store
    held, mine = store.read(MARKER), places.directory / MARKER
    if held is None:
        if not mine.is_file():
            text = json.dumps({"archive": uuid4().hex, "made_at": datetime.now(UTC).isoformat(timespec="seconds")})
            with disk.replacing(mine, mine.with_suffix(".tmp")) as file:
                file.write(text.encode() + b"\n")
        with mine.open("rb") as file:
            content = content_of(file)
        store.put(MARKER, mine, content)
    elif mine.is_file() and mine.read_bytes() == held:
        content = content_of_bytes(held)
    else:
        raise ForeignStore(
            f"the store {store.url} is another archive's, or this one's whose database was lost: then "
            "`scrapy crawl replay`, before any crawl, rebuilds it"
        )
    vouch(session, MARKER, content)


def adopt(session: Session, places: Places) -> None:
    """Take the store of a lost database over: its evidence and manifests are brought here, its files vouched for.

    What is brought is proved by the checksums inside; a name below files/ is a digest, which every reader compares.
    """
    store = places.store
    held = store.read(MARKER)
    if held is None:
        return
    with disk.replacing(places.directory / MARKER, places.directory / f"{MARKER}.tmp") as file:
        file.write(held)
    found = {MARKER: content_of_bytes(held)}
    for path in [name for folder in ("warc", "manifests") for name in store.sizes(folder)]:
        target = places.directory / path
        if not target.is_file():
            found[path] = store.fetch(path, target)
    for path, size in store.sizes("files").items():
        found[path] = Content(size, Path(path).name.partition(".")[0])
    for path, content in found.items():
        vouch(session, path, content)


def vouch(session: Session, path: str, content: Content) -> None:
    """Note that the store holds the file."""
    now = datetime.now(UTC)
    session.merge(StoredFile(path=path, size=content.size, sha256=content.sha256, stored_at=now))


def content_of_bytes(data: bytes) -> Content:
    return content_of(io.BytesIO(data))
