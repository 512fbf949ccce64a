"""A lost database, made anew from the evidence: the same versions, withdrawals and proofs, or a loud word."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from exports.database.session import open_engine
from exports.warc import walk
from tests.crawling import Crawl, crawl, sites_for
from tests.replica import Replica
from tests.storage import config, problems
from tests.tiny_site import Answer, serve

pytestmark = pytest.mark.slow

VERSIONS = """
    SELECT url, version, event, status, title, byline, published_at, body_text, content_hash,
        duplicate_of IS NULL AS alone
    FROM article_versions ORDER BY url, version
"""
ARTICLES = """
    SELECT a.url, status, version, first_seen_at, body_text, f.sha256, f.name
    FROM articles a LEFT JOIN attachments f ON f.article_id = a.id ORDER BY a.url, seq
"""
CHECKS = """
    SELECT g.url, kind, control_capture_id IS NULL AS alone, voided_at IS NULL AS counts, tombstone, status, c.role
    FROM gone_checks g JOIN (SELECT id AS capture, status, role FROM captures) c ON capture = g.capture_id
    ORDER BY g.url, checked_at
"""


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Articles withdrawn, restored, revised, gone not long enough, and a file with other bytes; the server is gone."""
    directory = tmp_path_factory.mktemp("archive")
    with Replica(generation="t3", articles=30, seed=21, variations=False) as site:
        entries = [entry.path for entry in site.columns["zhuanti"].entries if entry.kind == "article"]
        gone = dict(zip(entries[2:6], ("404", "410", "soft404", "home"), strict=True))

        def run(hours: float = 0, **given: str) -> Crawl:
            done = crawl(directory, base_url=site.base_url, hours=hours, **given)
            assert done.code == 0, done.out
            return done

        run()
        site.edit(entries[8], "title", "改过的标题")
        for path, how in gone.items():
            site.withdraw(path, how)
        run(24, full="1")
        site.edit(entries[8], "title", "又改过的标题")
        run(48, full="1")
        withdrawn = run(24 + 72.1)
        assert len(withdrawn.rows("SELECT id FROM articles WHERE status = 'withdrawn'")) == 4
        for path in entries[2:4]:
            site.restore(path)
        site.withdraw(entries[9], "404")
        last = run(24 * 6, full="1")
    assert {row["event"] for row in last.rows(VERSIONS)} == {"archived", "revised", "withdrawn", "restored"}
    return directory


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str | None:
    """Of the database the archive is rebuilt into; None: the embedded one."""
    return None if request.param == "sqlite" else str(request.getfixturevalue("postgres_database"))


def lose_the_database(directory: Path) -> None:
    for left in directory.glob("archive.db*"):
        left.unlink()


def rows(directory: Path, url: str | None, sql: str) -> list[tuple[Any, ...]]:
    """Rows as both databases print them."""
    engine = open_engine(config(directory, url).database_url, read_only=True)
    with engine.connect() as connection:
        found = [tuple(map(_plain, row)) for row in connection.execute(text(sql))]
    engine.dispose()
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return int(value) if isinstance(value, bool) else value


def rebuild(directory: Path, url: str | None, **given: Any) -> Crawl:
    return crawl(directory, "replay", settings={"ARCHIVE_DATABASE_URL": url} if url else {}, **given)


def known(directory: Path, url: str | None = None) -> list[Any]:
    """What must be equal, and the lines without what counts rows and moments."""
    lines = [
        {name: line[name] for name in ("event", "url", "title", "status", "version", "content_hash", "authors")}
        for line in Crawl(0, "", "", directory).lines()
    ]
    lines.sort(key=lambda line: (line["url"], line["version"]))
    return [*(rows(directory, url, sql) for sql in (VERSIONS, ARTICLES, CHECKS)), lines]


def test_every_version_and_every_proof_comes_back(crawled: Path, tmp_path: Path, url: str | None) -> None:
    directory = Path(shutil.copytree(crawled, tmp_path / "archive"))
    before = known(directory)
    lose_the_database(directory)
    shutil.rmtree(directory / "files", ignore_errors=True)
    killed = rebuild(directory, url, failpoint="after commit:25")
    assert killed.code == -9
    done = rebuild(directory, url)
    assert done.code == 0, done.out + done.err
    assert known(directory, url) == before
    assert "Rebuilt from the evidence of" in done.out
    assert problems(directory, url) == []
    (kept,) = directory.glob("jsonl.lost*")
    assert sum(len(file.read_bytes().splitlines()) for file in kept.glob("*/*.jsonl")) == len(before[0])
    again = rebuild(directory, url)
    assert again.code == 0, again.out
    assert known(directory, url) == before


def test_what_the_evidence_does_not_give_is_said(crawled: Path, tmp_path: Path, url: str | None) -> None:
    directory = Path(shutil.copytree(crawled, tmp_path / "archive"))
    lose_the_database(directory)
    (lines, *_) = sorted(directory.glob("jsonl/*/*.jsonl"))
    more = json.loads(lines.read_text(encoding="utf-8").splitlines()[0]) | {"version": 99, "event": "withdrawn"}
    with lines.open("a", encoding="utf-8") as file:
        file.write(json.dumps(more, ensure_ascii=False) + "\n")
    done = rebuild(directory, url)
    assert done.code == 3
    assert "1 versions of the lost database are not in the evidence: version 99 (withdrawn)" in done.err


