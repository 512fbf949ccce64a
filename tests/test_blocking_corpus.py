"""The labelled corpus: no block page is archived, no article is refused."""

import pytest

from tests.blocking.corpus import articles, block_pages
from tests.blocking.verdicts import matrix

pytestmark = pytest.mark.slow


def test_no_page_is_taken_for_the_other_kind() -> None:
    found = matrix()
    of_articles = found.pop("article")
    assert {label: row["archived"] for label, row in found.items()} == dict.fromkeys(found, 0)
    assert of_articles == {"archived": of_articles.total()}
    assert len(found) == 10


def test_the_corpus_is_as_large_as_published() -> None:
    blocks = {(sample.status, sample.body) for sample in block_pages()}
    good = list(articles())
    assert len(blocks) >= 150
    assert len(good) >= 300
    assert sum("验证码".encode() in sample.body for sample in good) > 50
