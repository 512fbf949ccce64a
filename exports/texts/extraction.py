"""The extracting process as its caller sees it: a path in, a text or a reason out."""

import json
import select
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from exports.texts import limits

_PATIENCE = limits.WALL_SECONDS + 15
"""Seconds after which the worker itself is given up."""


@dataclass(frozen=True)
class Extracted:
    """What became of one file."""

    kind: str
    """pdf, docx, …; empty where that could not be told."""
    text: str | None
    reason: str | None
    """Why there is no text, or not all of it."""


class Extractor:
    """A worker, started with the first file and again after it died. Use as a context manager."""

    def __init__(self) -> None:
        self._worker: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()

    def extract(self, path: Path) -> Extracted:
        """The text of the file, or why there is none. Never raises for what a file is."""
        if "\n" in str(path):
            return Extracted("", None, "the file's name holds a line break")
        worker = self._running()
        try:
            requests, answers = cast(IO[str], worker.stdin), cast(IO[str], worker.stdout)
            requests.write(f"{path.absolute()}\n")
            requests.flush()
            ready, _, _ = select.select([answers], [], [], _PATIENCE)
            answer: dict[str, Any] = json.loads(answers.readline() if ready else "")
            return Extracted(answer["kind"], answer["text"], answer["reason"])
        except (OSError, ValueError, KeyError):
            self._stop()
            return Extracted("", None, "the extracting process died of it")

    def _running(self) -> "subprocess.Popen[str]":
        if self._worker is None:
            command = [sys.executable, "-m", "exports.texts.worker"]
            self._worker = subprocess.Popen(  # noqa: S603  (our own module)
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
                cwd=Path(__file__).parents[2],
            )
        return self._worker

    def _stop(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        worker.kill()
        for stream in (worker.stdin, worker.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        worker.wait()
