"""What is fuzzed: every reader of what others wrote, with inputs to begin from and the errors it may raise."""

import atexit
import gzip
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from protego import Protego
from scrapy import Request
from scrapy.http import Headers, Response
from scrapy.settings import Settings
from scrapy.utils.spider import DefaultSpider
from scrapy.utils.test import get_crawler
from sqlalchemy.orm import Session

from crawler import arguments, blocking, disposition, pace, robots, site
from crawler.backoff import retry_after
from crawler.compression import Compression
from crawler.exceptions import CrawlError
from crawler.items import Exchange
from crawler.pages import TEMPLATES
from crawler.pages.base import printed_moment
from crawler.pages.home import column_links
from crawler.urls import Addresses, file_name, is_file
from exports import search, warc, warc_records
from exports.csv import cell
from exports.database.migrate import upgrade
from exports.database.session import open_engine
from exports.errors import ArchiveError
from exports.index.parse import parse
from exports.terminal import printable
from pipelines.bylines import read_byline, split_closing_byline
from pipelines.dates import read_moment
from pipelines.errors import Refused
from tests.archive_fixture import fill
from tests.reading import HOME, read, response_of
from tests.test_site import GOOD
from tests.test_walk import API, COLUMN, SHELL, Listing

ADDRESSES = Addresses.of(HOME, ["images.mofcom.gov.cn"], None)
SAVED = sorted((Path(__file__).parent.parent / "pages").glob("*/*/page.html"))
PAGE = HOME + "article/zt_x/a/202006/20200602979191.shtml"


@dataclass(frozen=True)
class Target:
    """One reader."""

    run: Callable[[bytes], Any]
    seeds: Callable[[], list[bytes]]
    named: tuple[type[Exception], ...] = (CrawlError, Refused)
    """Errors it raises on purpose."""


def _article(data: bytes) -> None:
    article = read(data, headers={"Content-Type": "text/html"})
    assert article.title
    assert article.body_text or article.images or article.attachments
    for text in (article.title, article.body_text, article.byline):
        text.encode()


def _listing(data: bytes) -> None:
    page = TEMPLATES["mofcom"].listing(response_of(data, COLUMN, {"Content-Type": "text/html"}), ADDRESSES)
    assert all(entry.url and entry.title for entry in page.entries())
    page.last_page(), page.declared(), page.address(2)


@cache
def _shell() -> Any:
    return TEMPLATES["mofcom"].listing(response_of(SHELL, COLUMN), ADDRESSES)


def _reply(data: bytes) -> None:
    page = _shell().read(response_of(data, HOME + API[1:], {"Content-Type": "application/json"}))
    page.entries(), page.last_page(), page.declared()


def _home(data: bytes) -> None:
    list(column_links(response_of(data, HOME, {"Content-Type": "text/html"}), "重要专题"))


def _blocking(data: bytes) -> None:
    response = response_of(data, PAGE, {"Content-Type": "text/html"})
    blocking.explain(response), blocking.script_redirect(response), blocking.notice(data.decode("utf-8", "replace"))


def _headers(data: bytes) -> None:
    pairs = [line.partition(b":")[::2] for line in data.split(b"\n")]
    headers = Headers([(name.strip() or b"X", value.strip()) for name, value in pairs])
    response = Response(PAGE, headers=headers, body=b"<p>x</p>")
    assert retry_after(response) >= 0
    disposition.file_name(headers.get("Content-Disposition"))
    response_of(
        b"<p>\xd6\xd0</p>", PAGE, {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs if name}
    )
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    latin = [(name.decode("latin-1"), b" ".join(value.split()).decode("latin-1")) for name, value in pairs]
    exchange = Exchange(PAGE, "GET", latin, 200, "HTTP/1.1", latin, b"x", moment, None, "article", {})
    warc_records.response(exchange, "urn:uuid:1", None), warc_records.request(exchange, "urn:uuid:1")


def _disposition(data: bytes) -> None:
    name = disposition.file_name(data)
    assert len(name) <= disposition.LONGEST
    assert not set(name) & set("/\\\0\u202e\n")


