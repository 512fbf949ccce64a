"""The reading room against a hostile archive, hostile readers, and a database that is not as it should be."""

import gzip
import hashlib
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import lxml.html
import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from crawler.items import Exchange
from exports.database import sqlite_file
from exports.database.migrate import upgrade
from exports.database.models import Article, ArticleAuthor, ArticleVersion, Attachment, Capture, Failure, Listing, Run
from exports.database.session import open_engine
from exports.warc import WarcWriter
from exports.web import arguments
from exports.web.errors import Unavailable
from exports.web.room import Room as Archive
from tests.archive_command import archive
from tests.web_client import Room, config_of

pytestmark = pytest.mark.slow
PAYLOADS = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)><a href='javascript:alert(1)'>x</a>",
    "'; DROP TABLE articles; -- {{ 7*7 }} {% raw %} ${7*7} %(x)s {name}",
    "</title></textarea></script><svg onload=alert(1)>",
    "\u202e反写\x1b[31m\x00\x07\ufffe\ud800 =cmd|'/c calc'!A1",
    "../../etc/passwd\r\nSet-Cookie: x=1",
)
PAGE = b"""<html><head><script>alert(1)</script><base href="http://evil.example/"><meta http-equiv=refresh content="0;
url=http://evil.example/"><link rel=stylesheet href=http://evil.example/x.css></head><body onload=alert(1)>
<p style="text-indent: 2em" onclick="alert(1)">\xe6\xad\xa3\xe6\x96\x87</p><form action=/x><input name=q></form>
<style>p { background: url(http://evil.example/s.png) }</style>
<svg><script>alert(1)</script></svg><iframe src=http://evil.example/></iframe><a href="javascript:alert(1)">a</a>
<img src=http://evil.example/i.png onerror=alert(1)><math><mtext><style><img src=x onerror=alert(1)></style></math>
<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript><a href="http://evil.example/">b</a></body>"""
PRINTING = (
    *("/", "/articles/1", "/articles/1/versions/1", "/articles/1/diff", "/captures/1", "/people", "/units"),
    *("/charts/column", "/charts/unit", "/coverage", "/coverage/zhuanti", "/runs", "/failures?resolved=1"),
)
"""Pages that print what the archive holds."""
SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}

__all__ = ["archive"]


@pytest.fixture
def room(archive: Path) -> Room:
    return Room(config_of(archive))


def poison(folder: Path, payload: str) -> None:
    """Write the payload into every text a page prints."""
    payload = payload.encode("utf-8", "ignore").decode()
    engine = open_engine(f"sqlite:///{folder}/archive.db")
    fields = ("title", "subtitle", "byline", "author", "unit", "position", "source", "content_type", "editor_note")
    values: dict[str, Any] = dict.fromkeys(fields, payload)
    values |= {"breadcrumb": [payload], "printed": {payload: {payload: payload}}, "extractor": payload}
    values |= {"body_html": f"<p onclick=alert(1)>{payload}</p><script>alert(1)</script>", "body_text": payload}
    file = {"url": payload, "name": payload, "sha256": "ab" * 32, "size": 1, "media_type": payload, "path": "files/x"}
    person = {"name": payload, "unit": payload, "position": payload, "role": payload}
    with Session(engine) as session:
        session.execute(update(Article).values(**values, column_name=payload))
        session.execute(update(ArticleVersion).values(**values, authors=[person], attachments=[file], images=[file]))
        session.execute(update(ArticleVersion).where(ArticleVersion.version == 1).values(title="另一个"))
        session.execute(update(ArticleAuthor).values(name=payload, unit=payload, position=payload))
        session.execute(update(Attachment).values(name=payload, media_type=payload))
        session.execute(update(Run).values(column_name=payload, reason=payload, spider=payload))
        session.execute(update(Failure).values(reason=payload, url=payload, kind=payload))
        session.execute(update(Listing).values(listed_title=payload, reason=payload))
        session.commit()
    engine.dispose()


