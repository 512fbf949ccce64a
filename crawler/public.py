"""Which network addresses the crawler may connect to: public ones, and those the operator wrote down.

A name proves nothing: it may resolve to the machine next door, or do so from the second look-up on. So the check is
made on the address a connection is opened to, at that moment, and on every connection.
"""

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from crawler.exceptions import Unavailable

_PUBLIC_V6 = ipaddress.ip_network("2000::/3")
"""All that is handed out as global unicast. Outside lie loopback, link-local and unique local addresses, multicast,
and forms that carry an IPv4 address: mapped, compatible, NAT64 (64:ff9b::/96, 64:ff9b:1::/48)."""
_NOT_PUBLIC = tuple(
    map(
        ipaddress.ip_network,
        (
            "100.64.0.0/10",  # shared address space of carriers (CGNAT)
            "192.0.0.0/24",  # protocol assignments
            "192.88.99.0/24",  # 6to4 relays
            "2001::/23",  # Teredo, ORCHID and other assignments
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4: carries any IPv4 address
            "3fff::/20",  # documentation
        ),
    )
)
_DEFAULT_PORT = {"http": 80, "https": 443}

Trusted = frozenset[tuple[str, int]]
"""(address, or localhost; port): what the operator wrote in base_url or in a site file."""


class AddressRefused(Unavailable):
    """A host leads to an address that is not public. Raised here, when a connection is opened; never retried."""


def trusted(urls: Iterable[str]) -> Trusted:
    """The network addresses that stand literally in the operator's URLs, each with its port."""
    found = set()
    for url in urls:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        if host == "localhost" or host.endswith(".localhost"):
            host = "localhost"
        elif not _is_literal(host):
            continue
        found.add((host, parts.port or _DEFAULT_PORT[parts.scheme]))
    return frozenset(found)


def is_public(address: str) -> bool:
    """Whether the numerical address belongs to the public Internet. Raises ValueError where it is none."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip not in _PUBLIC_V6:
        return False
    if ip.is_multicast or ip.is_reserved or ip.is_unspecified or not ip.is_global:
        return False
    return not any(ip in network for network in _NOT_PUBLIC if network.version == ip.version)


def check(host: str, address: str, port: int, given: Trusted) -> None:
    """Raises AddressRefused unless the address that ``host`` leads to is public, or the operator's own."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    # nobody mirrors a site on a link-local address, but clouds hand out credentials there
    if is_public(address) or ((address, port) in given and not ip.is_link_local):
        return
    if ip.is_loopback and ("localhost", port) in given:
        return
    leads = f"{host} leads to {address}" if host != address else f"{address} with port {port} was not asked for and"
    raise AddressRefused(f"address refused: {leads}, which is no public address")


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
