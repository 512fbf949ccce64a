"""What every request has to pass and every answer carries: only readers on this machine, only reading."""

import ipaddress
import re
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; frame-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
FRAME_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'none'; "
    "frame-ancestors 'self'; base-uri 'none'"
)
"""Of archived pages: nothing runs, nothing is fetched but the archive's own pictures, nothing is sent."""
FILE_POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'"
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "private, no-cache",
}
_LONGEST = 8_000
"""Characters of an address; browsers and proxies agree on about as many."""

_HOST = re.compile(r"(?:\[([0-9a-f:.]{2,45})\]|([^\s:@/\[\]\"'<>]{1,253}))(?::[0-9]{1,5})?")


class Guard:
    """Refuses what is no reader's request, and adds the security headers to every answer.

    A name that an attacker's DNS points to this machine is sent as Host by the browser that fell for it: so only
    addresses, localhost and the names given are answered.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str] = ()) -> None:
        self._app = app
        self._names = {"localhost", *(name.lower().rstrip(".") for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI interface."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        host = Headers(scope=scope).get("host", "")
        if not self._is_known(host):
            return PlainTextResponse(
                f"This reading room does not answer to the name {host[:100]!r}. Allowed are localhost and addresses;"
                " other names are given by --allow-host.\n",
                421,
            )
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("The archive can only be read: GET and HEAD.\n", 405, {"Allow": "GET, HEAD"})
        if len(scope["raw_path"]) + len(scope["query_string"]) > _LONGEST:
            return PlainTextResponse(f"The address is longer than {_LONGEST} characters.\n", 414)
        return None

    def _is_known(self, host: str) -> bool:
        # the whole of it: Atom and citations repeat it in addresses
        match = _HOST.fullmatch(host.lower().strip())
        if match is None:
            return False
        name = match[1] or match[2]
        if name.rstrip(".") in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True