def assert_harmless(html: str) -> None:
    """No script, style, handler or address but the room's own; no control and bidi characters."""
    page = lxml.html.fromstring(html.encode())
    assert {script.get("src").partition("?")[0] for script in page.xpath("//script")} <= {"/static/room.js"}
    assert not page.xpath("//@*[starts-with(name(), 'on')] | //style | //@style")
    for address in page.xpath("//@href | //@src | //@action"):
        assert address.startswith(("/", "#", "?", "http://jgdw.example.test")), address
    assert not page.xpath("//svg//*[not(self::path or self::text or self::circle or self::title or self::rect)]")
    assert not set(html) & set("\u202e\x1b\x00\x07\ufffe")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payloads_stay_text(archive: Path, payload: str) -> None:
    poison(archive, payload)
    room = Room(config_of(archive))
    for path in PRINTING:
        assert_harmless(room.get(path).text)
    for path in ("/articles", "/people", "/coverage", "/runs", "/failures", "/articles/1/versions", "/charts/unit"):
        lxml.etree.fromstring(room.get(f"{path}.atom").content)
        room.get(f"/api{path}").json()
        cells = room.get(f"{path}.csv").content.decode().split(",")
        assert not any(cell.lstrip('"').startswith(("=", "+", "@")) for cell in cells)
    for style in ("gbt7714", "bibtex", "plain"):
        assert "\x1b" not in room.get(f"/articles/1/versions/1/cite/{style}").text


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payloads_as_questions(room: Room, payload: str) -> None:
    asked = quote(payload.encode("utf-8", "surrogatepass"))
    assert_harmless(room.get(f"/?q={asked}").text)
    assert_harmless(room.get(f"/?q={asked}&author={asked}&unit={asked}&source={asked}").text)
    assert_harmless(room.get(f"/charts/terms?term={asked}").text)
    assert_harmless(room.get(f"/people?name={asked}").text)
    for path in (f"/?column={asked}", f"/?since={asked}", f"/?page={asked}", f"/?order={asked}"):
        assert_harmless(room.get(path, 400).text)
    for path in (f"/people/{asked}", f"/units/{asked}", f"/find?url={asked}", f"/files/{asked}", f"/{asked}"):
        assert_harmless(room.get(path, 404).text)


def test_every_answer_carries_the_headers(room: Room) -> None:
    paths = {"/": 200, "/articles/1": 200, "/nothing": 404, "/?page=x": 400, "/articles.csv": 200, "/api/runs": 200,
             "/static/room.css": 200, "/static/none.css": 404, "/timegate/x": 404}  # fmt: skip
    for path, status in paths.items():
        headers = room.get(path, status).headers
        assert {name: headers[name] for name in SECURITY} == SECURITY
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8000", "localhost.evil.example", "", "127.0.0.1.nip.io"),
        # an address made of it would lead elsewhere, or be none
        *(
            "localhost:80@evil.example",
            "localhost@evil.example",
            "[::1",
            '127.0.0.1:"><script>',
            "localhost:x",
            "[::1]x",
        ),
    ],
)
def test_other_names_are_refused(room: Room, host: str) -> None:
    answer = room.get("/", 421, host=host)
    assert "--allow-host" in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9", "127.0.0.1:8000", "[::1]:8000", "10.0.0.7", "room.test."])
def test_this_machine_and_allowed_names_are_answered(archive: Path, host: str) -> None:
    Room(config_of(archive), names=("Room.test",)).get("/", host=host)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_only_reading(room: Room, method: str) -> None:
    assert room.get("/articles/1", 405, method=method).headers["allow"] == "GET, HEAD"


