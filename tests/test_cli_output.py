"""What is printed is harmless: to a terminal, to a spreadsheet, into a pipe."""

import contextlib
import json
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from exports import csv as archive_csv
from exports import terminal
from exports.cli import main
from exports.config import Config, database_url
from exports.database.models import Article
from exports.database.session import open_engine
from tests.archive_command import refused, run
from tests.test_web_hostile import poison

CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def test_nothing_printed_controls_the_terminal(archive: Path) -> None:
    for command in (
        *(["search", ""], ["search", "", "--format", "csv"], ["show", "3"], ["stats", "--unsure"]),
        *(["failures"], ["failures", "--format", "csv"], ["export", "--format", "csv"]),
    ):
        output = run(*command).stdout.replace("\r\n", "\n")
        assert not CONTROLS.search(output), command
    assert "红色标题反写尾" in run("show", "3").stdout
    assert "\x1b" not in refused("show", "\x1b[31mred")


def on_a_terminal(*command: str) -> tuple[int, str]:
    """The command's exit code and what a terminal gets of it."""
    ours, theirs = pty.openpty()
    code = f"from exports.cli import main; main({[*command]!r})"
    with subprocess.Popen([sys.executable, "-c", code], stdout=theirs, stderr=theirs, stdin=theirs) as process:
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # Linux tells the end so
            while part := os.read(ours, 65536):
                said += part
    os.close(ours)
    return process.returncode, said.decode().replace("\r\n", "\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        *(["search", "", "--format", "jsonl"], ["search", "", "--format", "csv"], ["export", "--format", "jsonl"]),
        *(["show", "3", "--format", "jsonl"], ["show", "3"]),
    ],
    ids=" ".join,
)
def test_a_terminal_gets_no_control_characters_in_rows_for_programs_either(archive: Path, command: list[str]) -> None:
    code, said = on_a_terminal(*command)
    assert code == 0, said
    colourless = re.sub(r"\x1b\[[\d;]*m", "", said) if "--format" not in command else said
    assert not CONTROLS.search(colourless.replace("\r\n", "\n"))
    if "jsonl" in command:
        piped = run(*command).stdout
        assert "\x9b" in piped
        assert [json.loads(line) for line in said.splitlines()] == [json.loads(line) for line in piped.splitlines()]


@pytest.mark.slow
def test_evidence_is_not_written_to_a_terminal(archive: Path) -> None:
    code, said = on_a_terminal("show", "3", "--raw")
    assert code == 2
    assert "send it to a file or pipe" in said


EVIL = "\x1b[31m\x1b]0;owned\x07\u202e\x9b2J\u2066\x85\u2028\rx\ny\x08\x7f<b>=1"


