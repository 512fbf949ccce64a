"""The manifests: after each run a file that says what it added, and the digest of the file before.

Whoever changes an old byte must make every later manifest anew, and the digests written down elsewhere (a mail, a
notebook, another machine) no longer fit. `archive verify` reads the chain and names the run behind a change.

Written with the transaction that ends a run, before its commit; what a killed run added stands in the manifest of the
next one of its column.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table, func, or_, select, update
from sqlalchemy.orm import Session

from exports import disk, failpoints
from exports.database.models import ArticleVersion, Base, Capture, Manifest, Run, Segment
from exports.store.places import Places

FORMAT = 1
_RUN_FIELDS = [column.name for column in Run.__table__.columns if column.name != "manifest"]
STATE = [Base.metadata.tables[name] for name in ("listings", "failures")]
"""The tables a run changes whose rows later runs of the column change again: sealed as they stand after each."""


def path_of(number: int) -> str:
    """The file of the manifest of that number, relative to ARCHIVE_DIR."""
    return f"manifests/{number:08}.json"


def seal(session: Session, places: Places, columns: Sequence[str], now: datetime) -> int | None:
    """Write the next manifest: the columns' runs and the files' bytes no manifest covers yet; returns its number.

    None where nothing was added. What lies on another machine is its own to seal.

    The caller holds the columns, so that their unfinished runs are dead ones.
    """
    directory = places.directory
    adopted = _adopt(session, directory, now)
    runs = session.scalars(select(Run).where(Run.manifest.is_(None), Run.column_id.in_(columns)).order_by(Run.id)).all()
    files = [_entry(directory, segment) for segment in _unsealed(session, places)]
    if not runs and not files:
        return None
    last = session.scalar(select(Manifest).order_by(Manifest.number.desc()).limit(1))
    number = last.number + 1 if last else 1
    manifest = {
        "format": FORMAT,
        "number": number,
        "previous": last.sha256 if last else None,
        "made_at": now.astimezone(UTC).isoformat(),
        # the database was lost and made anew: what earlier manifests say of its rows is history
        "anew": adopted,
        "runs": [_run(session, run) for run in runs],
        "columns": {column_id: state(session, column_id) for column_id in sorted(columns)},
        "files": files,
    }
    data = (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode()
    target = directory / path_of(number)
    failpoints.reach("before manifest")
    with disk.replacing(target, target.with_suffix(".tmp")) as file:
        file.write(data)
    failpoints.reach("after manifest")
    session.add(Manifest(number=number, sha256=hashlib.sha256(data).hexdigest(), made_at=now))
    for run in runs:
        run.manifest = number
    for entry in files:
        session.execute(update(Segment).where(Segment.path == entry["path"]).values(sealed=entry["to"]))
    return number


def versions(session: Session, run_id: int) -> dict[str, Any]:
    """Count and digest of the versions a run added: what a replay leaves as it is, and the evidence they cite."""
    query = (
        select(
            *(ArticleVersion.article_id, ArticleVersion.version, ArticleVersion.event, ArticleVersion.valid_from),
            *(Capture.warc_record_id, Capture.payload_sha256),
        )
        .join(Capture, Capture.id == ArticleVersion.capture_id)
        .where(ArticleVersion.run_id == run_id)
        .order_by(ArticleVersion.article_id, ArticleVersion.version)
    )
    count, digest = 0, hashlib.sha256()
    for article_id, version, event, valid_from, *evidence in session.execute(query):
        row = [article_id, version, event, valid_from.astimezone(UTC).isoformat(), *evidence]
        digest.update(json.dumps(row, ensure_ascii=False).encode() + b"\n")
        count += 1
    return {"count": count, "sha256": digest.hexdigest()}


def run_row(run: Run) -> dict[str, Any]:
    """The run's row, which nothing changes any more; the number of its manifest is left out."""
    return {name: _plain(getattr(run, name)) for name in _RUN_FIELDS}


def state(session: Session, column_id: str) -> dict[str, Any]:
    """The column's ledger and dead letters as the run leaves them: table -> names of its fields, and their digest."""
    found = {}
    for table in STATE:
        names = list(table.columns.keys())
        found[table.name] = {"fields": names} | rows_of(session, table, column_id, names)
    return found


def rows_of(session: Session, table: Table, column_id: str, names: Sequence[str]) -> dict[str, Any]:
    """Count and digest of these fields of the column's rows, in whatever order a database gives them."""
    chosen = select(*(table.c[name] for name in names)).where(table.c.column_id == column_id)
    by_first_byte = [bytearray() for _ in range(256)]  # sorted part by part: a large column's take little memory so
    for row in session.execute(chosen.execution_options(yield_per=1000)):
        text = json.dumps([_plain(value) for value in row], ensure_ascii=False, sort_keys=True)
        digest = hashlib.sha256(text.encode()).digest()
        by_first_byte[digest[0]] += digest
    total = hashlib.sha256()
    for digests in by_first_byte:
        total.update(b"".join(sorted(digests[start : start + 32] for start in range(0, len(digests), 32))))
    return {"count": sum(map(len, by_first_byte)) // 32, "sha256": total.hexdigest()}


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def digest_of(target: Path, start: int, end: int) -> str:
    """SHA-256 of a part of a file; of what there is of it, where it is shorter."""
    digest = hashlib.sha256()
    with target.open("rb") as file:
        file.seek(start)
        while start < end and (chunk := file.read(min(end - start, 1 << 20))):
            digest.update(chunk)
            start += len(chunk)
    return digest.hexdigest()


def _unsealed(session: Session, places: Places) -> Sequence[Segment]:
    """Closed WARC files and JSON Lines files with bytes no manifest covers; not a fleet's lines, see lines.py."""
    complete = or_(Segment.closed, Segment.path.like("jsonl/%")) & Segment.crc32.is_not(None)
    query = select(Segment).where(complete, Segment.sealed < Segment.size).order_by(Segment.path)
    fleet = places.is_fleet(session)
    found = [row for row in session.scalars(query) if not (fleet and row.path.startswith("jsonl/"))]
    return [row for row in found if not places.has_store or (places.directory / row.path).is_file()]


def _entry(directory: Path, segment: Segment) -> dict[str, Any]:
    """The bytes of a file that were added: from 0 where it was written anew."""
    start, end = segment.sealed, segment.size
    return {
        "path": segment.path,
        "from": start,
        "to": end,
        "sha256": digest_of(directory / segment.path, start, end),
    }


def _run(session: Session, run: Run) -> dict[str, Any]:
    return run_row(run) | {"versions": versions(session, run.id)}


def _adopt(session: Session, directory: Path, now: datetime) -> bool:
    """Take the files of a lost database's chain over, so that the chain goes on; returns whether there were any."""
    if session.scalar(select(func.count()).select_from(Manifest)):
        return False
    files = sorted((directory / "manifests").glob("*.json"))
    for number, file in enumerate(files, 1):
        if file.name != Path(path_of(number)).name:
            break
        session.add(Manifest(number=number, sha256=hashlib.sha256(file.read_bytes()).hexdigest(), made_at=now))
    session.flush()
    return bool(files)
