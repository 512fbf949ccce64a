"""The site as a whole: what it answers to an address, how it changes, and the truth about its articles."""

import re
import threading
import time
import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta, timezone
from urllib.parse import parse_qs, urlsplit

from tests.replica import chrome, files, listings, render_siblings, render_t3, render_t4
from tests.replica.addresses import file_number
from tests.replica.article_parts import ArticleView, text_path
from tests.replica.body import iframe_html
from tests.replica.content import EDITABLE, Stories, Story
from tests.replica.model import Entry, ReplicaColumn, Reply, UnknownPath
from tests.replica.plan import Plan
from tests.replica.variations import Variations

SHANGHAI = timezone(timedelta(hours=8))
CACHE_BYTES = 128 * 2**20
ROBOTS = b"User-agent: *\nDisallow: /private/\n"
HTML = "text/html; charset=utf-8"
WITHDRAWALS = ("404", "410", "soft404", "home", "unlist")


class Site:
    """The site without the network. All methods may be called from any thread."""

    def __init__(self, generation: str, articles: int, seed: int, variations: bool, page_size: int) -> None:
        self.generation = generation
        self.page_size = page_size
        self.base_url = "http://127.0.0.1/"
        self.variations = Variations(seed, variations, articles)
        self.stories = Stories(seed, articles, generation, self.variations)
        self.plan = Plan(seed, generation, articles, self.stories, self.variations)
        self.withdrawn: dict[int, str] = {}
        self.changed_at: dict[int, float] = {}
        self._unlisted: dict[int, list[tuple[ReplicaColumn, Entry]]] = {}
        self._cache: dict[str, Reply] = {}
        self._cached = 0
        self._lock = threading.RLock()

    # --- changes ---

    def publish(self, column_id: str, n: int) -> list[str]:
        with self._lock:
            column = self.plan.columns[column_id]
            paths = [self.plan.publish(column) for _ in range(n)]
            self._forget()
        return paths

    def edit(self, path: str, field: str, new: object) -> None:
        if field not in EDITABLE:
            raise ValueError(f"cannot edit {field!r}; allowed: {', '.join(EDITABLE)}")
        with self._lock:
            index = self.plan.listed[path]
            if index in self.plan.told_by:
                raise ValueError(f"{path} repeats another article's text; edit that one")
            self.stories.changes.setdefault(index, {})[field] = new
            # Last-Modified counts whole seconds: two edits within one second must still differ.
            for number in (index, *(copy for copy, told in self.plan.told_by.items() if told == index)):
                self.changed_at[number] = max(time.time(), self.changed_at.get(number, 0.0) + 1)
            unlisted = [entry for gone in self._unlisted.values() for _, entry in gone]
            for entry in [*(e for c in self.plan.columns.values() for e in c.entries), *unlisted]:
                if entry.index is not None and self.plan.told_by.get(entry.index, entry.index) == index:
                    story = self.story(entry.index)
                    entry.title, entry.date = story.full_title, str(story.published)
            self._forget()

    def withdraw(self, path: str, how: str) -> None:
        if how not in WITHDRAWALS:
            raise ValueError(f"cannot withdraw by {how!r}; allowed: {', '.join(WITHDRAWALS)}")
        with self._lock:
            index = self.plan.listed[path]
            if how != "unlist":
                self.withdrawn[index] = how
            elif index not in self._unlisted:
                gone = [(c, e) for c in self.plan.columns.values() for e in c.entries if e.index == index]
                self._unlisted[index] = gone
                for column in self.plan.columns.values():
                    column.entries = [entry for entry in column.entries if entry.index != index]
            self._forget()

    def restore(self, path: str) -> None:
        with self._lock:
            index = self.plan.listed[path]
            self.withdrawn.pop(index, None)
            for column, entry in self._unlisted.pop(index, []):
                older = (place for place, other in enumerate(column.entries) if other.date <= entry.date)
                column.entries.insert(next(older, len(column.entries)), entry)
            self._forget()

    def _forget(self) -> None:
        self._cache.clear()
        self._cached = 0

    # --- answers ---

    def reply(self, path_qs: str, headers: Mapping[str, str]) -> Reply:
        """The answer to a GET, with placeholders where each answer differs."""
        with self._lock:
            if path_qs in self._cache:
                return self._cache[path_qs]
            path, _, query = path_qs.partition("?")
            if path == render_t4.API and self.generation == "t4":
                return self._unit(query, headers)  # depends on the Referer: not cached
            try:
                reply = self._page(path, query)
            except UnknownPath:
                return Reply(404, chrome.not_found().encode(), {"Content-Type": self._html})
            if self._cached > CACHE_BYTES:
                self._forget()
            self._cache[path_qs] = reply
            self._cached += len(reply.body)
            return reply

    @property
    def _html(self) -> str:
        return "text/html" if self.generation == "t4" else HTML

    def _unit(self, query: str, headers: Mapping[str, str]) -> Reply:
        if urlsplit(headers.get("Referer", "")).netloc != headers.get("Host"):
            return Reply(403, b"Forbidden", {"Content-Type": "text/html"})
        body = render_t4.unit_reply(list(self.plan.columns.values()), query, self.base_url)
        return Reply(200, body.encode(), {"Content-Type": "application/json"})

    def _page(self, path: str, query: str) -> Reply:
        columns = self.plan.columns.values()
        if path == "/robots.txt":
            return Reply(200, ROBOTS, {"Content-Type": "text/plain"})
        if path in ("/", "/index.html", "/index.shtml"):
            return self._listing(listings.home_page(list(columns), self._navigation(), self.base_url))
        if path == render_siblings.PROXY and self.generation == "jcms":
            return self._proxy(query)
        if self.generation == "trs" and (found := re.fullmatch(r"(.+/)index_(\d{1,4})\.html", path)):
            path, query = found[1], str(int(found[2]) + 1)
        if self.generation == "trs" and (found := re.fullmatch(r"(.+/t\d{8}_\d+)_1\.html", path)):
            return self._article(f"{found[1]}.html", 1)
        for column in columns:
            if path in (column.path, f"{column.path}index.shtml"):
                return self._listing(self._column(column, query))
            if f"{path}/" == column.path:
                return Reply(301, b"", {"Location": column.path})
        if path in self.plan.redirects or path in self.plan.pages:
            return self._article(path)
        if path == "/404.shtml":
            return Reply(200, chrome.not_found().encode(), {"Content-Type": self._html})
        if path.startswith("/private/"):
            return self._listing(chrome.page("", "<p>内部页面</p>", "内部页面"))
        if text := self._iframe(path):
            return Reply(200, text.encode(), {"Content-Type": self._html})
        return self._file(path, query)

    def _proxy(self, query: str) -> Reply:
        text = render_siblings.proxy_reply(list(self.plan.columns.values()), query, self.base_url)
        if text is None:
            return Reply(500, b"")
        return Reply(200, text.encode(), {"Content-Type": "text/xml; charset=utf-8"})

    def _listing(self, html: str) -> Reply:
        body = html.encode()
        return Reply(200, body, {"Content-Type": self._html}, etag=f'W/"{zlib.crc32(body):08x}-{len(body):x}"')

    def _navigation(self) -> str:
        return chrome.navigation(self.plan.columns.values())

    def _others(self, column: ReplicaColumn) -> list[ReplicaColumn]:
        return [other for other in self.plan.columns.values() if other is not column and other.from_api][:2]

    def _column(self, column: ReplicaColumn, query: str) -> str:
        others = self._others(column)
        rail, size = chrome.rail(others, "aside"), self.page_size
        if self.generation == "t4":
            return render_t4.column_page(column, self._navigation(), rail, self.base_url, others[-1])
        if self.generation == "jcms":
            return render_siblings.jcms_listing(column, self._navigation(), rail, self.base_url)
        number = max(1, int(query)) if query.isascii() and query.isdigit() and len(query) < 10 else 1
        if self.generation == "trs":
            page = render_siblings.trs_listing(column, number, size, self._navigation(), rail, self.base_url)
            if page is None:
                raise UnknownPath(column.path)
            return page
        return listings.listing_page(column, number, size, self._navigation(), rail, self.base_url)

    def _article(self, path: str, part: int = 0) -> Reply:
        index = self.plan.pages.get(path, self.plan.listed.get(path))
        how = self.withdrawn.get(index) if index is not None else None
        if how == "home":
            return Reply(302, b"", {"Location": "/"})
        if how:
            return Reply(
                200 if how == "soft404" else int(how), chrome.not_found().encode(), {"Content-Type": self._html}
            )
        if path in self.plan.redirects:
            return Reply(200, chrome.redirect(*self.plan.redirects[path]).encode(), {"Content-Type": self._html})
        assert index is not None
        view = self._view(path, index)
        if part and not render_siblings.is_in_parts(view.form("body"), view.story.index):
            raise UnknownPath(path)
        encoding = self.encoding(index)
        content_type = self._html
        if encoding != "utf-8":
            labelled = view.form("encoding") == "gb-labelled"
            content_type = "text/html; charset=gb2312" if labelled else "text/html"
        conditions = view.form("conditions")
        modified = self.changed_at.get(index, self.stories.published(index).replace(tzinfo=SHANGHAI).timestamp())
        # Weak: the counters and rails of a page change all the time, its meaning does not.
        etag = f'W/"{zlib.crc32(repr(view.story).encode()):08x}-{index:x}"'
        return Reply(
            200,
            self._rendered(view, part).encode(encoding),
            {"Content-Type": content_type},
            etag="" if conditions in ("modified", "no-validators") else etag,
            modified=0 if conditions in ("etag", "no-validators") else modified,
            obeys_conditions=conditions != "ignored",
            gzip=view.form("gzip") == "unasked",
        )

    def _rendered(self, view: ArticleView, part: int) -> str:
        if self.generation == "trs":
            return render_siblings.trs_article(view, part)
        if self.generation == "jcms":
            return render_siblings.jcms_article(view)
        return render_t4.article_page(view) if self.generation == "t4" else render_t3.article_page(view)

    def _view(self, path: str, index: int) -> ArticleView:
        column = self.plan.column_of[index]
        siblings, place = self.plan.in_column[column.id], self.plan.place_in[index]
        tag = "section" if index % 2 else "aside"
        broken = self.form("include", index) != "fine" and self.generation == "t3"
        return ArticleView(
            story=self.story(index),
            column=column,
            form=lambda axis: self.form(axis, index),
            path=path,
            navigation=self._navigation(),
            rail=chrome.rail(self._others(column), tag, broken),
            older=self.plan.entry_of[siblings[place - 1]] if place else None,
            newer=self.plan.entry_of[siblings[place + 1]] if place + 1 < len(siblings) else None,
            charset="utf-8" if self.encoding(index) == "utf-8" else "gb2312",
        )

    def _iframe(self, path: str) -> str | None:
        stem, dot, extension = path.rpartition(".")
        page = f"{stem.removesuffix('_text')}{dot}{extension}"
        index = self.plan.pages.get(page)
        if index is None or text_path(page) != path or self.form("body", index) != "iframe":
            return None
        return iframe_html(self.story(index))

    def _file(self, path: str, query: str) -> Reply:
        extension = path.rpartition(".")[2]
        if path.startswith(("/images/", "/css/", "/js/", "/script/")) and extension in files.MEDIA_TYPES:
            return _file_reply(extension, path, {})
        if path in self.plan.loose_files:
            return _file_reply(self.plan.loose_files[path], path, {})
        number = file_number(path, query)
        if number is None or number // 8 >= self.plan.next_index:
            raise UnknownPath(path)
        story = self.stories.get(number // 8)
        for address in [*story.images, *(address for address, _ in story.attachments)]:
            own_path, _, own_query = address.partition("?")
            # Clients spell the same query in several ways; compare what it says.
            if own_path == path and parse_qs(own_query) == parse_qs(query):
                name = parse_qs(query).get("fileName", [path])[0]
                extra = {"Content-Disposition": "attachment"} if query else {}
                return _file_reply(name.rpartition(".")[2], address, extra)
        raise UnknownPath(path)

    # --- what an article is ---

    def form(self, axis: str, index: int) -> str:
        """The form an article takes on an axis of variations.py."""
        return self.variations.form(axis, index)

    def encoding(self, index: int) -> str:
        """utf-8 or gb18030."""
        utf8 = self.generation == "t4" or self.form("encoding", index) == "utf-8"
        return "utf-8" if utf8 else "gb18030"

    def story(self, index: int) -> Story:
        """What article ``index`` says; a copy says what its original says, at its own time."""
        if index not in self.plan.told_by:
            return self.stories.get(index)
        original = self.stories.get(self.plan.told_by[index])
        return replace(original, published=self.stories.published(index))


def _file_reply(extension: str, label: str, headers: dict[str, str]) -> Reply:
    body = files.make(extension, label)
    headers = {"Content-Type": files.MEDIA_TYPES[extension], **headers}
    return Reply(200, body, headers, etag=f'"{zlib.crc32(body):08x}"', modified=1_600_000_000)
