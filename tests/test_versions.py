"""What an observed article changes: a version for every change of what is printed, and for nothing else."""

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from crawler import items
from crawler.items import Attachment, Author
from exports import canonical, comparison, rereadings, versions
from exports.database.migrate import upgrade
from exports.database.models import Article, ArticleAuthor, ArticleVersion, Capture, Image, Run, Segment
from exports.database.models import Attachment as AttachmentRow
from exports.database.session import open_engine
from tests.storage import BASE, MOMENT, a_file, article

FILE, PICTURE = a_file(b"file"), a_file(b"picture", "照片", f"{BASE}/p.jpg")
EDITS: dict[str, Any] = {
    "title": "题目1。",
    "subtitle": "副题。",
    "byline": "办公室主任 张三 ",
    "breadcrumb": ["首页", "栏 目"],
    "source": "",
    "content_type": "编译",
    "published_at": "2024-05-06T07:09",
    "body_text": "第1篇的第一段。\n第二段",
    "editor_note": "(有删节)",
    "attachments": [dataclasses.replace(FILE, name="附件。")],
    "images": [dataclasses.replace(PICTURE, sha256="0" * 64, path=f"files/00/{'0' * 64}.jpg")],
}
"""One small edit of each field an article consists of."""


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine: Engine = open_engine(database_url)
    upgrade(engine)
    with Session(engine) as session:
        about = {"site_id": "s", "column_name": "栏目", "base_url": BASE, "arguments": {}, "ledger": {}}
        session.add(Run(id=1, spider="test", column_id="c", started_at=MOMENT, **about))
        session.flush()
        kept = {"status": 200, "role": "article", "run_id": 1, "warc_file": "w", "warc_offset": 0}
        session.add(Capture(id=1, url=BASE, fetched_at=MOMENT, warc_record_id="r", payload_sha256="0" * 64, **kept))
        session.flush()
        yield session
    engine.dispose()


def fresh(**given: Any) -> items.Article:
    given = {"attachments": [dataclasses.replace(FILE)], "images": [dataclasses.replace(PICTURE)]} | given
    return article(1, capture_id=1, **given)


def store(session: Session, item: items.Article, hours: int = 0) -> str:
    known = versions.known(session, item.url)
    outcome, _ = versions.store(session, session.get_one(Run, 1), known, item, MOMENT + timedelta(hours=hours))
    return outcome


def history(session: Session) -> list[tuple[int, str, list[Any]]]:
    rows = session.scalars(select(ArticleVersion).order_by(ArticleVersion.article_id, ArticleVersion.version))
    return [(row.version, row.event, row.changed) for row in rows]


def test_every_hashed_field_is_edited_here() -> None:
    assert EDITS.keys() == set(canonical.HASHED)


def test_first_seen(session: Session) -> None:
    assert store(session, fresh()) == "archived"
    row = session.scalars(select(Article)).one()
    assert (row.version, row.status, row.duplicate_of) == (1, "live", None)
    assert row.first_seen_at == row.last_seen_at == row.changed_at == MOMENT
    assert history(session) == [(1, "archived", [])]


def test_seen_again_unchanged(session: Session) -> None:
    store(session, fresh())
    assert store(session, fresh(), hours=1) == "unchanged"
    row = session.scalars(select(Article)).one()
    assert (row.version, row.changed_at, row.last_seen_at) == (1, MOMENT, MOMENT + timedelta(hours=1))
    assert len(history(session)) == 1


@pytest.mark.parametrize("name", EDITS)
def test_the_edit_of_one_field_is_one_revision_that_names_it(session: Session, name: str) -> None:
    store(session, fresh())
    before = session.scalars(select(Article)).one().content_hash
    assert store(session, fresh(**{name: EDITS[name]}), hours=1) == "revised"
    assert history(session) == [(1, "archived", []), (2, "revised", [name])]
    row = session.scalars(select(Article)).one()
    assert (row.version, row.changed_at) == (2, MOMENT + timedelta(hours=1))
    assert row.content_hash != before
    first = session.get_one(ArticleVersion, (row.id, 1))
    assert first.content_hash == before
    assert store(session, fresh(), hours=2) == "revised"
    assert session.scalars(select(Article)).one().content_hash == before


@pytest.mark.parametrize(
    "given",
    [
        {"author": "别人", "unit": "", "position": "", "authors": [Author("别人")]},
        {"body_html": "<p>other markup</p>"},
        {"printed": {"title": {"meta": "x"}}, "extractor": "test@2"},
        {"images": [dataclasses.replace(PICTURE, url=f"{BASE}/moved.jpg", name="另一个名字")]},
        {"attachments": [dataclasses.replace(FILE, url=f"{BASE}/moved.pdf")]},
    ],
)
def test_what_is_read_differently_is_no_revision(session: Session, given: dict[str, Any]) -> None:
    store(session, fresh())
    assert store(session, fresh(**given)) == "unchanged"


