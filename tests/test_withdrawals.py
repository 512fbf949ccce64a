"""Withdrawals from end to end: what the site takes away, brings back, or only fails to show for a while."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.archive_command import run
from tests.crawling import Crawl, crawl
from tests.replica import Replica

pytestmark = pytest.mark.slow


def _article(done: Crawl, path: str) -> dict[str, Any]:
    sql = "SELECT a.* FROM articles a JOIN listings l ON l.article_id = a.id WHERE l.url LIKE ?"
    return done.rows(sql, f"%{path}")[0]


def _events(done: Crawl, path: str) -> list[str]:
    sql = "SELECT event FROM article_versions WHERE article_id = ? ORDER BY version"
    return [row["event"] for row in done.rows(sql, _article(done, path)["id"])]


def _paths(site: Replica) -> list[str]:
    return [entry.path for entry in site.columns["zhuanti"].entries if entry.kind == "article"]


def test_what_is_gone_long_enough_is_withdrawn_and_what_comes_back_restored(tmp_path: Path) -> None:
    with Replica(generation="t3", articles=40, seed=21, variations=False) as site:
        first = crawl(tmp_path, base_url=site.base_url)
        assert first.code == 0, first.err
        paths = _paths(site)
        gone = dict(zip(paths[2:6], ("404", "410", "soft404", "home"), strict=True))
        for path, how in gone.items():
            site.withdraw(path, how)
        unlisted_and_gone, forgotten = paths[7], paths[8]
        site.withdraw(unlisted_and_gone, "unlist")
        site.withdraw(unlisted_and_gone, "404")
        site.withdraw(forgotten, "unlist")

        second = crawl(tmp_path, base_url=site.base_url, hours=24, full="1")
        assert second.code == 0, second.out
        assert second.outcomes()["gone"] == len(gone)
        third = crawl(tmp_path, base_url=site.base_url, hours=72)
        assert third.code == 0, third.out
        assert third.rows("SELECT id FROM articles WHERE status <> 'live'") == []
        assert "not long enough yet" in third.out
        fourth = crawl(tmp_path, base_url=site.base_url, hours=24 + 72.1)
        assert fourth.code == 0, fourth.out

        texts = {path: _article(first, path)["body_text"] for path in [*gone, unlisted_and_gone]}
        for path, text in texts.items():
            row = _article(fourth, path)
            assert (row["status"], row["version"], row["body_text"]) == ("withdrawn", 2, text)
            assert _events(fourth, path) == ["archived", "withdrawn"]
            proof = fourth.rows("SELECT * FROM gone_checks WHERE article_id = ? AND tombstone = 2", row["id"])
            assert len(proof) == 3
            for check in proof:
                capture = fourth.rows("SELECT * FROM captures WHERE id = ?", check["capture_id"])[0]
                control = fourth.rows("SELECT * FROM captures WHERE id = ?", check["control_capture_id"])[0]
                assert (capture["url"].endswith(path), control["status"] in (200, 304)) == (True, True)
        assert _article(fourth, forgotten)["status"] == "live"
        assert sorted(line["id"] for line in fourth.lines() if line["event"] == "withdrawn") == sorted(
            _article(fourth, path)["id"] for path in texts
        )
        _shown(tmp_path, fourth, unlisted_and_gone)

        for path in [*gone, unlisted_and_gone]:
            site.restore(path)
        back = crawl(tmp_path, base_url=site.base_url, hours=24 * 6, full="1")
        assert back.code == 0, back.out
        for path in texts:
            assert _article(back, path)["status"] == "live"
            assert _events(back, path) == ["archived", "withdrawn", "restored"]
        assert (
            back.rows("SELECT url FROM listings WHERE absent_since IS NOT NULL AND url NOT LIKE ?", f"%{forgotten}")
            == []
        )
        quiet = crawl(tmp_path, base_url=site.base_url, hours=24 * 7)
        assert "gone" not in quiet.outcomes()
        assert json.dumps(quiet.lines()) == json.dumps(back.lines())


def _shown(directory: Path, done: Crawl, path: str) -> None:
    """What `archive show` and `archive coverage` say of it."""
    shown = run("show", str(_article(done, path)["id"]), "-s", f"ARCHIVE_DIR={directory}").stdout
    assert "absent from the list of zhuanti since" in shown
    assert shown.count("proves version 2") == 3
    coverage = run("coverage", "zhuanti", "-s", f"ARCHIVE_DIR={directory}").stdout
    assert "of the gone, archived before and noted: 4" in coverage
    assert "absent from the list, archived and still checked: 2" in coverage
    assert "the ledger closes" in coverage


@pytest.mark.parametrize("mode", ["verification", "home"])
def test_an_outage_of_four_days_withdraws_nothing(tmp_path: Path, mode: str) -> None:
    """The whole site, or every article of the column while listing and home page stand."""
    two = {"ARCHIVE_GONE_CHECKS": "2"}
    with Replica(generation="t3", articles=24, seed=22, variations=False) as site:
        first = crawl(tmp_path, base_url=site.base_url)
        paths = _paths(site)
        if mode == "verification":
            site.outage(mode)
        else:
            for path in paths:
                site.withdraw(path, mode)
        for hours in (24, 100):
            during = crawl(tmp_path, base_url=site.base_url, hours=hours, full="1", settings=two)
            assert during.code in (3, 4)
        assert during.rows("SELECT count(*) AS n FROM articles WHERE status <> 'live'") == [{"n": 0}]
        assert during.rows("SELECT id FROM gone_checks WHERE voided_at IS NULL") == []
        site.outage(None)
        for path in paths:
            site.restore(path)
        after = crawl(tmp_path, base_url=site.base_url, hours=124, full="1")
    assert after.code == 0, after.out
    assert after.lines() == first.lines()
    assert after.rows("SELECT id FROM failures WHERE resolved_at IS NULL") == []


def test_a_listing_that_forgets_its_old_entries_withdraws_nothing(tmp_path: Path) -> None:
    with Replica(generation="t3", articles=60, seed=24, variations=False) as site:
        first = crawl(tmp_path, base_url=site.base_url)
        for path in _paths(site)[20:]:
            site.withdraw(path, "unlist")
        done = crawl(tmp_path, base_url=site.base_url, hours=100)
    assert done.code == 0, done.out
    assert done.lines() == first.lines()
    absent = done.rows("SELECT url FROM listings WHERE absent_since IS NOT NULL AND article_id IS NOT NULL")
    assert len(absent) >= 15
    assert "entries that have left the listing" in done.out
    assert done.rows("SELECT id FROM gone_checks") == []
