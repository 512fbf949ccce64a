"""A campaign: so many mutated inputs for each target; what raises without a name or does not end is kept."""

import hashlib
import logging
import random
import signal
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from tests.fuzz.mutate import mutated
from tests.fuzz.targets import TARGETS, Target

FOUND = Path(__file__).parent / "found"
"""Inputs that once broke a target, by target; tests/test_fuzz.py reads each again."""
LONGEST = 10
"""Seconds one input may take."""
_KEPT = 200
"""Inputs of a target that mutations start from: the seeds, and later ones that took another path."""


class DoesNotEnd(BaseException):
    """An input took longer than LONGEST."""


@dataclass
class Result:
    """What became of one target."""

    inputs: int = 0
    named: int = 0
    """Inputs refused with an error that has a name."""
    slowest: float = 0.0
    """Seconds."""
    found: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    """Error and where it was raised -> the shortest input that did it, and the message."""


def attempt(target: Target, data: bytes) -> type[Exception] | None:
    """Run one input; returns the named error it ended with. Raises every other."""
    try:
        target.run(data)
    except target.named as error:
        return type(error)
    return None


def run(name: str, inputs: int, seconds: float, seed: int = 0) -> Result:
    """Fuzz one target until either bound is reached."""
    target, result, rng = TARGETS[name], Result(), random.Random(f"{name} {seed}")
    pool = list(target.seeds())
    ends: set[object] = set()
    deadline = time.monotonic() + seconds
    logging.disable()
    with _alarm(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while result.inputs < inputs and (start := time.monotonic()) < deadline:
            data = mutated(rng, rng.choice(pool), rng.choice(pool))
            result.inputs += 1
            end: object = None
            signal.setitimer(signal.ITIMER_REAL, LONGEST)
            try:
                end = attempt(target, data)
                result.named += end is not None
            except (Exception, DoesNotEnd) as error:
                end = where = _place(error)
                if len(data) < len(result.found.get(where, (b"", ""))[0] or data + b" "):
                    result.found[where] = (data, str(error)[:200])
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            took = time.monotonic() - start
            if took > result.slowest:
                result.slowest = took
            # without a look into the code: a new way to end, or now and then any input, becomes a start of others
            if (end not in ends or rng.random() < 0.002) and len(data) < 20_000:
                ends.add(end)
                if len(pool) < _KEPT:
                    pool.append(data)
                else:
                    pool[rng.randrange(len(pool))] = data
    logging.disable(logging.NOTSET)
    return result


def keep(name: str, result: Result) -> list[Path]:
    """Write what was found where the tests read it."""
    paths = []
    for data, _ in result.found.values():
        path = FOUND / name.replace(" ", "-") / f"{hashlib.sha256(data).hexdigest()[:12]}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        paths.append(path)
    return paths


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    lines = []
    while trace:
        lines.append(f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}")
        trace = trace.tb_next
    # where it was raised names a defect; for a hang that is a matter of chance
    tail = "a time limit" if isinstance(error, DoesNotEnd) else " < ".join(reversed(lines[-4:]))
    return f"{type(error).__name__} at {tail}"


@contextmanager
def _alarm() -> Iterator[None]:
    def ring(_number: int, _frame: FrameType | None) -> None:
        raise DoesNotEnd(f"longer than {LONGEST} s")

    before = signal.signal(signal.SIGALRM, ring)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)
