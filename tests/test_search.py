"""The index finds what a scan of every text finds, on both databases; see also test_query.py for single cases."""

import math
import os
import random
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Engine, delete, update
from sqlalchemy.orm import Session

from exports import search
from exports.database.migrate import upgrade
from exports.database.models import (
    Article,
    ArticleAuthor,
    ArticleVersion,
    Attachment,
    Capture,
    Run,
    SearchArticle,
    SearchDocument,
    SearchState,
)
from exports.index import maintain
from exports.index.parse import TEXT_FIELDS, Term, parse
from exports.index.text import folded, squeezed

QUERIES = int(os.environ.get("ARCHIVE_SEARCH_QUERIES", "300"))
"""Generated queries; many thousand need `--timeout=0 -o faulthandler_timeout=0`."""
ALPHABET = "党委党委工作的的一二学习０1２aAbＢ％%_，,。“”( -\"'*:😀𠮷éÉ…①㎡\u3000 \n"
NAMES = ("王小明", "欧阳 华", "Ａ君", "买买提·艾力")
UNITS = ("信息中心", "信息中心二处", "ＡＢ公司", "")
SOURCES = ("机关党委", "人民网", "")
COLUMNS = (("zhuanti", "重要专题"), ("other", "学习园地"))
NOW = datetime(2024, 1, 1, tzinfo=UTC)


