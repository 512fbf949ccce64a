"""`scrapy savepage` and `scrapy checksites` as their users call them: processes, exit codes, every line."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from crawler import saved
from crawler.exceptions import BadUsage
from crawler.saved import Case, load
from tests.crawling import FAST, ROOT, crawl, sites_for
from tests.tiny_site import Answer, serve

PAGE = (
    '<html><body><div class="art-title">读书会纪事</div>'
    '<div class="at-left">来源：机关党委 类型：原创 2024-03-01 09:00</div>'
    '<div class="art-con"><p>财务司处长 张明</p><p>这是读书会的报道，大家都来了。</p></div></body></html>'
)


def scrapy(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    given = [part for name, value in (FAST | settings).items() for part in ("-s", f"{name}={value}")]
    command = [sys.executable, "-m", "scrapy", arguments[0], *given, *arguments[1:]]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARCHIVE_")}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


def answer(path: str, _base: str) -> Answer | str | None:
    if path == "/":
        return '<a href="/article/zt_x/">重要专题</a>'
    if path == "/article/zt_x/":
        item = '<li><a href="/article/zt_x/a/202403/20240300000001.shtml">读书会纪事</a><span>2024-03-01</span></li>'
        return f'<section class="listCon"><ul class="txtList_01">{item}</ul></section>'
    if path.startswith("/article/zt_x/a/"):
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Encoding": "gzip"}
        return Answer(gzip.compress(PAGE.encode()), headers=headers)
    return None


@pytest.mark.slow
def test_a_page_is_saved_checked_and_then_guards_its_site(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    with serve(answer) as site:
        sites = sites_for({"zhuanti": "重要专题"}, tmp_path / "sites", site.base_url)
        about = {"ARCHIVE_DIR": str(tmp_path / "archive"), "ARCHIVE_SITES_DIR": sites}
        url = f"{site.base_url}article/zt_x/a/202403/20240300000001.shtml"
        done = scrapy("savepage", "--name", "reading", "--pages", str(pages), url, **about)
        assert (done.returncode, done.stderr) == (0, "")
        assert "delete its first line" in done.stdout
        assert not (tmp_path / "archive").exists()
        assert crawl(tmp_path / "archive", settings={"ARCHIVE_SITES_DIR": sites}).code == 0
    archived = scrapy("savepage", "--name", "kept", "--pages", str(pages), "--from-archive", "1", **about)
    assert (archived.returncode, archived.stderr) == (0, "")
    for name, title in (("reading", ""), ("kept", "读书会纪事")):
        folder = pages / "mofcom" / name
        assert (folder / "page.html").read_bytes() == PAGE.encode()
        meta = tomllib.loads((folder / "meta.toml").read_text(encoding="utf-8"))
        assert (meta["url"], meta["site"], meta["listed_title"]) == (url, "jgdw", title)
        expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
        assert next(iter(expected)) == "unchecked"
        assert (expected["author"], expected["source"]) == ("张明", "机关党委")
    unread = scrapy("checksites", "--pages", str(pages), **about)
    assert unread.returncode == 1
    assert unread.stdout.count("not checked yet") == 2
    for folder in (pages / "mofcom").iterdir():
        expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
        del expected["unchecked"]
        (folder / "expected.json").write_text(json.dumps(expected), encoding="utf-8")
    read = scrapy("checksites", "--pages", str(pages), **about)
    assert (read.returncode, read.stderr) == (0, "")
    assert "mofcom@T3: 2 saved pages" in read.stdout
    assert "ROW    '.at-left' found something on 2 of 2" in read.stdout
    assert "mofcom@T2: no saved page yet" in read.stdout
    page = pages / "mofcom" / "kept" / "page.html"
    page.write_text(PAGE.replace("at-left", "at-right").replace("来源：", "出处 "), encoding="utf-8")
    broken = scrapy("checksites", "--pages", str(pages), "jgdw", **about)
    assert broken.returncode == 1
    assert "WRONG mofcom/kept: source is '', expected '机关党委'" in broken.stdout
    again = scrapy("savepage", "--name", "kept", "--pages", str(pages), "--from-archive", "1", **about)
    assert (again.returncode, again.stdout) == (2, "")
    assert "exists already" in again.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("savepage", "--name", "x", "https://elsewhere.example/a.html"), 2, "is not an address of"),
        (("savepage", "--name", "x", "http://127.0.0.1:9/a.shtml"), 4, "could not be fetched"),
        (("savepage", "http://127.0.0.1:9/a.shtml"), 2, "give --name CASE"),
        (("savepage", "--name", "x", "--site", "no", "http://127.0.0.1:9/a"), 2, "unknown site 'no': known are jgdw"),
        (("checksites", "no"), 2, "unknown site 'no': known are jgdw"),
        (("checksites", "--pages", "/nowhere"), 2, "no saved page below '/nowhere'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments: tuple[str, ...], code: int, line: str, tmp_path: Path) -> None:
    sites = sites_for({"zhuanti": "重要专题"}, tmp_path / "sites", "http://127.0.0.1:9/")
    done = scrapy(*arguments, ARCHIVE_SITES_DIR=sites, RETRY_ENABLED="0")
    assert done.returncode == code, done.stderr
    assert line in done.stderr
    assert not (saved.FOLDER / "mofcom" / "x").exists()


@pytest.mark.slow
def test_the_sites_that_are_shipped_read_their_pages_as_expected() -> None:
    done = scrapy("checksites")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_names_stay_inside_the_folder(tmp_path: Path) -> None:
    shutil.copytree(saved.FOLDER / "mofcom" / "t3-01", tmp_path / "mofcom" / "t3-01")
    case = load(tmp_path / "mofcom" / "t3-01")
    for name in ("..", "a/b", "Ü", "", "-x"):
        with pytest.raises(BadUsage, match="may hold only"):
            saved.save(case, None, tmp_path / name if "/" not in name else Path(f"{tmp_path}/{name}\n"))  # type: ignore[arg-type]


def test_odd_headers_come_back_as_they_were(tmp_path: Path) -> None:
    from crawler.items import Article

    odd = Case("http://a/b", b"<p>", {"Content-Type": 'text/html; x="\\\t\x7f"'}, "mofcom", listed_title='“"标题\n')
    saved.save(odd, Article(url="http://a/b"), tmp_path / "mofcom" / "odd")
    back = load(tmp_path / "mofcom" / "odd")
    assert (back.headers, back.listed_title, back.body) == (odd.headers, odd.listed_title, odd.body)
