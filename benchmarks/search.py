"""How quickly the full-text index answers, how large it is, how fast it is made, and whether it is exact.

    python -m benchmarks.search [--articles 100000] [--folder DIR] [--url postgresql://USER@HOST/EMPTY_DATABASE]

Generated articles (benchmarks/articles.py) are written into a new database in DIR (kept, and used again), or into an
empty PostgreSQL database. Milliseconds are printed as median / 95th percentile over many terms of each kind: rare
(in fewer than 1 of 2,000 articles), middle (about 1 of 100) and common (more than 1 of 10).
"""

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from benchmarks.articles import Writer, fill
from exports import search
from exports.config import database_url
from exports.database.migrate import upgrade
from exports.database.models import Article, SearchArticle
from exports.database.session import open_engine
from exports.index import maintain

KINDS = ("rare", "middle", "common")
TERMS = 25
"""Terms of each kind and length."""
SCANS = 4
"""Of those, how many are also looked for by LIKE and trigram, which take seconds."""


def built(engine: Engine, articles: int) -> None:
    """Fill the database and make the index, unless that was done before."""
    upgrade(engine)
    with Session(engine) as session, session.begin():
        if session.scalar(select(func.count()).select_from(SearchArticle)) == articles:
            return
        if session.scalar(select(func.count()).select_from(Article)) != articles:
            fill(session, Writer(), articles)
    before = _bytes(engine)
    began = time.perf_counter()
    with Session(engine) as session, session.begin():
        maintain.rebuild(session)
    seconds = time.perf_counter() - began
    with Session(engine) as session:
        bodies = session.execute(select(Article.title, Article.body_text).execution_options(yield_per=500))
        size = sum(len((title + body).encode()) for title, body in bodies)
    made = _bytes(engine) - before
    print(f"{articles} articles, {size / 1e6:.0f} MB of title and text", flush=True)
    print(f"index: {made / 1e6:.0f} MB, {made / size:.2f} of the text; {articles / seconds:.0f} articles a second")


