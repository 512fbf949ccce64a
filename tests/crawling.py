"""Running `scrapy crawl` as an operator does: a process of its own, its exit code, its archive."""

import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FAST = {
    "DOWNLOAD_DELAY": "0",
    "AUTOTHROTTLE_ENABLED": "0",
    "CONCURRENT_REQUESTS_PER_DOMAIN": "16",
    "ARCHIVE_RETRY_DELAY": "0.02",
    "ARCHIVE_TEXTS": "0",
}
"""Politeness off: the server is our own, on loopback. Attachments are read in the tests that look at their text."""


@dataclass
class Crawl:
    """A finished crawl."""

    code: int
    out: str
    err: str
    directory: Path

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """Rows of the embedded database."""
        connection = sqlite3.connect(self.directory / "archive.db")
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(sql, values)]
        finally:
            connection.close()

    def outcomes(self, column_id: str = "zhuanti") -> dict[str, int]:
        """outcome -> entries of the column's listing."""
        rows = self.rows(
            "SELECT coalesce(outcome, 'pending') AS outcome, count(*) AS n FROM listings"
            " WHERE column_id = ? GROUP BY 1",
            column_id,
        )
        return {row["outcome"]: row["n"] for row in rows}

    def lines(self) -> list[dict[str, Any]]:
        """Every JSON line of the archive."""
        files = sorted(self.directory.glob("jsonl/*/*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def crawl(
    directory: Path,
    spider: str = "zhuanti",
    *,
    settings: dict[str, str] | None = None,
    timeout: float = 120,
    failpoint: str = "",
    full_disk: bool = False,
    hours: float = 0,
    **arguments: str,
) -> Crawl:
    """Run `scrapy crawl SPIDER` into the directory, as if it were so many hours later.

    It kills itself at the failpoint, where one is given, or from there on has a full disk.
    """
    scrapy = ["tests.later", str(hours)] if hours else ["scrapy"]
    command = [sys.executable, "-m", *scrapy, "crawl", spider]
    for name, value in (FAST | {"ARCHIVE_DIR": str(directory)} | (settings or {})).items():
        command += ["-s", f"{name}={value}"]
    for name, value in arguments.items():
        command += ["-a", f"{name}={value}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARCHIVE_")}
    environment["PYTHONWARNINGS"] = "error::ResourceWarning"
    if failpoint:
        environment |= {"ARCHIVE_FAILPOINT": failpoint, "ARCHIVE_FAILPOINT_FULL": str(int(full_disk))}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout)
    return Crawl(done.returncode, done.stdout, done.stderr, directory)


def sites_for(
    columns: dict[str, str], directory: Path, home: str = "https://jgdw.mofcom.gov.cn/", template: str = "mofcom"
) -> str:
    """A folder with a site file of these columns (id -> name); its path."""
    directory.mkdir(parents=True, exist_ok=True)
    top = f'title = "商务部直属机关党委"\nhome = "{home}"\ntemplate = "{template}"\n'
    tables = "".join(f'\n[[columns]]\nid = "{id_}"\nname = "{name}"\n' for id_, name in columns.items())
    (directory / "jgdw.toml").write_text(f'{top}file_hosts = ["images.mofcom.gov.cn"]\n{tables}', encoding="utf-8")
    return str(directory)
