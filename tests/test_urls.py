"""Addresses: one page has one address, and what an address is can be told from it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import urls
from crawler.exceptions import BadUsage
from crawler.urls import Addresses, file_name, is_file, may_be_file

HOME = "https://jgdw.mofcom.gov.cn/"
OFFICIAL = Addresses.of(HOME, ["images.mofcom.gov.cn"], None)
MIRROR = Addresses.of(HOME, ["images.mofcom.gov.cn"], "http://127.0.0.1:8000/copy/")
PAGE = f"{HOME}article/zt_x/a/202006/20200602979191.shtml"


@pytest.mark.parametrize(
    ("href", "found"),
    [
        ("/a.shtml", f"{HOME}a.shtml"),
        ("b.shtml", f"{HOME}article/zt_x/a/202006/b.shtml"),
        ("http://jgdw.mofcom.gov.cn/a.shtml", f"{HOME}a.shtml"),
        ("HTTP://JGDW.mofcom.gov.cn:80/a.shtml#top", f"{HOME}a.shtml"),
        ("https://jgdw.mofcom.gov.cn:443/a.shtml", f"{HOME}a.shtml"),
        ("//jgdw.mofcom.gov.cn/a.shtml", f"{HOME}a.shtml"),
        ("?2", f"{PAGE}?2"),
        ("/a?utm_source=x&id=5&spm=1.2&from=singlemessage", f"{HOME}a?id=5"),
        ("/cms_files/oldfile//jgdw/202006/1.pdf", f"{HOME}cms_files/oldfile//jgdw/202006/1.pdf"),
        (
            "/download?fileUrl=Ab%2B/x==&fileName=%E5%90%8D.pdf",
            f"{HOME}download?fileUrl=Ab%2B/x==&fileName=%E5%90%8D.pdf",
        ),
        (" /a\n.shtml ", f"{HOME}a.shtml"),
        ("http://www.example.gov.cn", "http://www.example.gov.cn/"),
        ("http://www.example.gov.cn:8080/x", "http://www.example.gov.cn:8080/x"),
        *((nothing, None) for nothing in ("", "#", "#top", "javascript:void(0)", "mailto:a@b.cn", "tel:1", "data:,x")),
        *((broken, None) for broken in ("http://[", "http://", "http://x:99999999/", "ftp://x/y")),
    ],
)
def test_what_a_page_prints_is_resolved(href: str, found: str | None) -> None:
    assert OFFICIAL.resolve(href, PAGE) == found


@given(
    st.text(st.sampled_from("aB./?&=#%:;@+~ 中　\t-_0[]|\\'\""), max_size=40),
    st.sampled_from(["", "/", "http://", "https://jgdw.mofcom.gov.cn/", "http://x.cn/", "//", "?"]),
)
def test_a_resolved_address_resolves_to_itself(text: str, prefix: str) -> None:
    for addresses in (OFFICIAL, MIRROR):
        once = addresses.resolve(prefix + text, PAGE)
        if once is not None:
            assert once.startswith(("http://", "https://"))
            assert addresses.resolve(once, PAGE) == once
            assert addresses.resolve(once, "http://elsewhere.example/") == once


@given(st.from_regex(urls._PLAIN, fullmatch=True))
def test_a_plain_address_needs_no_making_safe(url: str) -> None:
    short = OFFICIAL.resolve(url, PAGE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(urls, "_PLAIN", re.compile("(?!)"))
        assert OFFICIAL.resolve(url, PAGE) == short


def test_a_base_url_stands_for_the_site_and_its_file_hosts() -> None:
    for href in ("/a.shtml", "http://jgdw.mofcom.gov.cn/a.shtml", "https://jgdw.mofcom.gov.cn/a.shtml"):
        assert MIRROR.resolve(href, "http://127.0.0.1:8000/copy/") == "http://127.0.0.1:8000/a.shtml"
    assert MIRROR.resolve("http://images.mofcom.gov.cn/x/1.pdf", PAGE) == "http://127.0.0.1:8000/x/1.pdf"
    assert MIRROR.resolve("http://images.mofcom.gov.cn/x.html", PAGE) == "http://images.mofcom.gov.cn/x.html"
    assert not MIRROR.may_fetch("http://images.mofcom.gov.cn/x/1.pdf")
    assert MIRROR.is_home("http://127.0.0.1:8000/copy/")
    assert MIRROR.is_home("http://127.0.0.1:8000/copy/index.html")


def test_only_the_site_and_its_file_hosts_are_fetched() -> None:
    assert OFFICIAL.may_fetch(PAGE)
    assert OFFICIAL.may_fetch("http://images.mofcom.gov.cn/x/1.pdf")
    for url in (
        "http://other.mofcom.gov.cn/",
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "https://x@evil.example/",
    ):
        assert not OFFICIAL.may_fetch(url)
    assert not OFFICIAL.is_own("https://jgdw.mofcom.gov.cn.evil.example/")


@pytest.mark.parametrize(
    "value", ["", "127.0.0.1:8000", "ftp://x/", "http://", "http://x/?a=1", "http://u:p@x/", "http://["]
)
def test_a_base_url_that_is_none_is_refused_by_name(value: str) -> None:
    with pytest.raises(BadUsage, match="base_url"):
        Addresses.of(HOME, [], value)


@pytest.mark.parametrize(
    ("url", "whether"),
    [
        (f"{HOME}x/1.pdf", True),
        (f"{HOME}x/1.DOCX", True),
        (f"{HOME}x/1.jpg?v=2", True),
        (f"{HOME}api-gateway/jpaas-web-server/front/document/download?fileUrl=a&fileName=b.pdf", True),
        (f"{HOME}a.shtml", False),
        (f"{HOME}a/", False),
        (f"{HOME}a.html?name=b.pdf", False),
        (f"{HOME}a.pdf.html", False),
        (f"{HOME}v1.2/page", False),
    ],
)
def test_files_are_told_from_pages(url: str, whether: bool) -> None:
    assert is_file(url) is whether
    assert may_be_file(url) or not whether


def test_a_file_is_named_by_its_address() -> None:
    assert file_name(f"{HOME}download?fileUrl=x&fileName=%E5%90%8D%E5%86%8C.pdf") == "名册.pdf"
    assert file_name(f"{HOME}x/%E5%90%8D%E5%86%8C.doc") == "名册.doc"
    assert file_name(f"{HOME}x/20200602123456789.pdf") == "20200602123456789.pdf"
