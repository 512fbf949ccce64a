"""The shared store: what a run leaves in it, what another machine reads from it, and what goes wrong with it."""

import asyncio
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from exports import lock
from exports.archive import Archive
from exports.config import Config
from exports.database.models import Capture, StoredFile
from exports.database.session import open_engine
from exports.errors import ConfigError, StoreError
from exports.store.joining import MARKER
from exports.store.places import Places
from exports.verify import verify
from exports.warc import WarcDamage
from tests.archive_command import refused, run
from tests.crawling import ROOT, crawl
from tests.replica import Replica
from tests.storage import BASE, a_file, add, config, exchange, filled, open_archive, problems, start, with_archive
from tests.web_client import Room

KEPT = ("warc/*", "manifests/*", "files/*/*")


def contents(folder: Path) -> dict[str, bytes]:
    """Path -> bytes of what a store is to hold of an archive; drafts count."""
    found = [path for pattern in KEPT for path in folder.glob(pattern)]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def store_problems(directory: Path, url: str | None = None) -> list[str]:
    return [str(problem) for problem in verify(config(directory, url), with_store=True)]


def vouched(directory: Path, url: str | None = None) -> set[str]:
    engine = open_engine(config(directory, url).database_url, read_only=True)
    with Session(engine) as session:
        paths = set(session.scalars(select(StoredFile.path)))
    engine.dispose()
    return paths


def refusal(directory: Path, url: str | None = None) -> str:
    with pytest.raises(StoreError) as caught:
        open_archive(directory, url)
    return str(caught.value)


def another_machine(directory: Path, folder: Path) -> Path:
    """A folder with a copy of the embedded database and nothing else."""
    folder.mkdir()
    shutil.copy(directory / "archive.db", folder)
    return folder


def test_a_run_leaves_in_the_store_what_it_closed(tmp_path: Path, store: Path) -> None:
    filled(tmp_path / "a")
    assert contents(store) == contents(tmp_path / "a")
    assert len(contents(store)) == 4
    assert vouched(tmp_path / "a") == {*contents(store), MARKER}
    assert problems(tmp_path / "a") == store_problems(tmp_path / "a") == []
    times = {path: path.stat().st_mtime_ns for path in store.rglob("*")}
    assert open_archive(tmp_path / "a").close() is None
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*")} == times, "nothing is sent twice"


