"""How fast a replay reads articles again, on one core and on two, and how fast `archive verify` reads the archive.

    python -m benchmarks.replay [--articles 2000]

Printed for each: wall seconds, CPU seconds (of all processes), and articles a second of either. The CPU figure is the
articles one core reads a second, whatever else the machine is doing; the start of the processes is in both.
"""

import argparse
import json
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

from benchmarks.crawl import ROOT, crawl_command, finished, replica_and_folder


def spent(command: list[str]) -> tuple[float, float]:
    """Wall and CPU seconds of the finished process and its own ones."""
    wall, usage = finished(command)
    return wall, usage.ru_utime + usage.ru_stime


def count(folder: Path) -> int:
    """Versions in the archive."""
    connection = sqlite3.connect(folder / "archive.db")
    (versions,) = connection.execute("SELECT count(*) FROM article_versions").fetchone()
    connection.close()
    return int(versions)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=2000, help="articles of the replica")
    options = parser.parse_args()
    with replica_and_folder(options.articles) as (base_url, folder):
        subprocess.run(crawl_command(base_url, folder), cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
        versions = count(folder)
        for processes in (1, 2):
            connection = sqlite3.connect(folder / "archive.db")
            # another reader's: every version is then replaced, as after a better template
            connection.execute("UPDATE article_versions SET extractor = 'benchmark@0'")
            connection.execute("UPDATE articles SET extractor = 'benchmark@0'")
            connection.commit()
            connection.close()
            command = [sys.executable, "-m", "scrapy", "crawl", "replay", "-s", f"ARCHIVE_DIR={folder}"]
            command += ["-s", "LOG_LEVEL=WARNING", "-s", f"ARCHIVE_PROCESSES={processes}"]
            report(f"replay, {processes} process(es)", versions, "articles", *spent(command))
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
        verify = [sys.executable, "-c", "from exports.cli import main; main()", "-s", f"ARCHIVE_DIR={folder}", "verify"]
        report("verify", size, "MB", *spent(verify))


def report(name: str, amount: float, unit: str, wall: float, cpu: float) -> None:
    print(
        json.dumps(
            {
                "what": name,
                unit: round(amount, 1),
                "wall s": round(wall, 1),
                "CPU s": round(cpu, 1),
                f"{unit} a second": round(amount / wall, 1),
                f"{unit} a CPU second": round(amount / cpu, 1),
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
