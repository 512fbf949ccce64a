"""Log lines for machines, and the trend for people."""

import json
import logging

import pytest
from scrapy.settings import Settings

from crawler.exceptions import BadUsage
from crawler.logformat import JsonFormatter, wants_json
from crawler.progress import remaining
from exports.commands.trend import spark


def test_a_line_cannot_be_forged() -> None:
    record = logging.LogRecord("x", logging.WARNING, "", 0, "title: %s", ('甲\n{"level": "ERROR"}',), None)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert "甲" in line
    assert json.loads(line)["message"] == 'title: 甲 {"level": "ERROR"}'


def test_a_traceback_is_a_field() -> None:
    try:
        raise ValueError("broken")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    line = JsonFormatter().format(logging.LogRecord("x", logging.ERROR, "", 0, "m", (), info))
    assert json.loads(line)["exception"].endswith("ValueError: broken")


def test_json_is_for_machines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert wants_json(Settings({"ARCHIVE_LOG_FORMAT": "auto"}))  # a captured stream is no terminal
    assert not wants_json(Settings({"ARCHIVE_LOG_FORMAT": "text"}))
    assert not wants_json(Settings({"ARCHIVE_LOG_FORMAT": "auto", "LOG_FORMAT": "%(message)s"}))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert not wants_json(Settings({"ARCHIVE_LOG_FORMAT": "auto"}))
    assert wants_json(Settings({"ARCHIVE_LOG_FORMAT": "auto", "LOG_FILE": "x.log"}))
    with pytest.raises(BadUsage, match="allowed are auto, json, text"):
        wants_json(Settings({"ARCHIVE_LOG_FORMAT": "xml"}))


def test_the_time_that_is_left() -> None:
    assert remaining(90, 30) == "3 min"
    assert remaining(7200, 30) == "4 h"
    assert remaining(5, 0) == "unknown time"


def test_a_trend_is_drawn() -> None:
    assert spark([0, 5, 10]) == "▁▄█"
    assert spark([4, 4]) == "▁▁"