@pytest.mark.slow
def test_no_command_prints_what_controls_a_terminal(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command over an archive whose every text is hostile, and with hostile arguments."""
    monkeypatch.chdir(tmp_path)  # some arguments are names of folders, which are made
    poison(archive, EVIL)
    commands = [
        *(
            ["search", ""],
            ["search", "x"],
            ["search", EVIL],
            ["search", "", "--column", EVIL],
            ["search", "x", "--since", EVIL],
        ),
        *(["show", "1"], ["show", "1", "--version", "1"], ["show", EVIL], ["diff", "1"], ["diff", "1", "1", "2"]),
        *(["stats", "--by", by] for by in ("column", "unit", "author", "month", EVIL)),
        *(
            ["coverage"],
            ["coverage", "zhuanti"],
            ["runs"],
            ["failures"],
            ["failures", "--all"],
            ["verify"],
            ["metrics"],
        ),
        *(["schema"], ["alert"], ["export", "--format", "csv"], ["export", "--format", EVIL], ["release", EVIL]),
        *(["backup", EVIL], ["migrate", "--to", EVIL], ["serve", "--host", EVIL], ["completion", EVIL], [EVIL]),
        *(["-s", EVIL, "search"], ["-s", f"ARCHIVE_DIR={EVIL}", "search", "x"], ["search", "x", f"--{EVIL}"]),
    ]
    assert {command[0] for command in commands} >= main.commands.keys()
    for command in commands:
        result = CliRunner().invoke(main, command)
        assert result.exception is None or isinstance(result.exception, SystemExit), command
        printed = (result.stdout + result.stderr).replace("\r\n", "\n")
        assert not CONTROLS.search(printed.replace("\t", "")), command


def test_printable() -> None:
    assert terminal.printable("a\x1b[1;31mb\x1b]8;;http://x\x1b\\c\x07\x00\u2028d\ne") == "abc d e"
    assert terminal.printable("a\nb\tc\rd", keep="\n\t") == "a\nb\tc d"
    assert terminal.printable("中文，“引号”ＡＢＣ😀") == "中文，“引号”ＡＢＣ😀"
    assert terminal.printable("\ud800x") == "x"
    assert terminal.printable("a\x9d0;t\x9cb\x1bPq\x1b\\c\x9d\x9d0;t\x07d") == "abcd"


@pytest.mark.parametrize("start", ["\x9d", "\x90", "\x9b", "\x1b]", "\x1b[", "\x1bP"])
def test_beginnings_of_escapes_without_an_end_cost_no_more_than_their_length(start: str) -> None:
    begun = time.process_time()
    assert terminal.printable(start * 100_000 + "\x07字").endswith("字")
    assert time.process_time() - begun < 5


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", "＋", "－", "＠", " =", "\t", "\u200b=", "\x00=", "\n@"])
def test_csv_neutralises_formulas(start: str) -> None:
    assert archive_csv.cell(f"{start}1").startswith("'")


def test_csv_leaves_other_cells_alone() -> None:
    assert [archive_csv.cell(value) for value in (None, -5, "a=b", "", ["一", "二"], "１")] == [
        *("", -5, "a=b", "", "一; 二", "１"),
    ]


@pytest.mark.slow
def test_many_articles_into_a_closed_pipe(archive: Path) -> None:
    engine = open_engine(f"sqlite:///{archive}/archive.db")
    with Session(engine) as session:
        session.get_one(Article, 1).body_text = "很长的正文。" * 100_000
        session.execute(text("UPDATE article_versions SET body_text = :long"), {"long": "很长的正文。" * 100_000})
        session.commit()
    engine.dispose()
    for command in (["export", "--format", "jsonl"], ["export", "--format", "csv"], ["show", "1"]):
        code = f"from exports.cli import main; main({command!r})"
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert (process.stderr.read(), process.wait(60)) == (b"", 0), command
        process.stderr.close()


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["search", "深入"], "深入"),
        (["stats"], "versions"),
        (["--help"], "coverage"),
        (["show", "--help"], "--version"),
    ],
)
def test_what_needs_no_sqlalchemy_does_not_load_it(archive: Path, arguments: list[str], printed: str) -> None:
    """Loading it takes longer than a search."""
    code = f"import sys; from exports.cli import main\ntry: main({arguments})\nexcept SystemExit: pass\n"
    code += "sys.exit('sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert printed in done.stdout


def test_the_program_does_as_its_command_line_does(archive: Path) -> None:
    code = "import sys; from exports import cli; sys.argv = ['archive', 'show', '99']\n"
    done = subprocess.run([sys.executable, "-c", code + "cli.run()"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == refused("show", "99") + "\n"


@pytest.mark.parametrize("path", ["a.db", "/a/b.db", "a b/c.db", "a@b:c#d.db"])
def test_the_file_of_a_url_is_what_sqlalchemy_takes_it_for(path: str) -> None:
    config = Config(Path(), database_url(f"sqlite:///{path}"))
    assert config.sqlite_file == Path(make_url(config.database_url).database or "") == Path(path)
    assert Config(Path(), database_url(f"sqlite:///{path}%2Fx")).sqlite_file in (None, Path(f"{path}/x"))
    assert Config(Path(), "postgresql+psycopg:///x").sqlite_file is None


@pytest.mark.parametrize(
    ("full", "empty"),
    [
        (["search", ""], ["search", "没有这样的词"]),
        (["export"], ["export", "--text", "没有这样的词"]),
        (["failures"], ["failures", "zhuanti"]),
    ],
    ids=["search", "export", "failures"],
)
def test_a_csv_without_rows_still_names_its_fields(archive: Path, full: list[str], empty: list[str]) -> None:
    [head] = run(*empty, "--format", "csv").stdout.splitlines()
    assert head == run(*full, "--format", "csv").stdout.splitlines()[0]
    assert head.startswith("\ufeff")
