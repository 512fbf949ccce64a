"""What the commands that do something say to programs: one JSON object a line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from exports.cli import main
from exports.database.revision import known
from exports.operating.settings import EVENTS
from tests.archive_command import read_jsonl, refused, run

JSONL = ("--format", "jsonl")


@pytest.mark.parametrize("name", ["alert", "backup", "migrate", "release"])
def test_people_get_what_they_got(name: str) -> None:
    (option,) = [option for option in main.commands[name].params if option.name == "form"]
    assert option.default == "table"


def test_alerts(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHIVE_ALERT_DISK", "0")
    rows = read_jsonl(run("alert", *JSONL).stdout)
    assert {row["event"] for row in rows} == {"overdue"}
    assert "no run has finished yet" in {row["text"] for row in rows}
    assert len(rows) == len(run("alert").stdout.splitlines())
    monkeypatch.setenv("ARCHIVE_ALERT_OVERDUE", "0")
    assert run("alert", *JSONL).stdout == ""
    monkeypatch.setenv("ARCHIVE_ALERT_COMMAND", "true")
    assert read_jsonl(run("alert", "--test", *JSONL).stdout) == [{"channel": "command true", "sent": len(EVENTS)}]


def test_a_backup(evidence: Path, tmp_path: Path) -> None:
    (done,) = read_jsonl(run("backup", str(tmp_path / "copy"), *JSONL).stdout)
    assert (done["folder"], done["problems"]) == (str(tmp_path / "copy"), [])
    assert f"{done['rows']} rows and {done['files']} files" in run("backup", str(tmp_path / "again")).stdout


def test_metrics(archive: Path) -> None:
    rows = read_jsonl(run("metrics", *JSONL).stdout)
    assert {"name": "archive_articles", "labels": {"column": "zhuanti"}, "value": 4} in rows
    printed = [line for line in run("metrics").stdout.splitlines() if not line.startswith("#")]
    assert len(rows) == len(printed)
    assert "--format jsonl" in refused("metrics", *JSONL, "--output", "x")


def test_migrations(evidence: Path, tmp_path: Path) -> None:
    indexed, upgraded, texts = read_jsonl(run("migrate", "--reindex", "--texts", *JSONL).stdout)
    assert indexed["did"] == "reindex"
    assert upgraded == {"did": "upgrade", "revision": known()[-1]}
    assert texts["did"] == "texts"
    copied = read_jsonl(run("migrate", "--to", f"sqlite:///{tmp_path}/other.db", *JSONL).stdout)
    assert {row["did"] for row in copied} == {"copy"}
    assert indexed["articles"] in [row["rows"] for row in copied if row["table"] == "articles"]
    store = ("-s", f"ARCHIVE_STORE=file://{tmp_path}/store")
    (tmp_path / "store").mkdir()
    _, checked, filled = read_jsonl(run(*store, "migrate", "--store", *JSONL).stdout)
    assert checked == {"did": "check the store", "kept": 0, "lost": 0}
    assert filled["did"] == "fill the store"


def test_a_release(archive: Path, tmp_path: Path) -> None:
    rows = read_jsonl(run("release", str(tmp_path / "r1"), *JSONL).stdout)
    assert [f"{row['sha256']}  {row['path']}" for row in rows] == run(
        "release", str(tmp_path / "r2")
    ).stdout.splitlines()
    assert {str(row["path"]): row["size"] for row in rows} == {
        path.name: path.stat().st_size for path in (tmp_path / "r1").iterdir()
    }


def test_a_shell_completes_the_formats() -> None:
    code = "from exports.cli import main; main(prog_name='archive')"
    words = {"COMP_WORDS": "archive metrics --format ", "COMP_CWORD": "3", "_ARCHIVE_COMPLETE": "bash_complete"}
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | words, capture_output=True, text=True)
    assert done.stdout.split() == ["plain,text", "plain,jsonl"]
