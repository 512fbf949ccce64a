"""CDXJ: the sorted index beside each WARC file, as replay tools (pywb, ReplayWeb.page) read it.

Derived from the WARC alone and written whole when its file is closed.
"""

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

from exports.warc import Record, walk


def write(warc: Path) -> Path:
    """Index one whole WARC file; the index replaces an older one atomically."""
    lines = sorted(
        _line(warc.name, record) for record in walk(warc) if record.type in ("response", "revisit")
    )
    target = warc.with_name(warc.name.removesuffix(".warc.gz") + ".cdxj")
    draft = target.with_suffix(".cdxj.tmp")
    draft.write_text("".join(lines), encoding="utf-8")
    os.replace(draft, target)
    return target


def url_key(url: str) -> str:
    """The sort key of an address: host labels reversed, then port, path and query in lower case."""
    parts = urlsplit(url)
    host = ",".join(reversed((parts.hostname or "").split(".")))
    port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    query = f"?{parts.query}" if parts.query else ""
    return f"{host}{port}){parts.path or '/'}{query}".lower()


def _line(name: str, record: Record) -> str:
    headers = {key.lower(): value for key, value in record.headers}
    fields = {
        "url": record.url,
        "mime": "warc/revisit"
        if record.type == "revisit"
        else headers.get("content-type", "").split(";")[0].strip(),
        "status": str(record.status),
        "digest": record.warc_headers.get("WARC-Payload-Digest", "-"),
        "length": str(record.length),
        "offset": str(record.offset),
        "filename": name,
    }
    return f"{url_key(record.url)} {record.fetched_at:%Y%m%d%H%M%S} {json.dumps(fields)}\n"
