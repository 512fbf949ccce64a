"""The reading room in a browser, over a real archive: everything a reader does, and nothing that leaves the host."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests import reading_room
from tests.services import missing

pytestmark = pytest.mark.slow

_PATIENCE = 30_000
"""Milliseconds for one step, on a loaded machine."""
EVERY_PAGE = (
    *("/", "/?q=学习", "/?q=没有这个词", "/articles/{id}", "/articles/{id}/versions/1", "/articles/{id}/diff"),
    *("/articles/{other}/diff", "/people", "/units", "/charts/column", "/charts/unit?per=year"),
    *("/charts/terms?term=学习、服务", "/coverage", "/coverage/zhuanti", "/runs", "/failures", "/captures/1"),
    *("/nothing-here", "/?since=soon"),
)


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if reading_room.chromium() is None:
        missing("Chromium is not installed: `apt install chromium`")
    return reading_room.build(tmp_path_factory.mktemp("room"))


@pytest.fixture(scope="module")
def address(archive: Path) -> Iterator[str]:
    with reading_room.served(archive) as found:
        yield found


@pytest.fixture(scope="module")
def chromium(address: str) -> Iterator[Browser]:
    with reading_room.browser() as found:
        yield found


@pytest.fixture(scope="session")
def revised(archive: Path) -> int:
    """The id of the article that has two versions."""
    (article_id,) = _row(archive, "SELECT id FROM articles WHERE version = 2")
    return int(article_id)


def _row(archive: Path, sql: str) -> Any:
    connection = sqlite3.connect(archive / "archive.db")
    try:
        return connection.execute(sql).fetchone()
    finally:
        connection.close()


class Reader:
    """A person at a browser; remembers every request and complaint of the browser."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context, self.address = context, address
        self.requested: list[str] = []
        self.complaints: list[str] = []
        context.set_default_timeout(_PATIENCE)
        context.on("request", lambda request: self.requested.append(request.url))
        self.page = self.open()

    def open(self) -> Page:
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self._heard(message))
        return page

    def _heard(self, message: Any) -> None:
        # the browser reports the 400s and 404s that are asked for below; a broken rule of the policy is another matter
        if message.type == "error" and "status of 4" not in message.text:
            self.complaints.append(message.text)

    def go(self, path: str) -> Page:
        self.page.goto(self.address + path)
        return self.page


@pytest.fixture
def reader(chromium: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Reader]:
    options = {"locale": "zh-CN", "viewport": {"width": 1200, "height": 800}} | getattr(request, "param", {})
    context = chromium.new_context(**options)
    found = Reader(context, address)
    yield found
    context.close()
    hosts = {urlsplit(url).netloc for url in found.requested}
    assert hosts == {urlsplit(address).netloc}
    assert found.complaints == []


def test_search_facet_article_and_neighbour(reader: Reader) -> None:
    page = reader.go("/")
    page.get_by_role("searchbox").fill("学习")
    page.keyboard.press("Enter")
    expect(page.locator("mark").first).to_have_text("学习")
    total = int(page.get_by_role("status").inner_text().split()[0])
    facet = page.locator("section[aria-labelledby=facet-column] a", has_text="党建动态")
    facet.click()
    expect(page.locator(".chosen")).to_contain_text("党建动态")
    assert 0 < int(page.get_by_role("status").inner_text().split()[0]) < total
    title = page.locator("[data-item] h2 a").first.inner_text()
    page.locator("[data-item] h2 a").first.click()
    expect(page.locator("article h1")).to_have_text(title)
    page.locator("nav.neighbours a").first.click()
    expect(page.locator("article h1")).not_to_have_text(title)


def test_versions_and_citation(reader: Reader, revised: int) -> None:
    page = reader.go(f"/articles/{revised}")
    page.locator(".versions").get_by_role("link", name="对比").first.click()
    expect(page.locator("ins", has_text=reading_room.ADDED)).to_be_visible()
    page.locator("select[name=from]").select_option("2")
    page.locator("select[name=to]").select_option("1")
    page.locator("form.choose button").click()
    expect(page.locator("del", has_text=reading_room.ADDED)).to_be_visible()
    page.get_by_role("link", name="第 1 版").click()
    expect(page.locator(".notice")).to_contain_text("不是当前版本")
    page.get_by_text("BibTeX", exact=True).click()
    expect(page.locator("pre.citation", has_text="@online")).to_contain_text(f"/articles/{revised}/versions/1")


def test_the_evidence_is_framed_and_harmless(reader: Reader, revised: int) -> None:
    page = reader.go(f"/articles/{revised}")
    title = page.locator("article h1").inner_text()
    page.get_by_role("link", name="取回时的页面").click()
    frame = page.frame_locator("iframe.page")
    expect(frame.locator("body")).to_contain_text(title.split()[0])
    assert frame.locator("script, form, input, iframe, a[href], link, meta[http-equiv]").count() == 0
    assert page.locator("iframe.page").get_attribute("sandbox") == ""
    # even a script that got in would not run there: the frame has no scripts and no origin
    inside = page.frames[1]
    inside.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))")
    assert inside.evaluate("[window.ran ?? null, self.origin]") == [None, "null"]
    # the browser's own report that it kept the planted script from running
    assert any("script" in complaint for complaint in reader.complaints)
    reader.complaints.clear()
    with page.expect_download() as saved:
        page.get_by_role("link", name="下载原始字节").click()
    assert saved.value.suggested_filename.startswith("capture-")


