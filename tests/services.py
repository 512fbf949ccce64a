"""Servers the tests need and start themselves, on the loopback interface, in a temporary folder.

Where a server is not installed its tests are skipped with a line saying what to install; with
ARCHIVE_REQUIRE_SERVICES=1 they fail instead.
"""

import glob
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine

from exports.database.migrate import upgrade
from exports.database.session import open_engine

_USER = "postgres"
_SECONDS_TO_START = 60


def missing(line: str) -> None:
    """A service is not there: skip with what to install, or fail where every service is required."""
    if os.environ.get("ARCHIVE_REQUIRE_SERVICES") == "1":
        pytest.fail(f"ARCHIVE_REQUIRE_SERVICES=1, but {line}", pytrace=False)
    pytest.skip(line)


def _binaries() -> Path | None:
    """The folder with initdb and postgres: on the PATH, or where Debian keeps them, newest version first."""
    on_path = shutil.which("initdb")
    installed = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: float(path.split("/")[4]))
    for initdb in ([on_path] if on_path else []) + installed[::-1]:
        folder = Path(initdb).resolve().parent
        if (folder / "postgres").exists():
            return folder
    return None


def _ordinary_user() -> str | None:
    """Whom to become: PostgreSQL refuses to run as root. None: stay who we are."""
    if os.geteuid() != 0:
        return None
    for name in (_USER, "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    missing("PostgreSQL does not run as root, and there is no user postgres or nobody")
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class PostgresServer:
    """A server of our own, running; `url` names it without a database."""

    def __init__(self, binaries: Path, folder: Path, locale: str) -> None:
        user = _ordinary_user()
        self._become: dict[str, Any] = {}
        self._folder = folder
        password = secrets.token_hex(16)
        (folder / "password").write_text(password)
        if user is not None:
            entry = pwd.getpwnam(user)
            self._become = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
            os.chown(folder, entry.pw_uid, entry.pw_gid)
            os.chown(folder / "password", entry.pw_uid, entry.pw_gid)
        create = [binaries / "initdb", "--pgdata", folder / "data", "--username", _USER, "--auth=scram-sha-256"]
        create += [f"--pwfile={folder / 'password'}", "--encoding=UTF8", f"--locale={locale}", "--no-sync"]
        subprocess.run(create, check=True, cwd=folder, stdout=subprocess.DEVNULL, **self._become)
        port = _free_port()
        self.url = f"postgresql+psycopg://{_USER}:{password}@127.0.0.1:{port}"
        options = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
        options |= {"synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "32MB"}
        self._serve = [binaries / "postgres", "-D", folder / "data"]
        self._serve += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._serve, cwd=self._folder, stdout=log, stderr=log, **self._become)
        _await(self.url, self._process, self._folder / "log")

    def stop(self) -> None:
        """End it, its connections too."""
        self._process.send_signal(signal.SIGINT)  # the "fast" shutdown
        self._process.wait(180)  # a busy machine took more than a minute once


@contextmanager
def postgres_server(locale: str = "C") -> Iterator[PostgresServer]:
    """A running server, or the test is skipped. In the locale C only ASCII is letters (to pg_trgm, for one)."""
    binaries = _binaries()
    if binaries is None:
        missing("PostgreSQL is not installed: `apt install postgresql` (or put initdb into the PATH)")
        return
    folder = Path(tempfile.mkdtemp(prefix="archive-postgres-"))
    try:
        server = PostgresServer(binaries, folder, locale)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _await(server: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            _administer(server, "SELECT 1")
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL did not start:\n{log.read_text(errors='replace')[-2000:]}", pytrace=False)
            time.sleep(0.05)


def _administer(server: str, statement: str) -> None:
    address = server.replace("+psycopg", "", 1) + "/postgres"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The SQLAlchemy URL of a PostgreSQL server of our own, without a database name; one for each worker."""
    with postgres_server() as server:
        yield server.url


@contextmanager
def fresh_database(server: str, encoding: str = "UTF8") -> Iterator[str]:
    """The URL of an empty database on the server, dropped afterwards whoever is still connected."""
    name = f"archive_{uuid.uuid4().hex}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}'")
    try:
        yield f"{server}/{name}"
    finally:
        _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """The URL of a fresh PostgreSQL database."""
    with fresh_database(postgres_url) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh database, on each of the supported systems in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/archive.db"
    return str(request.getfixturevalue("postgres_database"))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An empty archive's database, on each of the supported systems in turn."""
    engine = open_engine(database_url)
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def object_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An S3-compatible server of our own; the folder its buckets lie in. Clients find it in the environment."""
    for package in ("s3fs", "localbucket"):
        if importlib.util.find_spec(package) is None:
            missing(f"{package} is not installed: `pip install --require-hashes -r requirements-dev.lock`")
    folder, port = tmp_path_factory.mktemp("buckets"), _free_port()
    command = [sys.executable, "-m", "localbucket", str(folder), "--port", str(port)]
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    with pytest.MonkeyPatch.context() as patch, (folder / ".log").open("wb") as log:
        for name, value in (keys | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}).items():
            patch.setenv(name, value)
        with subprocess.Popen(command, stdout=log, stderr=log) as server:
            deadline = time.monotonic() + _SECONDS_TO_START
            while not _listens(port):
                assert server.poll() is None, (folder / ".log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield folder
            server.kill()


@pytest.fixture(params=["file", pytest.param("s3", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """ARCHIVE_STORE is set to a fresh store, on each of the tested systems in turn; the folder its objects lie in."""
    if request.param == "file":
        monkeypatch.setenv("ARCHIVE_STORE", f"file://{tmp_path}/share/archive")
        return tmp_path / "share/archive"
    buckets = Path(request.getfixturevalue("object_server"))
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    (buckets / name).mkdir()
    monkeypatch.setenv("ARCHIVE_STORE", f"s3://{name}/archive")
    return buckets / name / "archive"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of our own of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting a file system needs root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