def _bytes(engine: Engine) -> int:
    """What the database holds, free pages left out."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
        pages = [int(connection.scalar(text(f"PRAGMA {name}")) or 0) for name in ("page_count", "freelist_count")]
        return (pages[0] - pages[1]) * int(connection.scalar(text("PRAGMA page_size")) or 0)


def terms(session: Session, articles: int) -> dict[tuple[str, str], list[str]]:
    """(kind, length) -> terms, taken from the texts themselves."""
    chosen = random.Random(5)
    found: dict[tuple[str, str], list[str]] = {(kind, size): [] for size in ("1", "2", "4", "phrase") for kind in KINDS}
    bodies = session.scalars(select(Article.body_text).where(Article.id <= 400)).all()
    for _ in range(700):
        for size, length in (("1", 1), ("2", 2), ("4", 4), ("phrase", 9)):
            body = chosen.choice(bodies)
            start = chosen.randrange(len(body) - length)
            term = body[start : start + length]
            missing = [kind for kind in KINDS if len(found[kind, size]) < TERMS]
            if "\n" in term or not missing or term in found[missing[0], size]:
                continue
            share = search.count(session, search.Filters(f'"{term}"')) / articles
            kind = "rare" if share < 1 / 2000 else "middle" if 0.005 < share < 0.02 else "common" if share > 0.1 else ""
            if kind in missing:
                found[kind, size].append(term)
    return found


def measured(work: Callable[[str], Any], given: Iterable[str]) -> str:
    """Median and 95th percentile in milliseconds."""
    times = sorted(_timed(work, term) for term in given)
    if not times:
        return "-"
    return f"{statistics.median(times):.1f} / {times[min(len(times) - 1, int(len(times) * 0.95))]:.1f}"


def _timed(work: Callable[[str], Any], term: str) -> float:
    began = time.perf_counter()
    work(term)
    return (time.perf_counter() - began) * 1000


def report(engine: Engine, articles: int) -> Iterator[str]:
    """The lines of the table."""
    with Session(engine) as session:

        def asked(term: str, **given: Any) -> search.Filters:
            return search.Filters(f'"{term}"', **given)

        def like(term: str) -> int:
            both = Article.title.contains(term, autoescape=True) | Article.body_text.contains(term, autoescape=True)
            return session.scalar(select(func.count()).select_from(Article).where(both)) or 0

        yield f"{'terms':<14} {'count':>15} {'by relevance':>15} {'by date':>15} {'facets':>15} {'LIKE':>17}"
        for (kind, size), given in terms(session, articles).items():
            columns = [
                measured(lambda term: search.count(session, asked(term)), given),
                measured(lambda term: search.page(session, asked(term)), given),
                measured(lambda term: search.page(session, asked(term), order="date"), given),
                measured(lambda term: search.facets(session, asked(term)), given[:8]),
            ]
            yield (
                f"{kind + ' ' + size:<14} "
                + " ".join(f"{value:>15}" for value in columns)
                + (f" {measured(like, given[:SCANS]):>17}")
            )
            for term in given[:2]:
                # generated texts have no letters of several widths, so LIKE is the truth but for case
                if not any(char.isascii() for char in term) and (like(term) != search.count(session, asked(term))):
                    raise SystemExit(
                        f"{term!r}: the index finds {search.count(session, asked(term))}, LIKE {like(term)}"
                    )


def trigram(engine: Engine) -> Iterator[str]:
    """The same on SQLite's own trigram tokenizer, four-character terms (it serves none shorter than three)."""
    with Session(engine) as session:
        given = terms(session, session.scalar(select(func.count()).select_from(Article)) or 1)
        before = _bytes(engine)
        session.execute(text("CREATE VIRTUAL TABLE other USING fts5 (title, body, content='', tokenize='trigram')"))
        session.execute(text("INSERT INTO other (rowid, title, body) SELECT id, title, body_text FROM articles"))
        page = "SELECT rowid FROM other WHERE other MATCH :term ORDER BY rank LIMIT 20"
        for kind in KINDS:
            answered = measured(lambda term: session.execute(text(page), {"term": f'"{term}"'}).all(), given[kind, "4"])
            yield f"trigram, {kind} 4: first page by rank {answered}"
        session.commit()
        yield f"trigram index: {(_bytes(engine) - before) / 1e6:.0f} MB"
        session.execute(text("DROP TABLE other"))
        session.commit()


def command(folder: Path) -> str:
    """Process seconds (user and system) of `archive search` for a common word, with a table of 20."""
    code = "import resource, sys; from exports.cli import main\ntry: main(sys.argv[1:])\nexcept SystemExit: pass\n"
    code += "used = resource.getrusage(resource.RUSAGE_SELF); print(used.ru_utime + used.ru_stime, file=sys.stderr)"
    times = []
    for _ in range(5):
        call = [sys.executable, "-c", code, "-s", f"ARCHIVE_DIR={folder}", "search", "的"]
        done = subprocess.run(call, capture_output=True, text=True, check=True)
        times.append(float(done.stderr))
    return f"archive search: {statistics.median(times):.2f} s of process time"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument(
        "--folder", type=Path, help="where the SQLite database lies or is made; default: a temporary one"
    )
    parser.add_argument("--url", help="an empty PostgreSQL database instead")
    parser.add_argument("--trigram", action="store_true", help="also build and ask SQLite's trigram index")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        url = database_url(given.url, "--url") if given.url else f"sqlite:///{folder}/archive.db"
        engine = open_engine(url)
        built(engine, given.articles)
        for line in report(engine, given.articles):
            print(line, flush=True)
        if given.trigram and not given.url:
            for line in trigram(engine):
                print(line, flush=True)
        engine.dispose()
        if not given.url:
            print(command(folder))


if __name__ == "__main__":
    main()
