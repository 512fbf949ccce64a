"""The pages of one article: its versions, what changed between two, the evidence, citations."""

from datetime import UTC
from email.utils import format_datetime
from typing import Any

from starlette.responses import PlainTextResponse, RedirectResponse, Response

from exports import comparison, jsonl, query
from exports.database.models import Article, ArticleVersion, Capture, Listing
from exports.web import arguments, cite, files, markup, memento, questions, tables
from exports.web.errors import BadInput, NotThere
from exports.web.pages import show
from exports.web.room import Visit

_FACTS = (
    *("column_name", "published_at", "author", "unit", "position", "byline", "source", "content_type"),
    *("editor_note", "url", "first_seen_at", "last_seen_at", "extractor"),
)


def find(visit: Visit) -> tuple[Article, list[ArticleVersion]]:
    """The article the path names and its versions. Raises NotThere."""
    number = visit.request.path_params["id"]
    article = query.find_article(visit.session, str(number))
    if article is None:
        raise NotThere("no-article", value=number)
    return article, query.versions(visit.session, article.id)


def pick(versions: list[ArticleVersion], number: int) -> ArticleVersion:
    """The version of that number. Raises NotThere."""
    for version in versions:
        if version.version == number:
            return version
    raise NotThere("no-version", value=number, allowed=", ".join(str(version.version) for version in versions))


def permanent(visit: Visit, version: ArticleVersion) -> str:
    """The version's address, which will always show this version."""
    return f"{visit.address}/articles/{version.article_id}/versions/{version.version}"


def current(visit: Visit) -> Response:
    """The article as it is now."""
    article, versions = find(visit)
    response = _article(visit, article, versions, pick(versions, article.version), fixed=False)
    response.headers["Link"] = memento.links(visit, article, versions)
    return response


def version(visit: Visit) -> Response:
    """One version, at its permanent address: a memento."""
    article, versions = find(visit)
    chosen = pick(versions, visit.request.path_params["number"])
    response = _article(visit, article, versions, chosen, fixed=True)
    response.headers["Memento-Datetime"] = format_datetime(chosen.valid_from.astimezone(UTC), usegmt=True)
    response.headers["Link"] = memento.links(visit, article, versions, chosen)
    return response


def _article(
    visit: Visit, article: Article, versions: list[ArticleVersion], version: ArticleVersion, *, fixed: bool
) -> Response:
    pictures = {file["url"]: file["sha256"] for file in version.images if file["sha256"]}
    linked: dict[str, int] = {}

    def image(url: str) -> str | None:
        return f"/pictures/{pictures[url]}" if url in pictures else None

    def link(url: str) -> str | None:
        if url and url not in linked:
            linked.update({url: 0} | questions.articles_at(visit.session, [url]))
        return f"/articles/{linked[url]}" if linked.get(url) else url or None

    body, outline = markup.body(version.body_html, version.url, image, link)
    capture = visit.session.get_one(Capture, version.capture_id)
    cited = cite.Cited(version, capture, permanent(visit, version))
    return show(
        visit,
        "article.html",
        article=article,
        version=version,
        versions=versions,
        fixed=fixed,
        body=body,
        outline=outline if len(outline) > 1 else [],
        facts=[(name, getattr(article if name == "last_seen_at" else version, name)) for name in _FACTS],
        capture=capture,
        citations={style: make(cited) for style, make in cite.STYLES.items()},
        permanent=cited.permanent,
        neighbours=questions.neighbours(visit.session, article),
        same_text=questions.same_text(visit.session, article),
    )


def difference(visit: Visit) -> Response:
    """Two versions side by side; by default the last two. Raises BadInput."""
    article, versions = find(visit)
    last = versions[-1].version
    newer = arguments.number(visit, "to", last, 10**6)
    older = arguments.number(visit, "from", max(newer - 1, 1), 10**6)
    if older == newer and len(versions) > 1:
        raise BadInput("same-version", value=older)
    before, after = pick(versions, older), pick(versions, newer)
    return show(
        visit, "diff.html", article=article, versions=versions, before=before, after=after, **_compared(before, after)
    )


def _compared(before: ArticleVersion, after: ArticleVersion) -> dict[str, Any]:
    fields = [
        (name, comparison.within(*(comparison.plain(getattr(each, name)) for each in (before, after))))
        for name in comparison.differing(before, after)
    ]
    paragraphs = list(comparison.paragraphs(before.body_text.split("\n"), after.body_text.split("\n")))
    return {"fields": fields, "paragraphs": paragraphs, "differs": before.body_text != after.body_text}


