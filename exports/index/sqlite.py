"""The full-text index on SQLite: plain FTS5, one token per character, so that terms are phrases of any length.

Phrases of frequent characters are slow to find that way, so the common terms (see common.py) have a list of their own.
All is contentless: it holds positions only, the text stays in its own tables. Its price on this version of SQLite is
that a text can only be taken out by those who still have it, see maintain.py.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from exports.database.asking import Given, Plain
from exports.index import codes, common
from exports.index.codes import Counting as Counting
from exports.index.document import SEARCHED, Document
from exports.index.parse import Term
from exports.index.text import characters, folded, ideographs, may_hold

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_TABLES = {"search_index": ("body", "title"), "search_index_titles": ("title",)}
"""The index, and one of the titles of articles as they are: asked for the titles alone, the first would read all texts.
The body comes first: every entry of a further column takes two bytes more."""
_COMMON, _TERMS = "search_index_common", "search_index_terms"
"""Which texts hold which common terms, and which terms are common."""
VERSION = "tokens 5"
"""What the index holds of a text; another one has every archive's index made anew."""
IS_SPREAD = True
"""Whether rows() is so much work that several processes share it."""
_CHUNK = 200
"""Texts weighed at a time."""
_FEW = 2000
"""Up to so many texts are looked through for a phrase of common characters, instead of asking for it by those."""
_GROWTH = 10
"""When the archive has grown so many times, its common terms are chosen anew."""
_SMALL = 1000
"""With fewer articles every search is quick without them: an index made then is outgrown with ten times as many."""


def outgrown(made_with: int, articles: int) -> bool:
    """Whether the index, made when there were so many articles, should be made anew for its common terms' sake."""
    return articles >= _GROWTH * max(made_with, _SMALL)


def create(session: "Session", sample: Sequence[Document]) -> None:
    """An empty index in the place of the one there was, with the common terms of a sample of the texts."""
    connection = session.connection()
    for table in (*_TABLES, _COMMON, _TERMS, *codes.TABLES):
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")
    for table, columns in codes.TABLES.items():
        connection.exec_driver_sql(f"CREATE TABLE {table} ({columns})")
    for table, names in _TABLES.items():
        made = (
            f"CREATE VIRTUAL TABLE {table} USING fts5 ({', '.join(names)}, content='', columnsize=0, tokenize='ascii')"
        )
        connection.exec_driver_sql(made)
    made = (
        f"CREATE VIRTUAL TABLE {_COMMON} USING fts5 (terms, content='', columnsize=0, tokenize='ascii', detail='none')"
    )
    connection.exec_driver_sql(made)
    connection.exec_driver_sql(f"CREATE TABLE {_TERMS} (term TEXT PRIMARY KEY) WITHOUT ROWID")
    if terms := sorted(common.chosen(sample)):
        connection.exec_driver_sql(f"INSERT INTO {_TERMS} (term) VALUES (?)", [(term,) for term in terms])


def optimize(session: "Session") -> None:
    """Bring a new index into its quickest and smallest form."""
    for table in (*_TABLES, _COMMON):
        session.connection().exec_driver_sql(f"INSERT INTO {table} ({table}) VALUES ('optimize')")


def condense(_session: "Session") -> None:
    """Nothing to do: FTS5 merges what was inserted by itself."""


def count(session: "Session", ids: Sequence[int]) -> None:
    """Note what the articles are counted by, now that their rows in search_articles were written or deleted."""
    codes.write(session, ids)


def terms(session: "Session") -> frozenset[str]:
    """What rows() needs to know of the index: its common terms."""
    return frozenset(term for (term,) in session.connection().exec_driver_sql(f"SELECT term FROM {_TERMS}"))


def rows(documents: Sequence[Document], *, terms: frozenset[str]) -> list[dict[str, int | str]]:
    """The texts as the index takes them. Asks no database: other processes do it too."""
    return [
        {
            "id": document.id,
            "title": characters(document.title),
            "body": characters(document.body),
            "terms": common.spelled(common.held(document, terms)),
        }
        for document in documents
    ]


