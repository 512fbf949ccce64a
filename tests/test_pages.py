"""Saved pages beside their expectations, which a person has read.

A case is a folder tests/pages/<template>/<case>/ with page.html (raw bytes), meta.toml (url, headers, what the
listing said) and expected.json. Where the expectation is missing it is written, and the test fails so that it
gets read.
"""

import json
import tomllib
from pathlib import Path

import pytest

from tests.reading import fields, read

CASES = sorted(Path(__file__).parent.glob("pages/*/*/page.html"))


@pytest.mark.parametrize("page", CASES, ids=lambda page: f"{page.parent.parent.name}/{page.parent.name}")
def test_saved_page(page: Path) -> None:
    meta = tomllib.loads(page.with_name("meta.toml").read_text(encoding="utf-8"))
    article = read(
        page.read_bytes(),
        meta["url"],
        meta.get("headers"),
        template=meta["template"],
        listed_title=meta.get("listed_title", ""),
        listed_date=meta.get("listed_date", ""),
    )
    found = fields(article)
    expected = page.with_name("expected.json")
    if not expected.exists():
        expected.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        pytest.fail(f"{expected} was missing and has been written: read it")
    known = json.loads(expected.read_text(encoding="utf-8"))
    assert "unchecked" not in known, f"nobody has read {expected} yet: compare it with the page, then delete that line"
    assert found == known


def test_there_are_saved_pages() -> None:
    assert len(CASES) >= 20