def test_a_download_has_an_end(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    assert arguments.MOST == 10_000
    monkeypatch.setattr("exports.web.arguments.MOST", 2)
    answer = room.get("/articles.jsonl")
    assert int(answer.headers["x-total-count"]) > len(answer.text.splitlines()) == 2
    room.get("/api/articles?limit=1001", 400)


def test_head_and_long_addresses(room: Room) -> None:
    assert room.get("/", method="HEAD").content == b""
    for path in ("/?q=" + "a" * 9000, "/" + "a" * 9000, "/" + "a" * 4500 + "?q=" + "a" * 4500):
        room.get(path, 414)


def test_nothing_is_written(archive: Path, room: Room) -> None:
    before = {path.name: path.read_bytes() for path in archive.glob("archive.db")}
    for path in ("/", "/?q=深入", "/articles/1", "/charts/unit", "/articles.csv"):
        room.get(path)
    assert {path.name: path.read_bytes() for path in archive.glob("archive.db")} == before
    with pytest.raises(Unavailable, match="unreadable"), Archive(config_of(archive)).session() as session:
        session.execute(text("DELETE FROM failures"))


def test_two_locks_each_keep_a_reader_from_writing(archive: Path) -> None:
    """The connection refuses by itself; the room's, whose file is opened read-only, also where that is undone."""
    for untouched, undo in ((False, "SELECT 1"), (True, "PRAGMA query_only=OFF")):
        connection = sqlite_file.for_reading(archive / "archive.db", untouched=untouched)
        connection.execute(undo)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("DELETE FROM failures")
        connection.close()


def test_the_database_cannot_be_written_on_postgresql(postgres_database: str, tmp_path: Path) -> None:
    engine = open_engine(postgres_database)
    upgrade(engine)
    engine.dispose()
    archive = Archive(config_of(tmp_path, postgres_database), seconds=0.3)
    with pytest.raises(Unavailable) as caught, archive.session() as session:
        session.execute(text("DELETE FROM failures"))
    assert "read-only" in str(caught.value.values["cause"])
    with pytest.raises(Unavailable, match="too-slow"), archive.session() as session:
        session.execute(text("SELECT pg_sleep(30)"))


def test_a_query_ends_in_time(archive: Path) -> None:
    # seconds of counting: without the limit the test is to fail, not to hang
    counting = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000000)"
    endless = text(f"{counting} SELECT count(*) FROM n")
    begun = time.monotonic()
    with pytest.raises(Unavailable, match="too-slow"), Archive(config_of(archive), seconds=0.2).session() as session:
        session.execute(endless)
    assert time.monotonic() - begun < 20


def unavailable(room: Room, *said: str) -> None:
    for language, heading in (("zh", "档案暂不可用"), ("en", "not available")):
        page = room.get("/", 503, accept_language=language).text
        assert heading in page
        assert all(each in page for each in said)
    assert room.get("/api/articles", 503).json()["message"]


def test_without_a_database(tmp_path: Path) -> None:
    unavailable(Room(config_of(tmp_path)), "scrapy crawl zhuanti")


def test_an_older_and_a_newer_database(archive: Path) -> None:
    connection = sqlite3.connect(archive / "archive.db")
    for revision, said in (("0001", "archive migrate"), ("9999", "update the program")):
        connection.execute("UPDATE alembic_version SET version_num = ?", [revision])
        connection.commit()
        unavailable(Room(config_of(archive)), said)
    connection.close()


def test_a_locked_database_and_one_that_went_away(archive: Path) -> None:
    room = Room(config_of(archive))
    room.get("/")
    connection = sqlite3.connect(archive / "archive.db", isolation_level=None)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("UPDATE runs SET requests = 1")
    assert "locked" in room.get("/", 503).text
    connection.execute("ROLLBACK")
    connection.close()
    room.get("/")
    (archive / "archive.db").rename(archive / "moved.db")
    unavailable(room)


def kept(folder: Path, body: bytes, *headers: tuple[str, str]) -> Room:
    """A room over an archive whose article 1 was read from this response."""
    writer = WarcWriter(folder, "hostile", {"software": "test"})
    exchange = Exchange(
        "http://jgdw.example.test/article/1.shtml", "GET", [], 200, "HTTP/1.1", list(headers), body,
        datetime(2024, 3, 1, tzinfo=UTC), role="article",
    )  # fmt: skip
    place = writer.append(exchange)
    writer.close()
    engine = open_engine(f"sqlite:///{folder}/archive.db")
    with Session(engine) as session:
        session.execute(
            update(Capture)
            .where(Capture.id == 1)
            .values(warc_file=place.warc_file, warc_offset=place.offset, warc_record_id=place.record_id)
        )
        session.commit()
    engine.dispose()
    return Room(config_of(folder))


