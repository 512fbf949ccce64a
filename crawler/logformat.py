"""Log lines for machines: JSON, one object a line, where nobody watches a terminal.

ARCHIVE_LOG_FORMAT is json, text or auto (the default): text on a terminal or where LOG_FORMAT was set, else JSON.
"""

import json
import logging
import sys
from datetime import UTC, datetime

from scrapy.settings import BaseSettings
from scrapy.utils.log import get_scrapy_root_handler

from crawler.exceptions import BadUsage
from crawler.logs import HarmlessFormatter, harmless

FORMATS = ("auto", "json", "text")


class JsonFormatter(logging.Formatter):
    """time (UTC), level, logger, message, and the traceback as one field; a page's line breaks cannot forge a line."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": harmless(record.getMessage()),
        }
        if record.exc_info:
            fields["exception"] = harmless(self.formatException(record.exc_info), keep="\n")
        return json.dumps(fields, ensure_ascii=False)


def wants_json(settings: BaseSettings) -> bool:
    """Whether this process logs JSON. Raises BadUsage naming a bad ARCHIVE_LOG_FORMAT."""
    wanted = settings["ARCHIVE_LOG_FORMAT"]
    if wanted not in FORMATS:
        raise BadUsage(f"ARCHIVE_LOG_FORMAT {wanted!r}: allowed are {', '.join(FORMATS)}")
    if wanted != "auto":
        return bool(wanted == "json")
    chosen = settings.getpriority("LOG_FORMAT") or 0
    return chosen == 0 and (bool(settings["LOG_FILE"]) or not sys.stderr.isatty())


def configure(settings: BaseSettings) -> None:
    """Give the log the form the settings want; called once Scrapy has installed its handler."""
    handler = get_scrapy_root_handler()
    if handler is None:
        return
    if wants_json(settings):
        handler.setFormatter(JsonFormatter())
    elif not isinstance(handler.formatter, HarmlessFormatter):
        handler.setFormatter(HarmlessFormatter(handler.formatter))
