"""Whose certificate is taken: one that the system trusts and that names the host; others are refused in plain words.

Twisted's check takes a certificate that it cannot read the names of (without subjectAltName, with a name that is none)
as if they fitted: its callback logs what it did not expect and lets it pass. Ours refuses whatever it cannot affirm.
"""

import ipaddress
from collections.abc import Callable
from typing import Any

from OpenSSL import SSL
from service_identity.exceptions import CertificateError, VerificationError
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity
from service_identity.pyopenssl import extract_patterns
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.python.failure import Failure
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer  # type: ignore[import-untyped]

from crawler.exceptions import Unavailable

_WHY = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is signed by itself",
    19: "it is signed by itself",
    20: "nobody the system trusts has signed it",
    21: "nobody the system trusts has signed it",
}
"""OpenSSL's numbers (x509_vfy.h) of what goes wrong most often."""


class CertificateRefused(Unavailable):
    """A host does not prove who it is. Raised here, while a connection is opened; never retried."""


@implementer(IPolicyForHTTPS)
class PerHostTLS:
    """Certificates are verified, except for the hosts the site file names."""

    def __init__(self, inner: Any, unverified: tuple[str, ...]) -> None:
        self._inner = inner
        self._unverified = frozenset(unverified)

    def creatorForNetloc(self, hostname: bytes, port: int) -> "_Connections":
        host = hostname.decode("ascii")
        creator = self._inner.creatorForNetloc(hostname, port)
        return _Connections(creator, host, verified=host not in self._unverified)


@implementer(IOpenSSLClientConnectionCreator)
class _Connections:
    """Scrapy's connections with our own verdict over the certificate."""

    def __init__(self, inner: Any, host: str, *, verified: bool) -> None:
        self._inner = inner
        self._host = host
        self._verified = verified

    def clientConnectionForTLS(self, tlsProtocol: Any) -> Any:
        connection = self._inner.clientConnectionForTLS(tlsProtocol)
        if self._verified:
            connection.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, self._verdict(tlsProtocol))
        else:
            connection.set_verify(SSL.VERIFY_NONE, lambda *_: True)
        return connection

    def _verdict(self, protocol: Any) -> Callable[[Any, Any, int, int, int], bool]:
        def verdict(_connection: Any, certificate: Any, error: int, depth: int, ok: int) -> bool:
            try:
                why = "" if ok else _WHY.get(error, f"OpenSSL's error {error}")
                if not why and depth == 0:
                    why = mismatch(certificate, self._host)
            except Exception as unread:  # a callback that raises counts as one that agrees
                why = f"it cannot be read ({type(unread).__name__})"
            if why:
                refused = CertificateRefused(f"the certificate of {self._host} cannot be verified: {why}")
                protocol.failVerification(Failure(refused))  # type: ignore[no-untyped-call]
            return not why

        return verdict


def mismatch(certificate: Any, host: str) -> str:
    """Why the certificate, trusted otherwise, is not this host's; empty where it is. A common name proves nothing."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        wanted: Any = DNS_ID(host)
    else:
        wanted = IPAddress_ID(host)
    try:
        verify_service_identity(extract_patterns(certificate), [wanted], [])
    except VerificationError:
        return "it is another host's"
    except CertificateError:
        return "it names no host (no usable subjectAltName)"
    return ""
