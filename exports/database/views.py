"""The views for those who write SQL, as `archive schema` describes them; their SQL stands in the migrations."""

from dataclasses import dataclass


@dataclass(frozen=True)
class View:
    """One view."""

    meaning: str
    """What one row is."""
    columns: dict[str, str]
    """column -> the table's column it shows ("articles.url"), or its type and meaning ("TEXT: …")."""


def _shown(table: str, *names: str) -> dict[str, str]:
    return {name: f"{table}.{name}" for name in names}


_YEAR = {"year": "TEXT: The first four characters of published_at"}

VIEWS = {
    "live_articles": View(
        "One row per article that is live, each text once: without withdrawn ones and without second addresses.",
        _shown("articles", "id", "url", "site_id", "column_id", "column_name", "title", "subtitle", "author", "unit")
        | _shown("articles", "source", "content_type", "published_at")
        | _YEAR
        | {"month": "TEXT: YYYY-MM; NULL where the page prints no month"}
        | {"day": "TEXT: YYYY-MM-DD; NULL where the page prints no day"}
        | _shown("articles", "version", "changed_at", "capture_id")
        | {"characters": "INTEGER: Length of body_text"}
        | _shown("articles", "body_text"),
    ),
    "authorships": View(
        "One row per author of an article, withdrawn articles and second addresses included.",
        _shown("article_authors", "article_id", "seq", "name", "unit", "position", "role")
        | _shown("articles", "title", "url", "column_id", "column_name", "published_at")
        | _YEAR
        | _shown("articles", "status", "duplicate_of"),
    ),
    "version_evidence": View(
        "One row per version of an article, with the response it was read from.",
        _shown("article_versions", "article_id", "version", "event", "valid_from", "title", "content_hash")
        | _shown("article_versions", "extractor", "run_id", "capture_id")
        | _shown("captures", "url", "fetched_at")
        | {"http_status": "captures.status"}
        | _shown("captures", "warc_file", "warc_offset", "warc_record_id", "payload_sha256", "revisit_of"),
    ),
    "column_ledgers": View(
        "One row per outcome of each column's last crawl: what became of the entries it listed.",
        _shown("runs", "column_id", "column_name")
        | {"run_id": "runs.id"}
        | _shown("runs", "started_at", "finished_at", "exit_code", "declared")
        | {"outcome": "TEXT: A name of the ledger; pending while the run has not come to the entry"}
        | {"entries": "INTEGER: How many"},
    ),
}
