"""The chain of manifests against itself, the files and the rows: what was changed after which run."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exports import manifest
from exports.checks import Findings, Problem, found
from exports.database.models import Manifest, Run, Segment
from exports.store.places import Places

Entries = dict[str, list[tuple[str, dict[str, Any]]]]
"""Path of a file -> who added which bytes, and the manifest's entry of them, in order."""


def check(session: Session, places: Places) -> Findings:
    """Every manifest, every part of a file they name, every run. Archives older than manifests have none to check."""
    entries: Entries = {}
    runs: dict[int, tuple[str, dict[str, Any]]] = {}
    states: dict[str, tuple[str, dict[str, Any]]] = {}
    previous, last, whole = None, 0, True
    for row in session.scalars(select(Manifest).order_by(Manifest.number)):
        where = manifest.path_of(row.number)
        gap = f"manifest {last + 1} is missing before it" if row.number != last + 1 else None
        last = row.number
        try:
            with places.at_hand(session, where) as file:
                data = file.read_bytes()
        except OSError as error:
            missing = "is missing" if not places.has_store else str(error.strerror)
            yield found(where, gap, missing)
            previous, whole = row.sha256, False
            continue
        digest = hashlib.sha256(data).hexdigest()
        if digest != row.sha256:
            yield found(where, gap, "was changed after it was written")
            previous, whole = row.sha256, False
            continue
        held = json.loads(data)  # its digest fits: it is as this program wrote it
        broken = "does not name the digest of the manifest before it" if held["previous"] != previous else None
        previous = digest
        yield found(where, gap, broken)
        if held["anew"]:
            entries.clear()
            runs.clear()
            states.clear()
        states |= {column_id: (where, state) for column_id, state in held.get("columns", {}).items()}
        yield from _take(held, where, entries, runs, whole=whole)
    yield from _surplus(session, places.directory, last)
    yield from _files(session, places, entries)
    yield from _runs(session, runs, whole=whole)
    yield from _states(session, states)


def _runs(session: Session, runs: dict[int, tuple[str, dict[str, Any]]], *, whole: bool) -> Findings:
    """The rows of the runs, and the versions they added; `whole`: no manifest is missing."""
    rows = {run.id: run for run in session.scalars(select(Run).where(Run.manifest.is_not(None)))}
    for run_id, (where, sealed) in runs.items():
        added, held = sealed["versions"], manifest.versions(session, run_id)
        changed = f"run {run_id} added {added['count']} versions; {_difference(added, held)}" if held != added else None
        row = manifest.run_row(rows[run_id]) if run_id in rows else {}
        differing = [name for name in sealed if name in row and row[name] != sealed[name]]
        edited = f"the row of run {run_id} was changed in {', '.join(differing)}" if differing else None
        yield found(where, changed, edited, None if row else f"the row of run {run_id} is missing")
    for run_id in sorted(rows.keys() - runs.keys()) if whole else ():
        yield Problem(f"run {run_id}", f"stands in no manifest, its row says {rows[run_id].manifest}")


def _states(session: Session, states: dict[str, tuple[str, dict[str, Any]]]) -> Findings:
    """The columns' listings and failures as the last run left them; not while another is under way, or was killed."""
    under_way = set(session.scalars(select(Run.column_id).where(Run.manifest.is_(None))))
    for column_id, (where, state) in states.items():
        for table in manifest.STATE if column_id not in under_way else ():
            sealed = state.get(table.name)
            if sealed is None or not set(sealed["fields"]) <= set(table.columns.keys()):
                continue  # an older manifest, or fields that are no more
            held = manifest.rows_of(session, table, column_id, sealed["fields"])
            fault = None
            if held["count"] != sealed["count"]:
                fault = f"there were {sealed['count']} rows of {column_id}, now there are {held['count']}"
            elif held["sha256"] != sealed["sha256"]:
                fault = f"rows of {column_id} were changed after its last run ({where})"
            yield found(table.name, fault)


def _take(
    held: dict[str, Any], where: str, entries: Entries, runs: dict[int, tuple[str, dict[str, Any]]], *, whole: bool
) -> Findings:
    """Take in a manifest; `whole`: none before it was missing or changed."""
    names = ", ".join(f"run {run['id']}" for run in held["runs"]) or "a killed run"
    for run in held["runs"]:
        runs[run["id"]] = where, run
    for entry in held["files"]:
        known = entries.setdefault(entry["path"], [])
        if entry["from"] == 0:
            known.clear()
        elif whole and (not known or known[-1][1]["to"] != entry["from"]):
            yield Problem(where, f"says nothing of what lies before byte {entry['from']} of {entry['path']}")
        known.append((f"{names} ({where})", entry))


def _surplus(session: Session, directory: Path, last: int) -> Iterator[Problem]:
    for file in sorted((directory / "manifests").glob("*.json")):
        # the next one may have been written by a run that was killed before its commit
        if not file.stem.isdecimal() or not 0 < int(file.stem) <= last + 1:
            yield Problem(f"manifests/{file.name}", "the database does not know this manifest")
    newest = session.scalar(select(func.max(Run.manifest))) or 0
    if newest > last:
        yield Problem("manifests", f"runs are in manifest {newest}, the database knows {last}")


def _files(session: Session, places: Places, entries: Entries) -> Findings:
    fleet = places.is_fleet(session)
    sealed = {row.path: row.sealed for row in session.execute(select(Segment.path, Segment.sealed))}
    for path, parts in entries.items():
        if sealed.get(path) == 0:
            continue  # written anew since, by a replay or a repair: the next manifest will tell
        target = places.directory / path
        if path.startswith("jsonl/") and (fleet or (places.has_store and not target.is_file())):
            continue  # each machine's own, see lines.py
        for names, entry in parts:
            start, end = entry["from"], entry["to"]
            if _digest(session, places, path, start, end) != entry["sha256"]:
                yield Problem(path, f"bytes {start} to {end} were changed after {names} wrote them")
            else:
                yield None


def _digest(session: Session, places: Places, path: str, start: int, end: int) -> str | None:
    """SHA-256 of a part of a file; None where it is nowhere."""
    stored = places.stored(session, path)
    if stored is not None and (start, end) == (0, stored.size) and not (places.directory / path).is_file():
        return stored.sha256  # evidence.py has read the store's copy and compared it
    try:
        with places.at_hand(session, path) as file:
            return manifest.digest_of(file, start, end)
    except OSError:
        return None


def _difference(sealed: dict[str, Any], held: dict[str, Any]) -> str:
    if held["count"] != sealed["count"]:
        return f"the database holds {held['count']} of them"
    return "their rows or the evidence they cite were changed later"
