"""`make fuzz-guided`: the same targets, guided by coverage with Atheris, which libFuzzer ends at the first finding.

    python -m tests.fuzz.guided [--seconds 30] [--target NAME]

Prints a line for each target and ends with 1 where something was found; the input then lies in tests/fuzz/found/.
"""

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = importlib.util.find_spec("atheris") is not None
"""Whether Atheris is there: it has wheels for some machines and versions of Python only."""
_CHILD = "--child"
_COUNT = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_COVERED = re.compile(r"cov: (\d+)")


@dataclass(frozen=True)
class Guided:
    """What became of one target."""

    name: str
    inputs: int
    covered: int
    """Branches seen."""
    found: bool
    said: str
    """libFuzzer's own words; after a finding they end with the traceback and the input."""


def run(names: Sequence[str], findings: Path, seconds: int, longest: int = 10, seed: int = 0) -> Iterator[Guided]:
    """Fuzz the targets in turn; what breaks one, or takes ``longest`` seconds, stays in the folder ``findings``."""
    # here, not above: in the process that fuzzes, Atheris must be there before the readers are loaded
    from tests.fuzz.planted import PLANTED
    from tests.fuzz.targets import TARGETS

    with tempfile.TemporaryDirectory() as scratch:
        orders = []
        for number, name in enumerate(names):
            folder = findings / name.replace(" ", "-")
            corpus = Path(scratch, str(number))
            for path in (folder, corpus):
                path.mkdir(parents=True, exist_ok=True)
            starts = (PLANTED.get(name) or TARGETS[name]).seeds()
            for index, start in enumerate([*starts, *(file.read_bytes() for file in folder.iterdir())]):
                (corpus / str(index)).write_bytes(start)
            options = [f"-max_total_time={seconds}", f"-timeout={longest}", f"-artifact_prefix={folder}/"]
            orders.append((name, [*options, f"-seed={seed}", "-print_final_stats=1", str(corpus)], f"{corpus}.log"))
        command = [sys.executable, "-m", "tests.fuzz.guided", _CHILD, json.dumps(orders)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout
            for (name, _, log), status in zip(orders, child.stdout, strict=False):
                said = Path(log).read_text(errors="replace")
                inputs, covered = (max(map(int, sign.findall(said)), default=0) for sign in (_COUNT, _COVERED))
                yield Guided(name, inputs, covered, int(status) != 0, said)
                folder = findings / name.replace(" ", "-")
                if not any(folder.iterdir()):
                    folder.rmdir()
        if child.returncode:
            raise RuntimeError(f"the process that fuzzes ended with {child.returncode}")


def main() -> int:
    from tests.fuzz.campaign import FOUND
    from tests.fuzz.targets import TARGETS

    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.guided", description=__doc__)
    parser.add_argument("--seconds", type=int, default=30, help="for each target (default 30)")
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="only this one; may be repeated")
    given = parser.parse_args()
    if not HERE:
        print("fuzz-guided: Atheris is not installed; it has wheels for Python 3.11 on Linux (x86-64)", file=sys.stderr)
        return 2
    total = found = 0
    for done in run(given.target or list(TARGETS), FOUND, given.seconds):
        total += done.inputs
        found += done.found
        end = "FOUND" if done.found else ""
        print(f"{done.name:12} {done.inputs:9,} inputs  {done.covered:6,} branches seen  {end}", flush=True)
        if done.found:
            print(done.said[-3000:])
    print(f"{total:,} inputs, {found} findings")
    return 1 if found else 0


def _fuzz(orders: list[tuple[str, list[str], str]]) -> int:
    """In a process of its own: loads the readers once, forks for each target, and prints what the fork ended with."""
    import logging
    import warnings

    import atheris

    # Protego too: it is what reads robots.txt
    with atheris.instrument_imports(include=["crawler", "exports", "pipelines", "protego", "tests.fuzz.planted"]):
        from tests.fuzz.campaign import attempt
        from tests.fuzz.planted import PLANTED
        from tests.fuzz.targets import TARGETS
    logging.disable()
    warnings.simplefilter("ignore")
    for name, options, log in orders:
        if (child := os.fork()) == 0:
            output = os.open(log, os.O_WRONLY | os.O_CREAT)
            os.dup2(output, 1), os.dup2(output, 2)
            target = PLANTED.get(name) or TARGETS[name]
            atheris.Setup([sys.argv[0], *options], lambda data, target=target: attempt(target, data) and None)
            atheris.Fuzz()  # does not return
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(_fuzz(json.loads(sys.argv[2])) if sys.argv[1:2] == [_CHILD] else main())
