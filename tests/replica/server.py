"""The replica on the network: a server on loopback in a thread of its own."""

import asyncio
import gzip
import itertools
import socket
import struct
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from email.utils import formatdate, parsedate_to_datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from aiohttp import web

from tests.replica import chrome
from tests.replica.faults import CONNECTION, OUTAGES, Faults, fault_reply
from tests.replica.model import ReplicaColumn, Reply, RequestLog
from tests.replica.site import Site
from tests.replica.truth import Truths

GENERATIONS = ("t3", "t4", "trs", "jcms")


class Replica:
    """A running copy of the site; a context manager, serving from ``__enter__`` (or ``start``) on.

    ``faults``: (path, kind) or (path, kind, times), as for ``fault``. ``noise``: counters and tokens differ in
    every answer. ``host``: the loopback address to serve on.
    Raises ValueError for arguments it does not know, OSError when the port is taken.
    """

    def __init__(
        self,
        generation: str = "t3",
        articles: int = 200,
        seed: int = 1,
        port: int = 0,
        variations: bool = True,
        page_size: int = 15,
        faults: Iterable[tuple[str, str] | tuple[str, str, int]] = (),
        noise: bool = True,
        host: str = "127.0.0.1",
    ) -> None:
        if generation not in GENERATIONS:
            raise ValueError(f"unknown generation {generation!r}; allowed: {', '.join(GENERATIONS)}")
        if articles < 0:
            raise ValueError(f"articles must not be negative: {articles}")
        if page_size < 1:
            raise ValueError(f"page_size must be at least 1: {page_size}")
        if not 0 <= port <= 65535:
            raise ValueError(f"port must be 0 to 65535: {port}")
        self.requests: list[RequestLog] = []
        """Every request, in order of its answer; appended to by the server's thread."""
        self.site = Site(generation, articles, seed, variations, page_size)
        self.expected = Truths(self.site)
        """Path as listed -> Expected, for every article of every column."""
        self.columns: dict[str, ReplicaColumn] = self.site.plan.columns
        self.base_url = ""
        self._faults = Faults(faults)
        self._noise = noise
        self._count = itertools.count(10_000)
        self._port = port
        self._host = host
        self._outage: str | None = None
        self._hook: Callable[[str], object] | None = None
        self._loop: asyncio.AbstractEventLoop
        self._thread: threading.Thread
        self._server: web.Server | None = None
        self._listener: asyncio.Server | None = None
        self._task: asyncio.Task[None] | None = None

    # --- life ---

    def start(self) -> Self:
        """Begin to serve."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="replica", daemon=True)
        self._thread.start()
        try:
            self._run(self._open())
        except OSError:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Stop serving and end the thread."""
        self._run(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self) -> None:
        if self._server is None:
            self._server = web.Server(self._handle, access_log=None, keepalive_timeout=75, handler_cancellation=True)
        self._listener = await self._loop.create_server(self._server, self._host, self._port, backlog=1024)
        self._port = self._listener.sockets[0].getsockname()[1]
        self.base_url = self.site.base_url = f"http://{self._host}:{self._port}/"

    async def _shut(self) -> None:
        if self._listener is not None:
            self._listener.close()
        if self._server is not None:
            await self._server.shutdown(timeout=0.1)

    # --- changes: each may be called from any thread, also from a before_request hook ---

    def publish(self, column_id: str, n: int = 1) -> list[str]:
        """Put ``n`` new articles at the head of a column; returns their paths, oldest first."""
        return self.site.publish(column_id, n)

    def edit(self, path: str, field: str, new: object) -> None:
        """Change title, source, content_type, published_at, editor_note (str) or paragraphs (list of str)."""
        self.site.edit(path, field, new)

    def withdraw(self, path: str, how: str = "404") -> None:
        """Take an article away. 404, 410, soft404 and home (a redirect there) change what its page answers and
        leave it listed; unlist takes it off the listings and leaves the page. They may be combined."""
        self.site.withdraw(path, how)

    def restore(self, path: str) -> None:
        """Undo every ``withdraw`` of this article."""
        self.site.restore(path)

    def outage(self, mode: str | None) -> None:
        """Whole site: 503, verification, refuse (connections) or timeout; None ends it."""
        if mode is not None and mode not in OUTAGES:
            raise ValueError(f"unknown outage {mode!r}; allowed: {', '.join(OUTAGES)}")
        before, self._outage = self._outage, mode
        if "refuse" in (before, mode) and before != mode:
            work = self._refuse() if mode == "refuse" else self._open()
            if threading.current_thread() is self._thread:  # called by a hook: the loop cannot wait for itself
                self._task = self._loop.create_task(work)
            else:
                self._run(work)

    async def _refuse(self) -> None:
        assert self._listener is not None
        self._listener.close()

    def fault(self, path: str, kind: str | None, times: int | None = None) -> None:
        """Let one address (a path, or path and query) answer wrongly, the first ``times`` requests or for ever.

        Kinds: see faults.py. None removes the fault.
        """
        self._faults.add(path, kind, times)

    def before_request(self, hook: Callable[[str], object] | None) -> None:
        """Call ``hook(path_qs)`` before each request is answered, in the server's thread."""
        self._hook = hook

    # --- answers ---

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        arrived = time.monotonic()
        path_qs = request.raw_path
        if "://" in path_qs.partition("?")[0]:  # a client that takes us for a proxy
            parts = urlsplit(path_qs)
            path_qs = parts.path + (f"?{parts.query}" if parts.query else "")
        if self._hook is not None:
            self._hook(path_qs)
        kind = self._outage or self._faults.meet(path_qs)
        broken = kind == "refuse" or kind in CONNECTION
        response = None if broken else self._answer(request, kind, path_qs)
        status = response.status if response is not None else 0
        log = RequestLog(arrived, request.method, path_qs, status, dict(request.headers.items()))
        self.requests.append(log)
        return response if response is not None else await self._break(request, kind or "", path_qs)

    def _answer(self, request: web.BaseRequest, kind: str | None, path_qs: str) -> web.Response:
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        reply = fault_reply(kind, path_qs) if kind else self.site.reply(path_qs, request.headers)
        headers = {"Server": "nginx", **reply.headers}
        if reply.etag:
            headers["ETag"] = reply.etag
        if reply.modified:
            headers["Last-Modified"] = formatdate(reply.modified, usegmt=True)
        if reply.obeys_conditions and _unchanged(reply, request):
            return web.Response(status=304, headers=headers)
        body = self._with_noise(reply.body)
        if reply.gzip:
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body, compresslevel=1, mtime=0)
        return web.Response(status=reply.status, headers=headers, body=body)

    def _with_noise(self, body: bytes) -> bytes:
        if b"@@" not in body:
            return body
        number = next(self._count) if self._noise else 10_000
        return body.replace(chrome.VISITS.encode(), b"%d" % number).replace(
            chrome.TOKEN.encode(), b"%016x" % (number * 0x9E3779B97F4A7C15 % 2**64)
        )

    async def _break(self, request: web.BaseRequest, kind: str, path_qs: str) -> web.StreamResponse:
        """Spoil the connection in the way ``kind`` says; what is returned reaches nobody."""
        transport = request.transport
        if transport is None:  # the client has gone already
            return web.Response()
        if kind == "timeout":
            await asyncio.sleep(3600)  # until the client loses patience, or the server is closed
        elif kind == "truncated":
            body = self._with_noise(self.site.reply(path_qs, request.headers).body) or b"?" * 100
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n"
            transport.write(head.encode() + body[: len(body) // 2])
            transport.close()
        elif kind == "empty":
            transport.close()
        else:
            # Without lingering the kernel sends a reset instead of an orderly end.
            sock = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        return web.Response()


def _unchanged(reply: Reply, request: web.BaseRequest) -> bool:
    """Whether the client's conditions say that it holds this answer already (RFC 9110, 13.1)."""
    if reply.status != 200:
        return False
    if (asked := request.headers.get("If-None-Match")) is not None:
        tags = [tag.strip().removeprefix("W/") for tag in asked.split(",")]
        return bool(reply.etag) and ("*" in tags or reply.etag.removeprefix("W/") in tags)
    since = request.headers.get("If-Modified-Since")
    if since is None or not reply.modified:
        return False
    try:
        return int(reply.modified) <= parsedate_to_datetime(since).timestamp()
    except ValueError:
        return False