def insert(session: "Session", rows: Sequence[dict[str, int | str]]) -> None:
    """Add texts, as rows() makes them."""
    _write(session, rows, "INSERT INTO {0} (rowid, {1}) VALUES (:id, {2})")


def delete(session: "Session", documents: Sequence[Document]) -> None:
    """Take texts out, which must be exactly those that were added."""
    taken = rows(documents, terms=terms(session))
    _write(session, taken, "INSERT INTO {0} ({0}, rowid, {1}) VALUES ('delete', :id, {2})")


def _write(session: "Session", rows: Sequence[dict[str, int | str]], sql: str) -> None:
    for table, columns in {**_TABLES, _COMMON: ("terms",)}.items():
        chosen = [row for row in rows if int(row["id"]) > 0] if table == "search_index_titles" else rows
        if chosen:
            values = ", ".join(f":{name}" for name in columns)
            session.connection().exec_driver_sql(sql.format(table, ", ".join(columns), values), chosen)


def matching(ask: Plain, wanted: Sequence[Sequence[Term]], unwanted: Sequence[Term], *, current: bool) -> list[int]:
    """The ids of the texts in which a term of each wanted group occurs, and no unwanted one.

    Needs a wanted group. `current`: only articles as they are.
    """
    least = 1 if current else -(2**62)
    known = _known(ask, [term for group in (*wanted, unwanted) for term in group])
    if all(_is_listed(term, known) for group in (*wanted, unwanted) for term in group):
        return _matching(ask, _COMMON, _but_not(_all_of(wanted, _listed), unwanted, _listed), least)
    if (narrowing := _narrowing(wanted, known)) and len(few := _matching(ask, _COMMON, narrowing, least, _FEW)) < _FEW:
        return _looked_through(ask, few, wanted, unwanted)
    return _matching(ask, "search_index", _but_not(_all_of(wanted, _phrase), unwanted, _phrase), least)


def _known(ask: Plain, terms: Sequence[Term]) -> set[str]:
    """The common terms and characters in the terms."""
    given = Given()
    pieces = {piece for term in terms for piece in common.parts(folded(term.text))}
    return {row[0] for row in ask.rows(f"SELECT term FROM {_TERMS} WHERE {ask.one_of('term', pieces, given)}", given)}


def _is_listed(term: Term, known: set[str]) -> bool:
    words = folded(term.text)
    return len(words) > 1 and words in known and not term.field


def _narrowing(wanted: Sequence[Sequence[Term]], known: set[str]) -> str:
    """What a text must hold for the wanted groups, as common terms; empty where that is not the quickest way."""
    groups = []
    for group in wanted:
        words = [folded(term.text) for term in group]
        if not any(known.issuperset(word) for word in words):
            return ""  # an uncommon character in each: it narrows more than anything
        pieces = [common.covering(word, known) for word in words]
        if all(pieces):
            groups.append(" OR ".join(f"({' AND '.join(map(_token, some))})" for some in pieces))
    return " AND ".join(f"({group})" for group in groups)


def _looked_through(
    ask: Plain, ids: Sequence[int], wanted: Sequence[Sequence[Term]], unwanted: Sequence[Term]
) -> list[int]:
    """Of these texts the ones that hold the terms."""
    asked = {term for group in (*wanted, unwanted) for term in group}
    words = {term: folded(term.text) for term in asked}
    looks = {term: may_hold(words[term]) for term in asked}
    spelled = {term: words[term].encode() for term in asked}

    def possible(text: bytes) -> bool:
        return all(any(looks[term](text) for term in group) for group in wanted)

    def holds(title: bytes, body: bytes, group: Sequence[Term]) -> bool:
        return any(spelled[term] in title or (not term.field and spelled[term] in body) for term in group)

    return [
        number
        for number, title, body in texts(ask, ids, words.values(), possible)
        if all(holds(title, body, group) for group in wanted) and not holds(title, body, unwanted)
    ]


