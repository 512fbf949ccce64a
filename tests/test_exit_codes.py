"""What an operator's scheduler sees: the exit code and one line, for each way a crawl can end."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.crawling import ROOT, crawl, sites_for
from tests.replica import Replica

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def small():
    """A plain little site; tests that change it take their own."""
    with Replica(generation="t3", articles=24, seed=11, variations=False) as site:
        yield site


def _one_line(err: str) -> str:
    lines = [line for line in err.splitlines() if line.startswith("scrapy crawl: ")]
    assert len(lines) == 1, err
    assert "Traceback" not in err
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"since": "2024-13-01"}, "2024-13-01"),
        ({"since": "yesterday"}, "yesterday"),
        ({"limit": "0"}, "'0'"),
        ({"limit": "many"}, "many"),
        ({"full": "yes"}, "yes"),
        ({"base_url": "ftp://127.0.0.1/"}, "ftp://127.0.0.1/"),
        ({"base_url": "127.0.0.1:8000"}, "127.0.0.1:8000"),
        ({"base_url": "http://[::1"}, "http://[::1"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_argument_is_named_and_nothing_written(tmp_path: Path, arguments: dict[str, str], named: str) -> None:
    done = crawl(tmp_path / "archive", **arguments)
    assert done.code == 2
    assert named in _one_line(done.err)
    assert not (tmp_path / "archive").exists()


def test_an_unknown_column_and_spider_and_site(tmp_path: Path, small: Replica) -> None:
    unknown = crawl(tmp_path / "a", "columns", only="nosuch", base_url=small.base_url)
    assert (unknown.code, (tmp_path / "a").exists()) == (2, False)
    assert "nosuch" in _one_line(unknown.err)
    assert "zhuanti" in unknown.err
    assert crawl(tmp_path / "a", "columns", site="nosuch", base_url=small.base_url).code == 2
    assert crawl(tmp_path / "a", "nosuch", base_url=small.base_url).code == 2
    assert not (tmp_path / "a").exists()


def test_a_site_file_with_a_typo_is_named(tmp_path: Path, small: Replica) -> None:
    sites = sites_for({"zhuanti": "重要专题"}, tmp_path / "sites")
    file = Path(sites) / "jgdw.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("title", "titel"), encoding="utf-8")
    done = crawl(tmp_path / "a", settings={"ARCHIVE_SITES_DIR": sites}, base_url=small.base_url)
    assert done.code == 2
    assert "titel" in _one_line(done.err)
    assert "jgdw.toml" in done.err
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("host", ["j" * 64, "a..b"])
def test_an_address_whose_host_is_none_is_4(tmp_path: Path, host: str) -> None:
    done = crawl(tmp_path / "archive", base_url=f"http://{host}.example.test/")
    assert done.code == 4
    assert "its host's name is none" in _one_line(done.err)


def test_an_address_where_nobody_listens_is_4(tmp_path: Path) -> None:
    done = crawl(tmp_path, base_url="http://127.0.0.1:9/")
    assert done.code == 4
    assert "Traceback" not in done.err


@pytest.mark.parametrize("mode", ["503", "verification", "refuse"])
def test_an_outage_of_the_whole_site_is_4(tmp_path: Path, mode: str) -> None:
    with Replica(generation="t3", articles=24, seed=12, variations=False) as site:
        site.outage(mode)
        done = crawl(tmp_path, base_url=site.base_url)
    assert done.code == 4, done.err
    assert done.rows("SELECT count(*) AS n FROM articles") == [{"n": 0}]


def test_a_database_that_does_not_connect_is_5_and_its_password_secret(tmp_path: Path, small: Replica) -> None:
    url = "postgresql://archive:geheim@127.0.0.1:9/none"
    done = crawl(tmp_path / "a", settings={"ARCHIVE_DATABASE_URL": url}, base_url=small.base_url)
    assert done.code == 5
    assert "127.0.0.1:9" in _one_line(done.err)
    assert "geheim" not in done.err + done.out


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "sqlite://"])
def test_an_impossible_database_url_is_2(tmp_path: Path, small: Replica, url: str) -> None:
    done = crawl(tmp_path / "a", settings={"ARCHIVE_DATABASE_URL": url}, base_url=small.base_url)
    assert done.code == 2
    _one_line(done.err)
    assert not (tmp_path / "a").exists()


def test_an_archive_directory_that_cannot_be_written(tmp_path: Path, small: Replica) -> None:
    (tmp_path / "file").write_text("")
    done = crawl(tmp_path / "file", base_url=small.base_url)
    assert done.code == 2
    assert "file" in _one_line(done.err)
    below = crawl(tmp_path / "file" / "below", base_url=small.base_url)
    assert below.code == 5
    _one_line(below.err)


FAULTS = {
    "403": "blocked",
    "412": "blocked",
    "521": "blocked",
    "verification": "blocked",
    "404": "gone",
    "410": "gone",
    "soft404": "gone",
    "redirect-404": "gone",
    "redirect-home": "gone",
    "500": "failed",
    "502": "failed",
    "loop": "failed",
    "empty-body": "failed",
    "reset": "failed",
    "truncated": "failed",
    "empty": "failed",
}


def test_each_fault_of_an_article_has_its_outcome_and_is_never_archived(tmp_path: Path) -> None:
    with Replica(generation="t3", articles=60, seed=13, variations=False) as site:
        paths = [entry.path for entry in site.columns["zhuanti"].entries if entry.kind == "article"]
        for path, fault in zip(paths[5:], FAULTS, strict=False):
            site.fault(path, fault)
        done = crawl(tmp_path, base_url=site.base_url)
        assert done.code == 3, done.err
        base = site.base_url.rstrip("/")
        for path, (fault, outcome) in zip(paths[5:], FAULTS.items(), strict=False):
            row = done.rows("SELECT * FROM listings WHERE url = ?", base + path)[0]
            assert (fault, row["outcome"], row["article_id"]) == (fault, outcome, None)
            failure = done.rows("SELECT * FROM failures WHERE url = ?", base + path)[0]
            assert failure["reason"]
            assert failure["outcome"] == outcome
        assert done.outcomes()["archived"] == len(paths) - len(FAULTS)
        for path in paths:
            site.fault(path, None)  # type: ignore[arg-type]
        again = crawl(tmp_path, base_url=site.base_url)
        assert again.code == 0, again.err
        assert again.rows("SELECT count(*) AS n FROM failures WHERE resolved_at IS NULL") == [{"n": 0}]


@pytest.mark.parametrize("fault", ["429", "500", "503", "reset"])
def test_a_passing_fault_is_retried(tmp_path: Path, fault: str) -> None:
    with Replica(generation="t4", articles=24, seed=14, variations=False) as site:
        path = next(entry.path for entry in site.columns["zhuanti"].entries if entry.kind == "article")
        site.fault(path, fault, times=1)
        done = crawl(tmp_path, base_url=site.base_url)
    assert done.code == 0, done.err


def test_every_article_blocked_is_4_and_the_site_is_left_alone(tmp_path: Path) -> None:
    with Replica(generation="t3", articles=60, seed=15, variations=False) as site:
        for entry in site.columns["zhuanti"].entries:
            site.fault(entry.path, "verification")
        done = crawl(tmp_path, base_url=site.base_url, settings={"CONCURRENT_REQUESTS": "1"})
        asked = [request for request in site.requests if "/20" in request.path_qs]
    assert done.code == 4
    assert len(asked) <= 12
    assert done.outcomes() == {"blocked": 36} or set(done.outcomes()) == {"blocked"}


def test_a_column_the_navigation_does_not_name_is_3(tmp_path: Path, small: Replica) -> None:
    sites = sites_for({"nowhere": "没有这个栏目"}, tmp_path / "sites")
    done = crawl(tmp_path / "a", "columns", settings={"ARCHIVE_SITES_DIR": sites}, base_url=small.base_url)
    assert done.code == 3
    assert "没有这个栏目" in done.out


def test_a_pinned_path_that_is_gone_falls_back_to_the_navigation(tmp_path: Path, small: Replica) -> None:
    sites = sites_for({"zhuanti": "重要专题"}, tmp_path / "sites")
    with (Path(sites) / "jgdw.toml").open("a", encoding="utf-8") as file:
        file.write('path = "/article/zt_moved/"\n')
    done = crawl(tmp_path / "a", settings={"ARCHIVE_SITES_DIR": sites}, base_url=small.base_url)
    assert done.code == 0
    assert "/article/zt_moved/" in done.err


def test_a_second_run_of_a_column_is_6(tmp_path: Path, small: Replica) -> None:
    from exports.config import Config
    from exports.lock import FileLock

    held = FileLock(Config.from_settings({"ARCHIVE_DIR": str(tmp_path)}).directory, "zhuanti")
    try:
        done = crawl(tmp_path, base_url=small.base_url)
    finally:
        held.release()
    assert done.code == 6
    assert "zhuanti" in _one_line(done.err)


def test_a_full_disk_is_5_and_the_next_run_makes_the_archive_good(small_disk: Path) -> None:
    with Replica(generation="t4", articles=200, seed=17) as site:
        full = crawl(small_disk / "archive", base_url=site.base_url)
        subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
        again = crawl(small_disk / "archive", base_url=site.base_url)
    assert full.code == 5, full.err
    assert "storage failed" in _one_line(full.err)
    assert again.code == 0, again.err
    verified = [
        sys.executable,
        "-c",
        "from exports.cli import main; main()",
        "-s",
        f"ARCHIVE_DIR={small_disk / 'archive'}",
        "verify",
    ]
    assert "no problem" in subprocess.run(verified, cwd=ROOT, capture_output=True, text=True, check=True).stdout
