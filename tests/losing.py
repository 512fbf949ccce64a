"""Pipelines with a defect, for the tests of what must notice it."""

import os
import signal

from crawler.items import Article
from pipelines.errors import Refused


class LoseDates:
    """A reader of dates that finds none any more."""

    def process_item(self, item: Article) -> Article:
        item.published_at = None
        return item


class LoseSubtitles:
    """A defect in a field that is not required, and in no floor."""

    def process_item(self, item: Article) -> Article:
        item.subtitle = f"又{item.subtitle}"
        return item


class RefuseAll:
    """A template that takes no page any more."""

    def process_item(self, item: Article) -> Article:
        raise Refused("no title")


class DieOver:
    """A parser that some pages make end the whole process."""

    def process_item(self, item: Article) -> Article:
        if len(item.title) % 9 == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        item.subtitle = f"又{item.subtitle}"
        return item
