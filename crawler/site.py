"""Site files: what to fetch, as data. One TOML file per site, loaded into frozen objects."""

import re
import tomllib
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from crawler.exceptions import BadUsage
from crawler.logs import harmless
from crawler.pages import TEMPLATES

MOST_BYTES = 256 * 1024
"""Of a site file; its longest text may have MOST_CHARACTERS."""
MOST_CHARACTERS = 500
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_HOST = re.compile(r"(?!-)[\w-]{1,63}(?:\.[\w-]{1,63})*\.?|[0-9a-f:.]+")
"""A name, with letters of any script, or an address."""


@dataclass(frozen=True)
class Column:
    """One column (栏目) of a site."""

    id: str
    """Stable name in the archive: zhuanti."""
    name: str
    """As the site's navigation prints it, blanks inside ignored: 重要专题."""
    path: str | None = None
    """Address relative to the home page; None: found by its name in the navigation."""


@dataclass(frozen=True)
class Site:
    """One site, as its file in ARCHIVE_SITES_DIR describes it."""

    id: str
    """The file's name without .toml."""
    title: str
    home: str
    """Absolute address of the home page; its host is the site's host."""
    template: str
    """The publishing system, a key of crawler.pages.TEMPLATES."""
    columns: tuple[Column, ...]
    file_hosts: tuple[str, ...] = field(default=())
    """Further hosts that attachments and images may be fetched from."""
    unverified_tls_hosts: tuple[str, ...] = field(default=())
    """Hosts whose certificate is not verified; every capture from there says so."""

    def column(self, column_id: str) -> Column:
        """The column of that id; raises BadUsage naming the known ones."""
        for column in self.columns:
            if column.id == column_id:
                return column
        known = ", ".join(column.id for column in self.columns)
        raise BadUsage(f"unknown column {column_id!r} of site {self.id}: known are {known}")


def load_sites(directory: Path) -> list[Site]:
    """Every site of the folder, by file name. Raises BadUsage naming the file and what is wrong in it."""
    files = sorted(directory.glob("*.toml")) if directory.is_dir() else []
    if not files:
        raise BadUsage(f"no site file (*.toml) in ARCHIVE_SITES_DIR {str(directory)!r}")
    return [_load(path) for path in files]


def choose(sites: list[Site], site_id: str | None) -> Site:
    """The site of that id, the first one without; raises BadUsage."""
    if site_id is None:
        return sites[0]
    for site in sites:
        if site.id == site_id:
            return site
    raise BadUsage(f"unknown site {site_id!r}: known are {', '.join(site.id for site in sites)}")


def _load(path: Path) -> Site:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise BadUsage(f"site file {path}: has more than {MOST_BYTES // 1024} KiB")
        data = tomllib.loads(content.decode("utf-8-sig"))
    except OSError as error:
        raise BadUsage(f"site file {path}: {error.strerror}") from None
    except RecursionError:
        raise BadUsage(f"site file {path}: is nested too deep") from None
    except ValueError as error:  # no UTF-8, no TOML, a number of thousands of digits
        raise BadUsage(f"site file {path}: {error}") from None
    columns = data.pop("columns", None)
    if not isinstance(columns, list) or not columns:
        raise BadUsage(f"site file {path}: needs at least one [[columns]] table")
    built = tuple(
        Column(**_strings(path, f"[[columns]] number {number}", entry, required={"id", "name"}, optional={"path"}))
        for number, entry in enumerate(columns, 1)
    )
    for column in built:
        _check_id(path, column.id)
        if not column.name.strip():
            raise BadUsage(f"site file {path}: column {column.id} has an empty name")
    ids = [column.id for column in built]
    if len(set(ids)) < len(ids):
        raise BadUsage(f"site file {path}: column ids are not unique: {', '.join(ids)}")
    _check_id(path, path.stem)
    file_hosts = _hosts(path, "file_hosts", data.pop("file_hosts", []))
    unverified = _hosts(path, "unverified_tls_hosts", data.pop("unverified_tls_hosts", []))
    fields = _strings(path, "top level", data, required={"title", "home", "template"}, optional=set())
    if not _is_web_address(fields["home"]):
        raise BadUsage(f"site file {path}: home {_shown(fields['home'])} is not an http(s) address")
    if fields["template"] not in TEMPLATES:
        known = ", ".join(sorted(TEMPLATES))
        raise BadUsage(f"site file {path}: unknown template {_shown(fields['template'])}: known are {known}")
    return Site(id=path.stem, columns=built, file_hosts=file_hosts, unverified_tls_hosts=unverified, **fields)


def _hosts(path: Path, key: str, value: Any) -> tuple[str, ...]:
    """A list of hosts, with a port where it is not the scheme's. Raises BadUsage."""
    if not isinstance(value, list) or not all(isinstance(host, str) and host for host in value):
        raise BadUsage(f"site file {path}: {key} must be a list of host names")
    for host in value:
        if not _is_web_address(f"http://{host}/") or urlsplit(f"http://{host}/").netloc != host or "@" in host:
            raise BadUsage(f"site file {path}: {key}: {_shown(host)} is not a host name")
    return tuple(value)


def _is_web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
        named = len(host) <= 253 and _HOST.fullmatch(host) and "@" not in parts.netloc
        return parts.scheme in ("http", "https") and bool(named) and parts.port != 0
    except ValueError:
        return False


def _check_id(path: Path, value: str) -> None:
    if not _ID.fullmatch(value):
        raise BadUsage(f"site file {path}: id {_shown(value)} may hold only a-z, 0-9, - and _ (it names folders)")


def _strings(path: Path, where: str, entry: Any, required: set[str], optional: set[str]) -> dict[str, str]:
    """The table's values, all strings; raises BadUsage on unknown, missing or mistyped keys."""
    if not isinstance(entry, dict):
        raise BadUsage(f"site file {path}: {where} is not a table")
    if unknown := sorted(set(entry) - required - optional):
        allowed = ", ".join(sorted(required | optional))
        raise BadUsage(f"site file {path}: unknown key {_shown(unknown[0])} in {where}: allowed are {allowed}")
    if missing := sorted(required - set(entry)):
        raise BadUsage(f"site file {path}: {where} lacks {missing[0]!r}")
    for key, value in entry.items():
        if not isinstance(value, str):
            raise BadUsage(f"site file {path}: {key} in {where} must be a string, not {_shown(value)}")
        if len(value) > MOST_CHARACTERS or not all(map(_is_printed, value)):
            raise BadUsage(
                f"site file {path}: {key} in {where} is {_shown(value)}: it may have at most {MOST_CHARACTERS}"
                " characters, none of them a control character"
            )
    return entry


def _is_printed(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"  # the blanks of other scripts, U+3000 first of all


def _shown(value: Any) -> str:
    """The value as Python writes it, no longer than a line of a terminal, and without a password."""
    shown = harmless(repr(value))
    return shown if len(shown) <= 100 else f"{shown[:99]}…"
