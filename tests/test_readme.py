"""The README is tested: its commands run as printed, its two editions say the same, it leaves nothing out."""

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import click
import pytest

from crawler.site import load_sites
from exports.cli import main
from tests.crawling import crawl
from tests.replica import Replica

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
EDITIONS = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")}
ENGLISH, CHINESE = EDITIONS.values()
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)
SETTINGS = (
    *("ARCHIVE_DIR", "ARCHIVE_DATABASE_URL", "ARCHIVE_SITES_DIR", "ARCHIVE_QUEUE_URL", "ARCHIVE_STORE"),
    *("ARCHIVE_CONTACT", "ARCHIVE_RETRY_DELAY"),
)
"""Likewise."""
COMMANDS = ("search", "show", "diff", "stats", "coverage", "runs", "failures", "export", "verify", "serve", "migrate")
"""The whole of `archive …`, as promised to users; the README says which are not there yet."""


def blocks(text: str, info: str) -> list[str]:
    """The fenced blocks of that info string."""
    return [content for found, content in FENCE.findall(text) if found == info]


def not_there_yet(text: str) -> str:
    """What the last section promises for later."""
    return re.split(r"^## ", text, flags=re.M)[-1]


RUNNABLE = [line for block in blocks(ENGLISH, "sh demo") for line in block.splitlines()]


@pytest.fixture(scope="module")
def small_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of one column, crawled twice, whose article 1 was edited in between."""
    folder = tmp_path_factory.mktemp("readme") / "archive"
    with Replica(generation="t3", articles=100) as site:
        first = crawl(folder, base_url=site.base_url)
        (listed,) = first.rows("SELECT url FROM listings WHERE article_id = 1")
        site.edit("/" + listed["url"].split("/", 3)[3], "title", "改过的题目")
        second = crawl(folder, base_url=site.base_url, full="1")
    assert (first.code, second.code) == (0, 0), first.err + second.err
    return folder


@pytest.mark.parametrize("command", RUNNABLE)
def test_commands_run_as_printed(command: str, small_archive: Path, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARCHIVE_")}
    environment |= {"ARCHIVE_DIR": str(small_archive), "LC_ALL": "C.UTF-8"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    written = list(tmp_path.iterdir())
    assert done.stdout or written
    assert "no article" not in done.stdout or "--unsure" in command  # else the example shows nothing
    assert all(path.stat().st_size for path in written)


def test_the_edited_article_has_a_difference(small_archive: Path) -> None:
    # else `archive diff 1` above would pass without comparing anything
    connection = sqlite3.connect(small_archive / "archive.db")
    assert connection.execute("SELECT version FROM articles WHERE id = 1").fetchone() == (2,)
    connection.close()


@pytest.mark.parametrize("query", blocks(ENGLISH, "sql demo"))
def test_queries_answer(query: str, small_archive: Path) -> None:
    connection = sqlite3.connect(f"{(small_archive / 'archive.db').as_uri()}?mode=ro", uri=True)
    try:
        assert connection.execute(query).fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize("edition", EDITIONS)
def test_site_files_load(edition: str, tmp_path: Path) -> None:
    (column,) = blocks(EDITIONS[edition], "toml column")
    (site,) = blocks(EDITIONS[edition], "toml site")
    assert len(column.splitlines()) == 4
    known = (ROOT / "crawler/sites/jgdw.toml").read_text(encoding="utf-8")
    (tmp_path / "jgdw.toml").write_text(known + column, encoding="utf-8")
    (tmp_path / "example.toml").write_text(site, encoding="utf-8")
    example, jgdw = load_sites(tmp_path)
    assert example.id == "example"
    assert jgdw.column("dangjian").name == "党建动态"


def test_both_editions_have_the_same_blocks() -> None:
    english, chinese = ([block for block in FENCE.findall(text) if block[0] != "text"] for text in EDITIONS.values())
    assert len(RUNNABLE) > 10
    assert english == chinese


def test_both_editions_name_the_same_things() -> None:
    named = [set(re.findall(r"`([^`\n]+)`", FENCE.sub("", text))) for text in EDITIONS.values()]
    assert {name for name in named[0] ^ named[1] if "NAME" not in name and "名称" not in name} == set()
    assert [text.count("\n## ") + text.count("\n### ") for text in EDITIONS.values()] == [ENGLISH.count("\n##")] * 2


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_described_or_promised(edition: str, name: str) -> None:
    later = not_there_yet(EDITIONS[edition])
    described = EDITIONS[edition].removesuffix(later)
    assert (f"archive {name}" in described) == (name in main.commands)
    assert (f"`archive {name}`" in later) == (name not in main.commands)


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_command_there_is_is_described(edition: str) -> None:
    assert [name for name in main.commands if f"archive {name}" not in EDITIONS[edition]] == []


@pytest.mark.parametrize("edition", EDITIONS)
def test_export_formats_are_promised_or_there(edition: str) -> None:
    (option,) = [option for option in main.commands["export"].params if option.name == "form"]
    assert isinstance(option.type, click.Choice)
    later = not_there_yet(EDITIONS[edition])
    for form in ("jsonl", "csv", "parquet", "wacz"):
        assert (f"`{form}`" in later) == (form not in option.type.choices)


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_named(edition: str, name: str) -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("*/*.py") if "tests" not in path.parts)
    later = not_there_yet(EDITIONS[edition])
    assert f"`{name}`" in EDITIONS[edition]
    assert (f"`{name}`" in later) == (f'"{name}"' not in source)


def test_fields_of_the_schema_are_explained() -> None:
    from exports.database.models import Base

    for text in EDITIONS.values():
        assert [name for name in Base.metadata.tables if name != "segments" and f"`{name}`" not in text] == []
        fields = [column.name for column in Base.metadata.tables["articles"].columns]
        assert [name for name in fields if f"`{name}`" not in text] == []
