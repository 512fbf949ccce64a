"""How quickly the full-text index answers, how large it is, how fast it is made, and whether it is exact.

    python -m benchmarks.search [--articles 100000] [--postgresql 20000] [--folder DIR]

Generated articles (benchmarks/articles.py) are written into a new SQLite database in DIR (kept, and used again), then
into a PostgreSQL server of the benchmark's own (0: not). Printed are Markdown tables: milliseconds of processor time on
SQLite, of the clock on PostgreSQL, as median / 95th percentile over many terms of each kind: rare (in fewer than 1 of
2,000 articles), middle (about 1 of 100) and common (more than 1 of 10). Every count is compared with that of LIKE.
"""

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, func, or_, select, text
from sqlalchemy.orm import Session

from benchmarks.articles import Writer, fill
from exports import search
from exports.config import Config
from exports.database.migrate import upgrade
from exports.database.models import Article, SearchArticle
from exports.database.session import open_engine
from exports.index import maintain
from tests.services import fresh_database, postgres_server
from tests.web_client import Room

KINDS = ("rare", "middle", "common")
SIZES = {"1": 1, "2": 2, "4": 4, "phrase": 9}
TERMS = 20
"""Terms of each kind and length."""
SCANS = 3
"""Of those, how many are also looked for by LIKE, which takes seconds, and asked for facets twice as many."""
ROUNDS = 250
"""Pieces of the texts that are tried as terms, of each length."""


def built(engine: Engine, articles: int) -> Iterator[str]:
    """Fill the database and make the index, unless that was done before; says how large and how fast."""
    upgrade(engine)
    with Session(engine) as session, session.begin():
        if session.scalar(select(func.count()).select_from(SearchArticle)) == articles:
            return
        if session.scalar(select(func.count()).select_from(Article)) != articles:
            fill(session, Writer(), articles)
    before, began, used = _bytes(engine), time.perf_counter(), time.process_time()
    with Session(engine) as session, session.begin():
        maintain.rebuild(session)
    seconds, used = time.perf_counter() - began, time.process_time() - used
    with Session(engine) as session:
        bodies = session.execute(select(Article.title, Article.body_text).execution_options(yield_per=500))
        size = sum(len((title + body).encode()) for title, body in bodies)
    made = _bytes(engine) - before
    yield f"{size / 1e6:.0f} MB of title and text. Index: {made / 1e6:.0f} MB, {made / size:.2f} of them;"
    yield f"{articles / seconds:.0f} articles a second ({articles / used:.0f} a second of our own processor time)."
    yield ""


