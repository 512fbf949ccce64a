"""What is a revision: every edit of an article, and nothing that changes around it."""

import os
import random
from collections.abc import Iterator

import pytest

from crawler.items import Article
from exports.canonical import canonical, content_hash
from pipelines.errors import Refused
from tests.reading import read
from tests.replica import chrome
from tests.replica.site import Site

READS = int(os.environ.get("ARCHIVE_RECRAWLS", "75"))
"""Articles read again under other navigation, counters and tokens; ARCHIVE_RECRAWLS=10000 for the README's figure."""
EDITS = 20
HOST = "http://jgdw.mofcom.gov.cn"


@pytest.fixture(scope="module", params=["t3", "t4"])
def site(request: pytest.FixtureRequest) -> Site:
    return Site(request.param, 80, 51, True, 15)


def paths(site: Site) -> list[str]:
    """Articles whose text stands on their own page."""
    listed = [entry for column in site.plan.columns.values() for entry in column.entries if entry.kind == "article"]
    here = [entry for entry in listed if entry.path in site.plan.pages and entry.index is not None]
    return sorted({entry.path for entry in here if site.form("body", entry.index or 0) != "iframe"})


def seen(site: Site, path: str, rng: random.Random) -> Article | None:
    """The article as a crawl reads it now: counters and tokens are never twice the same. None where it is refused."""
    reply = site.reply(path, {"Host": "jgdw.mofcom.gov.cn"})
    body = reply.body.replace(chrome.VISITS.encode(), str(rng.randrange(10**6)).encode())
    body = body.replace(chrome.TOKEN.encode(), f"{rng.getrandbits(64):016x}".encode())
    try:
        return read(body, HOST + path, reply.headers)
    except Refused:
        return None


def drift(site: Site, rng: random.Random) -> Iterator[None]:
    """Publish, so that rails, navigation and neighbours change; for ever."""
    while True:
        site.publish(rng.choice(list(site.plan.columns)), rng.randrange(1, 3))
        yield


@pytest.mark.slow
def test_what_changes_around_an_article_is_no_revision(site: Site) -> None:
    rng = random.Random(1)
    articles = paths(site)
    first = {path: item for path in articles if (item := seen(site, path, rng)) is not None}
    hashes = {path: content_hash(item) for path, item in first.items()}
    assert len(set(hashes.values())) > len(hashes) / 2
    changes, pages = drift(site, rng), 0
    while pages < READS:
        next(changes)
        for path in rng.sample(sorted(hashes), min(25, len(hashes))):
            item = seen(site, path, rng)
            assert item is not None
            assert content_hash(item) == hashes[path], path
            pages += 1


@pytest.mark.slow
def test_every_edit_of_one_character_is_one_revision_that_names_the_field(site: Site) -> None:
    rng = random.Random(3)
    articles, edits = paths(site), 0
    while edits < EDITS:
        path = rng.choice(articles)
        before = seen(site, path, rng)
        if before is None or site.plan.listed[path] in site.plan.told_by or "\t" in before.body_text:
            continue
        if before.attachments or before.images:  # the replica edits paragraphs, not what stands in them
            continue
        paragraphs = before.body_text.split("\n")
        number = rng.randrange(len(paragraphs))
        text, character = paragraphs[number], rng.choice("字Ａ9、")
        at = rng.randrange(1, max(2, len(text)))  # not before the first character: a numbering begins there
        edited = rng.choice([text[:at] + character + text[at:], text[:at] + character + text[at + 1 :]])
        if edited == text:
            continue
        site.edit(path, "paragraphs", [*paragraphs[:number], edited, *paragraphs[number + 1 :]])
        after = seen(site, path, rng)
        assert after is not None, path
        old, new = canonical(before), canonical(after)
        assert [name for name in old if old[name] != new[name]] == ["body_text"], (path, edited)
        assert after.body_text.split("\n")[number] == edited
        edits += 1


@pytest.mark.parametrize(
    ("field", "new", "named"),
    [
        ("title", "另一个题目的文章", "title"),
        ("source", "另一处来源", "source"),
        ("published_at", "2019-08-07 06:05:04", "published_at"),
    ],
)
def test_a_silent_change_of_metadata_is_named(site: Site, field: str, new: str, named: str) -> None:
    rng = random.Random(2)
    changed = 0
    for path in paths(site)[:12]:
        before = seen(site, path, rng)
        if before is None or site.plan.listed[path] in site.plan.told_by or not getattr(before, named):
            continue
        site.edit(path, field, new)
        after = seen(site, path, rng)
        assert after is not None
        old, now = canonical(before), canonical(after)
        assert [name for name in old if old[name] != now[name]] == [named], path
        changed += 1
    assert changed
