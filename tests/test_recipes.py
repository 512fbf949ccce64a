"""What a newcomer's changes cost: a column four lines of TOML, a site on a known system one file of about ten."""

from pathlib import Path

import pytest

from crawler.site import load_sites
from tests.crawling import ROOT, crawl
from tests.replica import Replica

pytestmark = pytest.mark.slow

COLUMN = """
[[columns]]
id = "dangjian"
name = "党建动态"
"""
# the home is the one whose absolute links the demonstration site prints
SITE = """title = "某单位机关党委"
home = "https://jgdw.mofcom.gov.cn/"
template = "mofcom"
file_hosts = ["images.example.org"]

[[columns]]
id = "example-tongzhi"
name = "通知公告"
"""


def test_a_new_column_is_four_lines(tmp_path: Path) -> None:
    assert len(COLUMN.splitlines()) == 4
    shipped = (ROOT / "crawler" / "sites" / "jgdw.toml").read_text(encoding="utf-8")
    (tmp_path / "jgdw.toml").write_text(shipped + COLUMN, encoding="utf-8")
    with Replica(generation="t3", articles=60) as site:
        expected = [article for article in site.expected.values() if article.column_id == "dangjian"]
        done = crawl(
            tmp_path / "archive",
            "columns",
            settings={"ARCHIVE_SITES_DIR": str(tmp_path)},
            base_url=site.base_url,
            only="dangjian",
        )
    assert done.code == 0, done.err
    rows = done.rows("SELECT title, breadcrumb, column_name FROM articles WHERE column_id = 'dangjian'")
    assert {article.title for article in expected} <= {row["title"] for row in rows}
    assert {row["column_name"] for row in rows} == {"党建动态"}


def test_a_new_site_is_one_file_of_about_ten_lines(tmp_path: Path) -> None:
    assert len(SITE.splitlines()) <= 10
    (tmp_path / "example.toml").write_text(SITE, encoding="utf-8")
    assert [site.id for site in load_sites(tmp_path)] == ["example"]
    with Replica(generation="t4", articles=60) as site:
        expected = [article for article in site.expected.values() if article.column_id == "tongzhi"]
        done = crawl(
            tmp_path / "archive",
            "columns",
            settings={"ARCHIVE_SITES_DIR": str(tmp_path)},
            base_url=site.base_url,
            site="example",
        )
    assert done.code == 0, done.err
    rows = done.rows("SELECT title FROM articles WHERE site_id = 'example' AND column_id = 'example-tongzhi'")
    assert {article.title for article in expected} <= {row["title"] for row in rows}
