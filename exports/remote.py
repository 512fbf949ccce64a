"""The archive in a process of its own, as the crawl sees it.

Storing an article costs about as much processor time as fetching and reading it, and one Python process uses one core:
so the crawl's calls travel to a second process (remote_process.py), which holds the Archive. Over the wire goes what
`pickle` takes: (number, method, arguments) there, (number, result, error) back. Whichever process dies, the other one
ends: the crawl with a StorageError, the archive's process by SIGKILL, as if both had been one.
"""

import asyncio
import json
import logging
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from exports.config import Config
from exports.errors import StorageError

ROOT = Path(__file__).parents[1]
PROCESS = "exports.remote_process"
"""The module whose main() the process runs; it is given the number of this process and of its two pipes."""
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
        self._waiting: dict[int, Future[Any]] = {}
        self._sent = 0
        self._turn = threading.Lock()
        self._ended: StorageError | None = None
        for part in PARTS:
            setattr(self, part, _Part(self, part))
        self._start()
        try:
            self._ask("open", self._settings, user_agent=user_agent).result()
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
            failed: Exception | None = self._ask("close").result()
        except StorageError as error:  # it is gone already, and could not tell anybody
            failed = error
            self._tell(error)
        self._finish()
        return failed

    # --- inside ---------------------------------------------------------------------------------------

    def _start(self) -> None:
        theirs, ours = os.pipe(), os.pipe()
        code = f"import sys; sys.path.insert(0, {json.dumps(str(ROOT))}); from {PROCESS} import main; main()"
        self._process = subprocess.Popen(  # noqa: S603  (our own module)
            [sys.executable, "-c", code, str(os.getpid()), str(theirs[0]), str(ours[1])],
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs[0], ours[1]),
        )
        os.close(theirs[0])
        os.close(ours[1])
        self._to = Connection(theirs[1], readable=False)
        self._from = Connection(ours[0], writable=False)
        self._listener = threading.Thread(target=self._listen, name="archive-answers", daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        """Hand each answer to who waits for it, until the process closes its end."""
        try:
            while True:
                number, result, error = self._from.recv()
                if number is None:
                    _log(result)
                elif (future := self._waiting.pop(number)).set_running_or_notify_cancel():
                    future.set_exception(error) if error is not None else future.set_result(result)
        except (EOFError, OSError):
            end = _end(self._process.wait())
        except Exception as error:  # an answer that cannot be read here: whoever waits must not wait for ever
            self._process.kill()
            end = f"answered what cannot be read ({error!r}) and {_end(self._process.wait())}"
        with self._turn:
            self._ended = StorageError(f"storage failed: the archive's process {end}")
        while self._waiting:
            _, future = self._waiting.popitem()
            if future.set_running_or_notify_cancel():
                future.set_exception(self._ended)

    def _ask(self, name: str, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        with self._turn:
            if self._ended is not None:
                raise self._ended
            self._sent += 1
            call = pickle.dumps((self._sent, name, args, kwargs))
            self._waiting[self._sent] = future
            with suppress(OSError):  # the listener is about to tell why
                self._to.send_bytes(call)
        return future

    def _method(self, name: str) -> Callable[..., Any]:
        async def ask(*args: Any, **kwargs: Any) -> Any:
            return await asyncio.wrap_future(self._ask(name, *args, **kwargs))

        def wait(*args: Any, **kwargs: Any) -> Any:
            return self._ask(name, *args, **kwargs).result()

        return wait if name in WAITED_FOR else ask

    def _finish(self) -> None:
        self._to.close()
        self._listener.join()
        self._from.close()

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


def _end(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with {code}"


def _log(record: logging.LogRecord) -> None:
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.handle(record)
