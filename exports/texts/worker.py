"""``python -m exports.texts.worker``: reads files one by one, each in a child of its own with limits.

A line of standard input is the path of a file; the answer is one line of JSON: kind, text, reason. Forking a
process that has the libraries loaded costs milliseconds; a child that hangs, swells or crashes costs one file.
"""

import json
import os
import resource
import select
import signal
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from exports.texts import kinds, limits, readers
from exports.texts.limits import Unreadable

_ANSWER = 8 * limits.TEXT
"""Bytes of an answer, at most; JSON escapes may take six for a character."""


def main() -> None:
    """Serve until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the crawl's affair; it closes our input
    for line in sys.stdin:
        print(json.dumps(_answer(Path(line.rstrip("\n")))), flush=True)


def _answer(path: Path) -> dict[str, Any]:
    try:
        kind = kinds.kind_of(path)
    except Unreadable as error:
        return {"kind": "", "text": None, "reason": str(error)}
    except OSError as error:
        return {"kind": "", "text": None, "reason": f"the file cannot be opened: {error.strerror}"}
    for library in readers.LIBRARIES.get(kind, ()):
        import_module(library)
    return {"kind": kind} | _in_child(path, kind)


def _in_child(path: Path, kind: str) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _work(path, kind, writing)
    os.close(writing)
    try:
        answer, trouble = _received(reading)
    finally:
        os.close(reading)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL if trouble else 0)
        _, status = os.waitpid(child, 0)
    if trouble:
        return {"text": None, "reason": f"{kind}: {trouble}"}
    try:
        result: dict[str, Any] = json.loads(answer)
    except ValueError:
        return {"text": None, "reason": f"{kind}: {_end(status)}"}
    return result


def _received(pipe: int) -> tuple[bytes, str]:
    """What the child wrote, and what is wrong with it."""
    answer, deadline = bytearray(), time.monotonic() + limits.WALL_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([pipe], [], [], left)[0]:
            break
        chunk = os.read(pipe, 1 << 16)
        if not chunk:
            return bytes(answer), ""
        answer += chunk
        if len(answer) > _ANSWER:
            return b"", "too much text"
    return b"", f"takes longer than {limits.WALL_SECONDS} s"


def _end(status: int) -> str:
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number in (signal.SIGXCPU, signal.SIGKILL):
        return f"takes more than {limits.CPU_SECONDS} s of CPU time"
    return f"the reader crashed ({signal.Signals(number).name})" if number else "the reader ended without an answer"


def _work(path: Path, kind: str, writing: int) -> None:
    """In the child: read the file, answer, end."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for name, limit in (
            (resource.RLIMIT_CPU, limits.CPU_SECONDS),
            (resource.RLIMIT_AS, limits.MEMORY),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.setrlimit(name, (limit, limit))
        _silence()
        data = json.dumps(_result(path, kind)).encode()
        while data:
            data = data[os.write(writing, data) :]
    finally:
        os._exit(0)


def _silence() -> None:
    """The libraries' warnings are nobody's business: the reason is what counts."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _result(path: Path, kind: str) -> dict[str, Any]:
    try:
        text = readers.read(path, kind)
    except Unreadable as error:
        return {"text": None, "reason": str(error)}
    except MemoryError:
        return {"text": None, "reason": f"{kind}: takes more than {limits.MEMORY >> 20} MiB of memory"}
    except BaseException as error:  # whatever a hostile file makes a library raise
        detail = " ".join(str(error).split())[:200]
        return {"text": None, "reason": f"{kind}: damaged or not as its kind is: {type(error).__name__}: {detail}"}
    if len(text) > limits.TEXT:
        return {"text": text[: limits.TEXT], "reason": f"{kind}: cut after {limits.TEXT} characters"}
    return {"text": text, "reason": None}


if __name__ == "__main__":
    main()
