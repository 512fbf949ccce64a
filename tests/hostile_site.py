"""A web server that means harm: each address an attack, good articles between them."""

import gzip
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import brotli
import zstandard

COLUMN = "/article/zt_x/"
GOOD = (
    '<html><head><title>{title}</title></head><body><div class="position">当前位置：<a href="/">首页</a>'
    '><a href="/article/zt_x/">重要专题</a></div><h1 class="art-title">{title}</h1>'
    '<div class="at-left">来源：办公厅 类型：原创 2021-03-04 10:00</div>'
    '<div class="art-con art-con-bottonmLine"><p>支部书记在会上逐条讲解了今年的工作安排，会后又留下来答疑。</p>'
    "<p>大家把学习体会写进了笔记本，约定下个月再来交流一次。</p>{more}</div></body></html>"
)
HTML = b"Content-Type: text/html; charset=utf-8\r\n"
Handler = BaseHTTPRequestHandler
Attack = Callable[[Handler], None]


def article(title: str, more: str = "") -> bytes:
    """A good article page."""
    return GOOD.format(title=title, more=more).encode()


def answer(body: bytes, head: bytes = b"", status: bytes = b"200 OK") -> Attack:
    """An attack that is one complete answer."""
    length = b"Content-Length: %d\r\n" % len(body)
    return lambda handler: write(handler, b"HTTP/1.1 " + status + b"\r\n" + HTML + head + length + b"\r\n" + body)


def redirect(target: str, head: bytes = b"") -> Attack:
    """An attack that leads on."""
    return answer(b"", b"Location: " + target.encode() + b"\r\n" + head, b"302 Found")


def compressed(coding: str, body: bytes) -> Attack:
    """An answer with the body as it is, under that Content-Encoding."""
    return answer(body, f"Content-Encoding: {coding}\r\n".encode("latin-1"))


def write(handler: Handler, data: bytes) -> None:
    """Send raw bytes; a client that has gone is no trouble."""
    try:
        handler.wfile.write(data)
    except OSError:
        handler.close_connection = True


def endless(handler: Handler, begin: bytes, piece: bytes, pause: float = 0.0, most: float = 30.0) -> None:
    """Send a beginning, then the piece again and again until the client hangs up."""
    handler.close_connection = True
    end = time.monotonic() + most
    try:
        handler.wfile.write(begin)
        while time.monotonic() < end:
            handler.wfile.write(piece)
            time.sleep(pause)
    except OSError:
        pass


OK = b"HTTP/1.1 200 OK\r\n"
ZEROS = b"<p>" + b"0" * 200_000_000


def packed(body: bytes) -> dict[str, bytes]:
    """The body in every coding."""
    return {
        "gzip": gzip.compress(body, 6, mtime=0),
        "deflate": zlib.compress(body, 9),
        "br": brotli.compress(body, quality=1),
        "zstd": zstandard.ZstdCompressor().compress(body),
    }


def bombs() -> dict[str, bytes]:
    """Small bodies that grow to 200 MB, by coding."""
    return packed(ZEROS)


@dataclass
class Site:
    """The running server."""

    base_url: str
    asked: list[tuple[float, str, str, dict[str, str]]] = field(default_factory=list)
    """(time, method, path with query, headers in lower case) of every request."""
    robots: Attack = field(default_factory=lambda: answer(b"", status=b"404 Not Found"))
    attacks: dict[str, Attack] = field(default_factory=dict)
    """name -> what its article address does."""
    files: dict[str, Attack] = field(default_factory=dict)
    """name -> what /files/<name> does."""
    handler: type[Handler] | None = None
    """The class that answers, for a second server with the same answers."""

    def address(self, name: str) -> str:
        return f"{COLUMN}a/202103/{name}.shtml"

    def paths(self) -> list[str]:
        return [path for _, _, path, _ in self.asked]

    def gaps(self) -> list[float]:
        """Seconds between requests."""
        times = sorted(moment for moment, *_ in self.asked)
        return [later - earlier for earlier, later in pairwise(times)]


@contextmanager
def serve(attacks: dict[str, Attack], robots: Attack | None = None, column: Attack | None = None) -> Iterator[Site]:
    """A home page, a column that lists every attack in order, and the attacks."""

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            site.asked.append((time.monotonic(), self.command, self.path, headers))
            name = self.path.rpartition("/")[2].removesuffix(".shtml")
            if self.path.partition("?")[0] == "/robots.txt":
                site.robots(self)
            elif self.path == "/":
                answer(f'<html><body><ul><li><a href="{COLUMN}">重要专题</a></li></ul></body></html>'.encode())(self)
            elif self.path == COLUMN:
                (column or answer(listing()))(self)
            elif self.path.startswith("/files/") and name in site.files:
                site.files[name](self)
            elif self.path.startswith(COLUMN) and name in site.attacks:
                site.attacks[name](self)
            else:
                answer(b"not found", status=b"404 Not Found")(self)

        do_POST = do_PUT = do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    def listing() -> bytes:
        rows = "".join(
            f'<li><a href="{site.address(name)}" title="{name} 的学习报道">{name}</a><span>2021-03-04</span></li>'
            for name in site.attacks
        )
        return f'<section class="listCon"><ul class="txtList_01">{rows}</ul></section>'.encode()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    site = Site(f"http://127.0.0.1:{server.server_port}/", attacks=attacks, handler=Answering)
    if robots is not None:
        site.robots = robots
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
