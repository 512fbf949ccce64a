"""`archive …` as people and programs use it."""

import hashlib
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from exports.cli import main
from exports.comparison import paragraphs
from exports.database.models import ArticleVersion, Capture
from exports.database.session import open_engine
from tests.archive_command import read_csv, read_jsonl, refused, run
from tests.archive_fixture import ARTICLES, BASE, fill


def test_without_arguments_it_helps() -> None:
    assert run().stdout == run("--help").stdout
    assert "search" in run().stdout


def test_it_names_its_version() -> None:
    assert run("--version").stdout == f"archive, version {version('zhuanti-archive')}\n"


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_has_help_with_an_example(name: str) -> None:
    assert f"Example: archive {name}" in run(name, "--help").stdout


def test_search_table(archive: Path) -> None:
    lines = run("search", "深入").stdout.splitlines()
    assert "深入调研 推动工作" in lines[2]
    assert "2023-05-04 09:30" in lines[2]
    assert "没有日期的文章" in lines[3]
    assert lines[-1] == "2 of 2 shown"
    assert run("search", "深入", "--limit", "1").stdout.splitlines()[-1] == "1 of 2 shown"


def test_search_shows_the_unit_in_which_the_words_stand(archive: Path) -> None:
    assert "王小明月 (信息中心二处)" in run("search", "信息中心二处").stdout
    assert "(" not in run("search", "深入").stdout


def test_search_marks_withdrawn_articles(archive: Path) -> None:
    assert "[withdrawn] =1+1" in run("search", "公式").stdout
    (row,) = read_jsonl(run("search", "公式", "--format", "jsonl").stdout)
    assert row["status"] == "withdrawn"


def test_search_for_programs(archive: Path) -> None:
    rows = read_jsonl(run("search", "", "--format", "jsonl").stdout)
    assert [row["id"] for row in rows] == [1, 2, 3, 4, 5]
    table = read_csv(run("search", "", "--format", "csv").stdout)
    assert [row["id"] for row in table] == ["1", "2", "3", "4", "5"]
    assert table[3]["title"] == "'=1+1"
    assert "三个县" in str(read_jsonl(run("search", "三个县", "--format", "jsonl").stdout)[0]["snippet"])


def test_search_without_a_hit(archive: Path) -> None:
    assert "no article matches '没有这个词'" in run("search", "没有这个词").stdout
    assert run("search", "没有这个词", "--format", "jsonl").stdout == ""
    assert read_csv(run("search", "没有这个词", "--format", "csv").stdout) == []


def test_search_filters(archive: Path) -> None:
    found = run("search", "", "--column", "学习园地", "--since", "2022-06-01", "--format", "jsonl").stdout
    assert [row["id"] for row in read_jsonl(found)] == [2]
    assert [row["id"] for row in read_jsonl(run("search", "王小明", "-s", f"ARCHIVE_DIR={archive}", "--author",
                                                "王小明", "--format", "jsonl").stdout)] == [1]  # fmt: skip


@pytest.mark.slow
def test_migrate_and_search_on_postgresql(postgres_database: str, tmp_path: Path) -> None:
    settings = ["-s", f"ARCHIVE_DIR={tmp_path}", "-s", f"ARCHIVE_DATABASE_URL={postgres_database}"]
    assert "no archive" in refused(*settings, "stats")
    run(*settings, "migrate")
    run(*settings, "migrate")
    engine = open_engine(postgres_database)
    fill(engine)
    engine.dispose()
    assert run(*settings, "search", "ABC计划").stdout.endswith("1 of 1 shown\n")
    assert len(run(*settings, "export", "--format", "jsonl").stdout.splitlines()) == len(ARTICLES)
    assert "listed 5 = archived 3 + unchanged 1 + external 1" in run(*settings, "coverage", "zhuanti").stdout


def test_show(archive: Path) -> None:
    shown = run("show", "1").stdout
    for part in (
        *("深入调研 推动工作", "信息中心主任 王小明", "首页 > 重要专题", "附件：名单.pdf", "version        2 of 2"),
        *("2024-03-02 05:30:00", "title, source, body_text"),  # valid_from, 8 hours ahead of UTC
        *("capture        1, HTTP 200, 2024-03-01 09:30:00", "warc/test.warc.gz, byte 100", "urn:uuid:1"),
    ):
        assert part in shown
    assert hashlib.sha256(b"1").hexdigest() in shown
    assert shown.endswith("各支部深入基层开展调研。\n\n调研组走访了三个县，完成率为100%。\n")
    assert "旧的结尾。" in run("show", f"{BASE}/article/1.shtml", "--version", "1").stdout


def test_show_raw(archive: Path) -> None:
    from datetime import UTC, datetime

    from crawler.items import Exchange
    from exports.warc import WarcWriter

    body = b"\x1f\x8b not even text \xff\x00\r\n"
    writer = WarcWriter(archive, "raw", {})
    address, moment = f"{BASE}/article/2.shtml", datetime(2024, 1, 1, tzinfo=UTC)
    headers = [("Content-Encoding", "gzip")]
    position = writer.append(Exchange(address, "GET", [], 200, "HTTP/1.1", headers, body, moment))
    writer.close()
    engine = open_engine(f"sqlite:///{archive}/archive.db")
    with Session(engine) as session:
        kept = session.get_one(Capture, 2)
        kept.warc_file, kept.warc_offset = position.warc_file, position.offset
        kept.warc_record_id = position.record_id
        session.get_one(Capture, 3).revisit_of = 2
        session.commit()
    engine.dispose()
    assert run("show", "2", "--raw").stdout_bytes == body
    assert run("show", "3", "--raw").stdout_bytes == body  # a revisit: the payload is with the earlier capture
    assert "warc/test.warc.gz" in refused("show", "1", "--raw", exit_code=5)


