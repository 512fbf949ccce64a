"""The benchmarks run: nothing else calls them, and what they call changes."""

import subprocess
import sys

import pytest

from tests.crawling import ROOT


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "arguments", "prints"),
    [
        ("scale", ("--articles", "20", "40"), "stored, a second"),
        ("crawl", ("--articles", "20", "--runs", "1"), "ratio, median of pairs"),
        ("recrawl", ("--articles", "30"), "requests"),
        ("replay", ("--articles", "30"), "articles a CPU second"),
        ("search", ("--articles", "200", "--postgresql", "0"), "common"),
    ],
    ids=["scale", "crawl", "recrawl", "replay", "search"],
)
def test_a_benchmark_measures(name: str, arguments: tuple[str, ...], prints: str) -> None:
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    assert prints in done.stdout
