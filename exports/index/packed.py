"""Which texts hold which pairs of neighbouring characters, packed into short rows.

A row holds the pairs of a range of the alphabet: first the pairs, then in how many texts each occurs, then the places
of those texts, each as its distance from the one before; all deflated. A single character is the first of a pair: to
that end every text is read with a newline behind it. The rows are kept by lists.py.
"""

import struct
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, chain
from operator import add, sub

_END = "\n"
"""Ends a text as it ends its lines; nobody can ask for it."""
_SIZE = 2400
"""Bytes of a row before it is deflated, after which the next one begins: five rows fill a page of PostgreSQL then."""
_PAIR = 6
"""Bytes of a pair of ideographs."""


def rows(texts: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """(first pair, content) of the rows of the texts, whose places are 0, 1, 2 …; at most 65,535."""
    held: defaultdict[str, list[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        for pair in set(map(add, text, text[1:] + _END)):
            held[pair].append(place)
    row: list[str] = []
    size = 0
    for pair in sorted(held):
        if pair[0] == _END:
            continue
        row.append(pair)
        size += _PAIR + 2 + 2 * len(held[pair])
        if size >= _SIZE:
            yield row[0], _content(row, held)
            row, size = [], 0
    if row:
        yield row[0], _content(row, held)


def _content(pairs: Sequence[str], held: Mapping[str, list[int]]) -> bytes:
    spelled = "".join(pairs).encode()
    lists = [held[pair] for pair in pairs]
    numbers = [len(pairs), len(spelled), *map(len, lists)]
    distances = list(chain.from_iterable(map(sub, places, (0, *places)) for places in lists))
    raw = struct.pack(f"<{len(numbers)}H", *numbers) + spelled + struct.pack(f"<{len(distances)}H", *distances)
    return zlib.compress(raw)


def places(content: bytes, piece: str) -> set[int]:
    """The places of the texts that hold the pair, or the single character."""
    raw = zlib.decompress(content)
    pairs, size = struct.unpack_from("<HH", raw)
    counts = struct.unpack_from(f"<{pairs}H", raw, 4)
    start = 4 + 2 * pairs
    spelled = raw[start : start + size].decode()
    result: set[int] = set()
    found = spelled.find(piece)
    while found >= 0:
        number, is_inside = divmod(found, 2)  # two characters a pair: not the end of one and the start of the next
        if not is_inside:
            before = start + size + 2 * sum(counts[:number])
            result.update(accumulate(struct.unpack_from(f"<{counts[number]}H", raw, before)))
        found = spelled.find(piece, found + 1)
    return result
