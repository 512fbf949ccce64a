"""The text of attachments: read in a process of its own, within limits; whatever cannot be read has a reason."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from exports.archive import Archive
from exports.database.models import Attachment, FileText
from exports.database.session import open_engine
from exports.store.places import Places
from exports.texts import keeping, worker
from exports.texts.extraction import Extracted, Extractor
from tests import office_files as made
from tests.archive_command import run
from tests.replica import files
from tests.storage import BASE, a_file, add, config, open_archive, problems, version_lines, with_archive
from tests.storage import lines as json_lines


@pytest.fixture(scope="module")
def extractor() -> Iterator[Extractor]:
    with Extractor() as extractor:
        yield extractor


def extracted(extractor: Extractor, folder: Path, content: bytes, name: str = "f.bin") -> Extracted:
    (folder / name).write_bytes(content)
    return extractor.extract(folder / name)


@pytest.mark.parametrize(
    ("content", "kind", "lines"),
    [
        (made.word(), "docx", ["第一段。", "单位\t人数", "一处\t3", "最后一段。"]),
        (made.workbook(), "xlsx", ["名单", "姓名\t日期\t次数", "张三\t2024-05-06\t3", "\t\t\t\t远处", "空表"]),
        (made.ofd(), "ofd", ["关于开展主题党日的通知", "各支部：&"]),
        ("\ufeff甲\r\n　　乙\n".encode(), "txt", ["甲", "乙"]),
        ("中文文本".encode("gb18030"), "txt", ["中文文本"]),
        ("甲乙".encode("utf-16"), "txt", ["甲乙"]),
        (
            "<html><style>x</style><p>甲</p><table><tr><td>乙</td><td>丙</td></tr></table>".encode(),
            "html",
            ["甲", "乙\t丙"],
        ),
    ],
)
def test_what_a_file_says(extractor: Extractor, tmp_path: Path, content: bytes, kind: str, lines: list[str]) -> None:
    found = extracted(extractor, tmp_path, content)
    assert (found.kind, found.reason) == (kind, None)
    assert (found.text or "").split("\n") == lines


def test_the_files_of_the_demonstration_site(extractor: Extractor, tmp_path: Path) -> None:
    for extension, words in (("pdf", "Annex"), ("docx", "附件正文：x"), ("xls", "2363233923")):
        found = extracted(extractor, tmp_path, files.make(extension, "x"))
        assert (found.kind, found.reason) == (extension, None)
        assert words in (found.text or "")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (made.OLE + "WordDocument".encode("utf-16-le"), "doc (Word 97–2003): there is no reader for this format"),
        (made.OLE, "an OLE container of no known kind"),
        (b"{\\rtf1 x}", "rtf: there is no reader for this format"),
        (made.zipped({"a.txt": "x"}), "a zip archive: what is packed in it is not read"),
        (b"PK\x03\x04 cut off", "damaged zip container: File is not a zip file"),
        (files.make("png", "x"), "a picture"),
        (b"\x00\x01\x02" * 9, "not a format we know"),
        (made.ofd(page="<x>"), "ofd: the part 'Doc_0/Pages/Page_0/Content.xml' cannot be read: "),
        (made.ofd(root="../../etc/passwd"), "ofd: the part '../../etc/passwd' cannot be read: "),
        (made.ofd(page='<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'), "ofd: the part "),
        (
            made.pdf_of([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>"]),
            "pdf: no text in it",
        ),
        (b"%PDF-1.4\nnothing", "pdf: damaged or not as its kind is: "),
        (made.zipped({"word/document.xml": "x"}), "docx: damaged or not as its kind is: "),
    ],
)
def test_what_cannot_be_read_has_a_reason(extractor: Extractor, tmp_path: Path, content: bytes, reason: str) -> None:
    found = extracted(extractor, tmp_path, content)
    assert found.text is None
    assert (found.reason or "").startswith(reason)


@pytest.mark.slow
def test_bombs_and_cycles_cost_one_file(extractor: Extractor, tmp_path: Path) -> None:
    entities = (
        "<!DOCTYPE w [" + "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9)) + '<!ENTITY e0 "x">]>'
    )
    laughs = made.zipped({"[Content_Types].xml": entities + "<w>&e9;</w>", "word/document.xml": "<w/>"})
    started = time.monotonic()
    for content, reason in (
        (made.zipped({"word/document.xml": bytes(20_000_000)}), "a zip member packed more than 200 to 1"),
        (made.zipped({f"{n}": b"" for n in range(10_001)}), "a zip container of 10001 members"),
        (laughs, "docx: damaged or not as its kind is: "),
    ):
        found = extracted(extractor, tmp_path, content)
        assert found.text is None
        assert (found.reason or "").startswith(reason)
    assert extracted(extractor, tmp_path, made.cyclic_pdf()).text is None
    assert extracted(extractor, tmp_path, made.word()).text
    assert time.monotonic() - started < 60


@pytest.mark.slow
@pytest.mark.parametrize(
    ("work", "reason"),
    [
        ("while True: pass", "pdf: takes more than 1 s of CPU time"),
        ("import time; time.sleep(60)", "pdf: takes longer than 3 s"),
        ("x = bytearray(1 << 31)", "pdf: takes more than 512 MiB of memory"),
        ("import os; os.kill(os.getpid(), 15)", "pdf: the reader crashed (SIGTERM)"),
        ("import os; os._exit(0)", "pdf: the reader ended without an answer"),
        ("raise SystemExit(1)", "pdf: damaged or not as its kind is: SystemExit: 1"),
        ("with open('written', 'w') as f: f.write('x')", "pdf: damaged or not as its kind is: OSError"),
    ],
)
def test_a_reader_that_runs_wild_is_ended(
    work: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as Python itself sets it
    wall = 3 if "sleep" in work else 60  # on a busy machine a second of CPU time takes many
    for name, value in (("CPU_SECONDS", 1), ("WALL_SECONDS", wall), ("MEMORY", 512 << 20)):
        monkeypatch.setattr(f"exports.texts.limits.{name}", value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("exports.texts.readers.read", lambda path, kind: exec(work))
    (tmp_path / "f.pdf").write_bytes(b"%PDF-1.4")
    answer = worker._answer(tmp_path / "f.pdf")
    assert answer["text"] is None
    assert answer["reason"].startswith(reason)


def test_a_container_that_unpacks_to_too_much_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However little each of its members shrank: in all it is too much."""
    (tmp_path / "f.docx").write_bytes(made.zipped({"word/document.xml": "x" * 600, "a": "x" * 600}))
    monkeypatch.setattr("exports.texts.limits.UNPACKED", 1000)
    assert "unpacks to 1200 bytes: at most 1000 are" in worker._answer(tmp_path / "f.docx")["reason"]


