"""The labelled corpus: no block page is archived, no article is refused."""

import pytest

from tests.blocking.corpus import Sample, articles, block_pages
from tests.blocking.verdicts import matrix, verdict
from tests.crawling import ROOT

pytestmark = pytest.mark.slow


def published() -> dict[str, dict[str, int]]:
    """The table of SECURITY.md: kind of page -> verdict -> pages."""
    section = (ROOT / "SECURITY.md").read_text(encoding="utf-8").partition("## Block pages")[2]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    (_, _, *verdicts), *rows = lines[: next(n for n, row in enumerate(lines) if row[0] == "article") + 1]
    return {
        label: {verdict: int(count) for verdict, count in zip(verdicts, counts, strict=True) if int(count)}
        for label, _, *counts in rows
    }


def test_no_page_is_taken_for_the_other_kind() -> None:
    found = matrix()
    assert [dict(row) for row in found.values()] == list(published().values())  # the same order, other words
    of_articles = found.pop("article")
    assert {label: row["archived"] for label, row in found.items()} == dict.fromkeys(found, 0)
    assert of_articles == {"archived": of_articles.total()}
    assert len(found) == 12


def test_the_corpus_is_as_large_as_published() -> None:
    blocks = {(sample.status, sample.body) for sample in block_pages()}
    good = list(articles())
    assert len(blocks) >= 150
    assert len(good) >= 300
    assert sum("验证码".encode() in sample.body for sample in good) > 50


@pytest.mark.parametrize(
    ("listed", "title", "page", "kept"),
    [
        ("支部书记讲党课", "提示", "<p>请稍候片刻再来。</p>", False),
        ("支部书记讲党课", "支部书记讲党课", "<p>请稍候片刻再来。</p>", True),
        ("支部书记讲…", "支部书记讲党课", "<p>讲得好。</p>", True),  # cut in the listing
        ("支部书记讲党课", "[an error occurred]", "<p>支部书记为青年讲党课。</p>", True),  # an include failed
        ("支部书记讲党课", "一堂课", "<p>听者无不动容。</p><p>2021-03-04</p>", False),
        ("支部书记讲党课", "一堂课", "<p>听者无不动容。</p>" * 20, True),
        ("", "提示", "<p>请稍候片刻再来。</p>", True),  # nothing to compare with
    ],
)
def test_a_notice_in_the_frame_of_the_site_is_told_by_what_it_lacks(
    listed: str, title: str, page: str, kept: bool
) -> None:
    html = f'<html><body><div class="art-title">{title}</div><div class="art-con">{page}</div></body></html>'
    headers = {"Content-Type": "text/html; charset=utf-8"}
    assert verdict(Sample("x", "x", 200, html.encode(), headers, listed_title=listed)) == (
        "archived" if kept else "MarkupChanged"
    )
