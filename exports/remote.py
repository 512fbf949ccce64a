"""The archive in a process of its own, as the crawl sees it.

Storing an article costs about as much processor time as fetching and reading it, and one Python process uses one core:
so the crawl's calls travel to a second process (remote_process.py), which holds the Archive. Over the wire goes what
`pickle` takes: (number, method, arguments) there, lists of pickled (number, result, error) back. Whichever dies,
the other one ends: the crawl with a StorageError, the archive's process by SIGKILL, as if both had been one.
"""

import asyncio
import fcntl
import json
import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from exports.config import Config
from exports.errors import StorageError

ROOT = Path(__file__).parents[1]
PROCESS = "exports.remote_process"
"""The module whose main() the process runs; it is given the number of this process and of its two pipes."""
PIPE = 1 << 20
"""Bytes that may be under way to the process; Linux gives 65,536 unasked, less than one large page."""
WAITED_FOR = frozenset({"lock", "kept_page", "extract_texts", "close", "rebuilding.is_needed"})
"""The methods of Archive that are no coroutines."""
PARTS = ("watching", "rebuilding", "replaying", "checking")
"""Objects of Archive that have methods of their own."""


class RemoteArchive:
    """Has the methods of exports.archive.Archive, and does what they do."""

    def __init__(self, settings: Mapping[str, Any], *, user_agent: str) -> None:
        """Raises ConfigError, SchemaError or StorageError, each with one line for people."""
        self._settings = {name: settings.get(name) for name in settings if str(name).startswith("ARCHIVE_")}
        self.config = Config.from_settings(self._settings)
        self._sent = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._arrived: dict[int, tuple[Any, Exception | None]] = {}
        """Answers to calls that are waited for without a loop."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: StorageError | None = None
        for part in PARTS:
            setattr(self, part, _Part(self, part))
        self._start()
        try:
            self._wait("open", self._settings, user_agent=user_agent)
        except Exception:
            self._finish()
            raise

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._method(name)

    def close(self) -> Exception | None:
        """As Archive.close(); the process is gone afterwards."""
        try:
            failed: Exception | None = self._wait("close")
        except StorageError as error:  # it is gone already, and could not tell anybody
            failed = error
            self._tell(error)
        self._finish()
        return failed

    # --- inside ---------------------------------------------------------------------------------------

    def _start(self) -> None:
        theirs, ours = os.pipe(), os.pipe()
        path = json.dumps(str(ROOT))
        code = f"import gc, sys; gc.disable(); sys.path.insert(0, {path}); from {PROCESS} import main; main()"
        self._process = subprocess.Popen(  # noqa: S603  (our own module)
            [sys.executable, "-c", code, str(os.getpid()), str(theirs[0]), str(ours[1])],
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs[0], ours[1]),
        )
        os.close(theirs[0])
        os.close(ours[1])
        with suppress(OSError, AttributeError):  # elsewhere than on Linux, or more than a user may have
            fcntl.fcntl(theirs[1], fcntl.F_SETPIPE_SZ, PIPE)
        self._to = Connection(theirs[1], readable=False)
        self._from = Connection(ours[0], writable=False)

    def _method(self, name: str) -> Callable[..., Any]:
        async def ask(*args: Any, **kwargs: Any) -> Any:
            loop = asyncio.get_running_loop()
            if loop is not self._loop:
                self._loop = loop
                loop.add_reader(self._from.fileno(), self._take)
            future: asyncio.Future[Any] = loop.create_future()
            self._waiting[self._send(name, args, kwargs)] = future
            return await future

        def wait(*args: Any, **kwargs: Any) -> Any:
            return self._wait(name, *args, **kwargs)

        return wait if name in WAITED_FOR else ask

    def _wait(self, name: str, *args: Any, **kwargs: Any) -> Any:
        number = self._send(name, args, kwargs)
        while number not in self._arrived:
            if self._ended is not None:
                raise self._ended
            self._take()
        result, error = self._arrived.pop(number)
        if error is not None:
            raise error
        return result

    def _send(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
        """Hand the call over; returns its number. Never waits for long: the process always goes on receiving."""
        if self._ended is not None:
            raise self._ended
        self._sent += 1
        call = pickle.dumps((self._sent, name, args, kwargs))
        with suppress(OSError):  # it is gone: its end of the other pipe tells why
            self._to.send_bytes(call)
        return self._sent

    def _take(self) -> None:
        """Hand the answers that have come to those who wait for them."""
        try:
            answers = [pickle.loads(answer) for answer in self._from.recv()]  # noqa: S301  (our own process)
        except (EOFError, OSError):
            self._end(_death(self._process.wait()))
        except Exception as unreadable:  # an answer that cannot be read here: nobody must wait for it for ever
            self._process.kill()
            self._end(f"answered what cannot be read ({unreadable!r}) and {_death(self._process.wait())}")
        else:
            for number, result, error in answers:
                if number is None:
                    _log(result)
                elif (future := self._waiting.pop(number, None)) is None:
                    self._arrived[number] = result, error
                elif not future.done():
                    future.set_result(result) if error is None else future.set_exception(error)

    def _end(self, how: str) -> None:
        self._ended = StorageError(f"storage failed: the archive's process {how}")
        self._leave()
        while self._waiting:
            _, future = self._waiting.popitem()
            if not future.done():
                future.set_exception(self._ended)

    def _leave(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._from.fileno())
        self._loop = None

    def _finish(self) -> None:
        self._leave()
        self._to.close()
        self._from.close()
        self._process.wait()

    def _tell(self, error: StorageError) -> None:
        from exports.operating import after  # loads the database's library, which a crawl does without
        from exports.operating.settings import Settings

        after.storage_failed(self.config, Settings.from_settings(self._settings), error)


class _Part:
    """Archive.watching and its like."""

    def __init__(self, archive: RemoteArchive, name: str) -> None:
        self._archive = archive
        self._name = name
        self.directory = archive.config.directory

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return self._archive._method(f"{self._name}.{name}")


def _death(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with {code}"


def _log(record: logging.LogRecord) -> None:
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.handle(record)
