"""Which network addresses a connection may be opened to."""

import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock

from crawler import public
from crawler.public import AddressRefused
from crawler.urls import Addresses
from tests import tiny_site
from tests.crawling import FAST, ROOT, crawl, sites_for
from tests.hostile_site import COLUMN, Handler, answer, article, serve

REFUSED = [
    *("0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.9.9.9", "169.254.169.254"),
    *("172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1"),
    *("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::7f00:1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1"),
    *(
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:10::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:808:808::",
    ),
    *("3fff::1", "fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "5f00::1"),
]
ALLOWED = ["8.8.8.8", "59.252.100.1", "100.63.255.255", "172.32.0.1", "2400:3200::1", "2606:4700::1111"]


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(AddressRefused, match="no public address"):
        public.check("images.example.gov.cn", address, 80, frozenset())


@pytest.mark.parametrize("address", ALLOWED)
def test_a_public_address_is_taken(address: str) -> None:
    public.check("images.example.gov.cn", address, 80, frozenset())


@pytest.mark.parametrize(
    ("base_url", "address", "port", "allowed"),
    [
        ("http://127.0.0.1:8000/", "127.0.0.1", 8000, True),
        ("http://127.0.0.1:8000/", "127.0.0.1", 8001, False),
        ("http://127.0.0.1:8000/", "127.0.0.2", 8000, False),
        ("http://127.0.0.1/", "127.0.0.1", 80, True),
        ("https://127.0.0.1/", "127.0.0.1", 80, False),
        ("http://localhost:8000/", "127.0.0.1", 8000, True),
        ("http://localhost:8000/", "::1", 8000, True),
        ("http://localhost:8000/", "10.0.0.1", 8000, False),
        ("http://10.0.0.9:8080/", "10.0.0.9", 8080, True),
        ("http://169.254.169.254/", "169.254.169.254", 80, False),
        ("http://[fe80::1]/", "fe80::1", 80, False),
        ("http://mirror.example.org:8000/", "127.0.0.1", 8000, False),
        ("http://mirror.example.org:8000/", "10.0.0.9", 8000, False),
    ],
)
def test_the_operator_allows_exactly_what_he_wrote(base_url: str, address: str, port: int, allowed: bool) -> None:
    given = Addresses.of("https://jgdw.example.gov.cn/", ["images.example.gov.cn"], base_url).trusted
    if allowed:
        public.check("host", address, port, given)
    else:
        with pytest.raises(AddressRefused):
            public.check("host", address, port, given)


def test_a_name_that_rebinds_is_refused_at_the_second_connection() -> None:
    from crawler.downloads import _CheckedReactor

    class Reactor:
        opened: ClassVar[list[str]] = []

        def connectTCP(self, host: str, port: int) -> None:
            self.opened.append(host)

    reactor = _CheckedReactor(Reactor(), "rebinding.example.org", frozenset())
    reactor.connectTCP("59.252.100.1", 80)
    with pytest.raises(AddressRefused, match=r"rebinding\.example\.org leads to 127\.0\.0\.1"):
        reactor.connectTCP("127.0.0.1", 80)
    assert Reactor.opened == ["59.252.100.1"]


# The crawl, with a name server that says what the test wants; @FILE is what the file says at that moment.
RESOLVING = """
import pathlib, socket, sys
class Answers(dict):
    def get(self, name, default):
        said = super().get(name, default)
        return pathlib.Path(said[1:]).read_text() if str(said).startswith("@") else said
answers = Answers( pair.split("=") for pair in sys.argv.pop(1).split(","))
look_up, look_up_all = socket.gethostbyname, socket.getaddrinfo
socket.gethostbyname = lambda name: look_up(answers.get(name, name))
socket.getaddrinfo = lambda name, *rest, **more: look_up_all(answers.get(name, name), *rest, **more)
from scrapy.cmdline import execute
execute(["scrapy", *sys.argv[1:]])
"""


def resolving(answers: str, sites: str, archive: Path, **more: str) -> subprocess.CompletedProcess[str]:
    settings = FAST | {"ARCHIVE_DIR": str(archive), "ARCHIVE_SITES_DIR": sites} | more
    given = [part for name, value in settings.items() for part in ("-s", f"{name}={value}")]
    command = [sys.executable, "-c", RESOLVING, answers, "crawl", "zhuanti", *given]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.slow
def test_a_file_host_whose_name_leads_inside_is_never_connected_to(tmp_path: Path) -> None:
    with serve({}) as inner:
        port = inner.base_url.split(":")[2].strip("/")
        link = f"<p>附件：<a href='http://files.example.test:{port}/a.pdf'>名单</a></p>"
        with serve({"good": answer(article("春天的学习会", link))}) as site:
            sites = sites_for({"zhuanti": "重要专题"}, tmp_path / "sites", site.base_url)
            file = Path(sites) / "jgdw.toml"
            file.write_text(file.read_text().replace("images.mofcom.gov.cn", f"files.example.test:{port}"))
            done = resolving("files.example.test=127.0.0.1", sites, tmp_path / "archive")
    assert (done.returncode, inner.asked) == (0, []), done.stderr
    assert "files.example.test leads to 127.0.0.1, which is no public address" in done.stderr


@pytest.mark.slow
def test_a_crawl_under_which_a_name_rebinds(tmp_path: Path) -> None:
    """The host's robots.txt comes from an address it may be asked at; then the name leads to another, same port."""
    name, answers = "files.example.test", tmp_path / "answer"
    answers.write_text("127.0.0.1")
    with serve({}) as site:
        port = int(site.base_url.split(":")[2].strip("/"))

        def robots(handler: Handler) -> None:
            if handler.headers["Host"].startswith(name):
                answers.write_text("127.0.0.2")
            answer(b"", b"Connection: close\r\n", b"404 Not Found")(handler)
            handler.close_connection = True

        site.robots = robots
        links = "".join(f"<p><a href='http://{name}:{port}/files/{n}.pdf'>{n}</a></p>" for n in "ab")
        site.attacks["good"] = answer(article("春天的学习会", links))
        inner: list[str] = []
        server = ThreadingHTTPServer(("127.0.0.2", port), recording(inner))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        sites = sites_for({"zhuanti": "重要专题"}, tmp_path / "sites", site.base_url)
        file = Path(sites) / "jgdw.toml"
        file.write_text(file.read_text().replace("images.mofcom.gov.cn", f"{name}:{port}"))
        done = resolving(f"{name}=@{answers}", sites, tmp_path / "archive", DNSCACHE_ENABLED="0")
        server.shutdown()
        server.server_close()
        thread.join()
    assert any(headers["host"].startswith(name) for *_, headers in site.asked)  # it was asked while it led there
    assert (done.returncode, inner) == (0, []), done.stderr
    assert f"{name} leads to 127.0.0.2, which is no public address" in done.stderr


def recording(asked: list[str]) -> type[BaseHTTPRequestHandler]:
    class Recording(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    return Recording


@pytest.mark.slow
def test_a_site_whose_name_leads_inside_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    with serve({}) as inner:
        home = inner.base_url.replace("127.0.0.1", "public.example.test")
        sites = sites_for({"zhuanti": "重要专题"}, tmp_path / "sites", home)
        done = resolving("public.example.test=127.0.0.1", sites, tmp_path / "archive")
    assert (done.returncode, inner.asked, (tmp_path / "archive").exists()) == (4, [], False)
    assert "public.example.test leads to 127.0.0.1" in done.stderr


def column_of_one(path: str, _base: str) -> str | None:
    listing = '<ul class="txtList_01"><li><a href="/art/1.shtml" title="春天的学习会">春天</a></li></ul>'
    pages = {"/": f'<a href="{COLUMN}">重要专题</a>', COLUMN: listing}
    pages["/art/1.shtml"] = article("春天的学习会").decode()
    return pages.get(path)


@pytest.mark.slow
def test_a_mirror_at_an_ipv6_address(tmp_path: Path) -> None:
    if not has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")
    with tiny_site.serve(column_of_one, "::1") as site:
        done = crawl(tmp_path / "archive", base_url=site.base_url)
        assert done.code == 0, done.out + done.err
        assert done.outcomes() == {"archived": 1}
        other = crawl(tmp_path / "other", base_url=site.base_url.replace("::1", "::ffff:127.0.0.1"))
    assert other.code == 4, other.err


def has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


@pytest.mark.parametrize("host", ["::1", "::ffff:127.0.0.1", "2002:7f00:1::", "fd12::1"])
def test_an_ipv6_address_in_a_link_is_checked_when_it_is_connected_to(host: str) -> None:
    from crawler.downloads import _CheckedReactor

    clock = Clock()
    endpoint = HostnameEndpoint(_CheckedReactor(clock, host, public.trusted(["http://[::2]:80/"])), host, 80)
    refused: list[Any] = []
    endpoint.connect(Factory()).addErrback(refused.append)
    clock.advance(1)
    assert refused[0].check(AddressRefused)
