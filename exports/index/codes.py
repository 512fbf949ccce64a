"""What articles are counted by, on SQLite: a number for each article's month, column, source, authors and units.

Counting a hundred thousand articles row by row takes a fifth of a second. So the numbers lie side by side, of BLOCK
articles at a time: a row holds all months of the block, then all columns …, and Python counts them as they lie. What a
number stands for is the list of values the article counts under, each once: the names of its authors, for instance.
"""

import json
import struct
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import compress
from typing import TYPE_CHECKING, Any

from exports.database.asking import Given, Plain

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

TABLES = {
    "search_index_codes": "block INTEGER PRIMARY KEY, codes BLOB NOT NULL",
    "search_index_values": "code INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE",
}
_BLOCK = 200
"""Articles of a row, which fills one page of the database then."""
_KINDS = ("month", "column", "source", "author", "unit")
"""In the order in which they lie in a row."""
_SIZE = 4
"""Bytes of a number; 0 stands where no article is."""
_ARTICLE = struct.Struct("<" + f"{(_BLOCK - 1) * _SIZE}x".join("I" * len(_KINDS)))
"""The numbers of one article, from its first on."""
_FEW = 5000
"""Up to so many articles are looked up one by one."""
_COUNTED = """
    SELECT s.id, coalesce(substr(s.published_at, 1, 7), ''), s.column_id, s.source,
        (SELECT json_group_array(w.name) FROM article_authors w WHERE w.article_id = s.id),
        (SELECT json_group_array(w.unit) FROM article_authors w WHERE w.article_id = s.id)
    FROM search_articles s WHERE s.id IN (SELECT value FROM json_each(?))
"""


def write(session: "Session", ids: Sequence[int]) -> None:
    """Note what the articles count under as they are now; nothing for those that are not in the index."""
    connection = session.connection()
    lists = {
        number: [*(_list([value]) for value in single), _list(json.loads(names)), _list(json.loads(units))]
        for number, *single, names, units in connection.exec_driver_sql(_COUNTED, (json.dumps(list(ids)),))
    }
    codes = _codes(connection, {value for values in lists.values() for value in values})
    given = (json.dumps(sorted({number // _BLOCK for number in ids})),)
    held = "SELECT value, codes FROM json_each(?) LEFT JOIN search_index_codes ON block = value"
    rows = connection.exec_driver_sql(held, given)
    blocks = {block: list(_numbers(content or bytes(_BLOCK * _SIZE * len(_KINDS)))) for block, content in rows}
    for number in ids:
        values = [codes[value] for value in lists.get(number, ())]
        blocks[number // _BLOCK][number % _BLOCK :: _BLOCK] = values or [0] * len(_KINDS)
    changed = [(block, struct.pack(f"<{len(numbers)}I", *numbers)) for block, numbers in blocks.items()]
    connection.exec_driver_sql("INSERT OR REPLACE INTO search_index_codes (block, codes) VALUES (?, ?)", changed)


def _list(values: Iterable[str]) -> str:
    return json.dumps(sorted(set(values)) or [""], ensure_ascii=False)


def _codes(connection: Any, values: Collection[str]) -> dict[str, int]:
    known = "SELECT value, code FROM search_index_values WHERE value IN (SELECT value FROM json_each(?))"
    given = (json.dumps(sorted(values)),)
    found = {row[0]: row[1] for row in connection.exec_driver_sql(known, given)}
    if new := [(value,) for value in sorted(values) if value not in found]:
        connection.exec_driver_sql("INSERT INTO search_index_values (value) VALUES (?)", new)
        found |= {row[0]: row[1] for row in connection.exec_driver_sql(known, given)}
    return found


def _numbers(content: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(content) // _SIZE}I", content)


class Counting:
    """Counts some articles, or all of them where that is None."""

    def __init__(self, ask: Plain, articles: Collection[int] | None) -> None:
        self._ask = ask
        few = articles if articles is not None and len(articles) < _FEW else None
        given = Given()
        where = "" if few is None else f"WHERE {ask.one_of('block', {number // _BLOCK for number in few}, given)}"
        rows = ask.rows(f"SELECT block, codes FROM search_index_codes {where} ORDER BY block", given)
        self._rows = {row[0]: row[1] for row in rows}
        self._few: list[tuple[int, ...]] | None = None
        self._chosen: bytes | None = None
        if few is not None:
            each = [_ARTICLE.unpack_from(self._rows[one // _BLOCK], one % _BLOCK * _SIZE) for one in few]
            self._few = list(zip(*each, strict=True)) or [()] * len(_KINDS)
        elif articles is not None:
            places = (range(block * _BLOCK, (block + 1) * _BLOCK) for block in self._rows)
            self._chosen = b"".join(bytes(map(articles.__contains__, some)) for some in places)

    def by(self, kind: str) -> Counter[str]:
        """value -> articles that count under it, by month, column, source, author or unit."""
        counted = Counter(self._codes(kind))
        values = self._values(counted)
        result: Counter[str] = Counter()
        for code, number in counted.items():
            for value in values[code]:
                result[value] += number
        return result

    def by_month(self, kind: str) -> Counter[tuple[str, str]]:
        """(value, month) -> articles that count under both."""
        counted = Counter(zip(self._codes(kind), self._codes("month"), strict=True))
        values = self._values({code for pair in counted for code in pair})
        result: Counter[tuple[str, str]] = Counter()
        for (code, month), number in counted.items():
            for value in values[code]:
                result[value, values[month][0]] += number
        return result

    def _codes(self, kind: str) -> Iterable[int]:
        if self._few is not None:
            return self._few[_KINDS.index(kind)]
        start = _KINDS.index(kind) * _BLOCK * _SIZE
        codes = _numbers(b"".join([row[start : start + _BLOCK * _SIZE] for row in self._rows.values()]))
        return compress(codes, codes if self._chosen is None else self._chosen)

    def _values(self, codes: Iterable[int]) -> dict[int, list[str]]:
        given = Given()
        of_codes = self._ask.one_of("code", codes, given)
        known, values = self._ask.values(["code", "value"], f"FROM search_index_values WHERE {of_codes}", given)
        return dict(zip(known, json.loads(f"[{','.join(values)}]"), strict=True))
