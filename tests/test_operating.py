"""Reports, alerts and metrics: what is worth an alert, that it arrives, that it is not lost, that no secret shows."""

import json
import os
import socketserver
import stat
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from exports.errors import ConfigError, StorageError
from exports.operating import rules
from exports.operating.channels import Channel, ChannelFailed, body, channels
from exports.operating.facts import FIELDS, gather
from exports.operating.outbox import Outbox
from exports.operating.report import _blocks
from exports.operating.rules import Alert
from exports.operating.settings import Settings
from tests import storage
from tests.archive_command import refused, run


@contextmanager
def hook(answer: bytes = b'{"errcode": 0}', status: int = 200) -> Iterator[tuple[str, list[Any]]]:
    """A webhook on loopback: its address, and what was posted to it."""
    posted: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/send?key=SECRET", posted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Smtp(socketserver.StreamRequestHandler):
    """Enough of a mail server."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        data = False
        for line in self.rfile:
            if data:
                self.server.lines.append(line.decode().rstrip())  # type: ignore[attr-defined]
                if line == b".\r\n":
                    data = False
                    self.wfile.write(b"250 taken\r\n")
                continue
            word = line[:4].upper()
            data = word == b"DATA"
            self.wfile.write(b"354 go\r\n" if data else b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return


def settings(**given: str) -> Settings:
    return Settings.from_settings({f"ARCHIVE_ALERT_{name}": value for name, value in given.items()})


BLOCK = Alert("block", "10 entries blocked", "zhuanti", "重要专题", 7)


@pytest.mark.parametrize("shape", ["json", "wecom", "dingtalk", "slack"])
@pytest.mark.slow
def test_webhooks_take_their_shape(shape: str) -> None:
    with hook() as (url, posted):
        (channel,) = channels(
            settings(WEBHOOK=f"{shape}+{url}&secret=SEC1" if shape == "dingtalk" else f"{shape}+{url}")
        )
        channel.send(BLOCK)
    ((path, sent),) = posted
    told = {
        "json": lambda: sent["text"] + sent["subject"],
        "wecom": lambda: sent["text"]["content"],
        "dingtalk": lambda: sent["text"]["content"],
        "slack": lambda: sent["text"],
    }[shape]()
    assert "重要专题 (zhuanti)" in told
    assert "10 entries blocked" in told
    assert "key=SECRET" in path
    assert ("sign=" in path) == (shape == "dingtalk")
    assert "SEC1" not in path
    assert "SECRET" not in channel.name


def test_a_refusal_in_an_answer_of_200_is_noticed() -> None:
    with hook(b'{"errcode": 93000, "errmsg": "invalid webhook url"}') as (url, _):
        (channel,) = channels(settings(WEBHOOK=f"wecom+{url}"))
        with pytest.raises(ChannelFailed, match="93000"):
            channel.send(BLOCK)


def test_mail_arrives() -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Smtp) as server:
        server.lines = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        where = f"smtp://127.0.0.1:{server.server_address[1]}"
        (channel,) = channels(settings(MAIL="ops@example.test, boss@example.test", SMTP=where))
        channel.send(BLOCK)
        server.shutdown()
        lines = server.lines  # type: ignore[attr-defined]
    assert "To: ops@example.test, boss@example.test" in lines
    assert any(line.startswith("Subject:") and "utf-8" in line for line in lines)


def test_a_command_gets_the_message(tmp_path: Path) -> None:
    script = tmp_path / "tell"
    script.write_text(f'#!/bin/sh\n[ "$1" = "两 个" ] && cat > {tmp_path}/told\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    channels(settings(COMMAND=f"{script} '两 个'"))[0].send(BLOCK)
    assert "10 entries blocked" in (tmp_path / "told").read_text()
    with pytest.raises(ChannelFailed, match="ended with 1"):
        channels(settings(COMMAND=f"{script} other"))[0].send(BLOCK)
    with pytest.raises(ChannelFailed):
        channels(settings(COMMAND=str(tmp_path / "none")))[0].send(BLOCK)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MAIL", "nobody", "'nobody'"),
        ("SMTP", "http://user:SECRET@host", "smtp://"),
        ("WEBHOOK", "ftp://host/?key=SECRET", "https://"),
        ("WEBHOOK", "teams+https://host/?key=SECRET", "wecom+"),
        ("COMMAND", "tell 'SECRET", "COMMAND"),
        ("DISK", "much", "'much'"),
    ],
)
def test_a_bad_setting_is_named_without_its_secret(name: str, value: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(**{name: value})
    assert says in str(caught.value)
    assert f"ARCHIVE_ALERT_{name}" in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_an_alert_that_fails_waits_for_the_next_run(tmp_path: Path) -> None:
    taken: list[Alert] = []
    works = False

    def send(alert: Alert) -> None:
        if not works:
            raise ChannelFailed("no network")
        taken.append(alert)

    heard: list[Alert] = []
    outbox = Outbox(tmp_path, [Channel("far", send), Channel("near", heard.append)])
    outbox.put([BLOCK, Alert("ledger", "1 failed")])
    assert outbox.deliver() == ["alert not sent by far, kept for the next run: no network"]
    assert (len(heard), outbox.waiting()) == (2, 2)
    works = True
    assert outbox.deliver() == []
    assert [alert.event for alert in taken] == [alert.event for alert in heard] == ["block", "ledger"]
    assert taken[0] == BLOCK
    assert outbox.waiting() == 0


def test_what_stands_is_said_once_a_day(tmp_path: Path) -> None:
    heard: list[Alert] = []
    outbox = Outbox(tmp_path, [Channel("near", heard.append)])
    now = datetime(2026, 11, 29, tzinfo=UTC)
    full = Alert("disk", "1 MiB free")
    for hours, alerts in ((0, [full]), (1, [full]), (25, [full]), (26, []), (27, [full])):
        outbox.put_standing(["disk"], alerts, now + timedelta(hours=hours))
        outbox.put_standing(["overdue"], [], now + timedelta(hours=hours))  # says nothing of the disk
        outbox.deliver()
    assert len(heard) == 3


def _change(archive: Path, *statements: str) -> None:
    engine = create_engine(f"sqlite:///{archive}/archive.db", poolclass=NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def _events(archive: Path, run_id: int) -> list[str]:
    engine = create_engine(f"sqlite:///{archive}/archive.db", poolclass=NullPool)
    with Session(engine) as session:
        found = [alert.event for alert in rules.of_run(gather(session, run_id), settings())]
    engine.dispose()
    return found


def test_the_events_of_a_run(archive: Path) -> None:
    assert _events(archive, 3) == []
    _change(archive, "UPDATE runs SET exit_code = 3, reason = '2 failed' WHERE id = 3")
    assert _events(archive, 3) == ["ledger"]
    _change(archive, "UPDATE runs SET exit_code = 4, reason = 'blocked' WHERE id = 3")
    assert _events(archive, 3) == ["block"]
    _change(
        archive,
        "UPDATE runs SET exit_code = 0 WHERE id = 3",
        "UPDATE listings SET first_run_id = 3, outcome = 'failed', article_id = NULL WHERE column_id = 'zhuanti'",
    )
    assert _events(archive, 3) == ["nothing-new"]


@pytest.mark.slow
def test_a_field_that_goes_missing_is_noticed(tmp_path: Path) -> None:
    storage.filled(tmp_path, count=12)

    async def redesigned(archive: Any, run_id: int) -> None:
        for number in range(100, 112):
            await storage.add(archive, run_id, number, author="", authors=[], byline="")
        await archive.finish_run(run_id, exit_code=0)

    storage.with_archive(tmp_path, None, redesigned)
    assert _events(tmp_path, 2) == ["coverage-drop", "coverage-drop"]
    assert {"author", "byline"} < set(FIELDS)
    report = (tmp_path / "reports/run-2.md").read_text(encoding="utf-8")
    assert "| author | 0% | 100% |" in report
    assert "coverage-drop" in report
    assert "<td>coverage-drop</td>" in (tmp_path / "reports/run-2.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_crawl_reports_alerts_and_measures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def failing(archive: Any, run_id: int) -> None:
        await archive.fail(
            run_id,
            "http://h/<b>|",
            kind="listing",
            outcome="failed",
            reason="HTTP 500\x1b[31m",
            attempts=3,
            capture_id=None,
        )
        await archive.finish_run(run_id, exit_code=3, reason="1 failed")

    monkeypatch.setenv("ARCHIVE_METRICS_FILE", str(tmp_path / "metrics/archive.prom"))
    with hook(status=503) as (url, posted):
        monkeypatch.setenv("ARCHIVE_ALERT_WEBHOOK", url)
        storage.with_archive(tmp_path, None, failing)
        assert len(posted) == 1
    with hook() as (url, posted):  # a webhook elsewhere now: what waited for the old one alone is nobody's
        monkeypatch.setenv("ARCHIVE_ALERT_WEBHOOK", url)
        storage.with_archive(tmp_path, None, failing)
    ((_, sent),) = posted
    assert (sent["event"], sent["column_id"], sent["run_id"]) == ("ledger", "c", 2)
    page = (tmp_path / "reports/run-1.html").read_text(encoding="utf-8")
    assert "http://h/&lt;b&gt;|" in page
    assert "\x1b" not in page
    assert "http://h/<b>\\|" in (tmp_path / "reports/run-1.md").read_text(encoding="utf-8")
    assert 'archive_run_exit_code{column="c"} 3.0' in (tmp_path / "metrics/archive.prom").read_text()


def test_an_archive_that_cannot_be_opened_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hook() as (url, posted):
        monkeypatch.setenv("ARCHIVE_ALERT_WEBHOOK", url)
        with pytest.raises(StorageError):
            storage.open_archive(tmp_path, "postgresql://u:SECRET@127.0.0.1:1/x")
    ((_, sent),) = posted
    assert sent["event"] == "storage"
    assert "127.0.0.1" in sent["text"]
    assert "SECRET" not in sent["text"]
    with hook() as (url, posted):  # not even a folder to write in
        monkeypatch.setenv("ARCHIVE_ALERT_WEBHOOK", url)
        (tmp_path / "file").touch()
        with pytest.raises(StorageError):
            storage.open_archive(tmp_path / "file" / "archive")
    assert posted[0][1]["event"] == "storage"


def test_trying_the_channels(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "ARCHIVE_ALERT_WEBHOOK" in refused("alert", "--test")
    with hook() as (url, posted):
        monkeypatch.setenv("ARCHIVE_ALERT_WEBHOOK", url)
        out = run("alert", "--test").stdout
        assert {sent["event"] for _, sent in posted} == set(rules.EVENTS)
        assert "SECRET" not in out
        run("alert", "--test", "--event", "disk")
        assert posted[-1][1]["event"] == "disk"
    line = refused("alert", "--test", exit_code=5)
    assert "webhook json 127.0.0.1" in line
    assert "SECRET" not in line


def test_between_crawls(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHIVE_ALERT_DISK", "0")
    said = run("alert").stdout.splitlines()  # the runs of the fixture are of 2024
    assert any("(zhuanti) a column has not been crawled" in line for line in said)
    assert any("no run has finished yet" in line for line in said)
    monkeypatch.setenv("ARCHIVE_ALERT_OVERDUE", "0")
    assert run("alert").stdout == "nothing is overdue, the disk has room\n"
    monkeypatch.setenv("ARCHIVE_ALERT_DISK", "1e12")
    assert "MiB are free" in run("alert").stdout


def test_the_ledger_of_a_report_is_in_the_usual_order() -> None:
    now, at = {"attachment": 1, "excluded": 2, "unchanged": 3}, datetime(2026, 11, 30, tzinfo=UTC)
    run = {
        "id": 2,
        "column_name": "重要专题",
        "column_id": "zhuanti",
        "spider": "columns",
        "exit_code": 0,
        "reason": "",
    }
    run |= {"started_at": at, "finished_at": at, "requests": 1, "bytes": 1, "ledger": now}
    facts: Any = SimpleNamespace(run=SimpleNamespace(**run), previous=SimpleNamespace(id=1, ledger={"archived": 3}))
    facts.seconds, facts.listed, facts.new, facts.new_archived, facts.failures = 1, 6, 0, 0, []
    facts.now = SimpleNamespace(versions=0)
    (table,) = [block for block in _blocks(facts, []) if not isinstance(block, str)]
    assert [row[0] for row in table] == ["outcome", "archived", "unchanged", "attachment", "excluded"]


def test_a_message_for_people_has_beijing_time() -> None:
    assert "at 2026-11-30 01:30:00 (Asia/Shanghai)" in body(Alert("disk", "full", at="2026-11-29T17:30:00+00:00"))


def test_metrics(archive: Path, tmp_path: Path) -> None:
    said = run("metrics").stdout
    assert 'archive_articles{column="zhuanti"} 4.0' in said
    assert 'archive_ledger_entries{column="zhuanti",outcome="archived"} 3.0' in said
    assert 'archive_failures{column="other"} 1.0' in said
    assert 'archive_failures{column="zhuanti"} 0.0' in said  # absent is not none
    run("metrics", "--output", str(tmp_path / "x.prom"))
    assert "archive_disk_free_bytes" in (tmp_path / "x.prom").read_text()
    assert "--serve" in refused("metrics", "--output", "x", "--serve", "9999")
    dashboard = json.loads((Path(__file__).parent.parent / "contrib/grafana.json").read_text(encoding="utf-8"))
    asked = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    known = {line.split()[2] for line in said.splitlines() if line.startswith("# TYPE")}
    assert {word for word in known if word in asked} == known  # the dashboard shows every metric there is


def test_metrics_are_served(archive: Path) -> None:
    from prometheus_client import start_http_server

    from exports.config import Config
    from exports.operating import metrics

    config = Config.from_settings({"ARCHIVE_DIR": str(archive)})
    server, thread = start_http_server(0, addr="127.0.0.1", registry=metrics.registry(config))
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics", timeout=10) as answer:
            assert b"archive_evidence_bytes" in answer.read()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert os.environ["ARCHIVE_DIR"] == str(archive)
