"""The runs and captures of a lost database, found again in the WARC files."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from exports import segments
from exports.database.models import Base, Run
from exports.warc import Record, WarcDamage, salvage, whole_length

SPIDER = "rebuilt"
"""What `runs` calls the spider of a run found again."""
_CAPTURES = Base.metadata.tables["captures"]


def is_lost(session: Session) -> bool:
    """Whether the database knows of no crawl: then it was lost, or never was."""
    return session.scalar(select(Run.id).where(Run.spider != "replay").limit(1)) is None


def is_unfinished(session: Session) -> bool:
    """Whether a rebuilding was killed before it had rebuilt everything."""
    open_ = (Run.spider == SPIDER) & Run.finished_at.is_(None)
    return session.scalar(select(Run.id).where(open_).limit(1)) is not None


def index(session: Session, directory: Path, names: Mapping[str, str]) -> list[str]:
    """Enter every response of the WARC files into `captures`; returns what could not be read, a line each.

    ``names``: column -> its name.
    """
    runs: dict[tuple[str, str], Run] = {}
    ids: dict[str, tuple[int, str]] = {}
    damages = []
    early: list[tuple[Run, str, Record]] = []  # two runs at once: what a record repeats may stand in a later file
    for warc in sorted((directory / "warc").glob("*.warc.gz")):
        series, run = warc.name.rpartition("-")[0], None
        nameless: list[Record] = []  # robots.txt comes before anybody knows of a column
        for record in salvage(warc):
            if isinstance(record, WarcDamage):
                damages.append(_lost(record))
                continue
            if record.type not in ("response", "revisit"):
                continue
            if column_id := record.context.get("column"):
                run = runs.get((series, column_id)) or _begun(session, series, record, names)
                runs[series, column_id] = run
            if run is None:
                nameless.append(record)
                continue
            for each in (*nameless, record):
                if each.type == "revisit" and _origin(each) not in ids:
                    early.append((run, f"warc/{warc.name}", each))
                else:
                    _enter(session, run, f"warc/{warc.name}", each, ids)
            nameless.clear()
        segments.vouch(session, directory, f"warc/{warc.name}", closed=True)
    for run, path, record in early:
        if _origin(record) in ids:
            _enter(session, run, path, record, ids)
        else:
            damages.append(f"{path}: the record at byte {record.offset} repeats one that is lost")
    return damages


def damaged(directory: Path) -> list[str]:
    """What of the WARC files cannot be read, a line each, as index() says it."""
    found = []
    for warc in sorted((directory / "warc").glob("*.warc.gz")):
        found += [_lost(damage) for damage in whole_length(warc)[1]]
    return found


def _lost(damage: WarcDamage) -> str:
    return f"{damage}: the evidence is lost up to byte {damage.end}"


def _origin(record: Record) -> str:
    """The id of the record a revisit repeats."""
    return record.warc_headers.get("WARC-Refers-To", "").strip("<>")


def _begun(session: Session, series: str, record: Record, names: Mapping[str, str]) -> Run:
    context = record.context
    about = {"site_id": context.get("site", ""), "base_url": context.get("home", ""), "arguments": {"warc": series}}
    column_id = context["column"]
    run = Run(spider=SPIDER, column_id=column_id, column_name=names.get(column_id, column_id), **about)
    run.started_at, run.ledger, run.requests, run.bytes = record.fetched_at, {}, 0, 0
    session.add(run)
    session.flush()
    return run


def _enter(session: Session, run: Run, path: str, record: Record, ids: dict[str, tuple[int, str]]) -> None:
    headers = {name.lower(): value.replace("\0", "") for name, value in record.headers}
    origin = ids.get(_origin(record))
    digest = origin[1] if origin else hashlib.sha256(record.payload).hexdigest()
    values = {
        "url": record.url,
        "fetched_at": record.fetched_at,
        "status": record.status,
        "role": record.context.get("role", ""),
        "run_id": run.id,
        "warc_file": path,
        "warc_offset": record.offset,
        "warc_record_id": record.record_id,
        "payload_sha256": digest,
        "revisit_of": origin[0] if origin else None,
        "etag": headers.get("etag"),
        "last_modified": headers.get("last-modified"),
    }
    number = session.execute(insert(_CAPTURES).returning(_CAPTURES.c.id), values).scalar_one()
    if origin is None:
        ids[record.record_id] = number, digest
    run.started_at = min(run.started_at, record.fetched_at)
    run.requests += 1
    run.bytes += len(record.payload)
