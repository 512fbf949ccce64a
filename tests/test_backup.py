"""`archive backup`: a copy taken at any moment is a good archive, and a crawl goes on from it."""

import threading
import time
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from exports.backup import _copy_committed
from exports.database.session import open_engine
from exports.store.places import Places
from tests import storage
from tests.archive_command import refused, run
from tests.crawling import Crawl, crawl
from tests.replica import Replica


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_a_backup_is_an_archive(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("postgres_database") if database == "postgresql" else None
    source, copy = tmp_path / "a", tmp_path / "b"
    storage.filled(source, url)
    options = ["-s", f"ARCHIVE_DIR={source}", *(["-s", f"ARCHIVE_DATABASE_URL={url}"] if url else [])]
    assert "verified: no problem" in run(*options, "backup", str(copy)).stdout
    assert storage.problems(copy) == []
    assert [path.name for path in (copy / "manifests").iterdir()] == ["00000001.json"]
    assert sorted(storage.version_lines(copy)) == sorted(storage.version_lines(source, url))
    assert sorted(storage.lines(copy)) == sorted(storage.lines(source))
    storage.filled(copy, count=9)  # it is written on as any archive
    assert storage.problems(copy) == []


def test_where_a_backup_may_lie(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert "inside the archive" in refused("backup", str(archive / "copy"))
    full = tmp_path_factory.mktemp("full")
    (full / "x").touch()
    assert "not an empty folder" in refused("backup", str(full))
    assert "cannot write" in refused("backup", "/proc/none/x", exit_code=5)


def test_missing_evidence_is_no_backup(tmp_path: Path) -> None:
    storage.filled(tmp_path / "a")
    (warc,) = (tmp_path / "a/warc").glob("*.warc.gz")
    warc.write_bytes(warc.read_bytes()[:-10])
    assert "archive verify" in refused("-s", f"ARCHIVE_DIR={tmp_path}/a", "backup", str(tmp_path / "b"), exit_code=5)


@pytest.mark.slow
def test_lines_written_again_meanwhile_are_made_from_the_copy(tmp_path: Path) -> None:
    storage.filled(tmp_path / "a")
    run("-s", f"ARCHIVE_DIR={tmp_path}/a", "backup", str(tmp_path / "b"))
    from exports.database.models import Segment

    (lines,) = (tmp_path / "a/jsonl").glob("*/*.jsonl")
    segment = Segment(
        path=lines.relative_to(tmp_path / "a").as_posix(), size=lines.stat().st_size, crc32=1, closed=False
    )
    engine = open_engine(storage.config(tmp_path / "a").database_url, read_only=True)
    with Session(engine) as session:
        assert not _copy_committed(session, Places(storage.config(tmp_path / "a")), tmp_path / "c", segment)
    engine.dispose()


@pytest.mark.slow
def test_a_backup_during_a_crawl_restores(tmp_path: Path) -> None:
    source = tmp_path / "a"
    with Replica(articles=120, seed=5) as site:
        crawling = threading.Thread(target=crawl, args=(source,), kwargs={"base_url": site.base_url})
        crawling.start()
        taken = 0
        while crawling.is_alive():
            if (source / "archive.db").exists() and list(source.glob("jsonl/*/*.jsonl")):
                run("-s", f"ARCHIVE_DIR={source}", "backup", str(tmp_path / f"b{taken}"))
                taken += 1
            time.sleep(0.2)
        crawling.join()
        assert taken
        last = tmp_path / f"b{taken // 2}"
        assert storage.problems(last) == []
        done = crawl(last, base_url=site.base_url)
    assert done.code == 0, done.err
    assert storage.problems(last) == []
    versions = "SELECT url, version, content_hash FROM article_versions ORDER BY url, version"
    assert done.rows(versions) == Crawl(0, "", "", source).rows(versions)
