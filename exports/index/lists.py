"""The lists of the full-text index on PostgreSQL: in segments, which are written once.

A segment is some hundred to some thousand texts with the lists of their pairs, packed into rows (packed.py). What
leaves a segment is noted as removed. Texts that are in none yet are new.
"""

import struct
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from itertools import islice, pairwise

from sqlalchemy import text
from sqlalchemy.orm import Session

from exports.database.asking import Postgresql
from exports.index import packed

_TABLES = {
    "search_index": "id bigint PRIMARY KEY, segment integer, place integer",
    "search_index_segments": "segment integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ids bytea NOT NULL",
    "search_index_pairs": "segment integer, first bigint, content bytea NOT NULL, PRIMARY KEY (segment, first)",
    "search_index_removed": "segment integer, place integer, PRIMARY KEY (segment, place)",
}
"""Every text with its segment and its place there; the ids of a segment's texts, deflated; its lists; places that texts
were removed from."""
_NEW = 500
"""So many new texts become a segment: fewer are looked through soon enough."""
_LARGE = 2000
"""Texts of a large segment: the fewer segments there are, the less is to be read. Making one takes 70 MB of memory."""
_SMALL = 3
"""So many small segments become part of a large one."""
_CONDENSE = 0x636F6E64  # any number, the same in every process: one of them makes segments
_PIECES = 8
"""Of a long phrase so many pairs are asked for: more would not narrow what is left to look through."""

Read = Callable[[Collection[int]], Iterable[tuple[int, str, str]]]
"""Reads (id, title, body) of texts, folded."""


def create(session: Session) -> None:
    """Empty lists in the place of those there were."""
    connection = session.connection()
    for table, columns in _TABLES.items():
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")
        connection.exec_driver_sql(f"CREATE TABLE {table} ({columns})")
    connection.exec_driver_sql("CREATE INDEX search_index_new ON search_index (id) WHERE segment IS NULL")
    connection.exec_driver_sql("ALTER TABLE search_index_pairs ALTER content SET STORAGE EXTERNAL")  # it is deflated


def insert(session: Session, ids: Collection[int]) -> None:
    """Add new texts."""
    if ids:
        session.execute(text("INSERT INTO search_index (id) SELECT unnest(CAST(:ids AS bigint[]))"), {"ids": list(ids)})


def delete(session: Session, ids: Collection[int]) -> None:
    """Take texts out."""
    taken = """
        WITH taken AS (DELETE FROM search_index WHERE id = ANY(:ids) RETURNING segment, place)
        INSERT INTO search_index_removed (segment, place) SELECT segment, place FROM taken WHERE segment IS NOT NULL
    """
    session.execute(text(taken), {"ids": sorted(ids)})


def make_all(session: Session, read: Read) -> None:
    """Make segments of all new texts."""
    _make(session, _free(session, "segment IS NULL"), read)


def condense(session: Session, read: Read) -> None:
    """Where there are enough new texts, make a segment of them; a large one, if there are enough small ones to take."""
    count = session.scalar(text("SELECT count(*) FROM search_index WHERE segment IS NULL"))
    if count < _NEW or not session.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _CONDENSE}):
        return
    ids = _free(session, "segment IS NULL")
    # of how many texts are left: one that lost many is small too
    sizes = text(
        "SELECT segment, count(*) FROM search_index WHERE segment IS NOT NULL GROUP BY segment HAVING count(*) <= :size"
    )
    small = session.execute(sizes, {"size": _LARGE - _NEW}).all()
    if len(small) >= _SMALL:
        taken = []
        for segment, size in small:
            # one that another transaction is taking texts out of stays
            if len(texts := _free(session, "segment = :segment", segment=segment)) == size:
                taken.append(segment)
                ids += texts
        for table in list(_TABLES)[1:]:
            session.execute(text(f"DELETE FROM {table} WHERE segment = ANY(:taken)"), {"taken": taken})
    _make(session, ids, read)


def _free(session: Session, condition: str, **given: int) -> list[int]:
    """The texts, locked, without those that another transaction is taking out."""
    chosen = text(f"SELECT id FROM search_index WHERE {condition} ORDER BY id FOR UPDATE SKIP LOCKED")
    return list(session.scalars(chosen, given))


