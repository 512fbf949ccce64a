"""A small archive written straight into the tables, for the tests of the readers."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from exports.database.models import (
    Article,
    ArticleAuthor,
    ArticleVersion,
    Attachment,
    Capture,
    Failure,
    Image,
    Listing,
    Run,
)
from exports.index import maintain

START = datetime(2024, 3, 1, 1, 30, tzinfo=UTC)
BASE = "http://jgdw.example.test"
HOSTILE = "红色\x1b[31m标题\x1b]0;改名\x07\u202e反写\x9b2J尾"
"""A title that would colour, rename, reverse and clear a terminal; printed it is 红色标题反写尾."""

ARTICLES: list[dict[str, Any]] = [
    {
        "title": "深入调研 推动工作",
        "body_text": "各支部深入基层开展调研。\n调研组走访了三个县，完成率为100%。",
        "byline": "信息中心主任 王小明",
        "authors": [("王小明", "信息中心", "主任")],
        "published_at": "2023-05-04T09:30",
        "breadcrumb": ["首页", "重要专题"],
        "source": "机关党委",
        "content_type": "原创",
    },
    {
        "title": "ＡＢＣ计划综述",
        "body_text": "本文介绍Ａ类项目（第１期）。\n变量写作 file_name 的形式。",
        "byline": "赵一 钱二",
        "authors": [("赵一", "研究院", ""), ("钱二", "", "")],
        "published_at": "2023-04",
        "editor_note": "（本文有删节）",
    },
    {
        "title": HOSTILE,
        "body_text": "普通的正文，\x1b[2J没有别的。",
        "byline": "某处来稿",
        "published_at": "2022-12-31",
    },
    {
        "title": "=1+1",
        "body_text": "公式一样的标题。filename 在此。共 100 人。",
        "authors": [("王小明月", "信息中心二处", "")],
        "published_at": "2022-01-01T00:00:01",
        "status": "withdrawn",
        "column_id": "other",
        "column_name": "学习园地",
    },
    {"title": "没有日期的文章", "body_text": "第一段。\n第二段提到深入二字。", "published_at": None},
]
"""Newest first; ids from 1. The second is also listed in the other column."""


def fill(engine: Engine) -> None:
    """Writes ARTICLES, their evidence and two runs into empty tables; article 1 has two versions."""
    with Session(engine) as session:
        _runs(session)
        for article_id, article in enumerate(ARTICLES, start=1):
            _capture(session, article_id)
            _article(session, article_id, article)
        _listings(session)
        _failures(session)
        maintain.rebuild(session)
        session.commit()


def _runs(session: Session) -> None:
    for run_id, column in (
        (1, ("zhuanti", "重要专题")),
        (2, ("other", "学习园地")),
        (3, ("zhuanti", "重要专题")),
    ):
        session.add(
            Run(
                id=run_id,
                spider="zhuanti",
                site_id="jgdw",
                column_id=column[0],
                column_name=column[1],
                base_url=BASE,
                arguments={},
                started_at=START + timedelta(days=run_id),
                finished_at=None if run_id == 2 else START + timedelta(days=run_id, minutes=5),
                exit_code=None if run_id == 2 else 0,
                declared=5 if run_id == 3 else None,
                ledger={"archived": 4, "external": 1} if run_id == 3 else {},
                requests=10 * run_id,
                bytes=1000,
            )
        )
    session.flush()


def _capture(session: Session, capture_id: int) -> None:
    session.add(
        Capture(
            id=capture_id,
            url=f"{BASE}/article/{capture_id}.shtml",
            fetched_at=START,
            status=200,
            role="article",
            run_id=1,
            warc_file="warc/test.warc.gz",
            warc_offset=100 * capture_id,
            warc_record_id=f"urn:uuid:{capture_id}",
            payload_sha256=hashlib.sha256(b"%d" % capture_id).hexdigest(),
        )
    )
    session.flush()


def _article(session: Session, article_id: int, given: dict[str, Any]) -> None:
    authors = [
        {"name": name, "unit": unit, "position": position, "role": "作者"}
        for name, unit, position in given.get("authors", [])
    ]
    fields: dict[str, Any] = dict.fromkeys(("subtitle", "byline", "source", "content_type", "editor_note"), "")
    fields |= {"site_id": "jgdw", "column_id": "zhuanti", "column_name": "重要专题", "status": "live"}
    fields |= {"breadcrumb": [], "printed": {}, "duplicate_of": None, "extractor": "mofcom@3"}
    fields |= {name: value for name, value in given.items() if name != "authors"}
    for name in ("name", "unit", "position"):
        joined = "、".join(author[name] for author in authors if author[name])
        fields["author" if name == "name" else name] = joined
    fields |= {
        "url": f"{BASE}/article/{article_id}.shtml",
        "version": 2 if article_id == 1 else 1,
        "content_hash": hashlib.sha256(b"c%d" % article_id).hexdigest(),
        "text_hash": hashlib.sha256(b"t%d" % article_id).hexdigest(),
        "first_seen_at": START,
        "last_seen_at": START + timedelta(days=1),
        "changed_at": START,
        "capture_id": article_id,
        "body_html": "".join(f"<p>{paragraph}</p>" for paragraph in fields["body_text"].split("\n")),
    }
    session.add(Article(id=article_id, **fields))
    session.flush()
    session.add_all(ArticleAuthor(article_id=article_id, seq=i, **author) for i, author in enumerate(authors))
    file = {"url": f"{BASE}/f/{article_id}.pdf", "name": "附件：名单.pdf", "sha256": "ab" * 32, "size": 12}
    file |= {"media_type": "application/pdf", "path": f"files/ab/{'ab' * 32}.pdf", "text": None}
    files = [file] if article_id == 1 else []
    session.add_all(Attachment(article_id=article_id, seq=i, **entry) for i, entry in enumerate(files))
    picture = {"url": f"{BASE}/i/{article_id}.jpg", "name": "图片", "sha256": None, "size": None}
    picture |= {"media_type": "", "path": None, "text": None}
    session.add(Image(article_id=article_id, seq=0, **picture))
    extra = {"authors": authors, "attachments": files, "images": [picture], "valid_from": START}
    if article_id == 1:
        first = fields | {"version": 1, "title": "深入调研", "source": ""}
        first["body_text"] = "各支部深入一线开展调研。\n调研组走访了三个县，完成率为100%。\n旧的结尾。"
        first["body_html"] = "".join(f"<p>{paragraph}</p>" for paragraph in first["body_text"].split("\n"))
        session.add(ArticleVersion(article_id=1, event="archived", changed=[], run_id=1, **first, **extra))
        extra |= {"valid_from": START + timedelta(hours=20)}
    session.add(
        ArticleVersion(
            article_id=article_id,
            event="revised" if article_id == 1 else "archived",
            changed=["title", "source", "body_text"] if article_id == 1 else [],
            run_id=1,
            **fields,
            **extra,
        )
    )
    session.flush()


def _listings(session: Session) -> None:
    def entry(column_id: str, run_id: int, url: str, outcome: str | None, article_id: int | None) -> Listing:
        return Listing(
            column_id=column_id,
            url=url,
            listed_title="标题",
            listed_date=None,
            position=0,
            first_run_id=1,
            last_run_id=run_id,
            outcome=outcome,
            article_id=article_id,
        )

    for article_id in (1, 2, 3, 5):
        outcome = "unchanged" if article_id == 5 else "archived"
        session.add(entry("zhuanti", 3, f"{BASE}/listed/{article_id}.shtml", outcome, article_id))
    session.add(entry("zhuanti", 3, "http://elsewhere.example.test/", "external", None))
    session.add(entry("zhuanti", 1, f"{BASE}/no-longer-listed.shtml", "gone", None))
    session.add(entry("other", 2, f"{BASE}/listed/4.shtml", "archived", 4))
    session.add(entry("other", 2, f"{BASE}/listed/2.shtml", None, 2))


def _failures(session: Session) -> None:
    for failure_id, resolved in ((1, None), (2, START + timedelta(days=2))):
        session.add(
            Failure(
                id=failure_id,
                column_id="other",
                url=f"{BASE}/broken/{failure_id}.shtml",
                kind="article",
                outcome="failed",
                reason="HTTP 500\x1b[31m twice",
                attempts=3,
                first_failed_at=START,
                last_failed_at=START + timedelta(hours=failure_id),
                first_run_id=1,
                last_run_id=2,
                resolved_at=resolved,
            )
        )
