"""archive alert, metrics, backup: what operators schedule."""

import sys
import time
from pathlib import Path

import click

from exports import terminal
from exports.commands import common
from exports.config import Config
from exports.errors import StorageError
from exports.operating.settings import EVENTS, Settings


@click.command("alert")
@click.option("--test", is_flag=True, help="Send a made-up alert by every channel, now.")
@click.option(
    "--event", type=click.Choice(list(EVENTS)), multiple=True, help="With --test: of this kind. [default: all]"
)
@common.format_option("table", "jsonl")
@common.setting_option
def alert_command(test: bool, event: tuple[str, ...], form: str) -> None:
    """Alert where a column is overdue or the disk nearly full, and send the alerts that wait.

    Crawls send their own; this is for a timer beside them. Channels are set by ARCHIVE_ALERT_MAIL (and _SMTP),
    ARCHIVE_ALERT_WEBHOOK and ARCHIVE_ALERT_COMMAND.

    \b
    Example: archive alert --test --event block
    """
    from exports.operating import after

    config = common.configuration()
    settings = Settings.from_settings(click.get_current_context().obj)
    if event and not test:
        raise click.UsageError("--event says what --test sends: it needs --test")
    if test:
        _try_channels(settings, event or tuple(EVENTS), form)
        return
    with common.reading(config) as session:
        alerts, troubles = after.check(config, settings, session)
    for found in alerts:
        common.tell(form, f"{found.subject}: {found.text}", **vars(found))
    if not alerts and form == "table":
        terminal.print_line("nothing is overdue, the disk has room")
    if troubles:
        raise StorageError("; ".join(troubles))


def _try_channels(settings: Settings, events: tuple[str, ...], form: str) -> None:
    from exports.operating.channels import ChannelFailed, channels
    from exports.operating.rules import Alert

    found = channels(settings)
    if not found:
        raise click.UsageError(
            "no channel is set: ARCHIVE_ALERT_MAIL, ARCHIVE_ALERT_WEBHOOK or ARCHIVE_ALERT_COMMAND is needed"
        )
    failed = []
    for channel in found:
        try:
            for name in events:
                channel.send(Alert(name, f"this is a test: {EVENTS[name]}", "test", "试验"))
            common.tell(form, f"{channel.name}: {len(events)} sent", channel=channel.name, sent=len(events))
        except ChannelFailed as error:
            failed.append(f"{channel.name}: {error}")
    if failed:
        raise StorageError("not sent by " + "; ".join(failed))


@click.command("metrics")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write them to this file.")
@click.option(
    "--serve", "port", type=click.IntRange(1, 65535), metavar="PORT", help="Serve them on 127.0.0.1 until Ctrl-C."
)
@common.format_option("text", "jsonl")
@common.setting_option
def metrics_command(output: Path | None, port: int | None, form: str) -> None:
    """Print the state of the archive in Prometheus's text format, or as one JSON object a sample.

    \b
    Example: archive metrics --serve 9464
    """
    from exports.operating import metrics

    config = common.configuration()
    if output is not None and port is not None:
        raise click.UsageError("--output and --serve: one of them is allowed")
    if form == "jsonl" and (output is not None or port is not None):
        raise click.UsageError(
            "--format jsonl is printed: --output and --serve, which are for Prometheus, are not allowed"
        )
    with common.reading(config):
        pass  # refuses a missing or old archive before anything is served
    if port is not None:
        _serve(config, port)
    elif output is not None:
        try:
            metrics.write(config, output)
        except OSError as error:
            raise StorageError(f"cannot write {str(output)!r}: {error.strerror}") from None
    elif form == "jsonl":
        common.write_rows(form, metrics.samples(config))
    else:
        sys.stdout.buffer.write(metrics.text(config))


def _serve(config: Config, port: int) -> None:
    from prometheus_client import start_http_server

    from exports.operating import metrics

    try:
        server, thread = start_http_server(port, addr="127.0.0.1", registry=metrics.registry(config))
    except OSError as error:
        raise StorageError(f"cannot serve on 127.0.0.1:{port}: {error.strerror}") from None
    terminal.print_line(f"http://127.0.0.1:{port}/metrics")
    sys.stdout.flush()
    try:
        while thread.is_alive():
            time.sleep(1)
    except KeyboardInterrupt:
        server.shutdown()


@click.command("backup")
@click.argument("folder", type=click.Path(path_type=Path))
@common.format_option("table", "jsonl")
@common.setting_option
def backup_command(folder: Path, form: str) -> None:
    """Copy the whole archive into a new FOLDER, also while a crawl runs, and verify the copy.

    The copy is an archive itself: to restore, put the folder where ARCHIVE_DIR points (and, for PostgreSQL, run
    `archive migrate --to` from it).

    \b
    Example: archive backup /media/backup/2026-11-29
    """
    from exports.backup import backup

    done = backup(common.configuration(), folder)
    line = f"{done.rows} rows and {done.files} files ({done.bytes / 2**20:.1f} MiB) copied to {folder}"
    common.tell(form, line, folder=str(folder), **vars(done))
    if done.problems:
        for problem in done.problems if form == "table" else ():
            terminal.print_line(problem)
        raise StorageError(f"the copy has {len(done.problems)} problems: run `archive verify` on the archive itself")
    if form == "table":
        terminal.print_line("verified: no problem")
