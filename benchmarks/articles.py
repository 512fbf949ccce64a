"""Generated articles for benchmarks: Chinese-looking texts with the word frequencies of real ones (Zipf's law)."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from exports.database.models import Article, ArticleAuthor, ArticleVersion, Capture, Run

_CHARACTERS = [chr(code) for code in range(0x4E00, 0x4E00 + 3500)]
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_CHUNK = 500


class Writer:
    """Writes articles of about 1,200 characters, their authors and dates."""

    def __init__(self, seed: int = 1) -> None:
        self.random = random.Random(seed)
        rank = list(accumulate(1 / (place + 3) for place in range(len(_CHARACTERS))))
        sizes = self.random.choices((1, 2, 3, 4), weights=(15, 65, 12, 8), k=30_000)
        self.words = ["".join(self.random.choices(_CHARACTERS, cum_weights=rank, k=size)) for size in sizes]
        self._ranks = list(accumulate(1 / (place + 3) for place in range(len(self.words))))
        self.sentences = [self._sentence() for _ in range(120_000)]
        self._units = ["".join(self.random.choices(_CHARACTERS, k=4)) + "处" for _ in range(300)]
        self._names = ["".join(self.random.choices(_CHARACTERS, k=3)) for _ in range(5000)]

    def _sentence(self) -> str:
        words = self.random.choices(self.words, cum_weights=self._ranks, k=self.random.randint(6, 28))
        if self.random.random() < 0.2:
            words.insert(1, f"{self.random.randint(1, 2000)}")
        if self.random.random() < 0.05:
            words.insert(1, self.random.choice(("GDP", "WTO", "App", "Internet")))
        if len(words) > 12:
            words[len(words) // 2] += "，"
        return "".join(words) + "。"

    def articles(self, count: int, first: int = 1) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
        """The fields of articles and their authors, ids from `first` on."""
        chosen = self.random
        for number in range(first, first + count):
            sentences = chosen.choices(self.sentences, k=chosen.randint(10, 60))
            paragraphs = ["".join(sentences[start : start + 4]) for start in range(0, len(sentences), 4)]
            name, unit = chosen.choice(self._names), chosen.choice(self._units)
            published = datetime(2012, 1, 1, tzinfo=UTC) + timedelta(minutes=chosen.randrange(14 * 365 * 24 * 60))
            yield (
                {
                    "id": number,
                    "url": f"http://example.test/{number}.shtml",
                    "column_id": f"c{number % 7}",
                    "column_name": f"栏目{number % 7}",
                    "title": "".join(chosen.choices(self.words, cum_weights=self._ranks, k=8)),
                    "byline": f"{unit} {name}",
                    "author": name,
                    "unit": unit,
                    "source": chosen.choice(("机关党委", "人民网", "新华社", "")),
                    "published_at": published.strftime("%Y-%m-%dT%H:%M"),
                    "body_text": "\n".join(paragraphs),
                    "body_html": "",
                },
                [{"article_id": number, "seq": 0, "name": name, "unit": unit, "position": "", "role": "作者"}],
            )


def fill(session: Session, writer: Writer, count: int) -> None:
    """Writes the articles into empty tables, without the index."""
    run = {"id": 1, "spider": "b", "site_id": "s", "column_id": "c0", "column_name": "栏目0", "base_url": ""}
    session.execute(insert(Run).values(**run, arguments={}, ledger={}, started_at=_NOW, requests=0, bytes=0))
    capture = {"id": 1, "url": "u", "fetched_at": _NOW, "status": 200, "role": "article", "run_id": 1, "warc_file": "w"}
    session.execute(insert(Capture).values(**capture, warc_offset=0, warc_record_id="r", payload_sha256="0"))
    shared: dict[str, Any] = dict.fromkeys(("subtitle", "position", "content_type", "editor_note"), "")
    shared |= {"site_id": "s", "breadcrumb": [], "printed": {}, "status": "live", "version": 1, "extractor": "x@1"}
    shared |= {"content_hash": "0" * 64, "text_hash": "0" * 64, "duplicate_of": None, "capture_id": 1}
    shared |= dict.fromkeys(("first_seen_at", "last_seen_at", "changed_at"), _NOW)
    version = {"valid_from": _NOW, "event": "archived", "changed": [], "run_id": 1, "authors": [], "attachments": []}
    rows: list[dict[str, Any]] = []
    authors: list[dict[str, Any]] = []
    for fields, written_by in writer.articles(count):
        rows.append(shared | fields)
        authors += written_by
        if len(rows) == _CHUNK or fields["id"] == count:
            session.execute(insert(Article), rows)
            versions = [{name: value for name, value in row.items() if name != "id"} for row in rows]
            of = [version | {"images": [], "article_id": row["id"]} for row in rows]
            session.execute(insert(ArticleVersion), [one | two for one, two in zip(versions, of, strict=True)])
            session.execute(insert(ArticleAuthor), authors)
            rows, authors = [], []
