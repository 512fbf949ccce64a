"""What the evidence keeps of a message's headers."""

from scrapy.http import Headers, Response

from crawler.evidence import _pairs


def test_header_bytes_survive_and_cannot_forge_headers() -> None:
    name = "公文元典.pdf".encode()  # holds the bytes 0x85 and 0xA0, white space in latin-1
    headers = Headers({"Content-Disposition": b"attachment; filename=" + name, "X-Odd": b"a\r\nX-Forged: b"})
    pairs = dict(_pairs(Response("http://127.0.0.1/", headers=headers)))
    assert pairs["Content-Disposition"].encode("latin-1") == b"attachment; filename=" + name
    assert pairs["X-Odd"] == "a X-Forged: b"
