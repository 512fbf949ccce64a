"""A lost database, made anew from the evidence: the same versions, withdrawals and proofs, or a loud word."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.crawling import Crawl, crawl
from tests.replica import Replica
from tests.storage import problems

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


def lose_the_database(directory: Path) -> None:
    for left in directory.glob("archive.db*"):
        left.unlink()


def known(done: Crawl) -> list[Any]:
    """What must be equal, and the lines without what counts rows and moments."""
    lines = [
        {name: line[name] for name in ("event", "url", "title", "status", "version", "content_hash", "authors")}
        for line in done.lines()
    ]
    lines.sort(key=lambda line: (line["url"], line["version"]))
    return [done.rows(VERSIONS), done.rows(ARTICLES), done.rows(CHECKS), lines]


def test_every_version_and_every_proof_comes_back(crawled: Path, tmp_path: Path) -> None:
    directory = Path(shutil.copytree(crawled, tmp_path / "archive"))
    before = known(Crawl(0, "", "", directory))
    lose_the_database(directory)
    shutil.rmtree(directory / "files", ignore_errors=True)
    killed = crawl(directory, "replay", failpoint="after commit:25")
    assert killed.code == -9
    done = crawl(directory, "replay")
    assert done.code == 0, done.out + done.err
    assert known(done) == before
    assert "Rebuilt from the evidence of" in done.out
    assert problems(directory) == []
    (kept,) = directory.glob("jsonl.lost*")
    assert sum(len(file.read_bytes().splitlines()) for file in kept.glob("*/*.jsonl")) == len(before[0])
    again = crawl(directory, "replay")
    assert again.code == 0, again.out
    assert known(again) == before


def test_what_the_evidence_does_not_give_is_said(crawled: Path, tmp_path: Path) -> None:
    directory = Path(shutil.copytree(crawled, tmp_path / "archive"))
    lose_the_database(directory)
    (lines, *_) = sorted(directory.glob("jsonl/*/*.jsonl"))
    more = json.loads(lines.read_text(encoding="utf-8").splitlines()[0]) | {"version": 99, "event": "withdrawn"}
    with lines.open("a", encoding="utf-8") as file:
        file.write(json.dumps(more, ensure_ascii=False) + "\n")
    done = crawl(directory, "replay")
    assert done.code == 3
    assert "1 versions of the lost database are not in the evidence: version 99 (withdrawn)" in done.err
