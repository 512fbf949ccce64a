"""Work that needs no network and no database, spread over processes that may die of it."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

PATIENCE = 120.0
"""Seconds one item may take before its process is ended."""
_START = 600.0
"""Seconds the start of a process may take, on however busy a machine."""


class Workers:
    """A few processes, each prepared by begin(*arguments); one that dies is started again."""

    def __init__(self, count: int, begin: Callable[..., None], arguments: tuple[Any, ...], patience: float) -> None:
        self.count = count
        self._free = asyncio.Semaphore(count)
        self._idle = [_Worker(begin, arguments, patience) for _ in range(count)]
        self._all = list(self._idle)

    async def run(
        self, work: Callable[[Item], Answer], items: Sequence[Item], failed: Callable[[Item, str], Answer]
    ) -> list[Answer]:
        """work(item) for each item; failed(item, reason) for one over which the process died or took too long."""
        async with self._free:
            worker = self._idle.pop()
            try:
                try:
                    return list(await asyncio.to_thread(worker.ask, work, items))
                except _Died as died:
                    if len(items) == 1:
                        return [failed(items[0], str(died))]
                found = []
                for item in items:  # one of them it was
                    try:
                        found += await asyncio.to_thread(worker.ask, work, [item])
                    except _Died as died:
                        found.append(failed(item, str(died)))
                return found
            finally:
                self._idle.append(worker)

    def close(self) -> None:
        """End the processes, whatever they do."""
        for worker in self._all:
            worker.end()


@contextmanager
def open_workers(
    wanted: int, useful: int, begin: Callable[..., None], arguments: tuple[Any, ...], patience: float = PATIENCE
) -> Iterator[Workers]:
    """``wanted``: how many processes, 0 for one a core; ``useful``: more than that are not worth their start."""
    workers = Workers(max(1, min(wanted or cores(), useful)), begin, arguments, patience)
    try:
        yield workers
    finally:
        workers.close()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Died(Exception):
    """The process ended over its work, or was ended."""


class _Worker:
    """One process, started when it is first asked."""

    def __init__(self, begin: Callable[..., None], arguments: tuple[Any, ...], patience: float) -> None:
        self._arguments = begin, arguments
        self._patience = patience
        self._process: Any = None
        self._connection: Any = None

    def ask(self, work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """work(item) for each. Raises _Died, and whatever the work raises."""
        try:
            if self._process is None:
                self._start()
            self._connection.send((work, items))
            done, answer = self._receive(self._patience * len(items))
        except (EOFError, OSError):
            self.end()
            raise _Died("reading it ends the process that does") from None
        if not done:
            raise answer
        return list(answer)

    def _start(self) -> None:
        # not forked: this process has threads, and a reactor
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, *self._arguments), daemon=True)
        self._process.start()
        theirs.close()
        done, error = self._receive(_START)
        if not done:
            raise error

    def _receive(self, patience: float) -> tuple[bool, Any]:
        if not self._connection.poll(patience):
            self.end()
            raise _Died(f"reading it takes longer than {patience:.0f} seconds")
        answer: tuple[bool, Any] = self._connection.recv()
        return answer

    def end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.join()
            self._connection.close()


def _serve(connection: Connection, begin: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """In the process: answer until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is the parent's to handle
    try:
        begin(*arguments)
        connection.send((True, None))
        while True:
            work, items = connection.recv()
            connection.send((True, [work(item) for item in items]))
    except EOFError:
        pass
    except Exception as error:
        connection.send((False, error))
