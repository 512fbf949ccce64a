"""Hosts that do not prove who they are: real TLS servers on loopback, `scrapy crawl` as an operator runs it."""

import gzip
import os
import ssl
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from cryptography import x509
from OpenSSL.crypto import X509, load_certificate
from OpenSSL.SSL import FILETYPE_PEM

from crawler import tls
from tests.certificates import LOOPBACK, Authority, https, raw
from tests.crawling import crawl, sites_for
from tests.hostile_site import answer, article, serve

LOCALHOST = x509.DNSName("localhost")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """An authority the system trusts while these tests run."""
    made = Authority(tmp_path_factory.mktemp("trusted"))
    with mock.patch.dict(os.environ, SSL_CERT_FILE=str(made.file)):
        yield made


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One it does not trust."""
    return Authority(tmp_path_factory.mktemp("stranger"), "Stranger")


def certificates(authority: Authority, stranger: Authority) -> dict[str, tuple[str, Path]]:
    """name -> (the host that is asked, the certificate it shows)."""
    return {
        "good": ("127.0.0.1", authority.leaf([LOOPBACK])),
        "good-name": ("localhost", authority.leaf([LOCALHOST])),
        "no-names": ("127.0.0.1", authority.leaf(None)),
        "common-name-only": ("localhost", authority.leaf(None, common_name="localhost")),
        "empty-names": ("localhost", authority.leaf(b"\x30\x00", common_name="localhost")),
        "no-host-name": ("localhost", authority.leaf([x509.DNSName("*"), x509.DNSName("l*.*")])),
        "address-as-name": ("127.0.0.1", authority.leaf([x509.DNSName("127.0.0.1")])),
        "another-host": ("localhost", authority.leaf([x509.DNSName("images.example.test")])),
        "another-address": ("localhost", authority.leaf([LOOPBACK])),
        "expired": ("127.0.0.1", authority.leaf([LOOPBACK], begins=-3, ends=-1)),
        "not-yet": ("127.0.0.1", authority.leaf([LOOPBACK], begins=1, ends=3)),
        "self-signed": ("127.0.0.1", authority.leaf([LOOPBACK], by_itself=True)),
        "unknown-authority": ("127.0.0.1", stranger.leaf([LOOPBACK])),
    }


def old_tls(context: ssl.SSLContext) -> None:
    with warnings.catch_warnings(action="ignore"):  # of versions that are deprecated: that is the point
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")


HALF_HELLO = b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + b"x" * 20
SAYINGS = {
    "hangs-up": lambda c: None,
    "hangs-up-later": lambda c: c.recv(9999),
    "half-a-handshake": lambda c: (c.recv(9999), c.sendall(HALF_HELLO)),
    "stands-still": lambda c: (c.recv(9999), c.sendall(HALF_HELLO), time.sleep(4)),
    "plain-http": lambda c: (c.recv(9999), c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")),
    "noise": lambda c: (c.recv(9999), c.sendall(b"\0" * 500)),
    "alert": lambda c: (c.recv(9999), c.sendall(b"\x15\x03\x03\x00\x02\x02\x28")),
}
REFUSED = {
    **dict.fromkeys(("no-names", "common-name-only", "empty-names"), "it names no host"),
    **dict.fromkeys(("no-host-name", "address-as-name"), "it names no host"),
    **dict.fromkeys(("another-host", "another-address"), "it is another host's"),
    "expired": "it has expired",
    "not-yet": "it is not valid yet",
    "self-signed": "it is signed by itself",
    "unknown-authority": "nobody the system trusts has signed it",
}
FAILED = {
    **dict.fromkeys(("hangs-up", "hangs-up-later", "half-a-handshake"), "connection failed: "),
    "stands-still": "time-out",
    "plain-http": "no TLS connection: wrong version number",
    "noise": "no TLS connection: wrong version number",
    "alert": "no TLS connection: tls alert handshake failure",
    "old-tls": "no TLS connection: ",
}


@pytest.fixture(scope="module")
def world(authority: Authority, stranger: Authority, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One crawl of an article whose files lie on all these hosts: the crawl, the paths asked, name -> why it failed."""
    with ExitStack() as stack:
        site = stack.enter_context(serve({}))
        hosts = {}
        for name, (host, certificate) in certificates(authority, stranger).items():
            site.files[f"{name}.pdf"] = answer(b"%PDF-1.4 " + name.encode())
            hosts[name] = f"{host}:{stack.enter_context(https(site.handler, certificate))}"
        old = https(site.handler, authority.leaf([LOOPBACK]), old_tls)
        hosts["old-tls"] = f"127.0.0.1:{stack.enter_context(old)}"
        for name, say in SAYINGS.items():
            hosts[name] = f"127.0.0.1:{stack.enter_context(raw(say))}"
        links = "".join(f"<p><a href='https://{host}/files/{name}.pdf'>{name}</a></p>" for name, host in hosts.items())
        site.attacks["article"] = answer(article("春天的学习会", links))
        sites = sites_for({"zhuanti": "重要专题"}, tmp_path_factory.mktemp("sites"), site.base_url)
        file = Path(sites) / "jgdw.toml"
        listed = ", ".join(f'"{host}"' for host in hosts.values())
        file.write_text(file.read_text().replace('"images.mofcom.gov.cn"', listed))
        settings = {"ARCHIVE_SITES_DIR": sites, "RETRY_TIMES": "0", "DOWNLOAD_TIMEOUT": "2"}
        done = crawl(tmp_path_factory.mktemp("tls"), settings=settings)
    failed = {
        row["url"].rpartition("/")[2].removesuffix(".pdf"): row["reason"]
        for row in done.rows("SELECT url, reason FROM failures WHERE url LIKE '%.pdf'")
    }
    return done, site.paths(), failed


