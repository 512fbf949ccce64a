"""From what went wrong with a request to its name in the ledger."""

import re

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from scrapy.http import Response

from crawler.exceptions import Blocked, CrawlError, Gone, Settled, Unavailable
from crawler.hosts import Forbidden, HostNotAllowed

_NETWORK = {
    CannotResolveHostError: "host name does not resolve",
    DownloadConnectionRefusedError: "connection refused",
    DownloadTimeoutError: "time-out",
    ResponseDataLossError: "answer broke off",
    DownloadCancelledError: "answer too large",
    DownloadFailedError: "connection failed",
    UnsupportedURLSchemeError: "unsupported address",
}


def named(error: Exception) -> CrawlError | None:
    """The error as one of ours; None for what is no trouble of the network (storage, a defect)."""
    if isinstance(error, CrawlError):
        return error
    found: CrawlError | None = None
    if isinstance(error, Forbidden):
        found = Settled("excluded", str(error))
    elif isinstance(error, HostNotAllowed):
        found = Settled("external", str(error))
    elif isinstance(error, IgnoreRequest):
        looped = "max redirections" in str(error)
        found = Unavailable("redirect loop" if looped else str(error))
    elif isinstance(error, tuple(_NETWORK)):
        found = Unavailable(words(error))
    if found is not None:
        found.attempts = getattr(error, "attempts", 1)
    return found


def words(error: Exception) -> str:
    """The error in one line for people."""
    detail = _plain(str(error))
    kind = next((name for kind, name in _NETWORK.items() if isinstance(error, kind)), None)
    return f"{kind}: {detail}" if kind and detail else kind or detail or type(error).__name__


def _plain(detail: str) -> str:
    """What the library says, without the names of its classes and the address, which stands beside it."""
    detail = re.sub(r"\[?<twisted\.python\.failure\.Failure [\w.]{1,99}: ([^<>]{0,200})>\]?", r"\1", detail)
    detail = re.sub(r"\[\('SSL routines', '[^']{0,99}', '([^']{0,99})'\)\]", r"no TLS connection: \1", detail)
    detail = re.sub(r"Getting \S{1,4000} took longer than", "longer than", detail)
    return " ".join(re.sub(r" in request <[A-Z]{1,9} .{0,4000}>", "", detail).split())[:200]


def located(error: CrawlError, response: Response) -> CrawlError:
    """The error with the capture that shows it and the attempts it took."""
    redirected = isinstance(error, Gone) and error.how == "redirect"
    error.capture_id = response.meta.get("redirect_capture_id" if redirected else "capture_id")
    error.attempts = response.meta.get("retry_times", 0) + 1
    return error


def outcome(error: CrawlError) -> str:
    """The ledger's name for it."""
    if isinstance(error, Settled):
        return error.outcome
    if isinstance(error, Blocked):
        return "blocked"
    return "gone" if isinstance(error, Gone) else "failed"


def of_storage(error: Exception) -> bool:
    """Whether the archive itself failed: its errors carry exit code 5."""
    return getattr(error, "exit_code", None) == 5
