"""Names of attachments are data: whatever they say, files lie under their digest."""

import hashlib
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


@pytest.mark.slow
def test_files_lie_under_their_digest_whatever_they_are_called(tmp_path: Path) -> None:
    links = "".join(f"<p><a href='/files/{name}'></a></p>" for name in NAMES)
    with serve({"names": answer(article("附件的名字", links))}) as site:
        for name, header in NAMES.items():
            site.files[name] = answer(name.encode(), b"Content-Disposition: " + header + b"\r\n")
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
    assert {path.name for path in kept} == {Path(row["path"]).name for row in files.values()}
    assert {path.name for path in tmp_path.iterdir()} == {"deep"}