def test_an_answer_that_never_ends_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that was taken over could write without end."""
    monkeypatch.setattr("exports.texts.worker._ANSWER", 1000)
    (tmp_path / "f.txt").write_text("长" * 1000)
    assert worker._answer(tmp_path / "f.txt")["reason"] == "txt: too much text"


def test_much_text_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exports.texts.limits.TEXT", 100)
    (tmp_path / "f.txt").write_text("长" * 1000)
    assert worker._answer(tmp_path / "f.txt") == {
        "kind": "txt",
        "text": "长" * 100,
        "reason": "txt: cut after 100 characters",
    }


def test_a_worker_that_dies_is_started_again(tmp_path: Path) -> None:
    with Extractor() as extractor:
        assert extracted(extractor, tmp_path, b"one").text == "one"
        assert extractor._worker
        extractor._worker.kill()
        extractor._worker.wait()
        assert extracted(extractor, tmp_path, b"two").reason == "the extracting process died of it"
        assert extracted(extractor, tmp_path, b"three").text == "three"


@pytest.mark.slow
def test_texts_go_to_every_article_that_has_the_file(tmp_path: Path, database_url: str) -> None:
    word, doc = made.word(), made.OLE + "WordDocument".encode("utf-16-le")

    async def work(archive: Archive, run_id: int) -> None:
        for body in (word, doc):
            await archive.keep_file(body, f"{BASE}/f.pdf", "application/pdf")
        await add(archive, run_id, 1, attachments=[a_file(word), a_file(doc)])
        await add(archive, run_id, 2, attachments=[a_file(word)])

    with_archive(tmp_path, database_url, work)
    archive = open_archive(tmp_path, database_url)
    assert archive.extract_texts() == {"read": 1, "doc (Word 97–2003): there is no reader for this format": 1}
    assert archive.extract_texts() == {}
    archive.close()

    async def more(archive: Archive, run_id: int) -> None:
        await add(archive, run_id, 3, attachments=[a_file(word)])
        await add(archive, run_id, 1, title="改过的题目", attachments=[a_file(word), a_file(doc)])

    with_archive(tmp_path, database_url, more)
    archive = open_archive(tmp_path, database_url)
    assert archive.extract_texts() == {}
    archive.close()
    engine = open_engine(database_url, read_only=True)
    with Session(engine) as session:
        rows = session.execute(
            select(Attachment.article_id, Attachment.text).order_by(Attachment.article_id, Attachment.seq)
        )
        assert [(n, (t or "")[:4]) for n, t in rows] == [(1, "第一段。"), (1, ""), (2, "第一段。"), (3, "第一段。")]
        assert session.scalars(select(FileText.kind).order_by(FileText.kind)).all() == ["doc", "docx"]
    engine.dispose()
    assert problems(tmp_path, database_url) == []
    assert sorted(json_lines(tmp_path)) == sorted(version_lines(tmp_path, database_url))


def test_an_older_archive_gets_its_texts(tmp_path: Path) -> None:
    async def work(archive: Archive, run_id: int) -> None:
        await archive.keep_file(made.word(), f"{BASE}/f.pdf", "application/pdf")
        await add(archive, run_id, 1, attachments=[a_file(made.word()), a_file(b"lost")])

    with_archive(tmp_path, None, work)
    assert "not read yet" in run("-s", f"ARCHIVE_DIR={tmp_path}", "show", "1").stdout
    said = run("-s", f"ARCHIVE_DIR={tmp_path}", "migrate", "--texts").stdout
    assert said.splitlines() == ["the schema is up to date", "texts of attachments: 1 read, 0 without"]
    assert "21 characters" in run("-s", f"ARCHIVE_DIR={tmp_path}", "show", "1").stdout
    engine = open_engine(config(tmp_path).database_url)
    with engine.begin() as connection:  # the readers got better
        connection.execute(text("UPDATE file_texts SET reader = 'texts@0', text = NULL"))
    assert keeping.extract_all(engine, Places(config(tmp_path))) == {"read": 1}
    engine.dispose()
