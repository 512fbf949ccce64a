"""Work that needs no network and no database, spread over processes."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any


@contextmanager
def open_pool(
    wanted: int, useful: int, begin: Callable[..., None], arguments: tuple[Any, ...]
) -> Iterator[tuple[Executor, int]]:
    """A pool of processes, each prepared by begin(*arguments), and how many they are.

    ``wanted``: how many, 0 for one a core; ``useful``: more than that are not worth their start. For a single one a
    thread will do.
    """
    workers = max(1, min(wanted or cores(), useful))
    pool: Executor
    if workers == 1:
        pool = ThreadPoolExecutor(1, initializer=begin, initargs=arguments)
    else:
        # not forked: this process has threads, and a reactor
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(begin, arguments))
    try:
        yield pool, workers
    finally:
        pool.shutdown(cancel_futures=True)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begin(begin: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    begin(*arguments)


def _end_with_parent() -> None:
    """A killed parent cannot tell its pool to end."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
