"""Memento (RFC 7089): the versions of an article by the address it has on the web, and by time."""

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import quote, unquote

from starlette.responses import RedirectResponse, Response

from exports import query
from exports.database.models import Article, ArticleVersion
from exports.web.errors import BadInput, NotThere
from exports.web.room import Visit


def links(visit: Visit, article: Article, versions: list[ArticleVersion], chosen: ArticleVersion | None = None) -> str:
    """The Link header: original, time gate, time map, and the mementos around the chosen one."""
    url = _uri(article.url)
    found = [f'<{url}>; rel="original"', f'<{visit.address}/timegate/{url}>; rel="timegate"']
    found.append(f'<{visit.address}/timemap/link/{url}>; rel="timemap"; type="application/link-format"')
    if chosen is not None:
        place = versions.index(chosen)
        near = {0, len(versions) - 1, place, max(place - 1, 0), min(place + 1, len(versions) - 1)}
        found += [_memento(visit, versions, index, place) for index in sorted(near)]
    return ", ".join(found)


def _memento(visit: Visit, versions: list[ArticleVersion], index: int, place: int | None = None) -> str:
    version = versions[index]
    relations = ["first"] * (index == 0) + ["last"] * (index == len(versions) - 1)
    if place is not None:
        relations += ["prev"] * (index == place - 1) + ["next"] * (index == place + 1)
    rel = " ".join([*relations, "memento"])
    address = f"{visit.address}/articles/{version.article_id}/versions/{version.version}"
    return f'<{address}>; rel="{rel}"; datetime="{_date(version.valid_from)}"'


def _date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def _uri(url: str) -> str:
    """The address as it may stand in a header."""
    return quote(url, safe=":/?#[]@!$&'()*+,;=%~-._")


def _found(visit: Visit, prefix: str) -> tuple[Article, list[ArticleVersion]]:
    """The article of the address behind the prefix, in the request as it was sent. Raises NotThere."""
    raw = visit.request.scope["raw_path"].decode("latin-1").partition("?")[0].removeprefix(prefix)
    query_string = visit.request.scope["query_string"].decode("latin-1")
    url = raw + (f"?{query_string}" if query_string else "")
    for address in dict.fromkeys((url, unquote(url))):
        if "://" in address and (article := query.find_article(visit.session, address)) is not None:
            return article, query.versions(visit.session, article.id)
    raise NotThere("no-article", value=url[:200])


def timemap(visit: Visit) -> Response:
    """All versions, as application/link-format (RFC 6690)."""
    article, versions = _found(visit, "/timemap/link/")
    url = _uri(article.url)
    here = f"{visit.address}/timemap/link/{url}"
    span = f'from="{_date(versions[0].valid_from)}"; until="{_date(versions[-1].valid_from)}"'
    lines = [
        f'<{url}>; rel="original"',
        f'<{here}>; rel="self"; type="application/link-format"; {span}',
        f'<{visit.address}/timegate/{url}>; rel="timegate"',
        *(_memento(visit, versions, index) for index in range(len(versions))),
    ]
    return Response(",\n".join(lines) + "\n", media_type="application/link-format")


def timegate(visit: Visit) -> Response:
    """Leads to the version that was current at Accept-Datetime; the last one without it. Raises BadInput."""
    article, versions = _found(visit, "/timegate/")
    chosen = versions[-1]
    if asked := visit.request.headers.get("accept-datetime"):
        moment = _moment(asked)
        chosen = next((version for version in versions[::-1] if version.valid_from <= moment), versions[0])
    headers = {"Vary": "accept-datetime", "Link": links(visit, article, versions, chosen)}
    return RedirectResponse(f"{visit.address}/articles/{article.id}/versions/{chosen.version}", 302, headers)


def _moment(text: str) -> datetime:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        raise BadInput("no-moment", value=text[:100]) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