def titled(ask: Plain, wanted: Sequence[Sequence[Term]]) -> list[int]:
    """The ids of the articles in whose title, as it is, a term of each wanted group occurs."""
    return _matching(ask, "search_index_titles", _all_of(wanted, _phrase), least=1)


def _matching(ask: Plain, table: str, expression: str, least: int, most: int | None = None) -> list[int]:
    given = Given()
    found = f"FROM {table} WHERE {table} MATCH {given.add(expression)} AND rowid >= {given.add(least)}"
    (ids,) = ask.values(["rowid"], f"FROM (SELECT rowid {found} LIMIT {most})" if most else found, given)
    return ids


def texts(
    ask: Plain, ids: Sequence[int], words: Iterable[str], possible: Callable[[bytes], bool] = bool
) -> Iterator[tuple[int, bytes, bytes]]:
    """(id in the index, title, body) of texts in the index, folded as far as it matters to the folded words.

    In UTF-8, as they lie in the database: most need not be made to strings. `possible` is asked of texts whose
    ideographs are as printed, to spare those the rest that it says no to.
    """
    articles = [number for number in ids if number > 0]
    text = f"CAST(t.title AS BLOB), CAST({' || char(10) || '.join(f't.{name}' for name in SEARCHED)} AS BLOB)"
    of_article = "FROM search_articles s JOIN %s n ON n.id = s.id JOIN articles t ON t.id = s.id"
    same = all(map(ideographs, words))
    for number, title, body, as_printed in _texts(ask, articles, f"SELECT t.id, {text}, s.as_printed {of_article}"):
        if not as_printed or possible(title + b"\n" + body):
            yield (number, title, body) if same and as_printed else (number, _folded(title), _folded(body))
    others = [-number for number in ids if number < 0]
    belongs = "FROM search_documents d JOIN %s n ON n.id = d.id JOIN"
    of_version = f"{belongs} article_versions t ON t.article_id = d.article_id AND t.version = d.version"
    of_file = f"{belongs} attachments t ON t.article_id = d.article_id AND t.seq = d.attachment"
    file = "CAST(t.name AS BLOB), CAST(t.text AS BLOB)"
    for sql in (f"SELECT -d.id, {text} {of_version}", f"SELECT -d.id, {file} {of_file}"):
        yield from ((number, _folded(title), _folded(body)) for number, title, body in _texts(ask, others, sql))


def _folded(text: bytes) -> bytes:
    return folded(text.decode()).encode()


def _texts(ask: Plain, ids: Sequence[int], sql: str) -> Iterator[Sequence[Any]]:
    for start in range(0, len(ids), _CHUNK):
        given = Given()
        yield from ask.rows(sql % ask.table_of(ids[start : start + _CHUNK], given), given)


def occurrences(ask: Plain, terms: Sequence[str], ids: Sequence[int]) -> Iterable[tuple[int, list[tuple[int, int]]]]:
    """(id in the index, for each folded term how often it occurs in title and body) of texts in the index."""
    words = [term.encode() for term in terms]
    for number, title, body in texts(ask, ids, terms):
        yield number, [(title.count(word), body.count(word)) for word in words]


def _all_of(wanted: Sequence[Sequence[Term]], spelled: Callable[[Term], str]) -> str:
    groups = (" OR ".join(map(spelled, group)) for group in wanted)
    return " AND ".join(f"({group})" for group in groups)


def _but_not(expression: str, unwanted: Sequence[Term], spelled: Callable[[Term], str]) -> str:
    return f"({expression}) NOT ({' OR '.join(map(spelled, unwanted))})" if unwanted else expression


def _listed(term: Term) -> str:
    return _token(folded(term.text))


def _token(word: str) -> str:
    return f'"{common.spelled([word])}"'


def _phrase(term: Term) -> str:
    # no character of a token is a quote: those are spelled as x22
    column = "title : " if term.field == "title" else ""
    return f'{column}"{characters(folded(term.text))}"'