def test_an_archived_page_is_framed_without_its_teeth(archive: Path) -> None:
    room = kept(archive, PAGE, ("Content-Type", "text/html; charset=utf-8"))
    answer = room.get("/captures/1/frame")
    page = lxml.html.fromstring(answer.text)
    assert "正文" in page.text_content()
    assert not page.xpath("//script | //style | //form | //input | //iframe | //svg | //math | //link | //base | //img")
    assert not page.xpath("//a/@href | //@*[starts-with(name(), 'on')] | //meta[@http-equiv]")
    assert "evil.example" not in answer.text
    assert "alert" not in answer.text  # what scripts and handlers hold is no text either
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none';")
    assert "script-src" not in policy
    whole = room.get("/captures/1/payload")
    assert whole.content == PAGE
    assert whole.headers["content-type"] == "application/octet-stream"
    assert whole.headers["content-disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    ("encoding", "body", "said"),
    [
        ("gzip", gzip.compress(b"<p>" + "压缩".encode()), "压缩"),
        ("gzip", b"no gzip at all", "gzip"),
        ("rot13", b"x", "rot13"),
        ("gzip", gzip.compress(b"a" * 20_000_000), "MB"),
    ],
    # bytes hold the time they were compressed at: as a test's name they differ from worker to worker
    ids=["whole", "not gzip", "unknown", "bomb"],
)
def test_encodings_of_kept_pages(archive: Path, encoding: str, body: bytes, said: str) -> None:
    room = kept(archive, body, ("Content-Type", "text/html; charset=utf-8"), ("Content-Encoding", encoding))
    assert said in room.get("/captures/1/frame", 200 if said == "压缩" else 404).text


def test_charsets_of_kept_pages(archive: Path) -> None:
    page = '<meta charset="gb2312"><p>〇镕堃'.encode("gb18030")
    assert "〇镕堃" in kept(archive, page, ("Content-Type", "text/html")).get("/captures/1/frame").text


def test_another_record_in_the_place_of_the_evidence_is_not_shown(archive: Path) -> None:
    room = kept(archive, b"<p>of another page</p>", ("Content-Type", "text/html"))
    engine = open_engine(f"sqlite:///{archive}/archive.db")
    with Session(engine) as session:
        session.execute(update(Capture).where(Capture.id == 1).values(warc_record_id="urn:uuid:another"))
        session.commit()
    engine.dispose()
    for page in ("frame", "payload"):
        assert "another record" in room.get(f"/captures/1/{page}", 404).text


def test_evidence_that_is_gone_is_said_so(archive: Path) -> None:
    room = Room(config_of(archive))
    assert "warc/test.warc.gz" in room.get("/captures/1/frame", 404).text
    assert "warc/test.warc.gz" in room.get("/captures/1/payload", 404).text


def store(folder: Path, content: bytes, name: str, path: str | None = None) -> str:
    """A file of article 1; returns its digest."""
    sha256 = hashlib.sha256(content).hexdigest()
    relative = path or f"files/{sha256[:2]}/{sha256}.html"
    target = folder / relative
    if path is None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    engine = open_engine(f"sqlite:///{folder}/archive.db")
    with Session(engine) as session:
        session.execute(
            update(Attachment)
            .where(Attachment.article_id == 1)
            .values(sha256=sha256, path=relative, name=name, media_type="text/html")
        )
        session.commit()
    engine.dispose()
    return sha256


@pytest.mark.parametrize(
    "name",
    ["附件.html", "../../x.html", 'a"; filename="b.html', "x\r\nSet-Cookie: a=b", "\u202egpj.exe", "名" * 300, ""],
)
def test_attachments_are_only_ever_saved(archive: Path, name: str) -> None:
    sha256 = store(archive, b"<script>alert(1)</script>", name)
    room = Room(config_of(archive))
    answer = room.get(f"/files/{sha256}")
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox;")
    assert "set-cookie" not in answer.headers
    saved = answer.headers["content-disposition"]
    assert saved.startswith('attachment; filename="')
    assert saved.count('"') == 2
    assert ".html" in saved
    room.get(f"/pictures/{sha256}", 404)


def test_a_path_out_of_the_archive_is_not_followed(archive: Path, tmp_path: Path) -> None:
    (archive / "files").mkdir(exist_ok=True)
    assert (archive / "files/../archive.db").is_file()
    sha256 = store(archive, b"x", "x", path="files/../archive.db")
    Room(config_of(archive)).get(f"/files/{sha256}", 404)


def test_an_unexpected_error_is_a_page_without_details(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("exports.query.columns", broken)
    answer = Room(config_of(archive), fail=False).get("/", 500)
    assert "内部错误" in answer.text
    assert "secret" not in answer.text


def test_the_room_answers_again_after_an_error(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise SQLAlchemyError("gone")

    with monkeypatch.context() as patched:
        patched.setattr("exports.query.columns", broken)
        room.get("/", 503)
    room.get("/")
