"""Parquet, WACZ, the release, the schema: read again by what people read them with."""

import gzip
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import pytest
from warcio.archiveiterator import ArchiveIterator

from exports import jsonl
from exports.cli import main
from exports.database.revision import known
from exports.database.views import VIEWS
from exports.release import CROSSWALK
from tests import storage
from tests.archive_command import read_csv, read_jsonl, refused, run
from tests.archive_fixture import ARTICLES


def test_duckdb_reads_parquet_with_its_types(archive: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    assert run("export", "--format", "parquet", "--output", str(target)).stdout.startswith("5 articles written")
    with duckdb.connect() as connection:
        types = {row[0]: row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM '{target}'").fetchall()}
        rows = connection.execute(
            f"SELECT id, title, published_on, authors[1].name, len(breadcrumb) FROM '{target}' ORDER BY id"
        ).fetchall()
    assert list(types) == [*jsonl.KEYS, "published_on"]
    assert (types["id"], types["published_on"]) == ("BIGINT", "DATE")
    assert types["first_seen_at"] == "TIMESTAMP WITH TIME ZONE"
    assert types["authors"].startswith("STRUCT(")
    assert [row[1] for row in rows] == [article["title"] for article in ARTICLES]
    assert [str(row[2]) for row in rows] == ["2023-05-04", "None", "2022-12-31", "2022-01-01", "None"]
    assert rows[0][3:] == ("王小明", 2)


def test_parquet_of_nothing_has_the_columns(archive: Path, tmp_path: Path) -> None:
    run("export", "--format", "parquet", "--text", "没有这个词", "--output", str(tmp_path / "x.parquet"))
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT count(*), max(id) FROM '{tmp_path}/x.parquet'").fetchall() == [(0, None)]


def test_a_wacz_holds_the_evidence_byte_by_byte(evidence: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.wacz"
    run("export", "--format", "wacz", "--text", "题目3", "--output", str(target))
    with zipfile.ZipFile(target) as package:
        assert {entry.compress_type for entry in package.infolist()} == {zipfile.ZIP_STORED}
        description = json.loads(package.read("datapackage.json"))
        assert (description["profile"], description["wacz_version"]) == ("data-package", "1.1.1")
        for resource in description["resources"]:
            content = package.read(resource["path"])
            assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
            assert resource["bytes"] == len(content)
        digest = json.loads(package.read("datapackage-digest.json"))
        assert digest["hash"] == f"sha256:{hashlib.sha256(package.read('datapackage.json')).hexdigest()}"
        header, page = (json.loads(line) for line in package.read("pages/pages.jsonl").decode().splitlines())
        assert header["format"] == "json-pages-1.0"
        assert (page["url"], page["title"], page["ts"][:4]) == (f"{storage.BASE}/3.html", "题目3", "2024")
        warc = package.read("archive/data.warc.gz")
        (line,) = package.read("indexes/index.cdxj").decode().splitlines()
    entry = json.loads(line.split(" ", 2)[2])
    member = warc[int(entry["offset"]) : int(entry["offset"]) + int(entry["length"])]
    assert gzip.decompress(member).startswith(b"WARC/1.1")
    record = next(iter(ArchiveIterator(io.BytesIO(warc))))
    assert record.rec_headers["WARC-Target-URI"] == page["url"]
    assert record.content_stream().read() == b"<p>3 {}</p>"
    assert any(member in path.read_bytes() for path in (evidence / "warc").glob("*.warc.gz"))


def test_a_revisit_brings_what_it_refers_to(evidence: Path, tmp_path: Path) -> None:
    run("export", "--format", "wacz", "--output", str(tmp_path / "a.wacz"))
    run("export", "--format", "wacz", "--output", str(tmp_path / "b.wacz"))
    assert (tmp_path / "a.wacz").read_bytes() == (tmp_path / "b.wacz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.wacz") as package:
        lines = package.read("indexes/index.cdxj").decode().splitlines()
        records = list(ArchiveIterator(io.BytesIO(package.read("archive/data.warc.gz"))))
    assert lines == sorted(lines)
    assert len(lines) == len(records)
    origins = {record.rec_headers["WARC-Record-ID"] for record in records}
    revisits = [record.rec_headers["WARC-Refers-To"] for record in records if record.rec_type == "revisit"]
    assert set(revisits) <= origins


def test_damaged_evidence_leaves_no_wacz(evidence: Path, tmp_path: Path) -> None:
    (warc, *_) = (evidence / "warc").glob("*.warc.gz")
    warc.write_bytes(warc.read_bytes()[:200])
    assert "evidence" in refused("export", "--format", "wacz", "--output", str(tmp_path / "x.wacz"), exit_code=5)
    assert not (tmp_path / "x.wacz").exists()


def test_a_release_is_complete_and_the_same_twice(archive: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "r1", tmp_path / "r2"
    printed = run("release", str(first)).stdout
    run("release", str(second))
    files = {path.name: path.read_bytes() for path in first.iterdir()}
    assert files == {path.name: path.read_bytes() for path in second.iterdir()}
    sums = dict(reversed(line.split("  ")) for line in files["SHA256SUMS"].decode().splitlines())
    assert sums == {name: hashlib.sha256(files[name]).hexdigest() for name in files if name != "SHA256SUMS"}
    assert sums["articles.jsonl"] in printed
    package = json.loads(files["datapackage.json"])
    for resource in package["resources"]:
        assert resource["hash"] == f"sha256:{sums[resource['path']]}"
        assert resource["bytes"] == len(files[resource["path"]])
    # to frictionless a parquet file is a table unless it is told otherwise, and it cannot read lists in one
    typed = {resource["path"]: resource["type"] for resource in package["resources"] if "type" in resource}
    assert typed == {"articles.parquet": "file"}
    (table,) = [resource for resource in package["resources"] if resource["path"] == "articles.csv"]
    rows = read_csv(files["articles.csv"].decode())
    assert [field["name"] for field in table["schema"]["fields"]] == list(rows[0])
    assert [field["name"] for field in table["schema"]["fields"] if not field["description"]] == [
        *("site_id", "column_id", "column_name"),
    ]
    assert len(rows) == len(files["articles.jsonl"].splitlines()) == len(ARTICLES)
    crate = {entity["@id"]: entity for entity in json.loads(files["ro-crate-metadata.json"])["@graph"]}
    assert crate["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    for part in crate["./"]["hasPart"]:
        assert crate[part["@id"]]["sha256"] == hashlib.sha256(files[part["@id"]]).hexdigest()
    assert {row[0] for row in CROSSWALK} <= set(rows[0])
    assert len(read_csv(files["crosswalk.csv"].decode())) == len(CROSSWALK)


def test_a_release_into_a_filled_folder_is_refused(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r/x").write_text("mine")
    assert "not empty" in refused("release", str(tmp_path / "r"))
    assert [path.name for path in (tmp_path / "r").iterdir()] == ["x"]


def test_the_schema_is_the_models(archive: Path) -> None:
    from exports.database.models import Base

    rows = read_jsonl(run("schema", "--format", "jsonl").stdout)
    described = {(row["table"], row["name"]) for row in rows}
    of_views = {(name, column) for name, view in VIEWS.items() for column in view.columns}
    of_tables = {(table.name, column.name) for table in Base.metadata.sorted_tables for column in table.columns}
    assert described == of_tables | of_views
    meanings = {(row["table"], row["name"]): row["meaning"] for row in rows}
    assert "never a guess" in str(meanings["articles", "published_at"])
    assert "Hex digest" in str(meanings["attachments", "sha256"])
    assert "live or withdrawn" in run("schema", "articles").stdout
    assert "articles" in refused("schema", "nonsense")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    script = run("completion", shell).stdout
    assert "_ARCHIVE_COMPLETE" in script
    assert "archive" in script


def test_a_shell_completes_commands() -> None:
    code = "from exports.cli import main; main(prog_name='archive')"
    environment = {"_ARCHIVE_COMPLETE": "bash_complete", "COMP_WORDS": "archive se", "COMP_CWORD": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert [line.partition(",")[2] for line in done.stdout.split()] == ["search", "serve"]


@pytest.mark.slow
def test_a_search_loads_no_library_it_does_not_need(archive: Path) -> None:
    code = "import sys; from exports.cli import main\ntry: main(['search', '深入'])\nexcept SystemExit: pass\n"
    code += "print([name for name in ('alembic', 'pyarrow', 'scrapy', 'lxml', 'warcio', 'psycopg', 'uvicorn') "
    code += "if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["2 of 2 shown", "[]"]


def test_every_command_loads() -> None:
    assert [name for name in main.commands if main.commands[name].name != name] == []


def test_migrations_are_named_by_their_revision() -> None:
    from alembic.script import ScriptDirectory

    from exports.database.migrate import _config

    scripts = ScriptDirectory.from_config(_config())
    assert [script.revision for script in scripts.walk_revisions()] == known()[::-1]


def test_every_command_has_formats(archive: Path) -> None:
    silent = {name for name in main.commands if "form" not in {option.name for option in main.commands[name].params}}
    assert silent == {"completion", "serve"}  # a script, and pages
    (shown,) = read_jsonl(run("show", "1", "--format", "jsonl").stdout)
    assert (shown["id"], shown["version"]) == (1, 2)
    rows = read_csv(run("diff", "1", "--format", "csv").stdout)
    assert [row["field"] for row in rows] == ["title", "source", "body_text"]
    assert run("diff", "2", "--format", "jsonl").stdout == ""
    assert "--raw" in refused("show", "1", "--raw", "--format", "csv")


def test_verify_for_programs(evidence: Path) -> None:
    assert run("verify", "--format", "jsonl").stdout == ""
    next((evidence / "jsonl").glob("*/*.jsonl")).unlink()
    rows = read_jsonl(run("verify", "--format", "jsonl", exit_code=1).stdout)
    assert rows
    assert all(row["where"] and row["what"] for row in rows)
