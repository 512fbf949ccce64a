"""Preparing texts for the index in several processes: of a large index that takes more time than writing it."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from exports.errors import StorageError

Chunk = TypeVar("Chunk")
Rows = TypeVar("Rows")

WORTH = 10
"""Chunks for which a process is worth its start."""


def spread(work: Callable[[Chunk], Rows], chunks: Iterable[Chunk], count: int) -> Iterator[Rows]:
    """work(chunk) for each of the ``count`` chunks, in their order; where there are enough, a process a core works.

    Few chunks are taken ahead, so that memory stays flat. Raises StorageError where a process dies.
    """
    processes = min(_cores(), count // WORTH)
    if processes < 2:
        yield from map(work, chunks)
        return
    # not forked: the process that makes an index may have threads
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_begin) as pool:
        ahead: deque[Future[Rows]] = deque()
        try:
            for chunk in chunks:
                ahead.append(pool.submit(work, chunk))
                if len(ahead) > 2 * processes:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        except BrokenProcessPool:
            raise StorageError("a process that prepared texts for the index died; nothing was changed") from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is the parent's to handle
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)  # killed it leaves us behind, waiting for work for ever
