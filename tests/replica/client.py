"""A plain client for tests of the replica: one request, exactly as asked, nothing followed; and what it should see."""

import gzip
import http.client
from dataclasses import dataclass
from email.message import Message
from urllib.parse import urlsplit

import lxml.html

from tests.replica.model import Expected
from tests.replica.server import Replica


@dataclass
class Answer:
    """What came back, as received."""

    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        """The body unpacked and decoded."""
        body = gzip.decompress(self.body) if self.headers.get("Content-Encoding") == "gzip" else self.body
        try:
            return body.decode()
        except UnicodeDecodeError:
            return body.decode("gb18030")


def get(site: Replica, path: str, method: str = "GET", timeout: float = 5, **headers: str) -> Answer:
    """One request on a connection of its own; no redirect is followed."""
    connection = http.client.HTTPConnection(urlsplit(site.base_url).netloc, timeout=timeout)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def dense(text: str) -> str:
    """The text without any white space: how pages break lines must not matter."""
    return "".join(text.split())


def page_text(html: str) -> str:
    """The text of a page, scripts and styles left out, dense."""
    document = lxml.html.fromstring(html)
    for element in document.xpath("//script | //style"):
        element.drop_tree()
    return dense(document.text_content())


def assert_shown(site: Replica, truth: Expected, html: str) -> None:
    """Everything ``truth`` says stands in the page (or the pages it leads to), paragraphs in order."""
    if truth.redirect:
        assert truth.redirect in html
        assert truth.title not in html
        html = get(site, truth.redirect).text
    document = lxml.html.fromstring(html)
    assert bool(document.xpath("//meta[contains(@content, 'charset=gb2312')]")) == (truth.encoding == "gb18030")
    frames = document.xpath("//iframe/@src")
    text = page_text(html)
    for heading in (truth.title, truth.subtitle, ">".join(truth.breadcrumb)):
        assert dense(heading) in text.replace("＞", ">").replace("»", ">")
    if frames:
        html = get(site, frames[0]).text
        text = page_text(html)
    place = 0
    for paragraph in truth.paragraphs:
        found = text.find(dense(paragraph), place)
        assert found >= 0, (truth.path, paragraph)
        place = found + len(dense(paragraph))
    # Lines of one byline may stand apart, under their sub-titles.
    assert all(dense(part) in text for part in truth.byline.split(" "))
    assert all(author.name in text for author in truth.authors)
    assert dense(truth.editor_note) in text
    links = {*lxml.html.fromstring(html).xpath("//a/@href"), *lxml.html.fromstring(html).xpath("//img/@src")}
    assert {*truth.images, *(path for path, _ in truth.attachments)} <= links
    for address in [*truth.images, *(path for path, _ in truth.attachments)]:
        answer = get(site, address)
        assert answer.status == 200
        assert answer.body[:4] in (b"\x89PNG", b"\xff\xd8\xff\xe0", b"%PDF", b"PK\x03\x04", b"\x09\x00\x04\x00")
