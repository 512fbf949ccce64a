"""Alerts on their way: a file each in ARCHIVE_DIR/alerts until every channel has taken it."""

import fcntl
import json
import logging
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from exports import disk
from exports.operating.channels import Channel, ChannelFailed
from exports.operating.rules import Alert

log = logging.getLogger(__name__)

REPEATED = timedelta(hours=24)
"""What stands (a full disk, an overdue column) is said again after so long."""


class Outbox:
    """The alerts of one archive."""

    def __init__(self, directory: Path, channels: list[Channel]) -> None:
        self._folder = directory / "alerts"
        self._channels = channels

    def put(self, alerts: Iterable[Alert]) -> None:
        """Keep the alerts until they are delivered; without a channel there is nobody to tell."""
        if not self._channels:
            return
        for alert in alerts:
            left = [channel.name for channel in self._channels]
            self._write(self._folder / f"{alert.at.replace(':', '')}-{alert.event}-{uuid4().hex[:8]}.json", alert, left)

    def put_standing(self, events: Collection[str], alerts: Iterable[Alert], now: datetime) -> None:
        """As put, for what may stand for days: each is kept once, and again after a day.

        `events` were looked at: those of them that are not among the alerts no longer stand.
        """
        if not self._channels:
            return
        path = self._folder / "standing.dat"
        said = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        fresh = {key: last for key, last in said.items() if key.partition(" ")[0] not in events}
        for alert in alerts:
            key = f"{alert.event} {alert.column_id}"
            last = said.get(key)
            if last is None or now - datetime.fromisoformat(last) >= REPEATED:
                self.put([alert])
                last = now.isoformat()
            fresh[key] = last
        if fresh != said:
            with disk.replacing(path, path.with_suffix(".tmp")) as file:
                file.write(json.dumps(fresh).encode())

    def deliver(self) -> list[str]:
        """Send what waits; returns a line for each channel that failed. What failed waits for the next time."""
        trouble: dict[str, str] = {}
        with self._alone() as free:
            if not free:
                return []
            for path in sorted(self._folder.glob("*.json")):
                alert, left = self._read(path)
                for channel in self._channels:
                    if channel.name not in left or channel.name in trouble:
                        continue
                    try:
                        channel.send(alert)
                        left.remove(channel.name)
                    except ChannelFailed as error:
                        trouble[channel.name] = f"alert not sent by {channel.name}, kept for the next run: {error}"
                left = [name for name in left if name in {channel.name for channel in self._channels}]
                if left:
                    self._write(path, alert, left)
                else:
                    path.unlink()
        return list(trouble.values())

    def send(self, alert: Alert) -> list[str]:
        """Send one alert now, keeping nothing; returns a line for each channel that failed."""
        troubles = []
        for channel in self._channels:
            try:
                channel.send(alert)
            except ChannelFailed as error:
                troubles.append(f"alert not sent by {channel.name}: {error}")
        return troubles

    def waiting(self) -> int:
        """How many alerts wait."""
        return len(list(self._folder.glob("*.json")))

    def _write(self, path: Path, alert: Alert, left: list[str]) -> None:
        with disk.replacing(path, path.with_suffix(f".{os.getpid()}.tmp")) as file:
            file.write(json.dumps({"alert": asdict(alert), "left": left}, ensure_ascii=False).encode())

    def _read(self, path: Path) -> tuple[Alert, list[str]]:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Alert(**kept["alert"]), kept["left"]

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether no other process is sending; two would send everything twice."""
        if not self._folder.is_dir():
            yield False
            return
        with (self._folder / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            yield True


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)
