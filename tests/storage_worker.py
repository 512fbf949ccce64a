"""Writes articles, evidence and files until it is killed: `python -m tests.storage_worker DIRECTORY URL START`.

Prints a line for what was acknowledged, and nothing else.
"""

import asyncio
import sys
from itertools import count
from pathlib import Path

from crawler.items import Entry
from exports.archive import Archive
from tests.storage import BASE, a_file, article, exchange, open_archive, start

AT_ONCE = 4


async def work(archive: Archive, first: int) -> None:
    run_id = await start(archive)
    numbers = count(first)

    async def one_after_the_other() -> None:
        for number in numbers:
            url, body = f"{BASE}/{number % 40}.html", b"page %d" % (number // 3)
            file = b"file %d" % (number // 2)
            await archive.listed(run_id, [Entry(url, f"题目{number}")], number)
            capture_id = await archive.keep(run_id, exchange(url, body))
            print("kept", capture_id, flush=True)
            _, path = await archive.keep_file(file, f"{BASE}/f.pdf", "application/pdf")
            print("file", path, flush=True)
            item = article(number % 40, title=f"题目{number // 2}", capture_id=capture_id, attachments=[a_file(file)])
            outcome = await archive.store(run_id, item)
            print("stored", item.url, item.title, outcome, flush=True)

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))


if __name__ == "__main__":
    opened = open_archive(Path(sys.argv[1]), sys.argv[2])
    opened.lock("c")
    print("open", flush=True)
    asyncio.run(work(opened, int(sys.argv[3])))
