"""Addresses: resolving what a page prints, and telling what an address is."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit, urlunsplit

from w3lib.url import safe_url_string

from crawler import public
from crawler.exceptions import BadUsage

_NO_BREAKS = dict.fromkeys(map(ord, "\t\r\n"))
_TRACKING = re.compile(r"(?:utm_\w+|spm|from|isappinstalled|scene|sharefrom|share_token|wxfid|fbclid|gclid)=", re.I)
_FILE = re.compile(
    r"\.(?:pdf|docx?|xlsx?|pptx?|wps|et|dps|ofd|rtf|txt|csv|zip|rar|7z|tar|gz|jpe?g|png|gif|bmp|webp|tiff?"
    r"|mp3|wav|mp4|avi|flv|wmv|mov|swf|ceb)",
    re.I,
)
_PLAIN = re.compile(
    r"https?://[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*(?::[0-9]+)?(?:/(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*)?)*(?:\?[A-Za-z0-9=&]*)?"
)
"""An address that is its own normal form, as nearly all are: making it safe would cost most of resolve()."""
_MAY_BE_FILE = re.compile(rf"{_FILE.pattern}|down|[\t\r\n]", re.I)
_DOWNLOAD = re.compile(r"/document/download$|/downloadFile|/(?:down(?:load)?file|download)\.(?:do|jsp|action)$", re.I)


@dataclass(frozen=True)
class Addresses:
    """The addresses of one crawl: the site's own hosts, or the place `base_url` puts it.

    With a base_url the site's own host, and its file hosts where files are concerned, stand for the
    base_url's host: whoever crawls a mirror does not want the original asked.
    """

    home: str
    """Where the crawl finds the home page."""
    own_hosts: frozenset[str]
    """Network locations (host or host:port) that are this site."""
    file_hosts: frozenset[str]
    """Further ones that files may come from."""

    @classmethod
    def of(cls, official_home: str, file_hosts: Iterable[str], base_url: str | None) -> "Addresses":
        """Raises BadUsage where base_url is not an http(s) address."""
        if base_url is None:
            return cls(official_home, frozenset({urlsplit(official_home).netloc}), frozenset(file_hosts))
        try:
            parts = urlsplit(base_url.strip())
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable or parts.query or parts.fragment or parts.username:
            raise BadUsage(f"base_url {base_url!r} is not an address like http://127.0.0.1:8000/")
        home = urlunsplit((parts.scheme, parts.netloc.lower(), parts.path or "/", "", ""))
        return cls(home, frozenset({parts.netloc.lower(), urlsplit(official_home).netloc}), frozenset(file_hosts))

    @cached_property
    def _origin(self) -> tuple[str, str]:
        return urlsplit(self.home)[:2]

    @property
    def netloc(self) -> str:
        return self._origin[1]

    @property
    def elsewhere(self) -> bool:
        """Whether a base_url moved the site."""
        return len(self.own_hosts) > 1

    def resolve(self, href: str, page_url: str) -> str | None:
        """The normalised address a page's href leads to; None where it leads to no web address."""
        href = href.translate(_NO_BREAKS).strip()
        path, mark, query = href.partition("?")
        href = path.replace("\\", "/") + mark + query  # as browsers do
        if not href or href.startswith("#"):
            return None
        try:
            url = urljoin(page_url, href)
            if not _PLAIN.fullmatch(url):
                url = safe_url_string(url)
                url = urljoin(url, url)  # joined again, so that the result is its own normal form
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return None
        default = {"http": 80, "https": 443}[parts.scheme]
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname.lower()
        netloc = host + (f":{port}" if port and port != default else "")
        query = "&".join(part for part in parts.query.split("&") if not _TRACKING.match(part))
        moved = self.elsewhere and netloc in self.file_hosts and is_file(urlunsplit(parts))
        scheme = parts.scheme
        if netloc in self.own_hosts or moved:
            scheme, netloc = self._origin  # http and https, mirror and original: one page
        return urlunsplit((scheme, netloc, parts.path or "/", query, ""))

    @property
    def trusted(self) -> public.Trusted:
        """The network addresses the operator wrote down, in base_url or, without one, in the site file."""
        hosts = () if self.elsewhere else self.file_hosts
        return public.trusted([self.home, *(f"{scheme}://{host}/" for host in hosts for scheme in ("http", "https"))])

    def is_own(self, url: str) -> bool:
        return urlsplit(url).netloc == self.netloc

    def may_fetch(self, url: str) -> bool:
        """Whether a request may go there: this site, or one of its file hosts (unless it was moved)."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        if parts.scheme not in ("http", "https"):
            return False
        return parts.netloc == self.netloc or (not self.elsewhere and parts.netloc in self.file_hosts)

    def is_home(self, url: str) -> bool:
        """Whether the address is the home page, by whichever name."""
        path = re.sub(r"/(?:index|default)\.s?html?$", "/", urlsplit(url).path)
        return self.is_own(url) and path in ("/", urlsplit(self.home).path) and not urlsplit(url).query


def is_file(url: str) -> bool:
    """Whether the address is a document, picture or archive rather than a page."""
    parts = urlsplit(url)
    return bool(_FILE.fullmatch(_suffix(parts.path)) or _DOWNLOAD.search(parts.path))


def may_be_file(href: str) -> bool:
    """Whether a printed href is worth resolving in search of a file: most links are not, and resolving is dear."""
    return _MAY_BE_FILE.search(href) is not None


def file_name(url: str) -> str:
    """The name an address gives its file: a fileName parameter, or the last part of the path."""
    parts = urlsplit(url)
    for key, value in parse_qsl(parts.query):
        if key.lower() == "filename" and value:
            return value
    return unquote(parts.path.rpartition("/")[2])


def _suffix(path: str) -> str:
    name = path.rpartition("/")[2]
    return name[name.rfind(".") :] if "." in name else ""
