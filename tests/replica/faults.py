"""What can go wrong with one address, or with the whole site."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from tests.replica import chrome
from tests.replica.model import Reply

HTML = {"Content-Type": "text/html; charset=utf-8"}
STATUSES = ("403", "404", "410", "412", "429", "500", "502", "503", "521")
# Faults of the connection rather than of the answer; server.py carries them out.
CONNECTION = {
    "timeout": "the answer never comes",
    "reset": "the connection is reset before the answer",
    "truncated": "the connection ends in the middle of the body",
    "empty": "the connection ends without a single byte",
}
REPLIES = {
    "verification": "status 200, but a verification page",
    "soft404": "status 200, but the page that says there is no such page",
    "redirect-404": "a redirect to /404.shtml",
    "redirect-home": "a redirect to the home page",
    "loop": "a redirect to itself",
    "empty-body": "status 200 without a body",
    "retry-after": "status 503 with Retry-After: 1 (second)",
}
KINDS = (*STATUSES, *CONNECTION, *REPLIES)
OUTAGES = ("503", "verification", "refuse", "timeout")


@dataclass(slots=True)
class Fault:
    """A fault of one address; ``left`` counts the requests it will still meet (None: all)."""

    kind: str
    left: int | None


class Faults:
    """The faults in force. Safe to use from several threads."""

    def __init__(self, faults: Iterable[tuple[str, str] | tuple[str, str, int]] = ()) -> None:
        self._by_path: dict[str, Fault] = {}
        self._lock = threading.Lock()
        for fault in faults:
            self.add(*fault)

    def add(self, path: str, kind: str | None, times: int | None = None) -> None:
        """Sets (or with kind None removes) the fault of a path. Raises ValueError for what it does not know."""
        if kind is not None and kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r}; allowed: {', '.join(KINDS)}")
        if not path.startswith("/"):
            raise ValueError(f"the path of a fault begins with '/': {path!r}")
        if times is not None and times < 1:
            raise ValueError(f"a fault happens at least once: times={times!r}")
        with self._lock:
            self._by_path.pop(path, None)
            if kind is not None:
                self._by_path[path] = Fault(kind, times)

    def meet(self, path_qs: str) -> str | None:
        """The fault this request meets, if any; counts it."""
        if not self._by_path:
            return None
        with self._lock:
            path = path_qs if path_qs in self._by_path else path_qs.partition("?")[0]
            fault = self._by_path.get(path)
            if fault is None:
                return None
            if fault.left is not None:
                fault.left -= 1
                if fault.left == 0:
                    del self._by_path[path]
            return fault.kind


def fault_reply(kind: str, path_qs: str) -> Reply:
    """The answer of a fault that has one (STATUSES, REPLIES)."""
    if kind in ("verification", "soft404"):
        page = chrome.verification() if kind == "verification" else chrome.not_found()
        return Reply(200, page.encode(), HTML)
    targets = {"redirect-404": "/404.shtml", "redirect-home": "/", "loop": path_qs}
    if kind in targets:
        return Reply(302, b"", {"Location": targets[kind]})
    if kind == "empty-body":
        return Reply(200, b"", HTML)
    if kind == "retry-after":
        return Reply(503, _error("503"), {**HTML, "Retry-After": "1"})
    return Reply(int(kind), chrome.not_found().encode() if kind in ("404", "410") else _error(kind), HTML)


def _error(status: str) -> bytes:
    return chrome.page("", f"<center><h1>{status}</h1></center><hr><center>nginx</center>", status).encode()
