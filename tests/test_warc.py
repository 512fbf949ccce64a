"""The evidence: written by us, read by us and by others, and repaired where a kill tore it."""

import gzip
import hashlib
import json
import re
import subprocess
import tempfile
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator

from crawler.items import Exchange
from exports import cdxj
from exports.warc import Reference, WarcDamage, WarcWriter, read_record, salvage, walk, whole_length
from tests.storage import BASE, MOMENT, exchange, filled, open_archive, problems, with_archive

ODD = "".join(chr(code) for code in range(256) if chr(code) not in "\r\n")
NAMES = st.from_regex(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,20}", fullmatch=True)
VALUES = st.text(ODD, max_size=60).map(str.strip)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=8)


def write(directory: Path, *exchanges: Exchange) -> Path:
    writer = WarcWriter(directory, "test", {"software": "test"})
    for one in exchanges:
        writer.append(one)
    writer.close()
    return writer.path


def read_elsewhere(path: Path) -> list[Any]:
    """What warcio reads, every digest checked."""
    read = []
    with path.open("rb") as file:
        for record in ArchiveIterator(file, check_digests="raise"):
            read.append((record.rec_type, record.rec_headers, record.raw_stream.read()))
            if record.rec_type in ("response", "request"):
                assert record.digest_checker.passed is True
    return read


@settings(max_examples=60)
@given(status=st.integers(100, 999), sent=HEADERS, received=HEADERS, body=st.binary(max_size=3000))
def test_every_exchange_comes_back_byte_for_byte(
    status: int, sent: list[tuple[str, str]], received: list[tuple[str, str]], body: bytes
) -> None:
    original = exchange(body=body, status=status, request_headers=sent, response_headers=received)
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), original)
        _, response, request = walk(path)
        assert (response.status, response.headers, response.payload) == (status, received, body)
        assert (response.url, response.fetched_at) == (original.url, original.fetched_at)
        assert response.context == {"role": original.role} | original.context
        assert request.warc_headers["WARC-Concurrent-To"] == f"<{response.record_id}>"
        kept = {name.encode("latin-1") + b": " + value.encode("latin-1") for name, value in sent}
        assert kept <= set(request.block.split(b"\r\n"))
        subprocess.run(["gzip", "-t", path], check=True)
        assert [kind for kind, _, _ in read_elsewhere(path)] == ["warcinfo", "response", "request"]


def test_a_line_break_in_a_header_forges_no_other_header(tmp_path: Path) -> None:
    forged = exchange(response_headers=[("X", "a\r\nSet-Cookie: b\r\n\r\n<html>"), ("题", "目")])
    _, response, _ = walk(write(tmp_path, forged))
    assert response.headers[0] == ("X", "a  Set-Cookie: b    <html>")
    assert len(response.headers) == 2
    assert response.payload == forged.body


def test_digests_are_those_of_the_database(tmp_path: Path) -> None:
    path = write(tmp_path, exchange(body=b"abc"))
    digests = [
        headers.get_header("WARC-Payload-Digest") for kind, headers, _ in read_elsewhere(path) if kind == "response"
    ]
    assert digests == [f"sha256:{hashlib.sha256(b'abc').hexdigest()}"]


def test_one_host_header(tmp_path: Path) -> None:
    for given_headers in ([], [("host", "example.test")]):
        *_, request = walk(write(tmp_path / str(len(given_headers)), exchange(request_headers=given_headers)))
        assert request.block.lower().count(b"\r\nhost: example.test\r\n") == 1


def test_a_position_leads_to_its_record(tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path, "test", {})
    positions = [writer.append(exchange(f"{BASE}/{n}", b"%d" % n)) for n in range(5)]
    revisit = writer.append(exchange(f"{BASE}/0", b"0"), Reference(positions[0].record_id, f"{BASE}/0", MOMENT))
    writer.close()
    for number, position in enumerate(positions):
        record = read_record(tmp_path / position.warc_file, position.offset)
        assert (record.record_id, record.payload, record.length) == (
            position.record_id,
            b"%d" % number,
            position.length,
        )
    record = read_record(writer.path, revisit.offset)
    assert (record.type, record.payload) == ("revisit", b"")
    assert record.warc_headers["WARC-Refers-To"] == f"<{positions[0].record_id}>"
    assert record.warc_headers["WARC-Profile"].endswith("/identical-payload-digest")
    with pytest.raises(WarcDamage):
        read_record(writer.path, positions[1].offset + 1)
    with pytest.raises(WarcDamage):
        read_record(writer.path, writer.size)


