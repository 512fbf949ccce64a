"""``python -m tests.replica.demo`` (`make demo`): crawl the demonstration site, say what to type next."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from tests.replica import Replica

ROOT = Path(__file__).parents[2]
FOLDER = "demo-archive"
ARTICLES = 200
FASTER = {
    "DOWNLOAD_DELAY": "0",
    "AUTOTHROTTLE_ENABLED": "0",
    "CONCURRENT_REQUESTS_PER_DOMAIN": "16",
    "LOG_LEVEL": "WARNING",
}
"""No politeness is owed here: the server is our own, on loopback."""
NEXT = ("archive search 党委", "archive show 1", "archive coverage 重要专题", "archive serve")


def main() -> int:
    """Returns the crawl's exit code."""
    site = _serve()
    try:
        print(f"The demonstration site ({ARTICLES} articles in several columns) is served at {site.base_url}")
        print(f"Crawling its column 重要专题 into {FOLDER}/ ...", flush=True)
        code = _crawl(site)
    finally:
        site.close()
    if code == 0:
        print("\nThe archive is there. Try:")
        for command in NEXT:
            print(f"  ARCHIVE_DIR={FOLDER} .venv/bin/{command}")
    else:
        print(f"demo: the crawl ended with exit code {code}", file=sys.stderr)
    return code


def _serve() -> Replica:
    """The running site, at the address of the last demonstration, so that this one visits the same pages again."""
    port = _last_port()
    try:
        return Replica(generation="t3", articles=ARTICLES, port=port).start()
    except OSError:
        print(
            f"demo: port {port} of the last demo is taken: the articles will be met at new addresses", file=sys.stderr
        )
        return Replica(generation="t3", articles=ARTICLES).start()


def _last_port() -> int:
    """The port of the last crawl in the demonstration archive; 0 (a free one) where there is none."""
    database = ROOT / FOLDER / "archive.db"
    if not database.is_file():
        return 0
    connection = sqlite3.connect(database)
    try:
        row = connection.execute("SELECT base_url FROM runs ORDER BY id DESC LIMIT 1").fetchone()
    except sqlite3.Error:
        return 0  # a demo ended before its first run; the crawl itself repairs or reports the rest
    finally:
        connection.close()
    return (urlsplit(row[0]).port or 0) if row else 0


def _crawl(site: Replica) -> int:
    """Crawl the site in a process of its own; returns its exit code.

    Ctrl-C reaches that process too: it stops cleanly, and we wait for that.
    """
    command = [sys.executable, "-m", "scrapy", "crawl", "zhuanti", "-a", f"base_url={site.base_url}"]
    for name, value in FASTER.items():
        command += ["-s", f"{name}={value}"]
    # An operator's own settings must not lead the demonstration into a real archive.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARCHIVE_")}
    shown = sys.stdout.isatty() and sys.stderr.isatty()  # then the crawl draws its own bar
    output = None if shown else subprocess.PIPE
    process = subprocess.Popen(command, cwd=ROOT, env=environment | {"ARCHIVE_DIR": FOLDER}, stdout=output, text=True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    while True:
        try:
            summary, _ = process.communicate(timeout=1)
            break
        except subprocess.TimeoutExpired:
            if not shown and site.requests:
                print(f"  {len(site.requests)} requests answered", flush=True)
    print(summary or "", end="", flush=True)
    return process.returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # before the crawl began
        sys.exit(130)
