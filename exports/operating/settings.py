"""The settings of alerts and metrics: ARCHIVE_ALERT_… and ARCHIVE_METRICS_FILE. Secrets in them are never printed."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from exports.config import number, value
from exports.errors import ConfigError

EVENTS = {
    "ledger": "the ledger does not close",
    "nothing-new": "the column lists new articles, and none was archived",
    "coverage-drop": "a field is found in far fewer articles than before",
    "block": "the site blocks the crawl or cannot be reached",
    "disk": "the disk is nearly full",
    "overdue": "a column has not been crawled for too long",
    "storage": "storage failed",
}
"""The name of each event, and what it means."""
SHAPES = ("json", "wecom", "dingtalk", "slack")
_HOSTS = {"qyapi.weixin.qq.com": "wecom", "oapi.dingtalk.com": "dingtalk", "hooks.slack.com": "slack"}


@dataclass(frozen=True, repr=False)
class Settings:
    """Who is told, and when."""

    mail_to: tuple[str, ...]
    """ARCHIVE_ALERT_MAIL: addresses, separated by commas."""
    smtp: str
    """ARCHIVE_ALERT_SMTP: smtp://USER:PASSWORD@HOST:PORT (STARTTLS where offered) or smtps://…"""
    webhooks: tuple[tuple[str, str], ...]
    """ARCHIVE_ALERT_WEBHOOK: (shape, URL) of each of the addresses, separated by blanks."""
    command: tuple[str, ...]
    """ARCHIVE_ALERT_COMMAND: a command line; the message comes on its standard input."""
    disk_mib: float
    """ARCHIVE_ALERT_DISK: less free space than so many MiB is worth an alert."""
    overdue_hours: float
    """ARCHIVE_ALERT_OVERDUE: a column without a finished run for so many hours is; 0: never."""
    drop: float
    """ARCHIVE_ALERT_DROP: a field's coverage lower by more than this share is."""
    metrics_file: Path | None
    """ARCHIVE_METRICS_FILE: written after each run, for the text file collector of the node exporter."""

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "Settings":
        """As Config.from_settings. Raises ConfigError naming the setting, and of the value only what is no secret."""
        metrics = value(settings, "ARCHIVE_METRICS_FILE")
        mail = value(settings, "ARCHIVE_ALERT_MAIL")
        addresses = tuple(part.strip() for part in mail.split(",") if part.strip())
        for address in addresses:
            if address.count("@") != 1 or not address.isprintable() or " " in address:
                raise ConfigError(f"ARCHIVE_ALERT_MAIL {address!r} is not a mail address")
        try:
            command = tuple(shlex.split(value(settings, "ARCHIVE_ALERT_COMMAND")))
        except ValueError as error:
            raise ConfigError(f"ARCHIVE_ALERT_COMMAND is not a command line: {error}") from None
        return cls(
            mail_to=addresses,
            smtp=_smtp(value(settings, "ARCHIVE_ALERT_SMTP") or "smtp://localhost"),
            webhooks=tuple(map(_webhook, value(settings, "ARCHIVE_ALERT_WEBHOOK").split())),
            command=command,
            disk_mib=number(settings, "ARCHIVE_ALERT_DISK", 1024, least=0),
            overdue_hours=number(settings, "ARCHIVE_ALERT_OVERDUE", 48, least=0),
            drop=number(settings, "ARCHIVE_ALERT_DROP", 0.2, least=0),
            metrics_file=Path(metrics).expanduser() if metrics else None,
        )


def _smtp(url: str) -> str:
    if _host(url, ("smtp", "smtps")) is None:
        raise ConfigError(
            "ARCHIVE_ALERT_SMTP is not an address: smtp://USER:PASSWORD@HOST:PORT or smtps://… is allowed"
        )
    return url


def _webhook(url: str) -> tuple[str, str]:
    shape, plus, rest = url.partition("+")
    if plus and shape in SHAPES:
        url = rest
    else:
        shape = ""
    host = _host(url, ("http", "https"))
    if host is None:
        raise ConfigError(
            "ARCHIVE_ALERT_WEBHOOK holds no http(s) address: https://… is allowed, with "
            f"{', '.join(f'{name}+' for name in SHAPES)} before it to say whose shape it takes"
        )
    return shape or _HOSTS.get(host, "json"), url


def _host(url: str, schemes: tuple[str, ...]) -> str | None:
    try:
        parts = urlsplit(url)
        return parts.hostname if parts.scheme in schemes and parts.port != 0 else None
    except ValueError:
        return None
