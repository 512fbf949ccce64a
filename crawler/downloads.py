"""Downloads: Scrapy's HTTP/1.1, which looks at each address before it connects, and at the size of each header section.

The address that is checked is the address that is connected to: the check stands where the connection is opened.
"""

from typing import Any, Self

from scrapy import Request
from scrapy.core.downloader.handlers.http11 import (
    HTTP11DownloadHandler,
    _LenientHTTP11ClientFactory,
    _LenientHTTP11ClientProtocol,
    _ScrapyAgent,
)
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadFailedError
from scrapy.http import Response
from scrapy.utils._download_handlers import wrap_twisted_exceptions
from scrapy.utils.defer import maybe_deferred_to_future
from scrapy.utils.httpobj import urlparse_cached
from twisted.internet.address import IPv6Address
from twisted.internet.interfaces import IAddress, IHostnameResolver, IHostResolution, IReactorPluggableNameResolver
from twisted.python.failure import Failure
from twisted.web._newclient import HEADER, STATUS, HTTP11ClientProtocol
from zope.interface import implementer  # type: ignore[import-untyped]

from crawler import public
from crawler.exceptions import Unavailable
from crawler.tls import CertificateRefused, PerHostTLS

MOST_HEAD = 256 * 1024
"""Bytes of status line and headers; ordinary servers send less than one hundredth of it."""


class HeaderFlood(Unavailable):
    """A header section without end. Raised here; never retried."""


class NoHttp(Unavailable):
    """An answer whose status is none. Raised here; never retried."""


class Downloads(HTTP11DownloadHandler):
    """Handles http and https. Needs the spider's `addresses` and `order.site`."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        spider: Any = crawler.spider
        self._trusted = spider.addresses.trusted
        self._pool._factory = _BoundedFactory
        policy: Any = PerHostTLS(self._contextFactory, spider.order.site.unverified_tls_hosts)
        self._contextFactory = policy

    async def download_request(self, request: Request) -> Response:
        agent = _CheckedAgent(
            contextFactory=self._contextFactory,
            bindAddress=self._bind_address,
            pool=self._pool,
            maxsize=self._default_maxsize,
            warnsize=self._default_warnsize,
            fail_on_dataloss=self._fail_on_dataloss,
            crawler=self._crawler,
        )
        agent.trusted = self._trusted
        try:
            with wrap_twisted_exceptions():
                response: Response = await maybe_deferred_to_future(agent.download_request(request))
        except DownloadFailedError as error:
            for reason in getattr(error.__cause__, "reasons", ()):
                if isinstance(reason.value, (HeaderFlood, CertificateRefused)):
                    raise reason.value from None
            raise
        if not 100 <= response.status <= 999:  # the library takes any whole number; databases do not
            raise NoHttp(f"no HTTP: an answer with the status {str(response.status)[:20]}")
        return response


class _CheckedAgent(_ScrapyAgent):
    """Opens its connections through a reactor that refuses what is not public; a proxy is the operator's own affair."""

    trusted: public.Trusted

    def _get_agent(self, request: Request, timeout: float) -> Any:
        agent = super()._get_agent(request, timeout)
        if not request.meta.get("proxy"):
            endpoints = agent._endpointFactory
            host = urlparse_cached(request).hostname or ""
            endpoints._reactor = _CheckedReactor(endpoints._reactor, host, self.trusted)
        return agent


@implementer(IReactorPluggableNameResolver)
class _CheckedReactor:
    """The reactor, but connectTCP looks at the address first."""

    def __init__(self, reactor: Any, host: str, trusted: public.Trusted) -> None:
        self._reactor = reactor
        self._host = host
        self._trusted = trusted

    @property
    def nameResolver(self) -> Any:
        """Scrapy's, which looks for IPv4 addresses; one that is written as an IPv6 address is not looked up."""
        return _Literal() if ":" in self._host else self._reactor.nameResolver

    def connectTCP(self, host: str, port: int, *args: Any, **options: Any) -> Any:
        public.check(self._host, host, port, self._trusted)
        return self._reactor.connectTCP(host, port, *args, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)


@implementer(IHostnameResolver, IHostResolution)
class _Literal:
    """Resolves an IPv6 address to itself."""

    def resolveHostName(self, receiver: Any, name: str, portNumber: int = 0, **_: Any) -> Self:
        self.name = name
        receiver.resolutionBegan(self)
        receiver.addressResolved(IPv6Address("TCP", name, portNumber))
        receiver.resolutionComplete()
        return self

    def cancel(self) -> None:
        """Nothing to cancel: it was resolved at once."""


class _BoundedProtocol(_LenientHTTP11ClientProtocol):
    """A connection that breaks off where the header section of an answer exceeds MOST_HEAD."""

    _received = 0

    def request(self, request: Any) -> Any:
        self._received = 0
        return super().request(request)

    def dataReceived(self, data: bytes) -> None:
        if self._parser is not None and self._parser.state in (STATUS, HEADER):
            self._received += len(data)
            if self._received > MOST_HEAD:
                flood = HeaderFlood(f"the headers exceed {MOST_HEAD // 1024} KiB")
                self._giveUp(Failure(flood))  # type: ignore[no-untyped-call]
                return
        super().dataReceived(data)  # type: ignore[no-untyped-call]


class _BoundedFactory(_LenientHTTP11ClientFactory):
    def buildProtocol(self, addr: IAddress | None) -> HTTP11ClientProtocol:
        return _BoundedProtocol(self._quiescentCallback)  # type: ignore[no-untyped-call]
