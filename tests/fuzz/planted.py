"""Readers with a defect on purpose, by which tests/test_fuzz_guided.py proves that fuzzing finds what there is."""

import time

from tests.fuzz.targets import Target


def _raises(data: bytes) -> None:
    # four steps, each of which only coverage tells from the one before: no blind mutation of b"x" gets there
    if data[:1] == b"Z" and data[1:2] == b"t" and data[2:3] == b"@" and data[3:4] == b"9":
        raise KeyError("planted")


def _never_ends(data: bytes) -> None:
    if data[:1] == b"Z" and data[1:2] == b"t":
        while True:
            time.sleep(1)


def _refuses(data: bytes) -> None:
    if len(data) % 2:
        raise ValueError("by name")


PLANTED = {
    "planted raises": Target(_raises, lambda: [b"x"]),
    "planted never ends": Target(_never_ends, lambda: [b"x"]),
    "planted refuses by name": Target(_refuses, lambda: [b"x"], (ValueError,)),
}
