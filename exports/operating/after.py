"""What follows a crawl: reports, alerts, metrics, the search index. Nothing here may spoil the crawl's own result."""

import logging
from collections.abc import Sequence

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from exports import lock
from exports.config import Config
from exports.errors import ArchiveError
from exports.index import maintain
from exports.operating import metrics, report, rules
from exports.operating.channels import channels
from exports.operating.facts import gather
from exports.operating.outbox import Outbox, now
from exports.operating.settings import Settings

log = logging.getLogger(__name__)


def crawl(config: Config, settings: Settings, engine: Engine, runs: Sequence[int], failed: Exception | None) -> None:
    """Report on the finished runs, send what is worth an alert and what waits from before, write the metrics.

    Last, an index that the archive has outgrown is made anew: the first search after a first crawl shall be quick.
    """
    outbox = Outbox(config.directory, channels(settings))
    try:
        if failed is not None:
            outbox.put([rules.Alert("storage", str(failed))])
        else:
            with Session(engine) as session:
                for run_id in runs:
                    facts = gather(session, run_id)
                    alerts = list(rules.of_run(facts, settings))
                    report.write(config.directory, facts, alerts)
                    outbox.put(alerts)
            outbox.put_standing(("storage",), [], now())
        outbox.put_standing(("disk",), rules.of_disk(config.directory, settings), now())
        if settings.metrics_file and failed is None:
            metrics.write(config, settings.metrics_file)
    except (OSError, SQLAlchemyError, ArchiveError) as error:
        log.error("report and alerts of this crawl: %s", " ".join(str(error).split()))
    try:
        for trouble in outbox.deliver():
            log.error("%s", trouble)
    except (OSError, ValueError) as error:
        log.error("alerts: %s", " ".join(str(error).split()))
    if failed is None:
        _renew_index(config, engine)


def _renew_index(config: Config, engine: Engine) -> None:
    try:
        # it may take minutes, which those who wait to write would not wait: then the next start does it
        outgrown = engine.dialect.name == "sqlite" and not maintain.is_current(engine)
        if outgrown and not lock.crawling(config.directory):
            maintain.ensure(engine)
    except (OSError, SQLAlchemyError, ArchiveError) as error:
        log.error("the full-text index was not made anew: %s", " ".join(str(error).split()))


def storage_failed(config: Config, settings: Settings, error: Exception) -> None:
    """Tell that the archive cannot even be opened: by the outbox, or at once where not even that can be written."""
    alert = rules.Alert("storage", str(error))
    outbox = Outbox(config.directory, channels(settings))
    try:
        outbox.put_standing(("storage",), [alert], now())
        troubles = outbox.deliver()
    except (OSError, ValueError):
        troubles = outbox.send(alert)
    for trouble in troubles:
        log.error("%s", trouble)


def check(config: Config, settings: Settings, session: Session) -> tuple[list[rules.Alert], list[str]]:
    """Between crawls: alerts for what is overdue and for the disk; then send what waits.

    Returns what is wrong now, and a line for each channel that failed.
    """
    outbox = Outbox(config.directory, channels(settings))
    alerts = [*rules.of_time(session, settings, now()), *rules.of_disk(config.directory, settings)]
    outbox.put_standing(("overdue", "disk"), alerts, now())
    return alerts, outbox.deliver()
