"""archive show: one article with its versions and its evidence."""

import sys
from typing import TYPE_CHECKING, Any

import click

from exports import terminal
from exports.commands import common
from exports.config import Config
from exports.errors import StorageError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from exports.database.models import Article, ArticleVersion, GoneCheck

_FIELDS = {
    "url": "address",
    "byline": "byline",
    "author": "author",
    "unit": "unit",
    "position": "position",
    "source": "source",
    "content_type": "type",
    "editor_note": "editor's note",
    "extractor": "read by",
}
"""What is shown as it is stored, under these labels."""


@click.command("show")
@click.argument("reference", metavar="ID|URL")
@click.option("--version", "number", type=int, metavar="N", help="This version instead of the current one.")
@click.option("--raw", is_flag=True, help="Write the kept response body to standard output, byte by byte.")
@common.format_option("table", "jsonl", "csv")
@common.setting_option
def show_command(reference: str, number: int | None, raw: bool, form: str) -> None:
    """Show one article: what is known of it, its evidence, its text.

    \b
    Example: archive show 12 --version 1
    """
    from exports import jsonl, query

    if raw and sys.stdout.isatty():
        raise click.UsageError("--raw writes the site's bytes, and a terminal obeys them: send it to a file or pipe")
    if raw and form != "table":
        raise click.UsageError(f"--raw is the response as it was: --format {form} is not allowed with it")
    config = common.configuration()
    with common.reading(config) as session:
        article = common.article(session, reference)
        versions = query.versions(session, article.id)
        version = pick(article, versions, article.version if number is None else number)
        if raw:
            sys.stdout.buffer.write(_payload(session, config, version))
        elif form != "table":
            common.write_rows(form, [jsonl.record(version)])
        else:
            _show(session, article, versions, version)


def pick(article: "Article", versions: "list[ArticleVersion]", number: int) -> "ArticleVersion":
    """The version of that number. Raises click.UsageError."""
    for version in versions:
        if version.version == number:
            return version
    allowed = ", ".join(str(version.version) for version in versions)
    raise click.UsageError(f"article {article.id} has no version {number}: allowed are {allowed}")


def _payload(session: "Session", config: Config, version: "ArticleVersion") -> bytes:
    from exports import query
    from exports.database.models import Capture
    from exports.store.places import Places
    from exports.warc import WarcDamage

    capture = query.payload_capture(session, session.get_one(Capture, version.capture_id))
    try:
        return Places(config).record(session, capture).payload
    except OSError as error:
        raise StorageError(f"the evidence {capture.warc_file} cannot be read: {error.strerror}") from None
    except WarcDamage as error:
        raise StorageError(f"the evidence is damaged: {error}") from None


def _show(session: "Session", article: "Article", versions: "list[ArticleVersion]", version: "ArticleVersion") -> None:
    out = terminal.print_line
    out(version.title)
    if version.subtitle:
        out(version.subtitle)
    out()
    for label, value in _facts(article, versions, version):
        if value:
            out(f"{label:<14} {value}")
    _list("Authors", version.authors, ("name", "unit", "position", "role"))
    _list("Attachments", _attached(session, version), ("name", "url", "media_type", "size", "text", "sha256", "path"))
    _list("Images", version.images, ("name", "url", "media_type", "size", "sha256", "path"))
    out()
    out("Versions")
    terminal.print_table(
        ["version", "event", "since", "changed"],
        [[v.version, v.event, terminal.local_time(v.valid_from), ", ".join(v.changed)] for v in versions],
    )
    _gone(session, article)
    _evidence(session, version)
    _outline(version.body_html)
    for paragraph in version.body_text.split("\n"):
        out()
        out(paragraph)


def _attached(session: "Session", version: "ArticleVersion") -> list[dict[str, Any]]:
    if not version.attachments:
        return []
    from exports.texts import keeping

    texts = keeping.states(session, [file["sha256"] for file in version.attachments if file["sha256"]])
    return [file | {"text": texts.get(file["sha256"], "not read yet")} for file in version.attachments]


def _facts(article: "Article", versions: "list[ArticleVersion]", version: "ArticleVersion") -> list[tuple[str, str]]:
    return [
        ("id", str(article.id)),
        ("version", f"{version.version} of {len(versions)}"),
        ("status", version.status),
        ("published", (version.published_at or "unknown").replace("T", " ")),
        ("column", f"{version.column_id} {version.column_name}"),
        ("breadcrumb", " > ".join(map(str, version.breadcrumb))),
        *((label, getattr(version, name)) for name, label in _FIELDS.items()),
        ("duplicate of", str(version.duplicate_of or "")),
        ("first seen", terminal.local_time(version.first_seen_at)),
        ("last seen", terminal.local_time(article.last_seen_at)),
        ("changed", terminal.local_time(version.changed_at)),
    ]


def _list(heading: str, entries: list[dict[str, Any]], names: tuple[str, ...]) -> None:
    if entries:
        terminal.print_line()
        terminal.print_line(heading)
        headers = [name.replace("_", " ") for name in names]
        terminal.print_table(headers, [[entry.get(name) for name in names] for entry in entries])


def _outline(body_html: str) -> None:
    from exports.outline import outline

    if lines := list(outline(body_html)):
        terminal.print_line()
        terminal.print_line("Outline")
        for depth, line in lines:
            terminal.print_line(f"{'  ' * depth}{line}")


def _gone(session: "Session", article: "Article") -> None:
    """Whether it is still listed, and every answer that said it is gone."""
    from exports import query

    out = terminal.print_line
    if absences := query.absences(session, article.id):
        out()
        for entry in absences:
            out(f"absent from the list of {entry.column_id} since {terminal.local_time(entry.absent_since)}")
    if checks := query.gone_checks(session, article.id):
        out()
        out("Found gone")
        rows = [
            [
                terminal.local_time(check.checked_at),
                check.kind,
                check.capture_id,
                check.control_capture_id,
                _says(check),
            ]
            for check in checks
        ]
        terminal.print_table(["time", "answer", "capture", "control", "counts"], rows)


def _says(check: "GoneCheck") -> str:
    if check.tombstone is not None:
        return f"proves version {check.tombstone}"
    if check.control_capture_id is None:
        return "no: the host was not in health" if check.voided_at else "no: the run broke off"
    return "no: it answered later" if check.voided_at else "yes"


def _evidence(session: "Session", version: "ArticleVersion") -> None:
    from exports import query
    from exports.database.models import Capture

    capture = session.get_one(Capture, version.capture_id)
    terminal.print_line()
    terminal.print_line("Evidence")
    facts = {
        "capture": f"{capture.id}, HTTP {capture.status}, {terminal.local_time(capture.fetched_at)}",
        "address": capture.url,
        "WARC": f"{capture.warc_file}, byte {capture.warc_offset}, {capture.warc_record_id}",
        "payload sha256": capture.payload_sha256,
    }
    source = query.payload_capture(session, capture)
    if source is not capture:
        facts["payload kept"] = f"capture {source.id}: {source.warc_file}, byte {source.warc_offset}"
    for label, value in facts.items():
        terminal.print_line(f"{label:<14} {value}")
