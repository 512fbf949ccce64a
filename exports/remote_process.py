"""The process that holds the archive of a crawl; see remote.py."""

import asyncio
import gc
import inspect
import logging
import os
import pickle
import queue
import signal
import sys
import threading
from contextlib import suppress
from logging.handlers import QueueHandler
from multiprocessing.connection import Connection
from operator import attrgetter
from typing import Any

from exports import failpoints
from exports.archive import Archive
from exports.errors import StorageError


def main() -> None:
    """Serve the process at the other ends of the two pipes until it closes the archive; die when it dies."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the crawl's to handle; it closes the archive when it is done
        signal.signal(number, signal.SIG_IGN)
    crawl, calls, answers = (int(argument) for argument in sys.argv[1:])
    failpoints.processes = (crawl, os.getpid())
    asyncio.run(_Service(Connection(calls, writable=False), Connection(answers, readable=False)).run())
    os._exit(0)  # all is closed: the crawl need not wait a fifth of a second while Python takes itself apart


class _Service:
    def __init__(self, calls: Connection, answers: Connection) -> None:
        self._calls = calls
        self._answers = answers
        self._archive: Archive | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._unsent: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._failure: Exception | None = None

    async def run(self) -> None:
        logging.getLogger().addHandler(_Forwarder(self))
        logging.getLogger("exports").setLevel(logging.INFO)  # of others only what is wrong is news
        self._closed = asyncio.Event()
        # a thread of its own: the crawl may be waiting for us to receive before it takes an answer
        sender = threading.Thread(target=self._send, name="archive-answers")
        sender.start()
        asyncio.get_running_loop().add_reader(self._calls.fileno(), self._receive)
        await self._closed.wait()
        self._unsent.put(None)
        sender.join()
        if self._failure is not None:
            raise self._failure

    def _receive(self) -> None:
        try:
            call = self._calls.recv()
        except EOFError:
            os.kill(os.getpid(), signal.SIGKILL)  # the crawl is dead: nothing half done is to be finished
        except Exception as error:  # what cannot be read cannot be answered
            self._failure = error
            self._closed.set()
            return
        task = asyncio.get_running_loop().create_task(self._answer(*call))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _answer(self, number: int, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        result, failure = None, None
        try:
            result = await self._result(name, args, kwargs)
        except Exception as error:
            failure = error
        last = name == "close" or self._archive is None
        if last:  # the crawl's end of the pipe closes with this answer, and that is no death any more
            asyncio.get_running_loop().remove_reader(self._calls.fileno())
        self.answer(number, result, failure)
        if last:
            self._closed.set()

    async def _result(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._archive is None:
            self._archive = Archive(*args, **kwargs)
            gc.freeze()  # what is loaded stays, see crawl.py
            gc.enable()
            return None
        method = attrgetter(name)(self._archive)
        if inspect.iscoroutinefunction(method):
            return await method(*args, **kwargs)
        return await asyncio.to_thread(method, *args, **kwargs)

    def answer(self, number: int | None, result: Any, failure: Exception | None) -> None:
        try:
            answer = pickle.dumps((number, result, failure))
        except Exception:  # an error that holds what cannot travel
            answer = pickle.dumps((number, None, StorageError(" ".join(f"{failure or result}".split()))))
        self._unsent.put(answer)

    def _send(self) -> None:
        """Send what is to be sent, all that has gathered at a time."""
        last = False
        while not last:
            answers = [self._unsent.get()]
            with suppress(queue.Empty):
                while answers[-1] is not None:
                    answers.append(self._unsent.get_nowait())
            last = answers[-1] is None
            with suppress(OSError):  # the crawl is dead, and so is this process in a moment
                self._answers.send([answer for answer in answers if answer is not None])


class _Forwarder(QueueHandler):
    """What is logged here appears in the crawl's log."""

    def __init__(self, service: _Service) -> None:
        super().__init__(None)  # type: ignore[arg-type]
        self._service = service

    def enqueue(self, record: logging.LogRecord) -> None:
        self._service.answer(None, record, None)
