"""Templates into answers. Everything a template prints is escaped, and freed of control and bidi characters first."""

import hashlib
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from exports.index import marks
from exports.terminal import local_time, printable
from exports.web.texts import LANGUAGES, Language

_FOLDER = Path(__file__).parent
STATIC = _FOLDER / "static"
_NOT_IN_MARKUP = {0xFFFE: None, 0xFFFF: None}


def shown(value: Any) -> Any:
    """A text as it may be shown: no control characters, nothing that turns the reading direction."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return "" if value is None else value
    return clean(value)


def clean(text: str) -> str:
    """The text without control and bidi characters, and without the two that neither HTML nor XML may hold."""
    return printable(text, keep="\n\t").translate(_NOT_IN_MARKUP)


def marked(text: str, terms: list[str]) -> Markup:
    """The text, escaped, the hits of the (folded) terms in it marked."""
    text = clean(text)
    parts, end = [], 0
    for start, stop in marks.hits(text, terms):
        parts += [escape(text[end:start]), Markup("<mark>"), escape(text[start:stop]), Markup("</mark>")]
        end = stop
    return Markup("").join([*parts, escape(text[end:])])


def published(value: str | None) -> str:
    """A printed date to its precision, the T of ISO 8601 a blank."""
    return (value or "").replace("T", " ")


def segment(value: object) -> str:
    """A value as one segment of a path."""
    return quote(str(value), safe="")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"marked": marked, "published": published, "segment": segment, "time": _time}
    environment.globals["static"] = _static
    return environment


def _time(moment: datetime | None) -> Markup:
    if moment is None:
        return Markup("")
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), local_time(moment))


@cache
def _static(name: str) -> str:
    """The address of a static file; it changes with the file, so that browsers may keep it."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


def query_string(request: Request, **changes: object) -> str:
    """The arguments of the request, changed (None takes one away), as they stand behind the path."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in {*changes, "lang"}]
    kept += [(name, str(value)) for name, value in changes.items() if value is not None]
    text = urlencode([(name, value.encode("utf-8", "replace")) for name, value in kept if value])
    return f"?{text}" if text else ""


def render(request: Request, language: Language, template: str, code: int = 200, **values: Any) -> Response:
    """The page as HTML; an explicit `lang` in its address is remembered in a cookie."""

    def here(path: str | None = None, **changes: object) -> str:
        return quote(path or request.url.path, safe="/:") + (query_string(request, **changes))

    html = (
        _environment()
        .get_template(template)
        .render(t=language.text, language=language, here=here, request=request, path=request.url.path, **values)
    )
    response = HTMLResponse(html, code, {"Content-Language": language.tag, "Vary": "Accept-Language, Cookie"})
    if request.query_params.get("lang") in LANGUAGES:
        response.set_cookie("lang", language.code, max_age=31_536_000, httponly=True, samesite="lax")
    return response
