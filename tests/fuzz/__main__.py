"""`python -m tests.fuzz`: a campaign over all targets; prints a line each, ends with 1 where something was found."""

import argparse
import json
import sys
import time
from datetime import UTC, datetime

from tests.fuzz import campaign
from tests.fuzz.targets import TARGETS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="for each target (default 30)")
    parser.add_argument("--inputs", type=int, default=10**9, help="for each target, at most")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the same seed, the same inputs")
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="only this one; may be repeated")
    parser.add_argument("--keep", action="store_true", help="write what is found to tests/fuzz/found/")
    parser.add_argument("--json", help="append one line of JSON for each target to this file")
    given = parser.parse_args()
    total = found = 0
    for name in given.target or TARGETS:
        start = time.monotonic()
        result = campaign.run(name, given.inputs, given.seconds, given.seed)
        took = time.monotonic() - start
        total += result.inputs
        found += len(result.found)
        print(
            f"{name:12} {result.inputs:9,} inputs {took:6.0f} s  refused by name {result.named:9,}"
            f"  slowest {result.slowest:6.3f} s  found {len(result.found)}",
            flush=True,
        )
        for place, (data, message) in result.found.items():
            print(f"    {place}: {message}\n    {data[:150]!r}")
        if given.keep:
            campaign.keep(name, result)
        if given.json:
            line = {"date": datetime.now(UTC).date().isoformat(), "seed": given.seed, "target": name}
            line |= {"inputs": result.inputs, "seconds": round(took), "refused by name": result.named}
            line |= {"slowest": round(result.slowest, 3), "found": sorted(result.found)}
            with open(given.json, "a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
    print(f"{total:,} inputs, {found} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