def _bytes(engine: Engine) -> int:
    """What the database holds, free pages left out."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
        pages = [int(connection.scalar(text(f"PRAGMA {name}")) or 0) for name in ("page_count", "freelist_count")]
        return (pages[0] - pages[1]) * int(connection.scalar(text("PRAGMA page_size")) or 0)


Terms = dict[tuple[str, str], list[str]]


def terms(session: Session, articles: int) -> Terms:
    """(kind, length) -> terms, taken from the texts themselves."""
    chosen = random.Random(5)
    found: Terms = {(kind, size): [] for size in SIZES for kind in KINDS}
    bodies = session.scalars(select(Article.body_text).where(Article.id <= 400)).all()
    for _ in range(ROUNDS):
        for size, length in SIZES.items():
            body = chosen.choice(bodies)
            start = chosen.randrange(len(body) - length)
            term = body[start : start + length]
            missing = [kind for kind in KINDS if len(found[kind, size]) < TERMS]
            # texts without letters, so that LIKE is the truth
            if any(char.isascii() for char in term) or not missing or any(term in found[kind, size] for kind in KINDS):
                continue
            share = search.count(session, search.Filters(f'"{term}"')) / articles
            kind = "rare" if share < 1 / 2000 else "middle" if 0.005 < share < 0.02 else "common" if share > 0.1 else ""
            if kind in missing:
                found[kind, size].append(term)
    return found


def measured(work: Callable[[str], Any], given: Iterable[str], clock: Callable[[], float]) -> str:
    """Median and 95th percentile in milliseconds."""

    def timed(term: str) -> float:
        began = clock()
        work(term)
        return (clock() - began) * 1000

    times = sorted(timed(term) for term in given)
    if not times:
        return "-"
    return f"{statistics.median(times):.1f} / {times[min(len(times) - 1, int(len(times) * 0.95))]:.1f}"


@dataclass(frozen=True)
class Rival:
    """Another index over the same texts."""

    name: str
    shortest: int
    """Characters of the shortest term it serves."""
    first_page: Callable[[str], Any]


def report(session: Session, given: Terms, rival: Rival) -> Iterator[str]:
    """The lines of the table."""
    clock = time.process_time if session.get_bind().dialect.name == "sqlite" else time.perf_counter

    def asked(term: str) -> search.Filters:
        return search.Filters(f'"{term}"')

    yield f"| terms | | count | by relevance | by date | facets | LIKE | {rival.name} |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|"
    for (kind, size), some in given.items():
        columns = [
            measured(lambda term: search.count(session, asked(term)), some, clock),
            measured(lambda term: search.page(session, asked(term)), some, clock),
            measured(lambda term: search.page(session, asked(term), order="date"), some, clock),
            measured(lambda term: search.facets(session, asked(term)), some[: 2 * SCANS], clock),
            measured(lambda term: scan(session, term), some[:SCANS], clock),
            measured(rival.first_page, some[: 2 * SCANS], clock) if SIZES[size] >= rival.shortest else "-",
        ]
        yield f"| {kind} {size} | {len(some)} | {' | '.join(columns)} |"
        for term in some[:SCANS]:
            counts = search.count(session, asked(term)), scan(session, term)
            if counts[0] != counts[1]:
                raise SystemExit(f"{term!r}: the index finds {counts[0]}, LIKE {counts[1]}")
    yield ""


def scan(session: Session, term: str) -> int:
    """How many articles hold the term, by LIKE without an index."""
    names = (Article.title, Article.byline, Article.body_text)
    counted = select(func.count()).where(or_(*(name.contains(term, autoescape=True) for name in names)))
    if session.get_bind().dialect.name != "postgresql":
        return session.scalar(counted) or 0
    session.execute(text("SET enable_bitmapscan = off"))  # that of the rival
    number = session.scalar(counted) or 0
    session.execute(text("SET enable_bitmapscan = on"))
    return number


def in_sqlite(folder: Path, articles: int) -> Iterator[str]:
    """The tables of SQLite."""
    engine = open_engine(f"sqlite:///{folder}/archive.db")
    yield f"### SQLite, {articles} articles"
    yield ""
    yield from built(engine, articles)
    with Session(engine) as session:
        before, began = _bytes(engine), time.process_time()
        # a table of its own, dropped again: what is kept is the archive
        session.execute(text("CREATE VIRTUAL TABLE rival USING fts5 (title, body, content='', tokenize='trigram')"))
        session.execute(text("INSERT INTO rival (rowid, title, body) SELECT id, title, body_text FROM articles"))
        session.commit()
        made, seconds = _bytes(engine) - before, time.process_time() - began
        yield f"Trigram index: {made / 1e6:.0f} MB; {articles / seconds:.0f} articles a second of processor time."
        yield ""
        page = text("SELECT rowid FROM rival WHERE rival MATCH :term ORDER BY rank LIMIT 20")
        rival = Rival("trigram, by rank", 3, lambda term: session.execute(page, {"term": f'"{term}"'}).all())
        given = terms(session, articles)
        yield from report(session, given, rival)
        session.execute(text("DROP TABLE rival"))
        session.commit()
    engine.dispose()
    yield from pages(folder, given, articles)
    for term in given["common", "1"][:1]:
        yield command(folder, term)
    yield ""


def pages(folder: Path, given: Terms, articles: int) -> Iterator[str]:
    """The table of the reading room's pages."""
    room = Room(Config(folder, f"sqlite:///{folder}/archive.db"))
    room.get("/runs")
    yield "| page of the reading room | milliseconds |"
    yield "|---|--:|"
    for kind in KINDS:
        found = measured(lambda term: room.get(f"/?q={quote(term)}"), given[kind, "2"][: 2 * SCANS], time.process_time)
        yield f"| search, {kind} two characters | {found} |"
    chosen = [str(1 + number * articles // TERMS) for number in range(TERMS)]
    yield f"| article | {measured(lambda number: room.get(f'/articles/{number}'), chosen, time.process_time)} |"
    for path in ("/", "/people", "/units", "/charts", "/charts/unit"):
        yield f"| `{path}` | {measured(room.get, [path] * SCANS, time.process_time)} |"
    yield ""


def command(folder: Path, term: str) -> str:
    """Process seconds (user and system) of `archive search` for a common word, with a table of 20."""
    code = "import resource, sys; from exports.cli import main\ntry: main(sys.argv[1:])\nexcept SystemExit: pass\n"
    code += "used = resource.getrusage(resource.RUSAGE_SELF); print(used.ru_utime + used.ru_stime, file=sys.stderr)"
    times = []
    for _ in range(5):
        call = [sys.executable, "-c", code, "-s", f"ARCHIVE_DIR={folder}", "search", term]
        done = subprocess.run(call, capture_output=True, text=True, check=True)
        times.append(float(done.stderr))
    return f"archive search: {statistics.median(times):.2f} s of process time"


def in_postgresql(articles: int) -> Iterator[str]:
    """The table of PostgreSQL."""
    yield f"### PostgreSQL, {articles} articles"
    yield ""
    with postgres_server("C.UTF-8") as server, fresh_database(server.url) as url:
        engine = open_engine(url)
        yield from built(engine, articles)
        with Session(engine) as session:
            before, began = _bytes(engine), time.perf_counter()
            session.execute(text("CREATE EXTENSION pg_trgm"))
            session.execute(text("CREATE INDEX rival ON articles USING gin (body_text gin_trgm_ops)"))
            session.commit()
            seconds = time.perf_counter() - began
            yield f"pg_trgm: {(_bytes(engine) - before) / 1e6:.0f} MB; {articles / seconds:.0f} articles a second."
            yield ""
            session.execute(text("ANALYZE"))
            page = text("SELECT id FROM articles WHERE body_text LIKE :term ORDER BY published_at DESC LIMIT 20")
            rival = Rival("pg_trgm, by date", 1, lambda term: session.execute(page, {"term": f"%{term}%"}).all())
            yield from report(session, terms(session, articles), rival)
        engine.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=100_000, help="in SQLite; 0: not")
    parser.add_argument("--postgresql", type=int, default=20_000, help="articles in PostgreSQL; 0: not")
    parser.add_argument("--folder", type=Path, help="where the SQLite database lies or is made; default: for a while")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for line in in_sqlite(folder, given.articles) if given.articles else ():
            print(line, flush=True)
    for line in in_postgresql(given.postgresql) if given.postgresql else ():
        print(line, flush=True)


if __name__ == "__main__":
    main()
