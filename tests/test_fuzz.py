"""Every reader of what others wrote takes anything: it reads, or refuses by name."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import disposition
from tests.fuzz import campaign
from tests.fuzz.targets import TARGETS

FOUND = sorted(campaign.FOUND.glob("*/*.bin"))
TEXTS = ("byline", "dates", "query text", "address", "disposition", "quiet hours", "output", "robots", "arguments")


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_was_found_stays_mended(path: Path) -> None:
    name = next(name for name in TARGETS if name.replace(" ", "-") == path.parent.name)
    campaign.attempt(TARGETS[name], path.read_bytes())


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_a_short_campaign_finds_nothing(name: str) -> None:
    result = campaign.run(name, inputs=400, seconds=0.4, seed=5)
    assert result.inputs
    assert result.found == {}


@pytest.mark.parametrize("name", TEXTS)
@settings(max_examples=40)
@given(text=st.text(max_size=200))
def test_any_text_is_taken(name: str, text: str) -> None:
    campaign.attempt(TARGETS[name], text.encode("utf-8", "replace"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["listing", "reply", "home", "blocking", "charset", "site file", "warc", "decoding", "headers"]
)
@settings(max_examples=40)
@given(data=st.binary(max_size=300))
def test_any_bytes_are_taken(name: str, data: bytes) -> None:
    campaign.attempt(TARGETS[name], data)


def test_a_campaign_tells_a_named_error_from_a_defect() -> None:
    def run(data: bytes) -> None:
        if b"<" in data:
            raise KeyError("a defect")
        if len(data) % 2:
            raise ValueError("named")

    TARGETS["broken"] = campaign.Target(run, lambda: [b"ab", b"abc"], (ValueError,))
    try:
        result = campaign.run("broken", inputs=300, seconds=10)
    finally:
        del TARGETS["broken"]
    assert 0 < result.named < result.inputs == 300
    assert [place.partition(" ")[0] for place in result.found] == ["KeyError"]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (b"attachment; filename=list.pdf", "list.pdf"),
        ('attachment; filename="附件：名单.pdf"'.encode(), "附件：名单.pdf"),
        ('attachment; filename="附件.pdf"'.encode("gb18030"), "附件.pdf"),
        (b'attachment; filename="%E9%99%84%E4%BB%B6.pdf"', "附件.pdf"),
        (b'attachment; filename="%B8%BD%BC%FE.pdf"', "附件.pdf"),
        (b"attachment; filename=x.pdf; filename*=UTF-8''%E9%99%84%E4%BB%B6.pdf", "附件.pdf"),
        (b"attachment; filename*=GBK''%B8%BD%BC%FE.pdf", "附件.pdf"),
        (b'attachment; filename="../../etc/passwd"', "passwd"),
        (b'attachment; filename="C:\\\\Windows\\\\system.ini"', "system.ini"),
        (b"attachment; filename=%2e%2e%2fx.pdf", "x.pdf"),
        (b'attachment; filename="a\0b.pdf"', "ab.pdf"),
        ('attachment; filename="gnp\u202efdp.exe"'.encode(), "gnpfdp.exe"),
        (b'attachment; filename="..."', ""),
        (b"inline", ""),
        (b"", ""),
        (None, ""),
    ],
)
def test_the_name_of_a_file_is_data(header: bytes | None, name: str) -> None:
    assert disposition.file_name(header) == name


def test_a_name_of_300_bytes_is_cut_but_keeps_its_ending() -> None:
    name = disposition.file_name(f'x; filename="{"长" * 300}.pdf"'.encode())
    assert len(name) == disposition.LONGEST
    assert name.endswith(".pdf")
