"""`make fuzz-guided`: the same targets, guided by coverage with Atheris, which libFuzzer ends at the first finding.

    python -m tests.fuzz.guided [--seconds 30] [--target NAME]

Prints a line for each target and ends with 1 where something was found; the input then lies in tests/fuzz/found/.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

_CHILD = "--child"
_COUNT = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_COVERED = re.compile(r"cov: (\d+)")


def main() -> int:
    # here, not above: in the process that fuzzes, Atheris must be there before the readers are loaded
    from tests.fuzz.campaign import FOUND, LONGEST
    from tests.fuzz.targets import TARGETS

    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.guided", description=__doc__)
    parser.add_argument("--seconds", type=int, default=30, help="for each target (default 30)")
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="only this one; may be repeated")
    given = parser.parse_args()
    total = found = 0
    for name in given.target or TARGETS:
        folder = FOUND / name.replace(" ", "-")
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as corpus:
            for number, seed in enumerate([*TARGETS[name].seeds(), *(file.read_bytes() for file in folder.iterdir())]):
                Path(corpus, str(number)).write_bytes(seed)
            options = [f"-max_total_time={given.seconds}", f"-timeout={LONGEST}", f"-artifact_prefix={folder}/"]
            command = [
                sys.executable,
                "-m",
                "tests.fuzz.guided",
                _CHILD,
                name,
                *options,
                "-print_final_stats=1",
                corpus,
            ]
            done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        said = done.stdout + done.stderr
        inputs = int(next(iter(_COUNT.findall(said)), 0))
        covered = next(reversed(_COVERED.findall(said)), "?")
        total += inputs
        found += done.returncode != 0
        print(
            f"{name:12} {inputs:9,} inputs  {covered:>6} branches seen  {'FOUND' if done.returncode else ''}",
            flush=True,
        )
        if done.returncode:
            print(said[-3000:])
        if not any(folder.iterdir()):
            folder.rmdir()
    print(f"{total:,} inputs, {found} findings")
    return 1 if found else 0


def _fuzz(name: str, options: list[str]) -> None:
    """In a process of its own: does not return."""
    import logging
    import warnings

    import atheris

    with atheris.instrument_imports(include=["crawler", "exports", "pipelines"]):
        from tests.fuzz.campaign import attempt
        from tests.fuzz.targets import TARGETS
    logging.disable()
    warnings.simplefilter("ignore")
    target = TARGETS[name]
    atheris.Setup([sys.argv[0], *options], lambda data: attempt(target, data) and None)
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] == [_CHILD]:
        _fuzz(sys.argv[2], sys.argv[3:])
    sys.exit(main())
