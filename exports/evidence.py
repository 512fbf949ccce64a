"""The evidence of one process: its WARC files, and a row of `captures` for every response."""

import hashlib
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, bindparam, func, insert, or_, select
from sqlalchemy.orm import Session

from crawler.items import Exchange
from exports import cdxj
from exports.database.models import Base, Capture, Segment
from exports.warc import WarcWriter
from exports.warc_records import Reference

_CAPTURES = Base.metadata.tables["captures"]
_INSERT = insert(_CAPTURES).returning(_CAPTURES.c.id)
_SAME = (  # asked for every response: built once
    select(_CAPTURES)
    .where(
        _CAPTURES.c.url == bindparam("of_url"),
        _CAPTURES.c.status == bindparam("of_status"),
        _CAPTURES.c.payload_sha256 == bindparam("of_payload"),
        _CAPTURES.c.revisit_of.is_(None),
    )
    .order_by(_CAPTURES.c.id.desc())
    .limit(1)
)


class Evidence:
    """Begins a WARC file with the first exchange, and the next one where a file is full."""

    def __init__(self, directory: Path, started_at: datetime, user_agent: str) -> None:
        self._directory = directory
        self._started_at = started_at
        self._user_agent = user_agent
        self._warc: WarcWriter | None = None
        self._segment: Segment | None = None

    def keep(self, session: Session, run_id: int, exchange: Exchange) -> int:
        """Write the exchange to the WARC file and its row into `captures`; returns the row's id."""
        digest = hashlib.sha256(exchange.body).hexdigest()
        earlier = _earlier(session, exchange, digest)
        if self._warc is None:
            about = {
                "software": f"zhuanti-archive/{version('zhuanti-archive')}",
                "format": "WARC File Format 1.1",
                "conformsTo": "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
                "http-header-user-agent": self._user_agent,
                "robots": "obey",
            }
            prefix = f"{self._started_at:%Y%m%d%H%M%S}-{uuid4().hex[:8]}"
            self._warc = WarcWriter(self._directory, prefix, about)
        refers_to = Reference(earlier.warc_record_id, earlier.url, earlier.fetched_at) if earlier else None
        position = self._warc.append(exchange, refers_to)
        # PostgreSQL keeps no NUL in a text; the WARC file has the headers as they came
        headers = {name.lower(): value.replace("\0", "") for name, value in exchange.response_headers}
        values = {
            "url": exchange.url,
            "fetched_at": exchange.fetched_at,
            "status": exchange.status,
            "role": exchange.role,
            "run_id": run_id,
            "warc_file": position.warc_file,
            "warc_offset": position.offset,
            "warc_record_id": position.record_id,
            "payload_sha256": earlier.payload_sha256 if earlier and exchange.status == 304 else digest,
            "revisit_of": earlier.id if earlier else None,
            "etag": headers.get("etag"),
            "last_modified": headers.get("last-modified"),
        }
        # a plain insert, for every response: the session's bookkeeping would cost more than the database
        return int(session.connection().execute(_INSERT, values).scalar_one())

    def before_commit(self, session: Session) -> None:
        """Force the evidence onto the disk, and vouch for it in the session's transaction."""
        if self._warc is None:
            return
        self._warc.sync()
        self._vouch(session, self._warc)
        if self._warc.full():
            self.finish(session)
            self._warc.begin_next()

    def finish(self, session: Session) -> None:
        """Index the WARC file and declare it closed."""
        if self._warc is None:
            return
        self._warc.sync()
        segment = self._vouch(session, self._warc)
        cdxj.write(self._directory / self._warc.relative)
        segment.closed = True

    def close(self) -> None:
        """Let go of the file: from here on it counts as no living run's."""
        if self._warc is not None:
            self._warc.close()

    def _vouch(self, session: Session, warc: WarcWriter) -> Segment:
        if self._segment is None or self._segment.path != warc.relative:
            self._segment = Segment(path=warc.relative, closed=False)
        session.add(self._segment)
        self._segment.size, self._segment.crc32 = warc.size, warc.crc32
        return self._segment


def _earlier(session: Session, exchange: Exchange, digest: str) -> "Capture | Row[Any] | None":
    """The capture that already holds this payload: the same bytes, or (304) what the request said we hold."""
    if exchange.status == 304:
        return _not_modified(session, exchange)
    if not exchange.body:
        return None
    given = {"of_url": exchange.url, "of_status": exchange.status, "of_payload": digest}
    return session.connection().execute(_SAME, given).first()


def _not_modified(session: Session, exchange: Exchange) -> Capture | None:
    asked = {name.lower(): value for name, value in exchange.request_headers}
    if etag := asked.get("if-none-match"):
        meant = Capture.etag == etag
    elif moment := asked.get("if-modified-since"):
        meant = Capture.last_modified == moment
    else:
        return None
    held = session.scalar(
        select(Capture)
        .where(Capture.url == exchange.url, Capture.status == 200, meant)
        .order_by(Capture.id.desc())
        .limit(1)
    )
    return session.get(Capture, held.revisit_of) if held and held.revisit_of else held


def responses_since(session: Session, netloc: str, moment: datetime) -> int:
    """Captures of a host since a moment, over http and https."""
    at_host = or_(*(Capture.url.startswith(f"{scheme}://{netloc}/", autoescape=True) for scheme in ("http", "https")))
    return session.scalar(select(func.count()).where(at_host, Capture.fetched_at >= moment)) or 0
