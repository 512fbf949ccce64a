"""Bytes of the archive as a browser may have them: pictures in their place, everything else to save."""

import re
import zlib
from urllib.parse import quote

import brotli
import zstandard
from markupsafe import escape
from starlette.responses import Response
from w3lib.encoding import html_to_unicode

from exports import query
from exports.database.models import Capture
from exports.errors import StoreError
from exports.terminal import printable
from exports.warc import Record, WarcDamage
from exports.web import guard, markup, questions
from exports.web.errors import NotThere
from exports.web.room import Visit

_MOST = 8_000_000
"""Bytes of a page that is shown in a frame; a longer one can be saved."""
_PICTURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"BM": "image/bmp"}
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f"\\/:*?<>|;%]')


def picture(visit: Visit) -> Response:
    """An archived picture. Only what begins as one is shown, whatever the site called it."""
    content, _ = _file(visit, visit.request.path_params["sha256"])
    start = content[:12]
    kind = next((kind for magic, kind in _PICTURES.items() if start.startswith(magic)), None)
    if start[:4] == b"RIFF" and start[8:] == b"WEBP":
        kind = "image/webp"
    if kind is None:
        raise NotThere("no-picture")
    # readable from the sandboxed frame, whose origin is nobody's
    headers = {"Content-Security-Policy": guard.FILE_POLICY, "Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(content, media_type=kind, headers=headers | {"Cache-Control": "private, max-age=86400"})


def attachment(visit: Visit) -> Response:
    """An archived file, to save under its printed name; never shown."""
    sha256 = visit.request.path_params["sha256"]
    content, suffix = _file(visit, sha256)
    row = questions.file_of(visit.session, sha256)
    return _download(content, file_name(row.name if row else "", suffix or ".bin"))


def _file(visit: Visit, sha256: str) -> tuple[bytes, str]:
    """The bytes of an archived file, here or in the store, and its extension. Raises NotThere."""
    row = questions.file_of(visit.session, sha256) if re.fullmatch("[0-9a-f]{64}", sha256) else None
    folder = (visit.room.config.directory / "files").resolve()
    path = (visit.room.config.directory / row.path).resolve() if row and row.path else None
    if row is None or not row.path or path is None or not path.is_relative_to(folder):
        raise NotThere("no-file", value=sha256)
    try:
        with visit.room.places.at_hand(visit.session, row.path) as file:
            return file.read_bytes(), file.suffix
    except (OSError, StoreError):
        raise NotThere("no-file", value=sha256) from None


def file_name(printed: str, suffix: str) -> str:
    """A name to save under: the printed one without what a file system or a header could take amiss."""
    suffix = suffix if re.fullmatch(r"\.[A-Za-z0-9]{1,8}", suffix) else ".bin"
    stem = _NOT_IN_NAMES.sub("_", printable(printed)).strip(" ._")
    stem = stem[: -len(suffix)] if stem.lower().endswith(suffix.lower()) else stem
    return (stem[:80] or "file") + suffix


def _download(content: bytes, name: str) -> Response:
    response = Response(content, media_type="application/octet-stream")
    return to_save(response, name)


def to_save(response: Response, name: str) -> Response:
    """The answer as a file to save: never opened in the room's own origin."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    )
    response.headers["Content-Security-Policy"] = guard.FILE_POLICY
    return response


def record_of(visit: Visit, capture: Capture) -> Record:
    """The WARC record that holds the capture's payload. Raises NotThere where the file is missing or damaged."""
    source = query.payload_capture(visit.session, capture)
    path = (visit.room.config.directory / source.warc_file).resolve()
    try:
        if not path.is_relative_to(visit.room.config.directory.resolve()):
            raise NotThere("no-evidence", cause=source.warc_file)
        return visit.room.places.record(visit.session, source)
    except OSError as error:
        raise NotThere("no-evidence", cause=f"{source.warc_file}: {error.strerror}") from None
    except StoreError as error:
        raise NotThere("no-evidence", cause=f"{source.warc_file}: {error}") from None
    except WarcDamage as error:
        raise NotThere("no-evidence", cause=f"{source.warc_file}: {error.what}") from None


def payload(visit: Visit, capture: Capture) -> Response:
    """The response body, byte for byte as the server sent it."""
    return _download(record_of(visit, capture).payload, f"capture-{capture.id}.bin")


def framed(visit: Visit, capture: Capture) -> Response:
    """The page as fetched, without scripts, forms and links, for the sandboxed frame."""
    record = record_of(visit, capture)
    headers = {name.lower(): value for name, value in record.headers}
    content = _decoded(record.payload, headers.get("content-encoding", ""))
    if len(content) > _MOST:
        raise NotThere("too-long-page", most=_MOST // 1_000_000)
    kind = headers.get("content-type", "")
    if kind.strip() and not any(name in kind.lower() for name in ("html", "text/", "json", "xml")):
        raise NotThere("no-page", kind=kind.partition(";")[0])
    _, text = html_to_unicode(kind, content)
    if kind.strip() and "html" not in kind.lower():
        text = f"<pre>{escape(text)}</pre>"
    version = questions.version_of_capture(visit.session, capture)
    pictures = {file["url"]: file["sha256"] for file in version.images if file["sha256"]} if version else {}

    def image(url: str) -> str | None:
        return f"/pictures/{pictures[url]}" if url in pictures else None

    shown = markup.frame(text, capture.url, image)
    page = f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>-</title><body>{shown}</body></html>'
    response = Response(page, media_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = guard.FRAME_POLICY
    return response


def _decoded(content: bytes, encodings: str) -> bytes:
    """The body unpacked, at most one byte more than _MOST of it. Raises NotThere where it cannot be."""
    for encoding in reversed([name.strip().lower() for name in encodings.split(",") if name.strip()]):
        try:
            if encoding in ("gzip", "x-gzip"):
                content = zlib.decompressobj(zlib.MAX_WBITS + 16).decompress(content, _MOST + 1)
            elif encoding == "deflate":
                bits = zlib.MAX_WBITS if content[:1] == b"\x78" else -zlib.MAX_WBITS
                content = zlib.decompressobj(bits).decompress(content, _MOST + 1)
            elif encoding == "br":
                content = brotli.Decompressor().process(content, output_buffer_limit=_MOST + 1)
            elif encoding == "zstd":
                content = zstandard.ZstdDecompressor().stream_reader(content).read(_MOST + 1)
            elif encoding != "identity":
                raise NotThere("no-encoding", value=encoding)
        except (zlib.error, brotli.error, zstandard.ZstdError) as error:
            raise NotThere("no-encoding", value=f"{encoding}: {error}") from None
    return content