@pytest.mark.parametrize("killed", [False, True], ids=["at once", "killed"])
def test_damage_costs_the_record_it_is_in(crawled: Path, tmp_path: Path, url: str | None, killed: bool) -> None:
    directory = Path(shutil.copytree(crawled, tmp_path / "archive"))
    lose_the_database(directory)
    warc = min(directory.glob("warc/*.warc.gz"))
    pages = [record for record in walk(warc) if record.type == "response" and record.context["role"] == "article"]
    hurt = pages[len(pages) // 2]
    data = bytearray(warc.read_bytes())
    for at in range(hurt.offset + 40, hurt.offset + hurt.length - 40):
        data[at] ^= 0x55
    warc.write_bytes(data)
    if killed:
        assert rebuild(directory, url, failpoint="after commit:15").code == -9
    done = rebuild(directory, url)
    assert warc.read_bytes() == data  # what lies behind the damage is evidence
    assert done.code == 3
    assert f"at byte {hurt.offset}: the evidence is lost up to byte {hurt.offset + hurt.length}" in done.err
    article = hurt.context["url"]
    assert f"version 1 (archived) of {article}" in done.err
    lost = {url for (url,) in rows(crawled, None, "SELECT url FROM articles")} - {
        url for (url,) in rows(directory, url, "SELECT url FROM articles")
    }
    assert lost == {article}
    found = problems(directory, url)
    assert len(found) == 1
    assert f"at byte {hurt.offset}" in found[0]


LETTERS = """
    SELECT url, kind, outcome, reason, attempts, capture_id IS NULL AS unseen, resolved_at IS NULL AS stands
    FROM failures ORDER BY url
"""


def test_dead_letters_come_back_or_are_met_anew(tmp_path: Path, url: str | None) -> None:
    directory = tmp_path / "archive"
    settings = {"ARCHIVE_DATABASE_URL": url} if url else {}
    with Replica(generation="t3", articles=30, seed=5) as site:
        entries = [entry.path for entry in site.columns["zhuanti"].entries if entry.kind == "article"]
        file = next(e for p, e in site.expected.items() if e.attachments and p in entries[8:]).attachments[0][0]
        faults = dict(zip(entries, ("500", "404", "403", "verification", "reset"), strict=False)) | {file: "502"}
        for path, kind in faults.items():
            site.fault(path, kind)
        assert crawl(directory, base_url=site.base_url).code == 3
        before = rows(directory, None, LETTERS)
        unseen = [letter for letter in before if letter[5]]
        assert len(before) == len(faults)
        assert [letter[0].endswith(entries[4]) for letter in unseen] == [True]
        lose_the_database(directory)
        done = rebuild(directory, url)
        assert done.code == 3
        assert rows(directory, url, LETTERS) == [letter for letter in before if letter not in unseen]
        for path in faults:
            site.fault(path, None)
        again = crawl(directory, base_url=site.base_url, settings=settings)
    assert again.code == 0, again.out + again.err
    assert rows(directory, url, "SELECT url FROM failures WHERE resolved_at IS NULL") == []
    assert rows(directory, url, "SELECT url FROM attachments WHERE sha256 IS NULL") == []
    assert rows(directory, url, "SELECT url FROM article_versions WHERE event = 'revised'") == []
    assert problems(directory, url) == []


def test_columns_that_share_an_article_are_rebuilt_together(tmp_path: Path, url: str | None) -> None:
    """Whatever is asked for: one of the article's versions was seen by the other column alone."""
    texts = iter(f"第{number}稿：大家把学习体会写进了笔记本，约定下个月再来交流一次。" for number in "一二三")
    body = [next(texts)]

    def answer(path: str, _base: str) -> Answer | str | None:
        if path == "/":
            return '<a href="/a/">甲栏目</a><a href="/b/">乙栏目</a>'
        if path in ("/a/", "/b/"):
            entry = '<li><a href="/art/1.shtml" title="题目">题目</a><span>2020-01-02</span></li>'
            return f'<ul class="txtList_01">{entry}</ul>'
        if path == "/art/1.shtml":
            return f'<html><body><h1>题目</h1><div class="art-con"><p>{body[0]}</p></div></body></html>'
        return None

    directory = tmp_path / "archive"
    sites = {"ARCHIVE_SITES_DIR": sites_for({"a": "甲栏目", "b": "乙栏目"}, tmp_path / "sites")}
    with serve(answer) as site:
        about: dict[str, Any] = {"settings": sites, "base_url": site.base_url, "full": "1"}
        for hours, only in enumerate(("a", "b", "a", "b")):
            assert crawl(directory, "columns", hours=hours, only=only, **about).code == 0
            body[0] = next(texts, body[0])
    before = known(directory)
    assert [row[2] for row in before[0]] == ["archived", "revised", "revised"]
    of_columns = "SELECT column_id, version FROM article_versions ORDER BY version"
    columns = rows(directory, None, of_columns)
    lose_the_database(directory)
    settings = sites | ({"ARCHIVE_DATABASE_URL": url} if url else {})
    done = crawl(directory, "replay", settings=settings, only="b")
    assert done.code == 0, done.out + done.err
    assert known(directory, url) == before
    assert rows(directory, url, of_columns) == columns
    assert "甲栏目" in done.out
    assert problems(directory, url) == []
