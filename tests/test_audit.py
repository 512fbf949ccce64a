"""`make audit` says in plain lines what pip-audit found, and when it could judge nothing."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.audit import audit

CLEAN = {"name": "lxml", "version": "6.1.3", "vulns": []}
HOLED = CLEAN | {"vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["6.1.4"]}]}
UNKNOWN = {"name": "scrapy", "skip_reason": "Dependency not found"}


def stand_in(folder: Path, output: str, error: str = "", code: int = 0) -> str:
    path = folder / "pip-audit"
    path.write_text(
        f"#!{sys.executable}\nimport sys\nprint({output!r})\nprint({error!r}, file=sys.stderr)\nsys.exit({code})\n"
    )
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([CLEAN], 0, ["1 packages, none with a known vulnerability"]),
        ([CLEAN, HOLED], 1, ["lxml 6.1.3: PYSEC-2026-1, mended in 6.1.4"]),
        ([CLEAN, UNKNOWN], 2, ["1 of 2 packages are not in the database that answered: scrapy"]),
        ([HOLED, UNKNOWN], 1, ["lxml 6.1.3: PYSEC-2026-1, mended in 6.1.4", "1 of 2 packages are not in the database"]),
        ([], 2, ["0 of 0 packages"]),
    ],
)
def test_what_is_said_of_a_report(packages: list[Any], code: int, said: list[str], tmp_path: Path) -> None:
    ended, lines = audit(stand_in(tmp_path, json.dumps({"dependencies": packages, "fixes": []})))
    assert (ended, len(lines)) == (code, len(said))
    assert all(part in line for part, line in zip(said, lines, strict=True))


@pytest.mark.parametrize(
    "error", ["Traceback (most recent call last):\n  File x\nrequests.ConnectionError: no route", ""]
)
def test_a_database_out_of_reach_is_one_line_and_no_success(error: str, tmp_path: Path) -> None:
    code, lines = audit(stand_in(tmp_path, "", error, 1))
    assert (code, len(lines)) == (2, 1)
    assert lines[0].startswith("audit: nothing was judged")
    assert "Traceback" not in lines[0]
