"""What a recrawl of an unchanged column costs, against its first crawl.

    python -m benchmarks.recrawl [--articles 2000]

Both ask one replica, politeness off. Printed: requests and bytes of each run, as the table `runs` has them, and how the
entries of the second were settled.
"""

import argparse
import json
import sqlite3
import subprocess

from benchmarks.crawl import ROOT, crawl_command, replica_and_folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=2000, help="articles of the replica")
    options = parser.parse_args()
    with replica_and_folder(options.articles) as (base_url, folder):
        for _ in range(2):
            subprocess.run(crawl_command(base_url, folder), cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
        connection = sqlite3.connect(folder / "archive.db")
        first, second = connection.execute("SELECT requests, bytes, ledger FROM runs ORDER BY id").fetchall()
        connection.close()
    for name, (requests, received, ledger) in (("first crawl", first), ("recrawl", second)):
        print(json.dumps({"run": name, "requests": requests, "bytes": received, "ledger": json.loads(ledger)}))
    print(f"requests of the recrawl / of the first crawl: {second[0] / first[0]:.3f}")
    print(f"bytes of the recrawl / of the first crawl: {second[1] / first[1]:.3f}")


if __name__ == "__main__":
    main()