def test_truncated_anywhere_it_is_cut_after_the_last_whole_record(tmp_path: Path) -> None:
    """As a kill leaves it: every length of the last record, with nothing committed."""
    path = write(tmp_path, exchange(body=b"first"), exchange(body=b"second" * 10))
    data = path.read_bytes()
    starts = [record.offset for record in walk(path)]
    for length in range(starts[-1] + 1, len(data)):
        path.write_bytes(data[:length])
        end, (damage,) = whole_length(path)
        assert (end, damage.offset, damage.is_torn) == (starts[-1], starts[-1], True)
        with pytest.raises(WarcDamage, match="truncated"):
            list(walk(path))


WRONG = {
    "size-negative": (rb"^Content-Length: \d+", b"Content-Length: -4"),
    "size-short": (rb"^Content-Length: \d+", b"Content-Length: 3"),
    "size-huge": (rb"^Content-Length: \d+", b"Content-Length: " + b"9" * 5000),
    "size-no-digits": (rb"^Content-Length: \d+", "Content-Length: １２".encode()),
    "size-none": (rb"^Content-Length: \d+\r\n", b""),
    "context-number": (rb"^X-Archive-Context: .*\r", b"X-Archive-Context: 5\r"),
    "context-list": (rb"^X-Archive-Context: .*\r", b"X-Archive-Context: [1]\r"),
    "context-deep": (rb"^X-Archive-Context: .*\r", b"X-Archive-Context: " + b"[" * 200_000 + b"\r"),
    "context-values": (rb"^X-Archive-Context: .*\r", b'X-Archive-Context: {"url": [1], "home": null}\r'),
    "date-without-zone": (rb"^WARC-Date: .*\r", b"WARC-Date: 2024-01-01T00:00:00\r"),
    "date-before-time": (rb"^WARC-Date: .*\r", b"WARC-Date: 0001-01-01T00:00:00+23:59\r"),
    "date-beyond-time": (rb"^WARC-Date: .*\r", b"WARC-Date: 9999-12-31T23:59:59-23:59\r"),
    "status-huge": (rb"^HTTP/1.1 200 OK", b"HTTP/1.1 20000000000000000000"),
    "status-negative": (rb"^HTTP/1.1 200 OK", b"HTTP/1.1 -20 O"),
    "address-broken": (rb"^WARC-Target-URI: .*\r", b"WARC-Target-URI: http://[::1\r"),
    "address-port": (rb"^WARC-Target-URI: .*\r", b"WARC-Target-URI: http://x:99999/\r"),
    "address-nul": (rb"^WARC-Target-URI: .*\r", b"WARC-Target-URI: http://x/\0\r"),
    "address-no-utf-8": (rb"^WARC-Target-URI: .*\r", b"WARC-Target-URI: http://x/\xff\r"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_record_that_lies_is_damage_with_a_name_and_the_next_one_is_read(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, exchange(body=b"first"), exchange(body=b"second"))
    hurt = next(record for record in walk(path) if record.type == "response")
    data = path.read_bytes()
    whole = gzip.decompress(data[hurt.offset : hurt.offset + hurt.length])
    pattern, wrong = WRONG[name]
    lying = re.sub(pattern, lambda _: wrong, whole, count=1, flags=re.M)
    if name.startswith("status"):  # the size is that of what it says
        size = len(hurt.block) + len(lying) - len(whole)
        lying = lying.replace(b"Content-Length: %d" % len(hurt.block), b"Content-Length: %d" % size, 1)
    assert lying != whole
    member = gzip.compress(lying, mtime=0)
    path.write_bytes(data[: hurt.offset] + member + data[hurt.offset + hurt.length :])
    damages = [found for found in salvage(path) if isinstance(found, WarcDamage)]
    assert [(damage.offset, damage.end) for damage in damages] == [(hurt.offset, hurt.offset + len(member))]
    assert len(str(damages[0])) < 500 + len(str(path))
    kinds = [found.type for found in salvage(path) if not isinstance(found, WarcDamage)]
    assert kinds == ["warcinfo", "request", "response", "request"]
    with pytest.raises(WarcDamage, match="no WARC record"):
        read_record(path, hurt.offset)


def test_what_a_record_says_of_its_context_is_text_that_can_be_stored(tmp_path: Path) -> None:
    path = write(tmp_path, exchange(context={"title": "a\0b\ud800c"}))
    assert next(record for record in walk(path) if record.type == "response").context["title"] == "ab?c"


def test_a_bomb_in_a_record_is_not_unpacked_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither where it lies about its size nor where it tells the truth."""
    path = write(tmp_path, exchange(body=b"first"))
    start = path.stat().st_size
    monkeypatch.setattr("exports.warc.MOST", 1 << 20)
    for size in (3, 50_000_000):
        head = b"WARC/1.1\r\nWARC-Type: resource\r\nWARC-Record-ID: <urn:x>\r\nContent-Length: %d\r\n\r\n" % size
        with path.open("r+b") as file:
            file.seek(start)
            file.truncate()
            file.write(gzip.compress(head + b"0" * 50_000_000 + b"\r\n\r\n", 9))
        tracemalloc.start()
        with pytest.raises(WarcDamage, match="unpacks to more than 1 MiB"):
            read_record(path, start)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
        tracemalloc.stop()
        assert len(whole_length(path)[1]) == 1


def test_damage_ends_at_the_next_whole_record(tmp_path: Path) -> None:
    """Also where the damaged record's own bytes look like the beginning of another one."""
    member = gzip.compress(b"no record")
    path = write(tmp_path, *(exchange(f"{BASE}/{number}", member * number) for number in range(1, 5)))
    whole = list(walk(path))
    data = path.read_bytes()
    hurt = [record for record in whole if record.type == "response"][1]
    for start in range(hurt.offset, hurt.offset + hurt.length - 20, 7):
        path.write_bytes(data[:start] + member[:12] + data[start + 12 :])
        before, after = [r for r in whole if r.offset < hurt.offset], [r for r in whole if r.offset > hurt.offset]
        *first, damage, second, third, fourth, fifth, sixth = salvage(path)
        assert isinstance(damage, WarcDamage)
        assert (damage.offset, damage.end) == (hurt.offset, hurt.offset + hurt.length)
        assert [*first, second, third, fourth, fifth, sixth] == [*before, *after]
    assert whole_length(path)[0] == len(data)
    path.write_bytes(data + b"x" * 50)
    assert list(salvage(path, len(data))) == whole
    *_, damage = salvage(path)
    assert isinstance(damage, WarcDamage)
    assert (damage.offset, damage.end, damage.is_torn) == (len(data), len(data) + 50, False)


@pytest.mark.parametrize("part", ["header", "middle", "checksum"])
def test_a_start_cuts_and_closes_a_torn_file(tmp_path: Path, part: str) -> None:
    path = write(tmp_path, exchange(body=b"first"), exchange(body=b"second" * 10))
    data = path.read_bytes()
    last = [record.offset for record in walk(path)][-1]
    path.write_bytes(data[: {"header": last + 1, "middle": (last + len(data)) // 2, "checksum": len(data) - 1}[part]])
    open_archive(tmp_path).close()
    assert path.read_bytes() == data[:last]
    subprocess.run(["gzip", "-t", path], check=True)
    assert len(cdxj.path_of(path).read_bytes().splitlines()) == 2


def test_a_start_leaves_a_living_runs_file_alone(tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path, "living", {})
    writer.append(exchange())
    half = gzip.compress(b"WARC/1.1 and so on")[:20]
    with writer.path.open("ab") as file:
        file.write(half)
    data = writer.path.read_bytes()
    open_archive(tmp_path).close()
    assert writer.path.read_bytes() == data
    writer.close()
    open_archive(tmp_path).close()
    assert len(writer.path.read_bytes()) == len(data) - len(half)


def test_damage_in_what_was_committed_is_never_cut_away(tmp_path: Path) -> None:
    async def work(archive: Any, run_id: int) -> None:
        for number in range(3):
            await archive.keep(run_id, exchange(f"{BASE}/{number}"))

    with_archive(tmp_path, None, work)
    (path,) = (tmp_path / "warc").glob("*.warc.gz")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    cdxj.path_of(path).unlink()  # so that the start looks at the file again
    open_archive(tmp_path).close()
    assert path.read_bytes() == data


def test_a_lost_index_is_made_again(tmp_path: Path) -> None:
    async def work(archive: Any, run_id: int) -> None:
        await archive.keep(run_id, exchange())

    with_archive(tmp_path, None, work)
    (index,) = (tmp_path / "warc").glob("*.cdxj")
    content = index.read_bytes()
    assert content.startswith(b"test,example)/1.html 20240506070809 {")
    index.unlink()
    open_archive(tmp_path).close()
    assert index.read_bytes() == content


def test_full_files_are_closed_and_the_next_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exports.warc.MAX_BYTES", 2000)

    async def work(archive: Any, run_id: int) -> None:
        for number in range(6):
            await archive.keep(run_id, exchange(f"{BASE}/{number}", bytes(range(number, 250))))

    with_archive(tmp_path, None, work)
    files = sorted((tmp_path / "warc").glob("*.warc.gz"))
    assert len(files) >= 3
    assert [file.name[-13:-8] for file in files] == [f"{n:05}" for n in range(len(files))]
    assert all(cdxj.path_of(file).exists() for file in files)
    assert sum(record.type == "response" for file in files for record in walk(file)) == 6


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://www.example.test/A/B.html?b=2&a=1", "test,example)/a/b.html?a=1&b=2"),
        ("https://images.example.test:8443/x/", "test,example,images:8443)/x"),
        ("http://example.test", "test,example)/"),
        ("http://example.test/list?2", "test,example)/list?2"),
    ],
)
def test_index_keys(url: str, key: str) -> None:
    assert cdxj.url_key(url) == key


def _payload_of(tmp_path: Path, *exchanges: Exchange) -> bytes:
    """Keep the exchanges; the payload the last one's capture stands for."""

    async def work(archive: Any, run_id: int) -> None:
        for one in exchanges:
            await archive.keep(run_id, one)

    with_archive(tmp_path, None, work)
    (path,) = (tmp_path / "warc").glob("*.warc.gz")
    records = [record for record in walk(path) if record.type in cdxj.INDEXED]
    by_id = {record.record_id: record for record in records}
    return by_id[records[-1].warc_headers["WARC-Refers-To"].strip("<>")].payload


def test_not_modified_refers_to_what_the_request_said_we_hold(tmp_path: Path) -> None:
    url = f"{BASE}/1.html"

    def at(hours: int, body: bytes, etag: str, **given_values: Any) -> Exchange:
        moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
        return exchange(url, body, fetched_at=moment, response_headers=[("ETag", etag)], **given_values)

    first, second, first_again = at(0, b"A", '"a"'), at(1, b"B", '"b"'), at(2, b"A", '"a"')
    not_modified = at(3, b"", '"a"', status=304, request_headers=[("If-None-Match", '"a"')])
    assert _payload_of(tmp_path, first, second, first_again, not_modified) == b"A"


def test_indexes_are_what_other_tools_read(tmp_path: Path) -> None:
    filled(tmp_path)
    (path,) = (tmp_path / "warc").glob("*.warc.gz")
    lines = cdxj.path_of(path).read_text(encoding="utf-8").splitlines()
    assert lines == sorted(lines)
    records = {str(record.offset): record for record in walk(path)}
    for line in lines:
        key, stamp, fields = line.split(" ", 2)
        entry = json.loads(fields)
        record = records.pop(entry["offset"])
        assert (entry["url"], entry["status"]) == (record.url, str(record.status))
        assert (key, stamp) == (cdxj.url_key(record.url), "20240506070809")
        assert entry["mime"] == ("warc/revisit" if record.type == "revisit" else "text/html")
    assert {record.type for record in records.values()} == {"warcinfo", "request"}


def test_an_exchange_of_no_status_we_know(tmp_path: Path) -> None:
    async def work(archive: Any, run_id: int) -> None:
        odd = [("X-Name", "\xe5\x85\xac"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("ETag", 'W/"x"')]
        await archive.keep(run_id, exchange(status=599, response_headers=odd, body=b""))

    with_archive(tmp_path, None, work)
    assert problems(tmp_path) == []
