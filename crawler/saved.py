"""Saved pages: a folder <template>/<case> with page.html (raw bytes), meta.toml and expected.json.

An expectation is what a person has read on the page. One that was written by a program says so ("unchecked") until
somebody compared it and took the word out.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from scrapy.http import Headers, TextResponse
from scrapy.responsetypes import responsetypes
from scrapy.settings import BaseSettings
from scrapy.utils.misc import load_object

from crawler.exceptions import BadUsage
from crawler.items import Article
from crawler.pages import TEMPLATES
from crawler.pages.base import ArticlePage
from crawler.site import Site
from crawler.urls import Addresses

FOLDER = Path(__file__).parents[1] / "tests" / "pages"
UNCHECKED = "unchecked"
"""The key of an expectation nobody has compared with the page yet."""
FIELDS = (
    *("title", "subtitle", "byline", "author", "unit", "position", "breadcrumb", "source", "content_type"),
    *("published_at", "body_text", "editor_note", "extractor"),
)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")


@dataclass(frozen=True)
class Case:
    """One saved page."""

    url: str
    body: bytes
    """As received, content encoding undone."""
    headers: Mapping[str, str]
    template: str
    site: str = ""
    """The site file it belongs to; empty for a page that was made up."""
    listed_title: str = ""
    listed_date: str = ""
    folder: Path = field(default=Path())

    @property
    def name(self) -> str:
        """<template>/<case>"""
        return f"{self.folder.parent.name}/{self.folder.name}"

    def page(self, addresses: Addresses) -> ArticlePage:
        """The page under the version of the template that fits. Raises MarkupChanged."""
        headers = Headers(dict(self.headers))
        kind = responsetypes.from_args(headers=headers, url=self.url, body=self.body)
        response: Any = kind(self.url, headers=headers, body=self.body)
        return TEMPLATES[self.template].article(response, addresses)


def load(folder: Path) -> Case:
    """The case in the folder. Raises BadUsage naming the file that is missing or wrong."""
    try:
        meta = tomllib.loads((folder / "meta.toml").read_text(encoding="utf-8"))
        body = (folder / "page.html").read_bytes()
        named = {name: str(meta.get(name, "")) for name in ("url", "template", "site", "listed_title", "listed_date")}
        headers = {str(name): str(value) for name, value in meta.get("headers", {}).items()}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadUsage(f"saved page {folder}: {error}") from None
    if named["template"] not in TEMPLATES or not named["url"]:
        raise BadUsage(f"saved page {folder}: meta.toml needs url and a template of {', '.join(sorted(TEMPLATES))}")
    return Case(body=body, headers=headers, folder=folder, **named)


def addresses_of(case: Case, site: Site) -> Addresses:
    """The site as it was where the page came from: under the same scheme, or at a mirror."""
    parts, home = urlsplit(case.url), urlsplit(site.home)
    if parts.hostname == home.hostname:
        return Addresses.of(urlunsplit((parts.scheme, *home[1:])), site.file_hosts, None)
    return Addresses.of(site.home, site.file_hosts, f"{parts.scheme}://{parts.netloc}/")


def cases(folder: Path) -> list[Case]:
    """All saved pages below the folder, by name. Raises BadUsage."""
    return [load(page.parent) for page in sorted(folder.glob("*/*/page.html"))]


def read(case: Case, addresses: Addresses, settings: BaseSettings) -> Article:
    """The finished article: template, then every pipeline but the one that stores. Raises what they raise."""
    article = case.page(addresses).article()
    for name, value in (("title", case.listed_title), ("published_at", case.listed_date)):
        if value:
            article.printed.setdefault(name, {})["listing"] = value
    pipelines = settings.getdict("ITEM_PIPELINES")
    for path in sorted(pipelines, key=lambda name: int(pipelines[name])):
        if path != "pipelines.store.Store":
            article = load_object(path)().process_item(article)
    return article


def fields(article: Article) -> dict[str, Any]:
    """What an expectation holds."""
    found: dict[str, Any] = {name: getattr(article, name) for name in FIELDS}
    found["authors"] = [asdict(author) for author in article.authors]
    for name in ("attachments", "images"):
        found[name] = [{"url": file.url, "name": file.name} for file in getattr(article, name)]
    return found


def save(case: Case, article: Article, folder: Path) -> None:
    """Write the case, its expectation unchecked. Raises BadUsage where the name is bad or taken."""
    if not _NAME.fullmatch(folder.name):
        raise BadUsage(f"name {folder.name!r} may hold only a-z, 0-9 and -")
    if folder.exists():
        raise BadUsage(f"the case {folder} exists already: choose another --name")
    folder.mkdir(parents=True)
    (folder / "page.html").write_bytes(case.body)
    named = {name: getattr(case, name) for name in ("url", "template", "site", "listed_title", "listed_date")}
    lines = [f"{name} = {_toml(value)}" for name, value in named.items()]
    lines += ["", "[headers]", *(f"{_toml(name)} = {_toml(value)}" for name, value in case.headers.items())]
    (folder / "meta.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    expected = {UNCHECKED: "compare every field with the page, then delete this line"} | fields(article)
    text = json.dumps(expected, ensure_ascii=False, indent=1)
    (folder / "expected.json").write_text(text + "\n", encoding="utf-8")


def expectation(case: Case) -> dict[str, Any]:
    """What a person found on the page. Raises BadUsage where nobody has looked yet."""
    path = case.folder / "expected.json"
    try:
        expected: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadUsage(f"{path}: {error}") from None
    if UNCHECKED in expected:
        raise BadUsage(f"{path}: not checked yet: compare it with the page, then delete the line {UNCHECKED!r}")
    return expected


def kept_headers(response: TextResponse) -> dict[str, str]:
    """The headers reading depends on; the content encoding is undone already."""
    kept = (b"Content-Type", b"Last-Modified")
    return {
        name.decode(): (response.headers.get(name) or b"").decode("latin-1")
        for name in kept
        if name in response.headers
    }


def _toml(value: str) -> str:
    """A basic TOML string; JSON's escapes are TOML's but for the ones neither may hold raw."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