def test_an_outage_of_a_file_is_no_revision(session: Session) -> None:
    store(session, fresh())
    unfetched = [Attachment(file.url, file.name) for file in (FILE, PICTURE)]
    assert store(session, fresh(attachments=unfetched[:1], images=unfetched[1:])) == "unchanged"
    unfetched = [Attachment(file.url, file.name) for file in (FILE, PICTURE)]
    edited = fresh(title="新题目", attachments=unfetched[:1], images=unfetched[1:])
    assert store(session, edited) == "revised"
    assert history(session)[-1] == (2, "revised", ["title"])
    latest = session.get_one(ArticleVersion, (1, 2))
    assert [latest.attachments[0]["sha256"], latest.images[0]["path"]] == [FILE.sha256, PICTURE.path]


def lacking(file: Attachment) -> Attachment:
    return Attachment(file.url, file.name)


def test_a_file_that_comes_late_completes_the_version(session: Session) -> None:
    """It had failed before: the site did not change, and nobody is told that it did."""
    store(session, fresh(attachments=[lacking(FILE)], images=[lacking(PICTURE)]))
    assert store(session, fresh(images=[lacking(PICTURE)]), hours=1) == "unchanged"
    assert store(session, fresh(), hours=2) == "unchanged"
    assert history(session) == [(1, "archived", [])]
    row, version = session.get_one(Article, 1), session.get_one(ArticleVersion, (1, 1))
    assert row.changed_at == version.valid_from == MOMENT
    for each in (row, version):
        assert (each.content_hash, each.text_hash) == (canonical.content_hash(fresh()), canonical.text_hash(fresh()))
    assert (version.attachments, version.images) == ([dataclasses.asdict(FILE)], [dataclasses.asdict(PICTURE)])
    kept = [session.scalars(select(table)).one() for table in (AttachmentRow, Image)]
    assert [(file.sha256, file.size, file.path) for file in kept] == [
        (file.sha256, file.size, file.path) for file in (FILE, PICTURE)
    ]
    assert store(session, fresh(attachments=EDITS["attachments"]), hours=3) == "revised"
    assert history(session)[1:] == [(2, "revised", ["attachments"])]


@pytest.mark.parametrize("name", [name for name in EDITS if name != "attachments"])
def test_an_edit_beside_a_file_that_comes_late_is_named_alone(session: Session, name: str) -> None:
    store(session, fresh(attachments=[lacking(FILE)]))
    assert store(session, fresh(**{name: EDITS[name]})) == "revised"
    assert history(session) == [(1, "archived", []), (2, "revised", [name])]
    before, after = (session.get_one(ArticleVersion, (1, number)) for number in (1, 2))
    assert (before.attachments[0]["sha256"], after.attachments[0]["sha256"]) == (None, FILE.sha256)
    assert comparison.differing(before, after) == ([name] if name != "body_text" else [])


def test_other_bytes_and_other_files_are_still_a_difference(session: Session) -> None:
    store(session, fresh())
    store(session, fresh(attachments=[a_file(b"other")]))
    store(session, fresh(attachments=[a_file(b"other", url=f"{BASE}/moved.pdf")], images=[]))
    found = [session.get_one(ArticleVersion, (1, number)) for number in (1, 2, 3)]
    assert comparison.differing(*found[:2]) == ["attachments"]
    assert comparison.differing(*found[1:]) == ["attachments", "images"]


def test_a_file_named_by_its_server_keeps_the_name_while_it_fails(session: Session) -> None:
    nameless = Attachment(FILE.url, "")
    store(session, fresh(attachments=[dataclasses.replace(nameless)]))
    store(session, fresh(attachments=[dataclasses.replace(FILE, name="plan.pdf")]))
    assert store(session, fresh(attachments=[dataclasses.replace(nameless)])) == "unchanged"
    assert history(session) == [(1, "archived", [])]
    assert session.scalars(select(AttachmentRow)).one().name == "plan.pdf"


def test_copies_whose_file_comes_late_are_duplicates_all_the_same(session: Session) -> None:
    copy, third = f"{BASE}/copy.html", f"{BASE}/third.html"
    store(session, fresh(attachments=[lacking(FILE)]))
    assert store(session, fresh(url=copy, attachments=[lacking(FILE)])) == "duplicate"
    assert store(session, fresh(url=third)) == "archived"
    assert store(session, fresh(url=copy)) == "unchanged"
    assert store(session, fresh()) == "unchanged"
    rows = session.scalars(select(Article).order_by(Article.id)).all()
    assert len({row.text_hash for row in rows}) == 1
    assert [row.duplicate_of for row in rows] == [None, 1, 1]
    assert session.get_one(ArticleVersion, (3, 1)).duplicate_of == 1