class Archive:
    """A generated archive in memory, and what a scan finds in it."""

    def __init__(self, seed: int, articles: int) -> None:
        self.random = random.Random(seed)
        self.articles = [self._article(number) for number in range(1, articles + 1)]

    def text(self, longest: int) -> str:
        return "".join(self.random.choices(ALPHABET, k=self.random.randint(0, longest)))

    def _texts(self) -> dict[str, str]:
        line = {name: self.text(8).replace("\n", "") for name in ("title", "subtitle", "byline", "editor_note")}
        return line | {"body_text": self.text(120)}

    def _article(self, number: int) -> dict[str, Any]:
        chosen = self.random
        authors = [(chosen.choice(NAMES), chosen.choice(UNITS)) for _ in range(chosen.choice((0, 1, 1, 2)))]
        fields = {
            "author": "、".join(name for name, _ in authors),
            "unit": "、".join(unit for _, unit in authors if unit),
            "source": chosen.choice(SOURCES),
            "published_at": chosen.choice((None, "2021", "2021-05", "2021-05-06", "2022-12-31T23:59", "2023-01-01")),
        }
        versions = [self._texts() | fields for _ in range(chosen.choice((1, 1, 2, 3)))]
        files = [(self.text(5).replace("\n", ""), self.text(60)) for _ in range(chosen.choice((0, 0, 1, 2)))]
        column = chosen.choice(COLUMNS)
        return {"id": number, "authors": authors, "versions": versions, "files": files, "column": column} | fields

    def write(self, session: Session) -> None:
        session.add(
            Run(id=1, spider="t", site_id="s", column_id="c", column_name="栏目", base_url="", arguments={}, ledger={},
                started_at=NOW)
        )  # fmt: skip
        session.flush()
        session.add(
            Capture(id=1, url="u", fetched_at=NOW, status=200, role="article", run_id=1, warc_file="w", warc_offset=0,
                    warc_record_id="r", payload_sha256="0")
        )  # fmt: skip
        session.flush()
        for article in self.articles:
            shared = {
                "url": f"http://example.test/{article['id']}",
                "site_id": "s",
                "column_id": article["column"][0],
                "column_name": article["column"][1],
                **dict.fromkeys(("position", "content_type", "extractor", "body_html"), ""),
                "breadcrumb": [],
                "printed": {},
                "status": "live",
                "content_hash": "0",
                "text_hash": "0",
                "first_seen_at": NOW,
                "last_seen_at": NOW,
                "changed_at": NOW,
                "capture_id": 1,
            }
            last = len(article["versions"])
            session.add(Article(id=article["id"], version=last, **shared, **article["versions"][-1]))
            session.flush()
            for number, texts in enumerate(article["versions"], start=1):
                more = {"valid_from": NOW, "event": "archived", "changed": [], "run_id": 1, "authors": []}
                more |= {"attachments": [], "images": []}
                session.add(ArticleVersion(article_id=article["id"], version=number, **shared, **texts, **more))
            for seq, (name, unit) in enumerate(article["authors"]):
                author = {"name": name, "unit": unit, "position": "", "role": "作者"}
                session.add(ArticleAuthor(article_id=article["id"], seq=seq, **author))
            for seq, (name, content) in enumerate(article["files"]):
                file = {"url": "u", "media_type": "", "name": name, "text": content}
                session.add(Attachment(article_id=article["id"], seq=seq, **file))
        session.flush()

    def query(self) -> search.Filters:
        """Mostly pieces of the texts themselves, joined in every way; now and then rubbish."""
        chosen = self.random
        parts = []
        for _ in range(chosen.choice((1, 1, 1, 2, 2, 3))):
            parts.append(chosen.choice(("", "", "", "", "-", "NOT ")) + self._term())
            parts.append(chosen.choice((" ", " ", " OR ", " AND ", "")))
        words = self.text(12) if chosen.random() < 0.1 else "".join(parts[:-1])
        some: dict[str, Any] = {"text": words}
        if chosen.random() < 0.2:
            some[chosen.choice(("versions", "attachments"))] = True
        if chosen.random() < 0.2:
            some |= chosen.choice((
                *({"columns": ("zhuanti",)}, {"author": "欧阳华"}, {"unit": "信息"}, {"source": "党委"}),
                *({"since": date(2021, 5, 7)}, {"until": date(2022, 12, 31)}, {"has_attachment": True}),
            ))  # fmt: skip
        return search.Filters(**some)

    def _term(self) -> str:
        chosen = self.random
        if chosen.random() < 0.15:
            return chosen.choice((
                *("author:王小明", "unit:中心", "column:重要专题", "source:人民", "after:2021-05", "before:2021"),
                *("has:attachment", "author:Ａ君", "after:nonsense", "column:none"),
            ))  # fmt: skip
        texts = chosen.choice(chosen.choice(self.articles)["versions"])
        source = texts[chosen.choice(("title", "body_text", "body_text"))] or "党"
        start = chosen.randrange(len(source))
        piece = source[start : start + chosen.choice((1, 1, 2, 2, 2, 3, 4, 8))]
        opening, closing = chosen.choice((('"', '"'), ("“", "”"), ("「", "」"), ("", ""), ("", "")))
        field = "title:" if chosen.random() < 0.1 else ""
        return f"{field}{opening}{piece}{closing}"

    def compare(self, session: Session, queries: int) -> None:
        """What is found is what a scan finds, for so many queries."""
        for _ in range(queries):
            filters = self.query()
            assert set(search.matching(session, filters)) == self.scan(filters), filters

    def scan(self, filters: search.Filters) -> set[int]:
        return {article["id"] for article in self.articles if self._matches(article, filters)}

    def _matches(self, article: dict[str, Any], filters: search.Filters) -> bool:
        narrow = [
            *(Term(column, field="column") for column in filters.columns),
            *(Term(getattr(filters, name), field=name) for name in ("author", "unit", "source")),
            *([Term("", field="has")] if filters.has_attachment else []),
            *([Term(filters.since.isoformat(), field="after")] if filters.since else []),
            *([Term(filters.until.isoformat(), field="before")] if filters.until else []),
        ]
        if not all(self._holds(article, ("", ""), term) for term in narrow if term.text or term.field == "has"):
            return False
        return bool(self._found_in(article, filters))

    def _found_in(self, article: dict[str, Any], filters: search.Filters) -> list[tuple[str, str]]:
        """The texts of the article that match."""
        documents = [self._document(article["versions"][-1])]
        if filters.versions:
            documents += [self._document(texts) for texts in article["versions"][:-1]]
        if filters.attachments:
            documents += [file for file in article["files"] if file[1]]
        groups = parse(filters.text)
        return [
            document
            for document in documents
            if all(any(self._holds(article, document, term) != term.excluded for term in group) for group in groups)
        ]

    def ranked(self, filters: search.Filters) -> list[int]:
        """What is found, most occurrences first, one in the title counting ten times; the newer of equals first."""
        groups = [group for group in parse(filters.text) if all(term.field in TEXT_FIELDS for term in group)]
        terms = {folded(term.text) for group in groups if not any(term.excluded for term in group) for term in group}

        def place(article: dict[str, Any]) -> tuple[int, str, int]:
            matching = [
                [text.count(term) + 10 * title.count(term) for term in terms]
                for title, text in ((folded(title), folded(text)) for title, text in self._found_in(article, filters))
            ]
            weight = max(math.prod(1 + number for number in numbers) for numbers in matching)
            return (weight, article["published_at"] or "", article["id"])

        found = self.scan(filters)
        chosen = [article for article in self.articles if article["id"] in found]
        return [article["id"] for article in sorted(chosen, key=place, reverse=True)]

    def spread(self, filters: search.Filters) -> dict[str, Counter[str]]:
        """facet -> value -> articles."""
        found = self.scan(filters)
        chosen = [article for article in self.articles if article["id"] in found]
        authors = [article["authors"] or [("", "")] for article in chosen]
        return {
            "column": Counter(article["column"][0] for article in chosen),
            "source": Counter(article["source"] for article in chosen),
            "year": Counter((article["published_at"] or "")[:4] for article in chosen),
            "author": Counter(name for each in authors for name in {name for name, _ in each}),
            "unit": Counter(unit for each in authors for unit in {unit for _, unit in each}),
        }

    @staticmethod
    def _document(texts: dict[str, str]) -> tuple[str, str]:
        names = ("subtitle", "byline", "author", "unit", "editor_note", "body_text")
        return texts["title"], "\n".join(texts[name] for name in names)

    @staticmethod
    def _holds(article: dict[str, Any], document: tuple[str, str], term: Term) -> bool:
        day = article["published_at"]
        if term.field == "author":
            return any(squeezed(name) == squeezed(term.text) for name, _ in article["authors"])
        if term.field == "unit":
            return any(folded(term.text) in folded(unit) for _, unit in article["authors"])
        if term.field == "column":
            return term.text in article["column"]
        if term.field == "source":
            return folded(term.text) in folded(article["source"])
        if term.field == "has":
            return bool(article["files"])
        if term.field == "after":
            return day is not None and (day >= term.text or day in (term.text[:4], term.text[:7]))
        if term.field == "before":
            return day is not None and day[:10] <= term.text
        searched = document[0] if term.field == "title" else "\n".join(document)
        return folded(term.text) in folded(searched)


