"""What goes to logs and terminals: pages are untrusted, and passwords are nobody's business."""

import logging
import re
import unicodedata
from typing import Self

from scrapy.crawler import Crawler

_ANSI = re.compile(r"\x1b(?:\[[0-?]{0,40}[ -/]{0,9}[@-~]|[ -/]{0,9}[0-~])|\x9b[0-?]{0,40}[ -/]{0,9}[@-~]")
_PASSWORD = re.compile(r"(://[^/\s:@'\"]{0,100}):[^/\s@'\"]{1,200}@")
_SECRET = re.compile(r"\b((?:password|passwd|pwd|secret|(?:access_)?token|sslpassword)=)[^\s&'\",;)]{1,200}", re.I)
_BREAKS = frozenset("\n\r\t\v\f\x85\u2028\u2029")


def harmless(text: str, keep: str = "") -> str:
    """The text on one line, without escapes, control and bidi characters, and without the passwords of addresses.

    ``keep`` names characters that stay, such as a line break.
    """
    text = _SECRET.sub(r"\1***", _PASSWORD.sub(r"\1:***@", _ANSI.sub("", text)))
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char
        if char in keep
        else " "
        if char in _BREAKS
        else ""
        if unicodedata.category(char) in ("Cc", "Cf", "Cs")
        else char
        for char in text
    )


class HarmlessFormatter(logging.Formatter):
    """Formats as another formatter does, messages on one line and harmless, tracebacks harmless line by line."""

    def __init__(self, inner: logging.Formatter | None) -> None:
        super().__init__()
        self._inner = inner or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        copied = logging.makeLogRecord(record.__dict__)
        copied.msg, copied.args = harmless(record.getMessage()), None
        return harmless(self._inner.format(copied), keep="\n")


class HarmlessLogs:
    """Puts that formatter into every handler of the root logger, once Scrapy has set them up."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        for handler in logging.getLogger().handlers:
            if not isinstance(handler.formatter, HarmlessFormatter):
                handler.setFormatter(HarmlessFormatter(handler.formatter))
        return cls()
