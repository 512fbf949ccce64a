"""The whole job against a bare Scrapy spider that fetches the same pages, parses them with parsel and stores nothing.

    python -m benchmarks.crawl [--articles 500 5000] [--runs 3]

Both run as processes of their own, in turn, politeness off, against one replica in a further process. Printed:
pages per second of each, their ratio pair by pair, and peak memory by the number of articles.
"""

import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
FAST = {
    "DOWNLOAD_DELAY": "0",
    "AUTOTHROTTLE_ENABLED": "0",
    "CONCURRENT_REQUESTS_PER_DOMAIN": "16",
    "LOG_LEVEL": "WARNING",
}
BARE = """
import json, sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
import scrapy
from scrapy.crawler import AsyncCrawlerProcess

urls = json.loads(Path(sys.argv[1]).read_text())

class Bare(scrapy.Spider):
    name = "bare"
    async def start(self):
        for url in urls:
            yield scrapy.Request(url, dont_filter=True)
    def parse(self, response):
        yield {
            "title": "".join(response.css(".art-title ::text, h1 ::text").getall()),
            "row": response.css(".at-left ::text").getall(),
            "breadcrumb": response.css(".position a::text").getall(),
            "body": ["".join(block.css("::text").getall()) for block in response.css(".art-con p")],
            "links": response.css("a::attr(href)").getall(),
            "images": response.css(".art-con img::attr(src)").getall(),
        }

process = AsyncCrawlerProcess({"CONCURRENT_REQUESTS_PER_DOMAIN": 16, "LOG_LEVEL": "WARNING", "COOKIES_ENABLED": False,
    "TELNETCONSOLE_ENABLED": False, "REMOTE_CONTROL_ENABLED": False})
process.crawl(Bare)
process.start()
"""


def finished(command: list[str]) -> tuple[float, resource.struct_rusage]:
    """Wall seconds of the command, and what it and its own processes used."""
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return time.monotonic() - began, usage


def measured(command: list[str]) -> tuple[float, float]:
    """Wall seconds and peak resident MiB of the finished process."""
    wall, usage = finished(command)
    return wall, usage.ru_maxrss / 1024


@contextmanager
def replica_and_folder(articles: int) -> Iterator[tuple[str, Path]]:
    """The address of a replica that is being served, and an empty folder; both are gone afterwards."""
    command = [sys.executable, "-m", "tests.replica", "--port", "0", "--generation", "t3", "--plain"]
    process = subprocess.Popen([*command, "--articles", str(articles)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    folder = Path(tempfile.mkdtemp(prefix="benchmark-"))
    try:
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found
        yield found.group(), folder
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def crawl_command(base_url: str, directory: Path) -> list[str]:
    command = [sys.executable, "-m", "scrapy", "crawl", "zhuanti", "-a", f"base_url={base_url}"]
    for name, value in (FAST | {"ARCHIVE_DIR": str(directory)}).items():
        command += ["-s", f"{name}={value}"]
    return command


def fetched_urls(directory: Path) -> list[str]:
    """Every address the whole job fetched, to be fetched again by the bare spider."""
    import sqlite3

    connection = sqlite3.connect(directory / "archive.db")
    urls = [url for (url,) in connection.execute("SELECT url FROM captures ORDER BY id")]
    connection.close()
    return urls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, nargs="+", default=[500, 5000], help="articles of the replica")
    parser.add_argument("--runs", type=int, default=3, help="pairs a size")
    options = parser.parse_args()
    rows = []
    for articles in options.articles:
        with replica_and_folder(articles) as (base_url, folder):
            ratios, whole_rates, bare_rates, peaks, bare_peaks = [], [], [], [], []
            measured(crawl_command(base_url, folder / "warm-up"))  # fills the replica's cache too
            urls = fetched_urls(folder / "warm-up")
            (folder / "urls.json").write_text(json.dumps(urls))
            (folder / "bare.py").write_text(BARE)
            for run in range(options.runs):
                whole, peak = measured(crawl_command(base_url, folder / f"run{run}"))
                bare, bare_peak = measured([sys.executable, str(folder / "bare.py"), str(folder / "urls.json")])
                ratios.append(bare / whole)
                whole_rates.append(len(urls) / whole)
                bare_rates.append(len(urls) / bare)
                peaks.append(peak)
                bare_peaks.append(bare_peak)
            row = {
                "articles": articles,
                "pages": len(urls),
                "whole job, pages/s": round(statistics.median(whole_rates), 1),
                "bare spider, pages/s": round(statistics.median(bare_rates), 1),
                "ratio, median of pairs": round(statistics.median(ratios), 3),
                "peak memory, MiB": round(statistics.median(peaks), 1),
                "bare spider's, MiB": round(statistics.median(bare_peaks), 1),
            }
            rows.append(row)
            print(json.dumps(row), flush=True)
    if len(rows) > 1:
        growth = rows[-1]["peak memory, MiB"] / rows[0]["peak memory, MiB"]
        print(f"memory at {rows[-1]['articles']} articles / at {rows[0]['articles']}: {growth:.2f}")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