def test_diff(archive: Path) -> None:
    shown = run("diff", "1").stdout
    assert "深入调研{+ 推动工作+}" in shown
    assert "各支部深入[-一线-]{+基层+}开展调研。" in shown
    assert "[-旧的结尾。-]" in shown
    assert "三个县" not in shown  # unchanged
    assert "各支部深入[-基层-]{+一线+}开展调研。" in run("diff", "1", "2", "1").stdout
    assert "nothing differs" in run("diff", "1", "2", "2").stdout
    assert "one version" in run("diff", "2").stdout


def test_diff_pairs_changed_paragraphs() -> None:
    old = ["开头一段不变。", "第二段说到了山。", "要删去的话。"]
    new = ["开头一段不变。", "完全新写的内容在这里。", "第二段说到了水。"]
    pieces = list(paragraphs(old, new))
    assert [("same", "第二段说到了"), ("deleted", "山"), ("added", "水"), ("same", "。")] in pieces
    assert "".join(text for paragraph in pieces for kind, text in paragraph if kind != "added") == "".join(old)
    assert "".join(text for paragraph in pieces for kind, text in paragraph if kind != "deleted") == "".join(new)


def test_stats(archive: Path) -> None:
    shown = run("stats").stdout
    assert re.search(r"^articles +5$", shown, re.M)
    assert re.search(r"^重要专题 +4$", shown, re.M)
    assert re.search(r"^2023-05 +1$", shown, re.M)
    chart = run("stats", "--by", "column", "--format", "chart").stdout.splitlines()
    assert chart == ["重要专题  " + "█" * 50 + " 4", "学习园地  " + "█" * 12 + " 1"]
    rows = read_jsonl(run("stats", "--by", "unit", "--format", "jsonl").stdout)
    assert {"by": "unit", "key": "研究院", "name": "研究院", "articles": 1} in rows
    assert read_csv(run("stats", "--by", "month", "--format", "csv").stdout)[0]["key"] == "2022-01"
    assert re.search(r"^articles +1$", run("stats", "--column", "other").stdout, re.M)


def test_stats_unsure(archive: Path) -> None:
    assert "某处来稿" in run("stats", "--unsure").stdout
    assert [row["id"] for row in read_jsonl(run("stats", "--unsure", "--format", "jsonl").stdout)] == [3]


def test_coverage(archive: Path) -> None:
    shown = run("coverage", "重要专题").stdout
    assert "listed 5 = archived 3 + unchanged 1 + external 1\n" in shown
    assert "the ledger closes" in shown
    shown = run("coverage").stdout
    assert "listed 2 = archived 1 + pending 1\n" in shown
    assert "the ledger does not close: 1 pending; the run has not finished" in shown
    other, zhuanti = read_jsonl(run("coverage", "--format", "jsonl").stdout)
    assert (other["closes"], zhuanti["closes"], zhuanti["declared"]) == (False, True, 5)
    assert read_csv(run("coverage", "--format", "csv").stdout)[1]["external"] == "1"


def test_runs_and_failures(archive: Path) -> None:
    assert "not finished" in run("coverage", "other").stdout
    assert "archived 4 external 1" in run("runs").stdout
    (last,) = read_jsonl(run("runs", "zhuanti", "--limit", "1", "--format", "jsonl").stdout)
    assert (last["id"], last["started_at"]) == (3, "2024-03-04T09:30:00+08:00")
    assert [row["id"] for row in read_csv(run("runs", "--format", "csv").stdout)] == ["3", "2", "1"]
    assert "HTTP 500 twice" in run("failures").stdout
    assert [row["id"] for row in read_jsonl(run("failures", "--format", "jsonl").stdout)] == [1]
    assert [row["id"] for row in read_csv(run("failures", "--all", "--format", "csv").stdout)] == ["2", "1"]
    assert run("failures", "zhuanti").stdout == "no unresolved failure\n"


def test_export_jsonl(archive: Path) -> None:
    from exports.jsonl import FIELDS, line

    exported = run("export", "--format", "jsonl").stdout
    engine = open_engine(f"sqlite:///{archive}/archive.db", read_only=True)
    with Session(engine) as session:
        kept_lines = {line(version) for version in session.scalars(select(ArticleVersion))}
    engine.dispose()
    assert set(exported.splitlines()) < kept_lines  # but for the first version of article 1
    lines = read_jsonl(exported)
    assert [line["id"] for line in lines] == [1, 2, 3, 4, 5]
    expected = ["event", "id", *FIELDS, "authors", "attachments", "images", "run_id"]
    assert list(lines[0]) == expected
    assert (lines[0]["version"], lines[0]["breadcrumb"]) == (2, ["首页", "重要专题"])
    assert len(run("export", "--format", "jsonl", "--text", "深入", "--limit", "1").stdout.splitlines()) == 1


def test_export_csv_to_a_file(archive: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("an older export")
    run("export", "--format", "csv", "--output", str(target))
    rows = read_csv(target.read_text(encoding="utf-8"))
    assert len(rows) == 5
    assert rows[0]["breadcrumb"] == "首页; 重要专题"
    assert rows[0]["body_text"] == ARTICLES[0]["body_text"]
    assert rows[0]["attachments"] == f"附件：名单.pdf {BASE}/f/1.pdf"
    assert rows[3]["title"] == "'=1+1"
    assert [path.name for path in tmp_path.glob(".out*")] == []
    refused("export", "--format", "csv", "--output", str(target), "--since", "bad")
    assert len(read_csv(target.read_text(encoding="utf-8"))) == 5


def test_reading_needs_no_scrapy() -> None:
    code = "import sys, exports.cli; sys.exit('scrapy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