def _byline(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for place in ("row", "head", "middle", "tail"):
        read_byline(text, place)
    split_closing_byline(text)


def _dates(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for found in (read_moment(text), printed_moment(text)):
        assert found is None or datetime.fromisoformat(found)


def _charset(data: bytes) -> None:
    label, _, body = data.partition(b"\n")
    content_type = f"text/html; charset={label.decode('latin-1')}"
    blocking.explain(response_of(b"<p>" + body + b"</p>", PAGE, {"Content-Type": content_type}))


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _site_file(data: bytes) -> None:
    (_folder() / "x.toml").write_bytes(data)
    found = site.load_sites(_folder())[0]
    assert found.columns
    Addresses.of(found.home, found.file_hosts, None).trusted  # noqa: B018


def _warc(data: bytes) -> None:
    path = _folder() / "x.warc.gz"
    # half of the inputs are damaged inside the compression, where the parser is
    path.write_bytes(gzip.compress(data, 1) if data[:4] == b"WARC" else data)
    assert sum(found.length for found in warc.salvage(path) if isinstance(found, warc.Record)) <= path.stat().st_size
    for record in warc.walk(path):
        if record.type in ("response", "revisit"):
            record.url, record.context, record.fetched_at  # noqa: B018


@cache
def _session() -> Session:
    engine = open_engine(f"sqlite:///{_folder()}/archive.db")
    upgrade(engine)
    fill(engine)
    return Session(engine)


def _query(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    parse(text)
    search.count(_session(), search.Filters(text))


def _query_parse(data: bytes) -> None:
    parse(data.decode("utf-8", "replace"))


def _address(data: bytes) -> None:
    href = data.decode("utf-8", "replace")
    if (url := ADDRESSES.resolve(href, PAGE)) is not None:
        assert ADDRESSES.resolve(url, PAGE) == url
        Request(url)
        ADDRESSES.may_fetch(url), ADDRESSES.is_home(url), is_file(url), file_name(url)
    ADDRESSES.may_fetch(href)


def _robots(data: bytes) -> None:
    Protego.parse(robots.rules(data).decode("utf-8-sig", "ignore")).can_fetch(PAGE, "zhuanti-archive")


@cache
def _compression() -> Compression:
    crawler = get_crawler(settings_dict={"DOWNLOAD_MAXSIZE": 1_000_000})
    crawler._apply_settings()
    crawler.spider = DefaultSpider.from_crawler(crawler)  # a body that breaks off is asked for again, in its name
    return Compression.from_crawler(crawler)


def _decoding(data: bytes) -> None:
    coding, _, body = data.partition(b"\n")
    response = Response(PAGE, headers={"Content-Encoding": coding}, body=body)
    _compression().process_response(Request(PAGE), response)


def _orders(data: bytes) -> None:
    name, _, value = data.decode("utf-8", "replace").partition("\n")
    settings = Settings({"ARCHIVE_SITES_DIR": str(Path(site.__file__).parent / "sites")})
    settings.setmodule("crawler.settings")
    arguments.read(settings, {name: value})


def _pace(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    pace.quiet_until(pace.quiet_hours(text), datetime.now(pace.SHANGHAI))


def _output(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    assert not set(printable(text)) & set("\x1b\x9b\u202e\n\r\0")
    assert str(cell(text))[:1] not in set("=+-@\t\r＝＋－＠")


def _pages(most: int = 12_000) -> list[bytes]:
    return [data for path in SAVED if len(data := path.read_bytes()) <= most]


def _listing_seeds() -> list[bytes]:
    return [Listing(list(range(1, 9)), 15).page(1, COLUMN).body, SHELL.encode(), *_pages(4_000)[:4]]


def _reply_seeds() -> list[bytes]:
    return [Listing(list(range(1, 9)), 15, total=True).page(1, HOME + API[1:]).body]


def _texts(*texts: str) -> Callable[[], list[bytes]]:
    return lambda: [text.encode() for text in texts]


def _warc_seeds() -> list[bytes]:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    headers = [("Content-Type", "text/html"), ("ETag", '"1"')]
    exchange = Exchange(
        PAGE, "GET", headers, 200, "HTTP/1.1", headers, b"<p>x</p>", moment, None, "article", {"url": PAGE}
    )
    parts = [warc_records.response(exchange, "urn:uuid:1", None), warc_records.request(exchange, "urn:uuid:1")]
    return [b"".join(parts), *map(gzip.decompress, parts)]


def _decoding_seeds() -> list[bytes]:
    import brotli
    import zstandard

    page = "正文".encode() * 200
    packed = {"gzip": gzip.compress(page), "br": brotli.compress(page), "zstd": zstandard.compress(page)}
    packed["deflate"] = packed["gzip"][10:-8]
    return [coding.encode() + b"\n" + body for coding, body in packed.items()]


BYLINES = _texts(
    *(
        "交流中心党委书记、主任鄢东",
        "国管局机关党委常务副书记 吴正合",
        "□ 记者 李天然 通讯员 朱槟桐",
        "(院办公室 闫曼曼)",
    ),
    *(
        "【图文/姚红 审/唐圣琴】",
        "大家听得入神。（张巨峰）",
        "供稿：厅直属机关党委",
        "作者：欧阳　明·买买提",
        "（作者系某处处长）",
    ),
)
DATES = _texts(
    "2021-03-04 10:00:05", "二〇二〇年六月十二日", "2021年3月4日 下午3点20分", "[2021-3-4]", "２０２１．３．４", "3/4"
)
QUERIES = _texts(
    '党建 OR "主题教育" -工会', "title:调研 after:2023-01 NOT has:attachment", "“重要 专题” AND author:王小明", "ＡＢＣ"
)
HREFS = _texts(
    *(
        "/article/zt_x/a/202006/20200602979191.shtml",
        "http://images.mofcom.gov.cn/x/1.pdf?fileName=%E4%B8%AD.pdf",
        "?2",
    ),
    *(
        "javascript:void(0)",
        "//[::1]:80/x",
        "http://u:p@jgdw.mofcom.gov.cn:80/",
        "mailto:a@b",
        "..\\..\\x#y",
        "http://例子.中国/",
    ),
)
HEADERS = _texts(
    "Content-Type: text/html; charset=gb2312\nRetry-After: 120\nContent-Disposition: x; filename*=UTF-8''%E4%B8%AD.pdf",
    'Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\nContent-Type: image/svg+xml\nContent-Disposition: x; filename="a.doc"',
)
ROBOTS = _texts("User-agent: *\nDisallow: /内部/*.pdf$\nAllow: /\nCrawl-delay: 2\nRequest-rate: 1/5 0100-0200")

TARGETS: dict[str, Target] = {
    "article": Target(_article, _pages),
    "listing": Target(_listing, _listing_seeds),
    "reply": Target(_reply, _reply_seeds),
    "home": Target(_home, _listing_seeds),
    "blocking": Target(_blocking, _listing_seeds),
    "headers": Target(_headers, HEADERS),
    "disposition": Target(
        _disposition, _texts('attachment; filename="中文 名.pdf"', "x; filename*=GBK''%D6%D0.doc", "filename=a.b")
    ),
    "byline": Target(_byline, BYLINES),
    "dates": Target(_dates, DATES),
    "charset": Target(_charset, lambda: [b"gb2312\n" + "正文".encode("gb18030"), b"utf-8\n" + "正文".encode()]),
    "site file": Target(_site_file, _texts(GOOD)),
    "warc": Target(_warc, _warc_seeds, (warc.WarcDamage,)),
    "query": Target(_query, QUERIES, (ArchiveError,)),
    "query text": Target(_query_parse, QUERIES),
    "address": Target(_address, HREFS),
    "robots": Target(_robots, ROBOTS),
    "decoding": Target(_decoding, _decoding_seeds),
    "arguments": Target(
        _orders, _texts("since\n2024-01-31", "limit\n5", "base_url\nhttp://127.0.0.1:80/", "only\na,b", "full\n1")
    ),
    "quiet hours": Target(_pace, _texts("08:00-18:00, 22:00-06:00")),
    "output": Target(_output, _texts("=1+1", "\x1b[31m红\x1b]0;x\x07", "标题 \u202e x", "＝cmd|x")),
}
