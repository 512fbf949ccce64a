"""``python -m tests.replica``: serve the demonstration site until Ctrl-C."""

import argparse
import signal
import sys
import threading
from typing import NoReturn

from tests.replica.faults import KINDS
from tests.replica.server import GENERATIONS, Replica


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def main(arguments: list[str] | None = None) -> int:
    """Serve; returns the exit code."""
    parser = Parser(prog="python -m tests.replica", description="Serve the demonstration site on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 (default) takes a free one")
    parser.add_argument("--generation", choices=GENERATIONS, default="t3")
    parser.add_argument("--articles", type=int, default=200, help="over all columns")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--page-size", type=int, default=15, help="entries on a listing page")
    parser.add_argument("--plain", action="store_true", help="only the main form of everything")
    parser.add_argument(
        "--fault", nargs="+", action="extend", default=[], metavar="PATH=KIND", help=f"KIND: {', '.join(KINDS)}"
    )
    options = parser.parse_args(arguments)
    faults = []
    for text in options.fault:
        path, equals, kind = text.rpartition("=")
        if not equals:
            parser.error(f"argument --fault: expected PATH=KIND, not {text!r}")
        faults.append((path, kind))
    try:
        site = Replica(
            generation=options.generation,
            articles=options.articles,
            seed=options.seed,
            port=options.port,
            variations=not options.plain,
            page_size=options.page_size,
            faults=faults,
        )
    except ValueError as error:
        parser.error(str(error))
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        site.start()
    except OSError as error:
        parser.error(f"cannot listen on port {options.port}: {error.strerror}")
    try:
        print(site.base_url, flush=True)
        ended.wait()
    finally:
        site.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