def difference_api(visit: Visit) -> Response:
    """The same comparison as JSON."""
    _, versions = find(visit)
    newer = arguments.number(visit, "to", versions[-1].version, 10**6)
    older = arguments.number(visit, "from", max(newer - 1, 1), 10**6)
    compared = _compared(pick(versions, older), pick(versions, newer))
    return tables.json_answer(
        {
            "from": older,
            "to": newer,
            "fields": {name: _pieces(pieces) for name, pieces in compared["fields"]},
            "paragraphs": [_pieces(pieces) for pieces in compared["paragraphs"]],
        }
    )


def _pieces(pieces: list[comparison.Piece]) -> list[dict[str, str]]:
    return [{"kind": kind, "text": text} for kind, text in pieces]


def record(visit: Visit) -> Response:
    """The article, or one version of it, as JSON, with its text, evidence and citations."""
    article, versions = find(visit)
    chosen = pick(versions, visit.request.path_params.get("number", article.version))
    capture = visit.session.get_one(Capture, chosen.capture_id)
    cited = cite.Cited(chosen, capture, permanent(visit, chosen))
    return tables.json_answer(
        jsonl.record(chosen)
        | {"permanent": cited.permanent, "capture": capture_row(capture)}
        | {"citations": {style: make(cited) for style, make in cite.STYLES.items()}}
    )


def versions_table(visit: Visit) -> tables.Table:
    """The versions of an article."""
    article, versions = find(visit)
    names = ("version", "event", "valid_from", "changed", "title", "status", "content_hash", "capture_id", "extractor")
    rows = [tables.columns_of(each, names) for each in versions[::-1]]

    def entry(row: tables.Row) -> tables.Entry:
        link = f"/articles/{article.id}/versions/{row['version']}"
        return tables.Entry(link, row["title"], row["valid_from"], f"{row['event']} {', '.join(row['changed'])}")

    return tables.of(f"article-{article.id}-versions", article.title, rows, entry)


def citation(visit: Visit) -> Response:
    """One citation as text to copy or save."""
    _, versions = find(visit)
    chosen = pick(versions, visit.request.path_params["number"])
    style = visit.request.path_params["style"]
    if style not in cite.STYLES:
        raise NotThere("no-page-here")
    capture = visit.session.get_one(Capture, chosen.capture_id)
    text = cite.STYLES[style](cite.Cited(chosen, capture, permanent(visit, chosen)))
    return PlainTextResponse(text.rstrip("\n") + "\n")


def by_address(visit: Visit) -> Response:
    """`/find?url=…`: the article of an address of the site."""
    url = visit.argument("url")
    article = query.find_article(visit.session, url) if url else None
    if article is None:
        raise NotThere("no-article", value=url[:200])
    return RedirectResponse(f"/articles/{article.id}", 302)


def capture_row(capture: Capture) -> dict[str, Any]:
    """A capture as plain values."""
    names = ("id", "url", "fetched_at", "status", "warc_file", "warc_offset", "warc_record_id", "payload_sha256")
    return tables.columns_of(capture, (*names, "revisit_of"))


def _capture(visit: Visit) -> Capture:
    number = visit.request.path_params["id"]
    capture = visit.session.get(Capture, number) if number < 2**31 else None
    if capture is None:
        raise NotThere("no-capture", value=number)
    return capture


def evidence(visit: Visit) -> Response:
    """What proves a version: the capture, its digest, the page as fetched in a frame."""
    capture = _capture(visit)
    version = questions.version_of_capture(visit.session, capture)
    listed = visit.session.get(Listing, (version.column_id, version.url)) if version else None
    source = query.payload_capture(visit.session, capture)
    return show(
        visit,
        "capture.html",
        capture=capture,
        source=source,
        version=version,
        listed=listed,
        printed=version.printed if version else {},
    )


def frame(visit: Visit) -> Response:
    """The page as fetched, for the frame."""
    return files.framed(visit, _capture(visit))


def payload(visit: Visit) -> Response:
    """The bytes as fetched, to save."""
    return files.payload(visit, _capture(visit))


def capture_api(visit: Visit) -> Response:
    """A capture as JSON."""
    return tables.json_answer(capture_row(_capture(visit)))