def _make(session: Session, ids: Iterable[int], read: Read) -> None:
    left = iter(sorted(ids))
    while chunk := list(islice(left, _LARGE)):
        texts = {number: f"{title}\n{body}" for number, title, body in read(chunk)}
        made = text("INSERT INTO search_index_segments (ids) VALUES (:ids) RETURNING segment")
        segment = session.scalar(made, {"ids": zlib.compress(struct.pack(f"<{len(chunk)}q", *chunk))})
        rows = [
            {"segment": segment, "first": _number(first), "content": content}
            for first, content in packed.rows([texts.get(number, "") for number in chunk])
        ]
        if rows:
            added = "INSERT INTO search_index_pairs (segment, first, content) VALUES (:segment, :first, :content)"
            session.execute(text(added), rows)
        placed = "FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY n (id, number) WHERE search_index.id = n.id"
        moved = f"UPDATE search_index SET segment = :segment, place = n.number - 1 {placed}"
        session.execute(text(moved), {"segment": segment, "ids": chunk})


def _number(piece: str) -> int:
    """Of a pair; of a character that of the first pair it may begin."""
    return ord(piece[0]) << 21 | ord(piece[1:] or "\0")


# In one statement, so at one moment: what becomes part of a segment meanwhile stands either here or there
_LISTS = """
    SELECT 'new' AS kind, 0 AS number, 0 AS segment, id, CAST(NULL AS bytea) AS content
    FROM search_index WHERE segment IS NULL
    UNION ALL SELECT 'removed', 0, segment, place, NULL FROM search_index_removed
    UNION ALL SELECT 'ids', 0, segment, 0, ids FROM search_index_segments
    UNION ALL SELECT 'list', g.number, s.segment, 0, p.content
    FROM unnest(CAST(:first AS bigint[]), CAST(:last AS bigint[])) WITH ORDINALITY g (first, last, number)
    CROSS JOIN search_index_segments s
    CROSS JOIN LATERAL (
        SELECT max(b.first) AS first FROM search_index_pairs b WHERE b.segment = s.segment AND b.first <= g.first
    ) before
    CROSS JOIN LATERAL (
        SELECT p.content FROM search_index_pairs p
        WHERE p.segment = s.segment AND p.first BETWEEN coalesce(before.first, g.first) AND g.last
        OFFSET 0
    ) p
"""


class Lists:
    """The lists of some folded words."""

    def __init__(self, ask: Postgresql, words: Iterable[str]) -> None:
        self.new: set[int] = set()
        """The texts that are in no list yet"""
        self._ids: dict[int, tuple[int, ...]] = {}
        self._places: dict[tuple[str, int], set[int]] = defaultdict(set)
        removed: dict[int, set[int]] = defaultdict(set)
        pieces = sorted({piece for word in words for piece in _pieces(word)})
        first = [_number(piece) for piece in pieces]
        last = [number | (0x1FFFFF if len(piece) == 1 else 0) for piece, number in zip(pieces, first, strict=True)]
        for kind, number, segment, one, content in ask.rows(_LISTS, {"first": first, "last": last}):
            if kind == "new":
                self.new.add(one)
            elif kind == "removed":
                removed[segment].add(one)
            elif kind == "ids":
                raw = zlib.decompress(content)
                self._ids[segment] = struct.unpack(f"<{len(raw) // 8}q", raw)
            else:
                self._places[pieces[number - 1], segment].update(packed.places(content, pieces[number - 1]))
        for (_, segment), places in self._places.items():
            places -= removed[segment]

    def holding(self, words: str) -> set[int]:
        """The texts in segments that hold the characters and pairs of the words; of up to two characters: the words."""
        found: set[int] = set()
        for segment, ids in self._ids.items():
            places = set.intersection(*(self._places[piece, segment] for piece in _pieces(words)))
            found.update(map(ids.__getitem__, places))
        return found


def _pieces(words: str) -> list[str]:
    pairs = list(dict.fromkeys(map("".join, pairwise(words)))) or [words]
    return pairs[:: -(-len(pairs) // _PIECES)]