def test_what_is_found_is_what_a_scan_finds(engine: Engine) -> None:
    archive = Archive(seed=7, articles=150)
    found = 0
    with Session(engine) as session, session.begin():
        archive.write(session)
        maintain.rebuild(session)
        for number in range(QUERIES):
            filters = archive.query()
            expected = archive.scan(filters)
            assert set(search.matching(session, filters)) == expected, filters
            if number % 10 == 0:
                page = search.page(session, filters, limit=5)
                assert (page.total, len(page.hits)) == (len(expected), min(5, len(expected)))
                assert {hit.article.id for hit in page.hits} <= expected
                assert search.matching(session, filters, "relevance") == archive.ranked(filters)
                facets = search.facets(session, filters, most=100)
                assert {name: {each.key: each.articles for each in facets[name]} for name in facets} == archive.spread(
                    filters
                )
            found += bool(expected)
    assert QUERIES // 3 < found < QUERIES


def test_a_word_of_one_character_again_and_again_is_found_whole(engine: Engine) -> None:
    archive = Archive(seed=59, articles=4)
    for article, words in zip(archive.articles, ("好好", "好好好", "好", "𠮷𠮷x好好"), strict=True):
        article["versions"][-1] |= {"title": "", "body_text": words}
    with Session(engine) as session, session.begin():
        archive.write(session)
        maintain.rebuild(session)
        for words in (
            "好",
            "好好",
            "好好好",
            "好好好好",
            "𠮷",
            "𠮷𠮷",
            "𠮷𠮷𠮷",
            "title:好好",
            "好好 -好好好",
            "好好好 OR x好",
        ):
            filters = search.Filters(words)
            assert set(search.matching(session, filters)) == archive.scan(filters), words