def test_one_text_at_two_addresses(session: Session) -> None:
    assert store(session, fresh()) == "archived"
    assert store(session, fresh(url=f"{BASE}/copy.html")) == "duplicate"
    assert store(session, fresh(url=f"{BASE}/third.html")) == "duplicate"
    assert store(session, fresh(url=f"{BASE}/other.html", title="另一篇")) == "archived"
    rows = session.scalars(select(Article).order_by(Article.id)).all()
    assert [row.duplicate_of for row in rows] == [None, 1, 1, None]


def test_a_copy_that_is_revised_is_no_duplicate_any_more(session: Session) -> None:
    store(session, fresh())
    store(session, fresh(url=f"{BASE}/copy.html"))
    assert store(session, fresh(url=f"{BASE}/copy.html", title="自己的题目")) == "revised"
    assert session.get_one(Article, 2).duplicate_of is None
    assert store(session, fresh(url=f"{BASE}/copy.html")) == "revised"
    assert session.get_one(Article, 2).duplicate_of == 1
    assert session.get_one(ArticleVersion, (2, 3)).duplicate_of == 1


@pytest.mark.parametrize("title", ["题目1", "新题目"])
def test_back_after_a_withdrawal(session: Session, title: str) -> None:
    store(session, fresh())
    session.scalars(select(Article)).one().status = "withdrawn"
    assert store(session, fresh(title=title)) == "revised"
    changed = ["status"] if title == "题目1" else ["status", "title"]
    assert history(session)[-1] == (2, "restored", changed)
    assert session.scalars(select(Article)).one().status == "live"


def test_the_detail_tables_hold_the_current_version(session: Session) -> None:
    store(session, fresh(authors=[Author("甲"), Author("乙", "办公室", "主任", "记者")], attachments=[FILE, FILE]))
    store(session, fresh(title="新", authors=[Author("丙")], attachments=[FILE], images=[]))
    authors = session.scalars(select(ArticleAuthor)).all()
    assert [(author.seq, author.name) for author in authors] == [(0, "丙")]
    assert [file.sha256 for file in session.scalars(select(AttachmentRow))] == [FILE.sha256]
    assert session.scalars(select(Image)).all() == []
    assert [author["name"] for author in session.get_one(ArticleVersion, (1, 1)).authors] == ["甲", "乙"]


def test_the_item_can_be_had_back(session: Session) -> None:
    item = fresh()
    store(session, item)
    session.commit()
    session.expunge_all()
    version = session.get_one(ArticleVersion, (1, 1))
    again = canonical.item_of(version)
    assert dataclasses.replace(again, listed_url=item.listed_url) == item
    assert canonical.content_hash(again) == version.content_hash
    assert canonical.text_hash(again) == version.text_hash


def test_the_hash_is_of_the_canonical_article(session: Session) -> None:
    """Anyone can compute it: SHA-256 of JSON with sorted keys, no blanks, no escapes."""
    item = fresh()
    names = ("title", "subtitle", "byline", "breadcrumb", "source", "content_type", "published_at", "body_text")
    values = {name: getattr(item, name) for name in (*names, "editor_note")}
    values |= {"attachments": [[FILE.name, FILE.sha256]], "images": [PICTURE.sha256]}
    text = json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert canonical.content_hash(item) == hashlib.sha256(text.encode()).hexdigest()


def replayed(session: Session, version: int, item: items.Article) -> dict[tuple[str, str], int]:
    """Read a version of the first article again and promote it; what changed."""
    found = SimpleNamespace(article_id=1, version=version, article=item, outcome="reread", reason=None, required=())
    rereadings.note(session, "c", "reader", [found])
    changes = rereadings.judged(session, "c").changes
    rereadings.promote(session, "c")
    return dict(changes)


def test_reading_again_in_place_makes_the_lines_stale(session: Session) -> None:
    store(session, fresh())
    session.info.clear()
    assert replayed(session, 1, fresh()) == {}
    assert session.scalars(select(Segment)).all() == []
    changes = replayed(session, 1, fresh(author="李四", authors=[Author("李四")], unit=""))
    assert changes == {("author", "changed"): 1, ("authors", "changed"): 1, ("unit", "lost"): 1}
    assert history(session) == [(1, "archived", [])]
    assert session.scalars(select(Article)).one().author == "李四"
    assert [author.name for author in session.scalars(select(ArticleAuthor))] == ["李四"]
    (segment,) = session.scalars(select(Segment))
    assert (segment.path, segment.crc32) == ("jsonl/c/2024-05.jsonl", None)


def test_a_version_is_read_again_without_touching_a_later_one(session: Session) -> None:
    store(session, fresh())
    store(session, fresh(title="新题目"))
    session.flush()
    assert replayed(session, 1, fresh(unit="机关")) == {("unit", "changed"): 1}
    assert session.get_one(Article, 1).unit == "办公室"
    assert session.get_one(ArticleVersion, (1, 1)).unit == "机关"
    assert session.get_one(ArticleVersion, (1, 2)).unit == "办公室"