def test_a_store_that_is_set_later_gets_what_is_there(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.delenv("ARCHIVE_STORE")
        filled(tmp_path / "a")
    assert not store.exists()
    assert open_archive(tmp_path / "a").close() is None
    assert contents(store) == contents(tmp_path / "a")


def test_another_machine_reads_what_one_has_kept(tmp_path: Path, store: Path) -> None:
    a = tmp_path / "a"
    filled(a)
    b = another_machine(a, tmp_path / "b")
    assert problems(b) == store_problems(b) == []
    assert run("-s", f"ARCHIVE_DIR={b}", "show", "2", "--raw").stdout_bytes == b"<p>2 {}</p>"
    outputs = []
    for directory in (a, b):
        made = tmp_path / f"{directory.name}.wacz"
        run("-s", f"ARCHIVE_DIR={directory}", "export", "--format", "wacz", "--output", str(made))
        outputs.append(made.read_bytes())
    assert outputs[0] == outputs[1]
    assert (
        run("-s", f"ARCHIVE_DIR={b}", "migrate", "--texts").stdout.splitlines()[1].startswith("texts of attachments: 1")
    )
    digest = a_file(b"%PDF a file").sha256
    room = Room(config(b))
    assert room.get(f"/files/{digest}").content == b"%PDF a file"
    assert room.get("/captures/1/payload").content == b"<p>1 {}</p>"
    assert {path.name for path in b.iterdir()} <= {"archive.db", "archive.db-shm", "archive.db-wal"}, "it only reads"
    done = run("-s", f"ARCHIVE_DIR={b}", "backup", str(tmp_path / "backup"))
    assert "no problem" in done.stdout or done.exit_code == 0
    assert contents(tmp_path / "backup") == contents(a)


def test_a_long_record_is_read_by_range(tmp_path: Path, store: Path) -> None:
    a, body = tmp_path / "a", os.urandom(1_500_000)

    async def work(archive: Archive, run_id: int) -> None:
        for number, content in enumerate((b"short", body, b"last")):
            await archive.keep(run_id, exchange(f"{BASE}/{number}.html", content))
        await archive.finish_run(run_id, exit_code=0)

    with_archive(a, None, work)
    b = another_machine(a, tmp_path / "b")
    engine = open_engine(config(b).database_url, read_only=True)
    with Session(engine) as session:
        places = Places(config(b))
        captures = session.scalars(select(Capture).order_by(Capture.id)).all()
        records = [places.record(session, row) for row in captures]
        assert [record.payload for record in records] == [b"short", body, b"last"]
        assert [record.offset for record in records] == [row.warc_offset for row in captures]
        session.expunge_all()
        beside = captures[1]
        beside.warc_offset += 1
        with pytest.raises(WarcDamage, match=f"at byte {beside.warc_offset}$"):
            places.record(session, beside)
    engine.dispose()


@pytest.mark.slow
def test_machines_of_a_fleet_share_database_and_store(tmp_path: Path, store: Path, postgres_database: str) -> None:
    a, b, url = tmp_path / "a", tmp_path / "b", postgres_database

    async def begin(archive: Archive, column_id: str) -> int:
        archive.lock(column_id)
        return await start(archive, column_id)

    async def side_by_side(one: Archive, other: Archive) -> None:
        here, there = await begin(one, "c"), await begin(other, "d")
        for number in range(1, 6):
            await add(one, here, number)
            # an article of the first column, met by the machine that crawls the second
            await add(other, there, number, title=f"another {number}", attachments=[a_file(b"%PDF a file")])
        await other.keep_file(b"%PDF a file", f"{BASE}/f.pdf", "application/pdf")
        assert problems(a, url) == problems(b, url) == [], "what others are about to bring is no problem"
        await one.finish_run(here, exit_code=0)
        await other.finish_run(there, exit_code=0)

    for _ in range(2):
        machines = open_archive(a, url), open_archive(b, url)
        asyncio.run(side_by_side(*machines))
        assert [machine.close() for machine in machines] == [None, None]
        assert problems(a, url) == problems(b, url) == []
    for directory in (a, b, tmp_path / "reader"):
        assert problems(directory, url) == store_problems(directory, url) == []
    assert contents(store) == contents(a) | contents(b)
    assert len([path for path in contents(store) if path.startswith("manifests/")]) == 4
    # whoever appends last has every line
    asyncio.run(one_more(last := open_archive(a, url)))
    assert last.close() is None
    lines = (a / "jsonl/c").glob("*.jsonl")
    assert sum(len(file.read_text(encoding="utf-8").splitlines()) for file in lines) == versions(a, url)
    assert problems(a, url) == []


async def one_more(archive: Archive) -> None:
    run_id = await start(archive)
    await add(archive, run_id, 99)
    await archive.finish_run(run_id, exit_code=0)


def versions(directory: Path, url: str) -> int:
    from exports.database.models import ArticleVersion

    engine = open_engine(config(directory, url).database_url, read_only=True)
    with Session(engine) as session:
        count = session.scalar(select(func.count()).select_from(ArticleVersion)) or 0
    engine.dispose()
    return count


# --- kills and troubles -------------------------------------------------------------------------------------------

POINTS = ["before upload", "during upload", "after upload", "before stored", "after stored"]
FILL = "import sys; from pathlib import Path; from tests.storage import filled; filled(Path(sys.argv[1]))"


@pytest.mark.slow
@pytest.mark.parametrize("point", [*(f"{point}:1" for point in POINTS), "during upload:3", "after stored:2"])
def test_killed_while_it_uploads_the_next_start_goes_on(point: str, tmp_path: Path, store: Path) -> None:
    a = tmp_path / "a"
    killed = subprocess.run(
        [sys.executable, "-c", FILL, str(a)], cwd=ROOT, env=os.environ | {"ARCHIVE_FAILPOINT": point}, check=False
    )
    assert killed.returncode == -9
    if (a / "archive.db").exists():
        assert problems(a) == []
    assert open_archive(a).close() is None
    assert contents(store) == contents(a)
    assert problems(a) == store_problems(a) == []
    assert not [path for path in store.rglob(".*") if "localbucket" not in path.name]


@pytest.mark.slow
def test_killed_again_and_again_while_it_renames_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHIVE_STORE", f"file://{tmp_path}/share")
    for number in range(1, 16):
        a, share = tmp_path / "a", tmp_path / "share"
        environment = os.environ | {"ARCHIVE_FAILPOINT": f"before rename:{number}"}
        done = subprocess.run([sys.executable, "-c", FILL, str(a)], cwd=ROOT, env=environment, check=False)
        assert done.returncode in (-9, 0)
        assert open_archive(a).close() is None
        assert contents(share) == contents(a)
        assert store_problems(a) == []


@pytest.mark.slow
def test_torn_and_foreign_objects_are_replaced(tmp_path: Path, store: Path) -> None:
    """A kill in the middle of a write leaves what no row vouches for."""
    a = tmp_path / "a"
    filled(a)
    engine = open_engine(config(a).database_url)
    with Session(engine) as session, session.begin():
        lock.alone(session)
        session.execute(delete(StoredFile).where(StoredFile.path != MARKER))
    engine.dispose()
    for path in contents(store):
        (store / path).write_bytes((store / path).read_bytes()[:-7] + b"other")
    assert open_archive(a).close() is None
    assert contents(store) == contents(a)


def test_a_full_store(small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a = tmp_path / "a"
    monkeypatch.setenv("ARCHIVE_STORE", f"file://{small_disk}/share")

    async def work(archive: Archive, run_id: int) -> None:
        big = os.urandom(3_000_000)
        await archive.keep_file(big, f"{BASE}/f.pdf", "application/pdf")
        await add(archive, run_id, 1, attachments=[a_file(big)])
        await archive.finish_run(run_id, exit_code=0)

    with pytest.raises(StoreError) as caught:
        with_archive(a, None, work)
    line = f"the store file://{small_disk}/share fails: No space left on device; what was crawled is safe in {a}"
    assert str(caught.value) == f"{line}, the next run copies it"
    assert problems(a) == []
    assert "No space left on device" in refusal(a)
    assert not [path for path in contents(small_disk / "share") if path.startswith("manifests")], "manifests come last"
    subprocess.run(["mount", "-o", "remount,size=9m", str(small_disk)], check=True)
    assert open_archive(a).close() is None
    assert contents(small_disk / "share") == contents(a)
    assert store_problems(a) == []


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """An object store that answers everything so."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_PUT = do_POST = answer

        def log_message(self, format: str, *args: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.slow
@pytest.mark.usefixtures("object_server")
@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (
            403,
            b"<Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>",
            "forbids it: Forbidden",
        ),
        (
            507,
            b"<Error><Code>XMinioStorageFull</Code><Message>The disk is full.</Message></Error>",
            "Insufficient Storage",
        ),
    ],
)
def test_a_store_that_refuses(status: int, body: bytes, said: str, tmp_path: Path) -> None:
    with answering(status, body) as endpoint:
        assert said in in_a_process(tmp_path / "a", endpoint)


@pytest.mark.slow
@pytest.mark.usefixtures("object_server")
def test_a_store_that_cannot_be_reached(tmp_path: Path) -> None:
    assert "Could not connect" in in_a_process(tmp_path / "a", "http://127.0.0.1:9")


def in_a_process(directory: Path, endpoint: str) -> str:
    """The line that opening an archive with a bucket there ends with; a process knows one endpoint."""
    code = (
        "import sys; from pathlib import Path; from tests.storage import open_archive; from exports.errors import *\n"
    )
    code += "try: open_archive(Path(sys.argv[1]))\nexcept StoreError as error: print(error, error.exit_code)"
    environment = os.environ | {"AWS_ENDPOINT_URL": endpoint, "ARCHIVE_STORE": "s3://bucket/archive"}
    command = [sys.executable, "-W", "error::ResourceWarning", "-c", code, str(directory)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=True)
    (line,) = done.stdout.splitlines()
    assert line.endswith(" 5")
    assert done.stderr == ""
    return line


def test_a_share_that_is_not_mounted(tmp_path: Path, store: Path) -> None:
    filled(tmp_path / "a")
    (store).rename(tmp_path / "unmounted")
    assert "is it mounted" in refusal(tmp_path / "a")
    assert not store.exists()
    (tmp_path / "unmounted").rename(store)
    assert open_archive(tmp_path / "a").close() is None


def test_another_archives_store(tmp_path: Path, store: Path) -> None:
    filled(tmp_path / "a")
    before = contents(store)
    with pytest.raises(StoreError, match="another archive's, or this one's whose database was lost"):
        filled(tmp_path / "b")
    (store / MARKER).write_bytes(b"{}")
    assert "is another archive's" in refusal(tmp_path / "a")
    assert contents(store) == before


def test_verify_names_what_the_store_lost(tmp_path: Path, store: Path) -> None:
    a = tmp_path / "a"
    filled(a)
    (warc,) = store.glob("warc/*.warc.gz")
    (file,) = store.glob("files/*/*")
    data = warc.read_bytes()
    warc.write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:])
    file.unlink()
    assert problems(a) == []
    said = run("-s", f"ARCHIVE_DIR={a}", "verify", "--store", exit_code=1).stdout.splitlines()
    url = os.environ["ARCHIVE_STORE"]
    assert said[:2] == [
        f"{url}/{file.relative_to(store).as_posix()}: is missing",
        f"{url}/warc/{warc.name}: does not hold the bytes that were put there",
    ]
    b = another_machine(a, tmp_path / "b")
    found = problems(b)
    assert any(f"files/{file.parent.name}/{file.name}: is missing in the store" in line for line in found)
    assert any("is not what was put there" in line for line in found)
    assert "not what was put there" in run_raw_fails(b)
    # from the machine that still has them
    told = run("-s", f"ARCHIVE_DIR={a}", "migrate", "--store").stdout.splitlines()
    assert told[1:] == [
        f"files in {url} that are as they should be: 3, that are not: 2",
        f"files of {a} copied into it: 2",
    ]
    assert store_problems(a) == problems(b) == []


def run_raw_fails(directory: Path) -> str:
    """What a replay is told of evidence that is damaged in the store."""
    places = Places(config(directory))
    engine = open_engine(config(directory).database_url, read_only=True)
    with Session(engine) as session:
        path = session.scalars(select(Capture.warc_file)).first()
        assert path
        with pytest.raises(OSError, match="not what was put there") as caught, places.at_hand(session, path):
            pass
    engine.dispose()
    return str(caught.value)


def test_there_must_be_a_store_to_check(archive: Path) -> None:
    assert refused("verify", "--store") == "archive: there is no store to check: set ARCHIVE_STORE"
    assert refused("migrate", "--store") == "archive: --store: there is none, set ARCHIVE_STORE"


# --- settings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["bucket/x", "s3://", "s3:///", "file://share", "simplecache::s3://b", "s3://b?x=1"])
def test_a_bad_address(url: str) -> None:
    with pytest.raises(ConfigError, match=r"ARCHIVE_STORE '.*allowed are file:///FOLDER and s3://BUCKET/PREFIX"):
        Config.from_settings({"ARCHIVE_STORE": url})


def test_a_password_in_the_address_is_refused_and_not_printed() -> None:
    with pytest.raises(ConfigError) as caught:
        Config.from_settings({"ARCHIVE_STORE": "s3://key:geheim4711@bucket/x"})
    assert "geheim4711" not in str(caught.value)
    assert "AWS_SECRET_ACCESS_KEY" in str(caught.value)


def test_an_address_nothing_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHIVE_STORE", "nosuch://bucket/x")
    with pytest.raises(ConfigError, match="Protocol not known"):
        open_archive(tmp_path / "a")


@pytest.mark.slow
def test_without_a_store_no_client_of_one_is_loaded(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from tests.storage import filled, problems; d = Path(sys.argv[1])\n"
    code += "filled(d); assert problems(d) == []; assert not {'fsspec.asyn', 's3fs', 'botocore'} & set(sys.modules)"
    environment = {name: value for name, value in os.environ.items() if name != "ARCHIVE_STORE"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], cwd=ROOT, env=environment, check=True)


# --- whole crawls -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_crawl_whose_store_fails_says_so_and_the_next_one_mends_it(tmp_path: Path, store: Path) -> None:
    a, settings = tmp_path / "a", {"ARCHIVE_STORE": os.environ["ARCHIVE_STORE"]}
    with Replica(generation="t3", articles=20) as site:
        done = crawl(a, base_url=site.base_url, settings=settings, failpoint="during upload:2", full_disk=True)
        assert done.code == 5
        assert "The ledger closes" in done.out
        said = done.err.splitlines()[-1]
        assert said.startswith(f"scrapy crawl: the store {settings['ARCHIVE_STORE']} fails: No space left on device; ")
        asked = len(site.requests)
        done = crawl(a, base_url=site.base_url, settings=settings, failpoint="during upload:1", full_disk=True)
        assert (done.code, len(site.requests)) == (5, asked), "nobody is asked while the evidence cannot be handed over"
        done = crawl(a, base_url=site.base_url, settings=settings)
        assert (done.code, done.err) == (0, done.err)
    assert contents(store) == contents(a)
    assert store_problems(a) == []


@pytest.mark.slow
def test_a_replay_on_another_machine_and_a_rebuilding_from_the_store_alone(tmp_path: Path, store: Path) -> None:
    a, settings = tmp_path / "a", {"ARCHIVE_STORE": os.environ["ARCHIVE_STORE"]}
    with Replica(generation="t3", articles=30) as site:
        first = crawl(a, base_url=site.base_url, settings=settings)
    assert first.code == 0, first.err
    rows = "SELECT url, version, title, author, published_at, content_hash FROM article_versions ORDER BY 1, 2"
    b = another_machine(a, tmp_path / "b")
    replayed = crawl(b, "replay", settings=settings)
    assert replayed.code == 0, replayed.err
    assert replayed.rows(rows) == first.rows(rows)
    assert problems(b) == []
    c = crawl(tmp_path / "c", "replay", settings=settings)
    assert c.code == 0, c.err
    assert c.rows(rows) == first.rows(rows)
    assert problems(tmp_path / "c") == []
    files = "SELECT DISTINCT path FROM attachments WHERE path IS NOT NULL UNION SELECT path FROM images ORDER BY 1"
    assert c.rows(files) == first.rows(files)
