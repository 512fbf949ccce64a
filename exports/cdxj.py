"""CDXJ: the sorted index beside each WARC file, as replay tools (pywb, ReplayWeb.page) read it.

Derived from the WARC alone and written whole when its file is closed.
"""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

from exports import disk, failpoints
from exports.warc import Record, salvage

INDEXED = ("response", "revisit")
"""The types of the records that have a line."""


def path_of(warc: Path) -> Path:
    """The index beside a WARC file."""
    return warc.with_name(warc.name.removesuffix(".warc.gz") + ".cdxj")


def write(warc: Path) -> Path:
    """Index the whole records of one WARC file; the index replaces an older one atomically."""
    whole = (found for found in salvage(warc) if isinstance(found, Record))
    lines = sorted(line(warc.name, record) for record in whole if record.type in INDEXED)
    target = path_of(warc)
    failpoints.reach("before index write")
    with disk.replacing(target, target.with_suffix(".cdxj.tmp")) as file:
        file.writelines(lines)
    failpoints.reach("after index write")
    return target


def url_key(url: str) -> str:
    """The sort key of an address, as pywb computes it (SURT).

    Host labels reversed and without www, then port, path and sorted query; all in lower case.
    """
    parts = urlsplit(url)
    host = ",".join(reversed(re.sub(r"^www\d*\.", "", parts.hostname or "").split(".")))
    port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    path = parts.path.rstrip("/") or "/"
    query = "?" + "&".join(sorted(parts.query.lower().split("&"))) if parts.query else ""
    return f"{host}{port}){path}".lower() + query


def line(name: str, record: Record) -> bytes:
    """The line of one record of the WARC file of that name, with its line end."""
    headers = {key.lower(): value for key, value in record.headers}
    fields = {
        "url": record.url,
        "mime": "warc/revisit" if record.type == "revisit" else headers.get("content-type", "").split(";")[0].strip(),
        "status": str(record.status),
        "digest": record.warc_headers.get("WARC-Payload-Digest", "-"),
        "length": str(record.length),
        "offset": str(record.offset),
        "filename": name,
    }
    return f"{url_key(record.url)} {record.fetched_at:%Y%m%d%H%M%S} {json.dumps(fields)}\n".encode()
