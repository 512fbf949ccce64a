"""`scrapy …` as if it ran so many hours later: python -m tests.later HOURS crawl zhuanti …

The archive's clock is what the crawl writes down: when a response came in, when a check was made. The process that
holds the archive (exports/remote.py) is this module's main().
"""

import importlib
import os
import sys
from datetime import datetime, timedelta, tzinfo
from typing import Self

from exports import remote, remote_process

_HOURS = "TEST_HOURS_LATER"


class Later(datetime):
    """datetime, but now is later."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) + timedelta(hours=float(os.environ[_HOURS]))


def _set_clock(*modules: str) -> None:
    for name in modules:
        module = importlib.import_module(name)
        assert hasattr(module, "datetime"), f"{name} takes the time elsewhere"
        module.datetime = Later  # type: ignore[attr-defined]


def main() -> None:
    """The process of the archive."""
    sys.modules["__main__"].Later = Later  # type: ignore[attr-defined]  # what the crawl, whose module that is, sends
    _set_clock("exports.archive", "exports.checking")
    remote_process.main()


if __name__ == "__main__":
    from scrapy.cmdline import execute

    os.environ[_HOURS] = sys.argv[1]
    remote.PROCESS = "tests.later"
    _set_clock("crawler.evidence")
    execute(["scrapy", *sys.argv[2:]])
