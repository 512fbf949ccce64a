"""The whole path against the replica: everything listed is accounted for, every field is the truth."""

import gzip
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.crawling import Crawl, crawl, sites_for
from tests.replica import Expected, Replica


@pytest.fixture(
    scope="module",
    params=["t3", *(pytest.param(system, marks=pytest.mark.slow) for system in ("t4", "trs", "jcms"))],
)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """One crawl of every column of a replica with all its variations, and the replica's truth."""
    folder = tmp_path_factory.mktemp(request.param)
    with Replica(generation=request.param, articles=200, seed=3) as site:
        names = {column.id: column.name for column in site.columns.values()}
        template = request.param if request.param in ("trs", "jcms") else "mofcom"
        sites = sites_for(names, folder / "sites", template=template)
        done = crawl(folder / "archive", "columns", settings={"ARCHIVE_SITES_DIR": sites}, base_url=site.base_url)
        yield done, site


def _by_listed_path(done: Crawl) -> dict[str, dict]:
    rows = done.rows("SELECT l.url AS listed_url, a.* FROM listings l JOIN articles a ON a.id = l.article_id")
    return {urlsplit(row["listed_url"]).path: row for row in rows}


def _joined(parts: list[str]) -> str:
    return "、".join(dict.fromkeys(part for part in parts if part))


def _truth(expected: Expected) -> dict[str, object]:
    return {
        "title": expected.title,
        "subtitle": expected.subtitle,
        "byline": expected.byline,
        "author": _joined([author[0] for author in expected.authors]),
        "unit": _joined([author[1] for author in expected.authors]),
        "position": _joined([author[2] for author in expected.authors]),
        "breadcrumb": expected.breadcrumb,
        "source": expected.source,
        "content_type": expected.content_type,
        "published_at": expected.published_at,
        "body_text": "\n".join(expected.paragraphs),
        "editor_note": expected.editor_note,
    }


def test_every_field_of_every_article_is_the_truth(whole: tuple[Crawl, Replica]) -> None:
    done, site = whole
    assert done.code == 0, done.err
    rows = _by_listed_path(done)
    wrong = []
    for path, expected in site.expected.items():
        row = rows[path]
        row["breadcrumb"] = json.loads(row["breadcrumb"])
        for name, value in _truth(expected).items():
            if name == "published_at" and value is None and "年" in expected.title:
                value = row[name]  # (a date in the title counts, where nothing else prints one)
            if row[name] != value:
                wrong.append((path, expected.markup, name, row[name], value))
    assert not wrong, wrong[:5]


def test_the_ledger_names_every_entry(whole: tuple[Crawl, Replica]) -> None:
    done, site = whole
    for column in site.columns.values():
        outcomes = done.outcomes(column.id)
        assert "pending" not in outcomes
        assert not {"failed", "blocked", "gone"} & set(outcomes)
        run = done.rows("SELECT * FROM runs WHERE column_id = ?", column.id)[0]
        listed = sum(outcomes.values())
        assert json.loads(run["ledger"]) == outcomes
        if run["declared"] is not None:
            assert run["declared"] == listed == len(column.entries)
        addresses = {entry.path for entry in column.entries if entry.kind == "article"}
        archived = done.rows("SELECT url FROM listings WHERE column_id = ? AND article_id IS NOT NULL", column.id)
        assert len(archived) >= len(addresses)


def test_duplicates_point_to_the_article_first_seen(whole: tuple[Crawl, Replica]) -> None:
    done, site = whole
    rows = _by_listed_path(done)
    copies = [path for path, expected in site.expected.items() if expected.duplicate_of]
    assert copies
    for path in copies:
        ids = {rows[path]["id"], rows[site.expected[path].duplicate_of or ""]["id"]}
        pointers = {rows[path]["duplicate_of"], rows[site.expected[path].duplicate_of or ""]["duplicate_of"]}
        assert len(ids) == 1 or (None in pointers and pointers - {None} <= ids)


def test_files_are_fetched_and_hashed(whole: tuple[Crawl, Replica]) -> None:
    done, site = whole
    rows = _by_listed_path(done)
    for path, expected in site.expected.items():
        for table, wanted in (("attachments", len(expected.attachments)), ("images", len(expected.images))):
            files = done.rows(f"SELECT * FROM {table} WHERE article_id = ?", rows[path]["id"])
            assert len(files) == wanted, (path, table)
            assert all((done.directory / file["path"]).stat().st_size == file["size"] for file in files)


