"""A web server of a few fixed answers, for pages the replica does not have."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """What one address answers."""

    body: bytes | str = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/html; charset=utf-8"})


@dataclass
class TinySite:
    """The running server."""

    base_url: str
    asked: list[tuple[str, str]]
    """(method, path with query) of every request."""
    statuses: list[int]
    """What each was answered with."""


@contextmanager
def serve(answer: Callable[[str, str], Answer | str | None], host: str = "127.0.0.1") -> Iterator[TinySite]:
    """Serve answer(path_with_query, base_url); None is a 404, a string an HTML page. An ETag is honoured."""
    asked: list[tuple[str, str]] = []
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append((self.command, self.path))
            found = answer(self.path, base_url)
            reply = Answer("not found", 404) if found is None else Answer(found) if isinstance(found, str) else found
            etag = reply.headers.get("ETag")
            if etag is not None and self.headers.get("If-None-Match") == etag:
                reply = Answer("", 304, {"ETag": etag})
            statuses.append(reply.status)
            body = reply.body.encode() if isinstance(reply.body, str) else reply.body
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        daemon_threads = True

    server = Server((host, 0), Handler)
    base_url = f"http://{f'[{host}]' if ':' in host else host}:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield TinySite(base_url, asked, statuses)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
