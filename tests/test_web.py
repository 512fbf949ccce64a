"""The reading room's pages and data, over the archive of tests/archive_fixture.py."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lxml.etree
import lxml.html
import pytest
from starlette.routing import Route

from exports.canonical import HASHED
from exports.database.migrate import upgrade
from exports.database.session import open_engine
from exports.web import cite
from exports.web.app import LISTS, create_app
from exports.web.texts import LANGUAGES, Language, _texts
from tests.archive_command import read_csv, read_jsonl
from tests.archive_fixture import BASE, fill
from tests.services import fresh_database
from tests.web_client import Room, config_of


def filled(folder: Path, url: str) -> Room:
    engine = open_engine(url)
    upgrade(engine)
    fill(engine)
    engine.dispose()
    return Room(config_of(folder, url))


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def room(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("room")
    if request.param == "sqlite":
        yield filled(folder, f"sqlite:///{folder}/archive.db")
        return
    with fresh_database(request.getfixturevalue("postgres_url")) as url:
        yield filled(folder, url)


def titles(room: Room, path: str) -> list[str]:
    page = lxml.html.fromstring(room.get(path).text)
    return [" ".join(link.text_content().split()) for link in page.xpath("//li[@data-item]/h2/a")]


PAGES = (
    *("/", "/?q=深入", "/?page=1", "/articles/1", "/articles/1/versions/1", "/articles/1/diff", "/articles/2/diff"),
    *("/captures/1", "/people", "/people/王小明", "/units", "/units/信息中心", "/charts", "/charts/unit"),
    *("/charts/terms", "/charts/terms?term=调研、深入", "/charts/column?per=year", "/coverage", "/coverage/zhuanti"),
    *("/coverage/zhuanti?outcome=external", "/runs", "/failures", "/failures?resolved=1"),
)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_in_both_languages(room: Room, path: str) -> None:
    for code, tag in LANGUAGES.items():
        answer = room.get(path, accept_language=tag)
        page = lxml.html.fromstring(answer.text)
        assert page.get("lang") == answer.headers["content-language"] == tag
        assert page.xpath("//h1"), path
        assert Language(code).text("navigation") in page.xpath("//nav/@aria-label")
        # nothing comes from elsewhere, and no script or style stands in the page itself
        for address in page.xpath("//script/@src | //link[@rel!='alternate']/@href | //img/@src | //iframe/@src"):
            assert address.startswith("/"), address
        assert not page.xpath("//script[not(@src)] | //style | //@style | //@onclick | //@onload")
        assert not page.xpath("//@href[starts-with(., 'javascript:')]")


def test_search_finds_and_marks(room: Room) -> None:
    assert titles(room, "/?q=深入") == ["深入调研 推动工作", "没有日期的文章"]
    page = lxml.html.fromstring(room.get("/?q=深入").text)
    assert {mark.text for mark in page.xpath("//mark")} == {"深入"}
    assert titles(room, "/?q=深入&year=2023") == ["深入调研 推动工作"]
    assert titles(room, "/?column=other") == ["ＡＢＣ计划综述", "=1+1"]
    assert titles(room, "/?author=王小明") == ["深入调研 推动工作"]
    assert "没有符合条件" in room.get("/?q=没有这个词").text


@pytest.mark.parametrize(
    ("words", "marked", "snippet"),
    [
        ("主任", ["主任"], "信息中心主任 王小明"),  # a post stands in the byline alone
        ("某处来稿", ["某处来稿"], "某处来稿"),
        ("本文有删节", ["本文有删节"], "（本文有删节）"),
        ("三个县 主任", ["三个县", "主任"], "调研组走访了三个县，完成率为100%。 信息中心主任 王小明"),
        ("王小明", ["王小明"], "各支部深入基层开展调研。 调研组走访了三个县，完成率为100%。"),  # shown above the text
    ],
)
def test_a_hit_beside_the_text_is_marked(room: Room, words: str, marked: list[str], snippet: str) -> None:
    page = lxml.html.fromstring(room.get(f"/?q={words}").text)
    assert [mark.text for mark in page.xpath("//li[@data-item][1]//mark")] == marked
    assert page.xpath("//li[@data-item][1]//p[@class='snippet']")[0].text_content() == snippet


def test_facets_count_what_was_found(room: Room) -> None:
    page = lxml.html.fromstring(room.get("/?q=深入").text)
    facet = page.xpath("//section[@aria-labelledby='facet-column']//li")
    assert [" ".join(entry.text_content().split()) for entry in facet] == ["重要专题 2"]
    (link,) = page.xpath("//section[@aria-labelledby='facet-unit']//a/@href")
    assert titles(room, link) == ["深入调研 推动工作"]


def test_a_withdrawn_article_stays_readable(room: Room) -> None:
    text = room.get("/articles/4").text
    assert "网站已撤下本文" in text
    assert "公式一样的标题" in text
    assert "已撤下" in room.get("/?q=公式").text


def test_versions_side_by_side(room: Room) -> None:
    page = lxml.html.fromstring(room.get("/articles/1/diff?from=1&to=2").text)
    assert "旧的结尾。" in [element.text for element in page.xpath("//del")]
    changed = room.get("/api/articles/1/diff").json()
    assert changed["fields"]["title"] == [
        {"kind": "same", "text": "深入调研"},
        {"kind": "added", "text": " 推动工作"},
    ]
    assert "只有一个版本" in room.get("/articles/2/diff").text
    assert "不同的版本" in room.get("/articles/1/diff?from=1&to=1", 400).text
    old = room.get("/articles/1/versions/1").text
    assert "您看的是第 1 版" in old
    assert "旧的结尾" in old
    assert "改动：标题, 来源, 正文" in old


@pytest.mark.parametrize("form", ["csv", "jsonl", "atom"])
@pytest.mark.parametrize("path", LISTS)
def test_every_list_in_every_format(room: Room, path: str, form: str) -> None:
    path = path.replace("{id:int}", "1").replace("{column}", "zhuanti")
    asked = "?term=深入" if path == "/charts/terms" else ""
    answer = room.get(f"{path}.{form}{asked}")
    expected = room.rows(path + asked)
    assert expected
    if form == "atom":
        feed = lxml.etree.fromstring(answer.content)
        space = {"a": "http://www.w3.org/2005/Atom"}
        assert len(feed.xpath("a:entry", namespaces=space)) == len(expected)
        for element in ("id", "title", "updated"):
            assert all(node.text for node in feed.xpath(f".//a:{element}", namespaces=space))
        ids = feed.xpath("a:entry/a:id/text()", namespaces=space)
        assert len(set(ids)) == len(ids)
        assert not [node for node in feed.xpath(".//a:updated", namespaces=space) if node.text.startswith("1970")]
        assert answer.headers["content-type"].startswith("application/atom+xml")
        return
    assert answer.headers["content-disposition"].startswith("attachment;")
    if form == "csv":
        read = read_csv(answer.content.decode())
        assert [list(row) for row in read] == [list(row) for row in expected]
    else:
        assert read_jsonl(answer.content.decode()) == expected


def test_a_feed_of_a_search_shows_the_newest_first(room: Room) -> None:
    newest = [str(row["id"]) for row in room.rows("/articles?q=文&order=date")]
    feed = lxml.etree.fromstring(room.get("/articles.atom?q=文").content)
    found = feed.xpath("a:entry/a:id/text()", namespaces={"a": "http://www.w3.org/2005/Atom"})
    assert [address.rpartition("/")[2] for address in found] == newest
    assert [str(row["id"]) for row in room.rows("/articles?q=文")] != newest


def test_cells_are_no_python(room: Room) -> None:
    for run in read_csv(room.get("/runs.csv").content.decode()):
        assert re.fullmatch(r"[0-9-]{10}T[0-9:]{8}Z", run["started_at"])
        assert "{" not in run["ledger"]
    (ledger,) = [run["ledger"] for run in read_csv(room.get("/runs.csv").content.decode()) if run["id"] == "3"]
    assert "archived" in ledger
    for row in read_csv(room.get("/articles.csv").content.decode()):
        assert row["changed_at"].endswith("Z")


def test_the_api_is_described(room: Room) -> None:
    document = room.get("/api/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    app = create_app(config_of(Path("/nowhere")))
    served = {route.path.replace(":int", "") for route in app.routes if isinstance(route, Route)}
    assert {path for path in served if path.startswith("/api/")} == set(document["paths"])
    for path, item in document["paths"].items():
        named = {parameter["name"] for parameter in item["get"]["parameters"] if parameter["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path))
    record = room.get("/api/articles/1").json()
    assert set(record) == set(document["components"]["schemas"]["Article"]["properties"])
    assert record["capture"]["payload_sha256"] in record["citations"]["gbt7714"]
    page = room.get("/api/articles?limit=2&page=2").json()
    assert (page["total"], [row["id"] for row in page["rows"]]) == (5, [3, 4])


def test_citations_name_version_and_digest(room: Room) -> None:
    cited = {style: room.get(f"/articles/1/versions/2/cite/{style}").text for style in ("gbt7714", "bibtex", "plain")}
    digest = room.get("/api/captures/1").json()["payload_sha256"]
    for text in cited.values():
        assert digest in text
        assert f"{BASE}/article/1.shtml" in text
        assert "http://127.0.0.1:8000/articles/1/versions/2" in text
    assert cited["gbt7714"].startswith("王小明. 深入调研 推动工作[EB/OL]. (2023-05-04)[2024-03-01]. http")
    assert cited["bibtex"].startswith("@online{jgdw-1-v2,\n  author = {{王小明}},\n")
    room.get("/articles/1/versions/2/cite/apa", 404)


def test_a_citation_has_the_day_the_pages_show() -> None:
    capture: Any = SimpleNamespace(fetched_at=datetime(2026, 11, 29, 17, 30, tzinfo=UTC))
    version: Any = SimpleNamespace()
    assert cite.Cited(version, capture, "").captured == "2026-11-30"


def test_memento(room: Room) -> None:
    url = f"{BASE}/article/1.shtml"
    early = room.get(f"/timegate/{url}", 302, accept_datetime="Fri, 01 Mar 2024 12:00:00 GMT")
    assert early.headers["location"].endswith("/articles/1/versions/1")
    assert early.headers["vary"] == "accept-datetime"
    before = room.get(f"/timegate/{url}", 302, accept_datetime="Thu, 01 Jan 1998 00:00:00 GMT")
    assert before.headers["location"].endswith("/articles/1/versions/1")
    assert room.get(f"/timegate/{url}", 302).headers["location"].endswith("/articles/1/versions/2")
    wrong = room.get(f"/timegate/{url}", 400, accept_datetime="yesterday")
    assert "HTTP 日期" in wrong.text
    unknown = [room.get(f"/timegate/http://elsewhere.example.test/{path}", 404) for path in ("", "frame")]
    assert ["accept-datetime" in refused.headers["vary"] for refused in (wrong, *unknown)] == [True] * 3
    answer = room.get(f"/timemap/link/{url}")
    assert answer.headers["content-type"] == "application/link-format"
    lines = answer.text.rstrip("\n").split(",\n")
    assert lines[0] == f'<{url}>; rel="original"'
    assert [line for line in lines if "memento" in line] == [
        '<http://127.0.0.1:8000/articles/1/versions/1>; rel="first memento"; datetime="Fri, 01 Mar 2024 01:30:00 GMT"',
        '<http://127.0.0.1:8000/articles/1/versions/2>; rel="last memento"; datetime="Fri, 01 Mar 2024 21:30:00 GMT"',
    ]
    now = room.get("/articles/1").headers
    assert f'/timegate/{url}>; rel="timegate"' in now["link"]
    assert "memento-datetime" not in now
    memento = room.get("/articles/1/versions/1").headers
    assert memento["memento-datetime"] == "Fri, 01 Mar 2024 01:30:00 GMT"
    assert f'<{url}>; rel="original"' in memento["link"]
    assert 'rel="first memento"' in memento["link"]
    assert room.get(f"/find?url={url}", 302).headers["location"] == "/articles/1"


def test_the_language_is_chosen_and_remembered(room: Room) -> None:
    assert "阅览室" in room.get("/").text
    assert "Archive reading room" in room.get("/", accept_language="fr, en;q=0.8, zh;q=0.2").text
    answer = room.get("/?lang=en", accept_language="zh")
    assert "Archive reading room" in answer.text
    assert answer.headers["set-cookie"].startswith("lang=en;")
    assert "Archive reading room" in room.get("/", cookie="lang=en", accept_language="zh").text
    assert "set-cookie" not in room.get("/?lang=klingon").headers


def test_names_of_the_code_are_said_in_the_readers_language(room: Room) -> None:
    assert "存档 4，外链 1" in room.get("/runs").text
    compared = lxml.html.fromstring(room.get("/articles/1/diff").text)
    assert [" ".join(head.text_content().split()) for head in compared.xpath("//tbody//th")][:2] == ["标题", "来源"]
    assert [Language(code).name("row", "place-") for code in LANGUAGES] == ["正文上方信息行", "visible row"]
    assert Language("zh").name("unheard-of", "place-") == "unheard-of"


def test_texts_are_complete() -> None:
    used = set()
    for path in Path("exports/web").rglob("*"):
        if path.suffix == ".html":
            used |= set(re.findall(r"""\bt\(["']([a-z0-9_-]+)["'][),]""", path.read_text(encoding="utf-8")))
        elif path.suffix == ".py":
            pattern = r"""(?:BadInput|NotThere|Unavailable|\.text)\("([a-z0-9-]+)"[),]"""
            used |= set(re.findall(pattern, path.read_text(encoding="utf-8")))
    assert len(used) > 80
    assert used - set(_texts()) == set()
    assert {"status", *HASHED} <= set(_texts())  # what a version can name as changed
    for key, text in _texts().items():
        assert set(text) == set(LANGUAGES), key
        placeholders = [set(re.findall(r"{(\w+)", each)) for each in text.values()]
        assert placeholders[0] == placeholders[1], key


BAD = {
    "/?since=2023-13-01": "YYYY-MM-DD",
    "/?since=2023-02-01&until=2023-01-01": "2023-02-01",
    "/?page=0": "page",
    "/?year=now": "year",
    "/?column=没有": "zhuanti",
    f"/?q={'长' * 201}": "200",
    "/charts/column?per=day": "month",
    "/charts/terms?term=a,b,c,d,e,f,g": "6",
    "/coverage/nowhere": "zhuanti",
    "/coverage/zhuanti?outcome=lost": "archived",
    "/failures?resolved=maybe": "resolved",
}


@pytest.mark.parametrize("path", BAD)
def test_bad_input_is_named_with_what_is_allowed(room: Room, path: str) -> None:
    for language in LANGUAGES:
        answer = room.get(path, 400, accept_language=language)
        (said,) = lxml.html.fromstring(answer.text).xpath("//div[@role='alert']")
        assert BAD[path] in said.text_content()


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/articles/999", "/articles/99999999999999", "/articles/1/versions/9", "/captures/999", "/?page=500",
     "/people/无此人", "/units/x", "/files/" + "ab" * 32, "/pictures/..%2f..%2fetc", "/static/../app.py", "/charts/x"],
)  # fmt: skip
def test_what_is_not_there(room: Room, path: str) -> None:
    assert "没有" in room.get(path, 404).text


def test_api_errors_are_json(room: Room) -> None:
    assert room.get("/api/articles/999", 404).json()["error"] == "no-article"
    assert "limit" in room.get("/api/articles?limit=100000", 400).json()["message"]
    assert room.get("/api/nothing", 404).json()["error"] == "no-page-here"
    json.loads(room.get("/api/articles", 200).text)