def _state(session: Session) -> tuple[Any, ...]:
    """What the index knows of every text, without the numbers it gave."""
    names = (SearchArticle.id, SearchArticle.version, SearchArticle.checksum, SearchArticle.attachments)
    articles = session.query(*names).order_by(SearchArticle.id).all()
    further = (SearchDocument.article_id, SearchDocument.version, SearchDocument.attachment, SearchDocument.checksum)
    return articles, sorted(session.query(*further).all(), key=str), session.query(SearchState.made_by).all()


def test_the_index_follows_every_change_in_its_transaction(engine: Engine) -> None:
    archive = Archive(seed=11, articles=40)
    with Session(engine) as session, session.begin():
        archive.write(session)
        maintain.rebuild(session)
    for number in (3, 4, 5):
        article = archive.articles[number - 1]
        texts = article["versions"][-1] | {"title": f"改后的题目{number}", "body_text": f"全新的正文{number}。"}
        article["versions"][-1] = texts
        article["files"] = [("新附件", f"附件里的话{number}")]
        with Session(engine) as session, session.begin():
            maintain.changing(session, number)
            session.execute(update(Article).where(Article.id == number).values(**texts))
            of_version = (ArticleVersion.article_id == number, ArticleVersion.version == len(article["versions"]))
            session.execute(update(ArticleVersion).where(*of_version).values(**texts))
            session.execute(delete(Attachment).where(Attachment.article_id == number))
            file = {"url": "u", "media_type": "", "name": "新附件", "text": f"附件里的话{number}"}
            session.add(Attachment(article_id=number, seq=0, **file))
            maintain.update(session)
            if number == 5:
                session.rollback()
                archive.articles[4] = Archive(seed=11, articles=40).articles[4]
    with Session(engine) as session:
        assert set(search.matching(session, search.Filters("全新的正文"))) == {3, 4}
        assert search.matching(session, search.Filters("附件里的话3", attachments=True)) == [3]
        assert search.matching(session, search.Filters("附件里的话3")) == []
        archive.compare(session, 100)
        followed = _state(session)
    with Session(engine) as session, session.begin():
        maintain.rebuild(session)
        assert _state(session) == followed


def test_a_text_changed_behind_the_index_makes_it_anew(engine: Engine) -> None:
    archive = Archive(seed=13, articles=10)
    with Session(engine) as session, session.begin():
        archive.write(session)
        maintain.rebuild(session)
    with Session(engine) as session, session.begin():
        session.execute(update(ArticleVersion).values(body_text="没有说过的改动"))
        session.execute(update(Article).values(body_text="没有说过的改动"))
        maintain.changing(session, 1)
        maintain.update(session)
    upgrade(engine)
    with Session(engine) as session:
        assert len(search.matching(session, search.Filters("没有说过的改动"))) == 10
        assert _state(session)[2]


def test_an_index_of_other_tokens_is_made_anew(engine: Engine) -> None:
    archive = Archive(seed=17, articles=10)
    with Session(engine) as session, session.begin():
        archive.write(session)
        session.execute(update(SearchState).values(made_by="another program"))
    upgrade(engine)
    with Session(engine) as session:
        assert len(search.matching(session, search.Filters())) == 10


WORDS = (
    *('"', "“", "「」", "(", ")", "*", "AND", "OR OR", "NOT", "NOT NOT a", "AND OR NOT", "-", "--", '-"', "title:"),
    *("a AND", "title:-", "NEAR(a b)", "a NEAR/2 b", "{title}: a", "^a", "a*", "'; DROP TABLE articles", "\0", "a\0b"),
    *("\ud800", "after:2021-02-30", "before:", "has:nothing", "author:", ":", "\\", "%", "_", "🀄" * 300),
    *("党" * 5000, "党 " * 3000, " ".join(map(str, range(300))), " OR ".join(map(str, range(300))),),
    "-" + " -".join(map(str, range(300))),
)  # fmt: skip


def test_every_text_is_a_query(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        Archive(seed=19, articles=5).write(session)
        maintain.rebuild(session)
        for words in WORDS:
            filters = search.Filters(words, versions=len(words) % 2 == 0)
            assert search.page(session, filters).total == len(search.matching(session, filters)), words
