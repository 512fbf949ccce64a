"""Logs and messages: no password, no escape, no forged line."""

import io
import logging
from pathlib import Path

import pytest

from crawler.logs import HarmlessFormatter, HarmlessLogs, harmless
from crawler.settings import EXTENSIONS
from exports.config import Config
from exports.database.session import open_engine
from exports.errors import ConfigError, StorageError, without_password
from tests.crawling import crawl
from tests.hostile_site import answer, article, redirect, serve

SECRET = "geheim4711"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"cannot connect to postgresql://op:{SECRET}@db/x", "cannot connect to postgresql://op:***@db/x"),
        (f"http://u:{SECRET}@jgdw/ refused", "http://u:***@jgdw/ refused"),
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07end", "red 0;titleend"),
        ("a\u202eb\u200bc\x00d\x9b2Je", "abcde"),
        ("one\n2026-11-29 00:00:00 [x] INFO: forged", "one 2026-11-29 00:00:00 [x] INFO: forged"),
        (
            f"postgresql://db/x?user=op&password={SECRET}&sslmode=require",
            "postgresql://db/x?user=op&password=***&sslmode=require",
        ),
        (f"connection failed: host=db password={SECRET} user=op", "connection failed: host=db password=*** user=op"),
        (f"https://hook.example.test/send?access_token={SECRET}", "https://hook.example.test/send?access_token=***"),
        ("商务部直属机关党委：100 %", "商务部直属机关党委：100 %"),
    ],
)
def test_what_a_log_line_shows(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_a_traceback_is_harmless_too() -> None:
    formatter = HarmlessFormatter(logging.Formatter("%(levelname)s %(message)s"))
    try:
        raise ValueError(f"\x1b[2Jpostgresql://op:{SECRET}@db/x\u202e")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "%s\nsecond", ("first",), info)
    text = formatter.format(record)
    assert text.startswith("ERROR first second\nTraceback")
    assert SECRET not in text
    assert not set(text) & set("\x1b\u202e")


def test_a_crawl_loads_the_formatter_into_every_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    """What pages say is mostly escaped where it is named, too; this is for what is not."""
    assert "crawler.logs.HarmlessLogs" in EXTENSIONS
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    HarmlessLogs.from_crawler(None)  # type: ignore[arg-type]
    logging.getLogger("scrapy").error("\x1b[31m%s", "\u202e\nforged")
    assert out.getvalue() == " forged\n"


@pytest.mark.parametrize(
    "url",
    [
        *(f"postgresql://op:{SECRET}@db:port/x", f"postgresql:/op:{SECRET}@db", f"op:{SECRET}@db"),
        f"postgresql://db:port/x?password={SECRET}",
    ],
)
def test_a_bad_database_address_is_named_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.from_settings({"ARCHIVE_DATABASE_URL": url})
    assert SECRET not in str(caught.value)
    assert "db" in str(caught.value)


@pytest.mark.parametrize("password", [SECRET, f"{SECRET}@{SECRET}", f"{SECRET}:{SECRET}", f"{SECRET}/{SECRET}"])
def test_whatever_the_password_holds(password: str) -> None:
    assert without_password(f"postgresql://op:{password}@db/x") == "postgresql://op:***@db/x"


@pytest.mark.slow
def test_a_database_that_cannot_be_reached_is_named_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql://op:{SECRET}@127.0.0.1:9/x"
    with serve({}) as site:
        done = crawl(
            tmp_path / "archive",
            settings={"ARCHIVE_DATABASE_URL": url, "LOG_LEVEL": "DEBUG"},
            base_url=site.base_url,
        )
    assert done.code == 5
    assert SECRET not in done.err + done.out
    assert "127.0.0.1" in done.err


@pytest.mark.slow
@pytest.mark.parametrize("form", ["json", "text"])
def test_what_a_page_says_cannot_forge_a_log_line_or_colour_a_terminal(tmp_path: Path, form: str) -> None:
    evil = "\x1b[31m\u202e%0a2026-01-01 00:00:00 [crawler] INFO: forged"
    with serve({"evil": redirect(f"//[{evil}"), "good": answer(article("春天的学习会"))}) as site:
        done = crawl(tmp_path / "archive", settings={"ARCHIVE_LOG_FORMAT": form}, base_url=site.base_url)
    assert done.outcomes()["archived"] == 1
    assert not set(done.err + done.out) & set("\x1b\u202e\x9b")
    assert not any(line.startswith("2026-01-01") for line in done.err.splitlines())


def test_a_password_given_as_a_parameter_is_not_in_the_error_either() -> None:
    with pytest.raises(StorageError) as caught:
        open_engine(f"postgresql+psycopg://127.0.0.1:9/x?password={SECRET}")
    assert SECRET not in str(caught.value)
    assert "password=***" in str(caught.value)
