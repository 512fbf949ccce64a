"""The reading room as an ASGI application: which address is answered by what, and what goes wrong how."""

from collections.abc import Callable, Iterable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from exports.config import Config
from exports.web import articles, files, lists, memento, openapi, pages, tables
from exports.web.errors import Refusal
from exports.web.guard import FRAME_POLICY, Guard
from exports.web.rendering import STATIC, render
from exports.web.room import SECONDS, Page, Room, endpoint
from exports.web.tables import Table
from exports.web.texts import Language

PAGES: dict[str, Page] = {
    "/": pages.find,
    "/find": articles.by_address,
    "/articles/{id:int}": articles.current,
    "/articles/{id:int}/versions/{number:int}": articles.version,
    "/articles/{id:int}/versions/{number:int}/cite/{style}": articles.citation,
    "/articles/{id:int}/diff": articles.difference,
    "/captures/{id:int}": articles.evidence,
    "/captures/{id:int}/frame": articles.frame,
    "/captures/{id:int}/payload": articles.payload,
    "/pictures/{sha256}": files.picture,
    "/files/{sha256}": files.attachment,
    "/people": pages.people,
    "/people/{name:path}": pages.person,
    "/units": pages.units,
    "/units/{name:path}": pages.unit,
    "/charts": pages.charts,
    "/charts/{by}": pages.charts,
    "/coverage": pages.coverage,
    "/coverage/{column}": pages.entries,
    "/runs": pages.runs,
    "/failures": pages.failures,
    "/timemap/link/{url:path}": memento.timemap,
    "/timegate/{url:path}": memento.timegate,
    "/api/articles/{id:int}": articles.record,
    "/api/articles/{id:int}/versions/{number:int}": articles.record,
    "/api/articles/{id:int}/diff": articles.difference_api,
    "/api/captures/{id:int}": articles.capture_api,
    "/api/openapi.json": openapi.answer,
}
LISTS: dict[str, Callable[[Any], Table]] = {
    "/articles": lists.articles,
    "/people": lists.people,
    "/units": lists.units,
    "/coverage": lists.coverage,
    "/coverage/{column}": lists.entries,
    "/runs": lists.runs,
    "/failures": lists.failures,
    "/articles/{id:int}/versions": articles.versions_table,
    "/charts/column": lists.chart("column"),
    "/charts/unit": lists.chart("unit"),
    "/charts/terms": lists.chart("terms"),
}
"""Each is there as .csv, .jsonl and .atom, and as JSON below /api."""


def create_app(config: Config, names: Iterable[str] = (), seconds: float = SECONDS) -> Starlette:
    """The application over the archive. `names` are further host names it answers to."""
    room = Room(config, seconds)
    routes = [
        Route(path + f".{form}", endpoint(room, tables.download(make, form)))
        for path, make in LISTS.items()
        for form in tables.FORMATS
    ]
    routes += [Route(f"/api{path}", endpoint(room, tables.api(make))) for path, make in LISTS.items()]
    routes += [Route(path, endpoint(room, page)) for path, page in PAGES.items()]
    return Starlette(
        routes=[*routes, Mount("/static", StaticFiles(directory=STATIC))],
        middleware=[Middleware(Guard, names=tuple(names))],
        exception_handlers={Refusal: _refused, HTTPException: _http_error, Exception: _failed},
    )


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return _error(request, error.status, error.key, **error.values)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(request, error.status_code, "no-page-here" if error.status_code == 404 else "unexpected")


def _failed(request: Request, error: Exception) -> Response:
    return _error(request, 500, "unexpected")


def _error(request: Request, status: int, key: str, **values: object) -> Response:
    answer = _error_page(request, status, key, **values)
    if request.url.path.startswith("/timegate/"):  # RFC 7089 asks it of every answer of a time gate
        answer.headers.add_vary_header("accept-datetime")
    return answer


def _error_page(request: Request, status: int, key: str, **values: object) -> Response:
    language = Language.of(request)
    message = language.text(key, **values)
    if request.url.path.startswith("/api/"):
        return tables.json_answer({"error": key, "message": message}, status)
    if request.url.path.endswith("/frame"):
        return PlainTextResponse(message, status, {"Content-Security-Policy": FRAME_POLICY})
    return render(request, language, "error.html", status, status=status, message=message, columns={})