def test_every_row_cites_evidence_that_is_there(whole: tuple[Crawl, Replica]) -> None:
    done, _ = whole
    cited = done.rows("SELECT c.* FROM articles a JOIN captures c ON c.id = a.capture_id")
    assert len(cited) == len(done.rows("SELECT id FROM articles"))
    for capture in cited:
        assert capture["status"] == 200
        with (done.directory / capture["warc_file"]).open("rb") as file:
            file.seek(capture["warc_offset"])
            head = gzip.GzipFile(fileobj=file).read(400).decode("utf-8", "replace")
        assert head.startswith("WARC/1.1")
        assert capture["warc_record_id"] in head


def test_json_lines_are_the_versions(whole: tuple[Crawl, Replica]) -> None:
    done, _ = whole
    lines = [(line["id"], line["version"]) for line in done.lines()]
    versions = done.rows("SELECT article_id, version FROM article_versions")
    assert len(lines) == len(set(lines))
    assert set(lines) == {(row["article_id"], row["version"]) for row in versions}


def test_nothing_but_get_and_nothing_robots_forbids(whole: tuple[Crawl, Replica]) -> None:
    _, site = whole
    requests = list(site.requests)
    assert {request.method for request in requests} == {"GET"}
    assert not [request for request in requests if request.path_qs.startswith("/private/")]


@pytest.mark.slow
def test_an_unchanged_column_is_not_fetched_again(tmp_path: Path) -> None:
    with Replica(generation="t3", articles=60, seed=5) as site:
        first = crawl(tmp_path, base_url=site.base_url)
        lines, asked = first.lines(), len(site.requests)
        second = crawl(tmp_path, base_url=site.base_url)
        again = [request.path_qs for request in list(site.requests)[asked:]]
    assert (first.code, second.code) == (0, 0)
    assert set(second.outcomes()) <= {"unchanged", "duplicate", "external", "excluded", "attachment"}
    assert len(again) < asked / 3
    assert second.lines() == lines


@pytest.mark.slow
def test_full_fetches_everything_and_makes_no_revision(tmp_path: Path) -> None:
    with Replica(generation="t3", articles=60, seed=6) as site:
        first = crawl(tmp_path, base_url=site.base_url)
        lines = first.lines()
        second = crawl(tmp_path, base_url=site.base_url, full="1")
        assert (first.code, second.code) == (0, 0)
        assert second.lines() == lines
        path = next(iter(site.expected))
        site.edit(path, "title", "改过的标题")
        third = crawl(tmp_path, base_url=site.base_url, full="1")
    assert third.code == 0
    assert third.outcomes()["revised"] == 1
    events = [(line["event"], line["title"]) for line in third.lines() if line not in lines]
    assert events == [("revised", "改过的标题")]
    assert third.rows("SELECT changed FROM article_versions WHERE version = 2") == [{"changed": '["title"]'}]


@pytest.mark.slow
def test_since_and_limit(tmp_path: Path) -> None:
    with Replica(generation="t4", articles=80, seed=7, variations=False) as site:
        days = sorted(
            expected.published_at[:10] for expected in site.expected.values() if expected.column_id == "zhuanti"
        )
        middle = days[len(days) // 2]
        some = crawl(tmp_path / "since", base_url=site.base_url, since=middle)
        few = crawl(tmp_path / "limit", base_url=site.base_url, limit="4")
    assert some.code == 0
    assert some.outcomes()["archived"] == len([day for day in days if day >= middle])
    assert some.outcomes()["excluded"] == len([day for day in days if day < middle])
    assert few.code == 0
    assert few.outcomes()["archived"] == 4


@pytest.mark.slow
def test_an_entry_that_drifts_during_the_walk_is_not_lost(tmp_path: Path) -> None:
    with Replica(generation="t3", articles=120, seed=8) as site:
        done_once = set()

        def publish(path_qs: str) -> None:
            if path_qs.endswith("?3") and "x" not in done_once:
                done_once.add("x")
                site.publish("zhuanti", 2)
                site.withdraw(site.columns["zhuanti"].entries[10].path, "unlist")

        site.before_request(publish)
        done = crawl(tmp_path, base_url=site.base_url)
        listed = {entry.path for entry in site.columns["zhuanti"].entries if entry.kind == "article"}
    archived = {urlsplit(row["url"]).path for row in done.rows("SELECT url FROM listings WHERE article_id IS NOT NULL")}
    assert done.code == 0, done.out
    missing = listed - archived
    assert not missing
