"""No regular expression of the project takes super-linear time for any text."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.crawling import ROOT

pytestmark = pytest.mark.slow


def measured(*patterns: str) -> dict[str, Any]:
    # in a process of its own: a pattern that hangs is ended with it
    command = [sys.executable, "-m", "tests.regex_growth", *patterns]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout))


def test_time_grows_with_length_alone() -> None:
    found = measured()
    assert found["patterns"] > 80
    assert found["slow"] == []


@pytest.mark.parametrize(
    "pattern", [r"(a+)+$", r"\s*,?\s*x", r"首页.*?专题", r"<[^>]*$", r"\x9d[^\x07]*\x07", "(?:[^\u4e00-\u9fff]|\x9d)*x"]
)
def test_the_measurement_finds_what_it_should(pattern: str) -> None:
    assert [text for _, text, *_ in measured(pattern)["slow"]] == [pattern]
