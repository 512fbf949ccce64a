"""`scrapy …` as if it ran so many hours later: python -m tests.later HOURS crawl zhuanti …

The archive's clock is what the crawl writes down: when a response came in, when a check was made.
"""

import sys
from datetime import datetime, timedelta, tzinfo
from typing import Self

from scrapy.cmdline import execute

import crawler.evidence
import exports.archive
import exports.checking

HOURS = timedelta(hours=float(sys.argv[1]))


class Later(datetime):
    """datetime, but now is later."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) + HOURS


for module in (crawler.evidence, exports.archive, exports.checking):
    assert hasattr(module, "datetime"), f"{module.__name__} takes the time elsewhere"
    module.datetime = Later  # type: ignore[attr-defined]
execute(["scrapy", *sys.argv[2:]])
