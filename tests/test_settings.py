"""What SECURITY.md promises of the settings as they come: numbers, and what is switched off."""

from typing import Any

import pytest
from scrapy import Request
from scrapy.core.downloader.handlers import DownloadHandlers
from scrapy.exceptions import NotSupported
from scrapy.settings import Settings
from scrapy.utils.test import get_crawler

from crawler import blocking
from crawler.compression import MOST_CODINGS, RATIO
from crawler.downloads import MOST_HEAD
from crawler.urls import Addresses
from exports.commands.serve import serve_command
from exports.web import room


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Those of a crawl to which the operator has said nothing."""
    for name in ("ARCHIVE_PAGE_MAXSIZE", "ARCHIVE_PATIENCE"):
        monkeypatch.delenv(name, raising=False)
    made = Settings()
    made.setmodule("crawler.settings", priority="project")
    return made


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DOWNLOAD_MAXSIZE", 64 << 20),
        ("ARCHIVE_PAGE_MAXSIZE", 16 << 20),
        ("DOWNLOAD_TIMEOUT", 60),
        ("REDIRECT_MAX_TIMES", 5),
        ("ARCHIVE_PATIENCE", 60),
        ("CONCURRENT_REQUESTS_PER_DOMAIN", 1),
        ("DOWNLOAD_DELAY", 1),
    ],
)
def test_a_promised_number_is_the_default(settings: Settings, name: str, value: int) -> None:
    assert settings.getint(name) == value


def test_the_promised_numbers_of_the_code() -> None:
    assert (MOST_HEAD, RATIO, MOST_CODINGS) == (256 << 10, 200, 3)
    assert (room.SECONDS, blocking.IN_A_ROW) == (10, 10)


@pytest.mark.parametrize(
    ("name", "on"),
    [
        *(("TELNETCONSOLE_ENABLED", False), ("REMOTE_CONTROL_ENABLED", False), ("COOKIES_ENABLED", False)),
        *(("DOWNLOAD_VERIFY_CERTIFICATES", True), ("ROBOTSTXT_OBEY", True), ("AUTOTHROTTLE_ENABLED", True)),
    ],
)
def test_what_is_off_is_off_and_what_is_on_is_on(settings: Settings, name: str, on: bool) -> None:
    assert settings.getbool(name) is on


@pytest.mark.parametrize("scheme", ["file", "data", "ftp", "s3"])
def test_no_other_scheme_than_http_and_https(settings: Settings, scheme: str) -> None:
    url = {"file": "file:///etc/passwd", "data": "data:text/html,x"}.get(scheme, f"{scheme}://127.0.0.1/x")
    crawler: Any = get_crawler(settings_dict={"DOWNLOAD_HANDLERS": settings.getdict("DOWNLOAD_HANDLERS")})
    with pytest.raises(NotSupported):
        DownloadHandlers(crawler).download_request_async(Request(url)).send(None)
    addresses = Addresses.of("http://127.0.0.1/", [], None)
    assert addresses.may_fetch("http://127.0.0.1/x")
    assert not addresses.may_fetch(f"{scheme}://127.0.0.1/x")
    assert addresses.resolve(url, "http://127.0.0.1/") is None


def test_the_reading_room_listens_on_this_machine_alone() -> None:
    [host] = [option for option in serve_command.params if option.name == "host"]
    assert host.default == "127.0.0.1"