@pytest.mark.slow
def test_a_host_that_proves_who_it_is_is_asked(world: Any) -> None:
    done, asked, failed = world
    assert (done.code, done.outcomes()) == (0, {"archived": 1}), done.err
    assert {path for path in asked if path.startswith("/files/")} == {"/files/good.pdf", "/files/good-name.pdf"}
    assert failed.keys() == REFUSED.keys() | FAILED.keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
def test_a_certificate_that_proves_nothing_is_refused_by_name(world: Any, name: str) -> None:
    assert f"cannot be verified: {REFUSED[name]}" in world[2][name]


@pytest.mark.slow
@pytest.mark.parametrize("name", FAILED)
def test_a_connection_that_never_was_has_a_name(world: Any, name: str) -> None:
    assert FAILED[name] in world[2][name]


@pytest.mark.slow
def test_the_operator_sees_no_traceback_and_no_class_names(world: Any) -> None:
    done, *_ = world
    assert "Traceback" not in done.err
    assert not any(word in done.err for word in ("twisted", "OpenSSL", "service_identity"))


@pytest.mark.slow
@pytest.mark.parametrize(("names", "excepted"), [(None, False), (None, True), ([LOOPBACK], False), ([LOOPBACK], True)])
def test_a_site_with_such_a_certificate(
    names: list[Any] | None, excepted: bool, authority: Authority, tmp_path: Path
) -> None:
    """Without names, or signed by itself: one line and exit code 4; taken where the site file says so, and recorded."""
    certificate = authority.leaf(names, by_itself=names is not None)
    with serve({"good": answer(article("春天的学习会"))}) as site, https(site.handler, certificate) as port:
        sites = sites_for({"zhuanti": "重要专题"}, tmp_path / "sites", f"https://127.0.0.1:{port}/")
        if excepted:
            file = Path(sites) / "jgdw.toml"
            file.write_text(file.read_text().replace("template =", 'unverified_tls_hosts = ["127.0.0.1"]\ntemplate ='))
        done = crawl(tmp_path / "archive", settings={"ARCHIVE_SITES_DIR": sites})
    assert done.code == (0 if excepted else 4), done.err
    assert "Traceback" not in done.err
    if excepted:
        assert done.outcomes() == {"archived": 1}
        [warc] = (tmp_path / "archive" / "warc").glob("*.warc.gz")
        kept = gzip.decompress(warc.read_bytes())
        assert kept.count(b"certificate not verified, by the site file") == kept.count(b"WARC-Type: response")
    else:
        assert site.asked == []
        last = done.err.splitlines()[-1]
        assert last.startswith("scrapy crawl: 重要专题: ")
        assert "the certificate of 127.0.0.1 cannot be verified: " in last


@pytest.mark.parametrize(
    "names",
    [
        b"\x30\x03\x82\x7f\x41",  # longer inside than outside
        b"\x30\x16\x82\x14localhost\0.evil.test",
        b"\x30\x0a\x82\x08loc\xe4\xb8\xadst",
        b"\x30\x05\x87\x03\x7f\0\0",  # an address of three bytes
        b"not ASN.1",
    ],
)
def test_names_that_cannot_be_read_are_no_proof(names: bytes, authority: Authority) -> None:
    certificate = load_certificate(FILETYPE_PEM, authority.leaf(names, common_name="localhost").read_bytes())
    for host in ("localhost", "127.0.0.1"):
        assert "cannot be verified" in refusal(certificate, host)
    good = load_certificate(FILETYPE_PEM, authority.leaf([LOCALHOST, LOOPBACK]).read_bytes())
    assert [refusal(good, host) for host in ("localhost", "127.0.0.1")] == ["", ""]


def refusal(certificate: X509, host: str) -> str:
    """What the connection is ended with; empty where it may go on."""
    ended: list[Any] = []
    connection, protocol = mock.Mock(), mock.Mock(failVerification=ended.append)
    made = mock.Mock(clientConnectionForTLS=lambda _protocol: connection)
    policy = tls.PerHostTLS(mock.Mock(creatorForNetloc=lambda *_: made), ())
    policy.creatorForNetloc(host.encode(), 443).clientConnectionForTLS(protocol)
    _, verdict = connection.set_verify.call_args.args
    assert verdict(connection, certificate, 0, 0, 1) is not bool(ended)
    return str(ended[0].value) if ended else ""
