"""Names of attachments are data: whatever they say, files lie under their digest."""

import hashlib
import re
from pathlib import Path

import pytest

from tests.crawling import crawl
from tests.hostile_site import answer, article, serve

NAMES = {
    "up.pdf": b'attachment; filename="../../../tmp/evil.pdf"',
    "absolute.pdf": b'attachment; filename="/etc/cron.d/evil"',
    "windows.pdf": b'attachment; filename="C:\\\\evil\\\\CON.pdf"',
    "nul.pdf": b'attachment; filename="a\0.pdf"',
    "long.pdf": b'attachment; filename="' + b"x" * 3000 + b'.pdf"',
    "rtl.pdf": 'attachment; filename="\u202efdp.exe"'.encode(),
    "reserved.pdf": b'attachment; filename="AUX"',
    "percent.pdf": b"attachment; filename*=UTF-8''%2e%2e%2f%E9%99%84%E4%BB%B6.pdf",
    "gbk.pdf": 'attachment; filename="附件.pdf"'.encode("gb18030"),
    "download.do": b'attachment; filename="list.xlsx"',
}
SHOWN = {
    "up": "evil.pdf",
    "absolute": "evil",
    "windows": "CON.pdf",
    "nul": "a.pdf",
    "long": "x" * 180 + "…" + "x" * 15 + ".pdf",
    "rtl": "fdp.exe",
    "reserved": "AUX",
    "percent": "附件.pdf",
    "gbk": "附件.pdf",
    "download": "list.xlsx",
}
"""What pictures of these names are called: the page gives them none, so the header's is shown."""


@pytest.mark.slow
def test_files_lie_under_their_digest_whatever_they_are_called(tmp_path: Path) -> None:
    links = "".join(f"<p><a href='/files/{name}'></a></p>" for name in NAMES)
    links += "".join(f"<p><img src='/files/{name.partition('.')[0]}.jpg'></p>" for name in NAMES)
    with serve({"names": answer(article("附件的名字", links))}) as site:
        for name, header in NAMES.items():
            given = b"Content-Disposition: " + header + b"\r\n"
            site.files[name] = answer(name.encode(), given)
            site.files[name.partition(".")[0] + ".jpg"] = answer(b"\xff\xd8\xff" + name.encode(), given)
        done = crawl(tmp_path / "deep" / "archive", base_url=site.base_url)
    assert done.code == 0, done.err
    files = {row["url"].rpartition("/")[2]: row for row in done.rows("SELECT * FROM attachments")}
    assert set(files) == set(NAMES)
    kept = {path for path in (tmp_path / "deep" / "archive" / "files").rglob("*") if path.is_file()}
    for name, row in files.items():
        digest = hashlib.sha256(name.encode()).hexdigest()
        extension = ".xlsx" if name.endswith(".do") else "." + row["path"].rpartition(".")[2]
        assert row["path"] == f"files/{digest[:2]}/{digest}{extension}"
        assert not set(row["name"]) & set("/\\\0\u202e")
        assert len(row["name"]) <= 200
    pictures = {row["url"].rpartition("/")[2]: row for row in done.rows("SELECT * FROM images")}
    assert {name.removesuffix(".jpg"): row["name"] for name, row in pictures.items()} == SHOWN
    for name, row in pictures.items():
        assert re.fullmatch(r"files/[0-9a-f]{2}/[0-9a-f]{64}\.[a-z]{1,5}", row["path"]), name
    assert {path.name for path in kept} == {Path(row["path"]).name for row in (*files.values(), *pictures.values())}
    assert {path.name for path in tmp_path.iterdir()} == {"deep"}