def test_pictures_of_the_archive_are_shown(reader: Reader, archive: Path) -> None:
    article, capture = _row(
        archive,
        "SELECT a.id, a.capture_id FROM images i JOIN articles a ON a.id = i.article_id WHERE i.path IS NOT NULL",
    )
    page = reader.go(f"/articles/{article}")
    page.locator("article img").first.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('article img').naturalWidth > 0", timeout=_PATIENCE)
    page = reader.go(f"/captures/{capture}")
    framed = page.frame_locator("iframe.page").locator("img").first
    framed.scroll_into_view_if_needed()
    expect(framed).to_have_js_property("complete", True)
    assert framed.evaluate("(image) => image.naturalWidth") > 0


def test_charts_and_their_data(reader: Reader) -> None:
    page = reader.go("/charts")
    expect(page.get_by_role("img")).to_have_count(1)
    page.get_by_role("link", name="词频随时间").click()
    expect(page.get_by_role("status")).to_contain_text("两个或更多")
    page.get_by_role("searchbox").fill("学习、服务")
    page.locator("select[name=per]").select_option("year")
    page.get_by_role("button", name="显示").click()
    expect(page.locator(".chart .line")).to_have_count(2)
    expect(page.locator(".legend li")).to_have_count(2)
    page.get_by_text("数据表").click()
    assert page.locator("table.data tbody tr").count() >= 2
    with page.expect_download() as saved:
        page.get_by_role("link", name="CSV").click()
    lines = Path(saved.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "name,period,articles"
    assert {line.split(",")[0] for line in lines[1:]} == {"学习", "服务"}


def test_keys(reader: Reader) -> None:
    page = reader.go("/")
    focused = "document.activeElement"
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate(f"[...document.querySelectorAll('[data-item] h2 a')].indexOf({focused})") == 1
    page.keyboard.press("k")
    title = page.evaluate(f"{focused}.innerText")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.locator("[data-item] h2 a").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("article h1")).to_have_text(title)
    page.go_back()
    page.keyboard.press("/")
    page.keyboard.type("党委 / j ?")
    assert page.get_by_role("searchbox").input_value() == "党委 / j ?"
    page.keyboard.press("Escape")
    page.keyboard.press("]")
    page.wait_for_url("**page=2**")
    page.keyboard.press("[")
    page.wait_for_url(lambda url: "page=2" not in url)


def test_languages_light_and_dark(reader: Reader) -> None:
    page = reader.go("/coverage")
    page.get_by_role("link", name="English").click()
    expect(page.locator("h1")).to_have_text("Coverage")
    page.get_by_role("link", name="Charts").click()
    assert page.locator("html").get_attribute("lang") == "en"
    colour = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(colour)
    page.get_by_role("button", name="Light/dark").click()
    dark = page.evaluate(colour)
    assert light != dark
    page.reload()
    assert page.evaluate(colour) == dark
    page.get_by_role("link", name="中文").click()
    expect(page.locator("h1")).to_have_text("图表")


def test_empty_and_error_states(reader: Reader) -> None:
    page = reader.go("/?q=没有这个词")
    expect(page.get_by_role("status")).to_contain_text("没有符合条件的文章")
    page = reader.go("/articles/999999")
    expect(page.get_by_role("alert")).to_contain_text("没有文章")
    page = reader.go("/?since=soon&lang=en")
    expect(page.get_by_role("alert")).to_contain_text("YYYY-MM-DD")
    page.get_by_role("link", name="Back to search").click()
    expect(page.get_by_role("searchbox")).to_be_visible()


CHECKED_ON_A_PHONE = ("/?q=学习", "/articles/", "/charts/terms", "/coverage")
PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 740},
    "is_mobile": True,
    "has_touch": True,
    "color_scheme": "dark",
}


@pytest.mark.parametrize("reader", [{}, PHONE], indirect=True, ids=["desk-light", "phone-dark"])
def test_every_page_is_accessible_and_fits(reader: Reader, revised: int, archive: Path) -> None:
    axe = Axe()
    (other,) = _row(archive, "SELECT id FROM articles WHERE version = 1")
    phone = reader.page.viewport_size == PHONE["viewport"]
    for path in (path.format(id=revised, other=other) for path in EVERY_PAGE):
        page = reader.go(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        if phone and not path.startswith(CHECKED_ON_A_PHONE):
            continue
        if page.locator("details").count():
            page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        found = axe.run(page, options={"resultTypes": ["violations"]}).response["violations"]
        serious = {
            entry["id"]: [node["html"][:200] for node in entry["nodes"][:3]]
            for entry in found
            if entry["impact"] in ("serious", "critical")
        }
        assert serious == {}, path


@pytest.mark.parametrize("reader", [PHONE], indirect=True, ids=["phone-dark"])
def test_a_phone_shows_both_versions_and_legible_charts(reader: Reader, revised: int) -> None:
    page = reader.go(f"/articles/{revised}/diff")
    new = page.locator(".diff .changed ins").first.bounding_box()
    assert new
    assert new["x"] + new["width"] <= PHONE["viewport"]["width"]
    page = reader.go("/charts/terms?term=学习&per=year")
    label = page.locator(".chart .axis").first.bounding_box()
    assert label
    assert label["height"] >= 8


@pytest.mark.parametrize("reader", [{"java_script_enabled": False}], indirect=True, ids=["no-script"])
def test_it_works_without_scripts(reader: Reader) -> None:
    page = reader.go("/?q=学习")
    expect(page.locator("section[aria-labelledby=facet-year] a").first).to_be_visible()
    page.locator("[data-item] h2 a").first.click()
    expect(page.locator("article h1")).to_be_visible()
    assert page.locator("#theme").is_hidden()
