"""The demonstration site itself: it must be right before anything is measured against it."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

import lxml.html
import pytest

from tests.replica import Replica
from tests.replica.catalogue import BYLINES, T3_ARTICLES, T3_LISTINGS, T4_ARTICLES
from tests.replica.client import assert_shown, get
from tests.replica.render_t4 import API
from tests.replica.variations import AXES, Variations


def api(site: Replica, column_id: str, number: int, size: int = 15) -> tuple[list[str], int]:
    """Titles and declared total of one page, asked for as the shell says."""
    shell = get(site, site.columns[column_id].path).text
    script = lxml.html.fromstring(shell).xpath("//section//script[@querydata]")[0]
    query = json.loads(script.get("querydata").replace("'", '"'))
    query["paramJson"] = json.dumps({"pageNo": number, "pageSize": size})
    answer = get(site, f"{script.get('url')}?{urlencode(query)}", Referer=site.base_url)
    reply = json.loads(answer.text)
    assert (reply["code"], reply["success"]) == ("200", True)
    fragment = lxml.html.fromstring(f"<div>{reply['data']['html']}</div>")
    count = fragment.xpath("//div[@class='pagination'][@rows][@pageno]/@count")[0]
    return fragment.xpath("//ul[@class='txtList_01']/li/a/text()"), int(count)


@pytest.fixture(scope="module")
def t3() -> Iterator[Replica]:
    with Replica() as site:
        yield site


@pytest.fixture(scope="module")
def t4() -> Iterator[Replica]:
    with Replica(generation="t4") as site:
        yield site


@pytest.fixture
def small() -> Iterator[Replica]:
    with Replica(articles=20, variations=False) as site:
        yield site


def article_pages(site: Replica) -> dict[str, str]:
    return {path: get(site, truth.final_path).text for path, truth in site.expected.items()}


def listing_pages(site: Replica) -> dict[str, list[str]]:
    pages = {}
    for column in site.columns.values():
        numbers = range(1, -(-len(column.entries) // 15) + 1)
        pages[column.id] = [get(site, f"{column.path}?{n}" if n > 1 else column.path).text for n in numbers]
    return pages


def test_the_same_arguments_give_the_same_site(t3: Replica) -> None:
    with Replica(noise=False) as one, Replica(noise=False) as two, Replica(seed=2) as other:
        assert dict(one.expected) == dict(two.expected) == dict(t3.expected)
        assert set(one.expected).isdisjoint(other.expected)
        for path in [*list(one.expected)[:40:5], "/"]:
            bodies = [get(site, path).body.replace(site.base_url.encode(), b"") for site in (one, two)]
            assert bodies[0] == bodies[1]


def test_noise_differs_in_every_answer(t3: Replica) -> None:
    assert get(t3, "/").body != get(t3, "/").body


def test_no_two_articles_are_alike_but_the_copies(t3: Replica) -> None:
    truths = list(t3.expected.values())
    copies = [truth for truth in truths if truth.duplicate_of]
    assert copies
    for copy in copies:
        original = t3.expected[str(copy.duplicate_of)]
        assert (copy.title, copy.paragraphs) == (original.title, original.paragraphs)
        assert copy.published_at != original.published_at
    others = [truth for truth in truths if not truth.duplicate_of]
    assert len({truth.title for truth in others}) == len({tuple(truth.paragraphs) for truth in others}) == len(others)
    paragraphs = [p for truth in others for p in truth.paragraphs if len(p) > 60]
    assert len(set(paragraphs)) == len(paragraphs)


@pytest.mark.parametrize("articles", [1, 5, 20, 200])
def test_the_main_column_holds_most_of_all_articles(articles: int) -> None:
    site = Replica(articles=articles)
    assert len(site.expected) == articles
    assert sum(truth.column_id == "zhuanti" for truth in site.expected.values()) >= 0.6 * articles
    assert len(site.columns) >= 4


@pytest.mark.slow
def test_twenty_thousand_articles_are_planned_quickly() -> None:
    began = time.process_time()
    site = Replica(articles=20_000)
    assert time.process_time() - began < 10
    assert len(site.expected) == 20_000


@pytest.mark.parametrize("generation", ["t3", "t4"])
@pytest.mark.slow
def test_the_truth_is_on_the_page(generation: str, request: pytest.FixtureRequest) -> None:
    site: Replica = request.getfixturevalue(generation)
    for path, truth in site.expected.items():
        assert_shown(site, truth, get(site, path).text)


def test_the_generations_tell_the_same_stories(t3: Replica, t4: Replica) -> None:
    for old, new in zip(t3.expected.values(), t4.expected.values(), strict=True):
        assert (old.title, old.paragraphs, old.byline) == (new.title, new.paragraphs, new.byline)
        assert old.authors == new.authors
        assert get(t4, old.path).status == 404


def missing(names: Mapping[str, str], texts: list[str]) -> list[str]:
    return [name for name, pattern in names.items() if not any(re.search(pattern, text) for text in texts)]


def test_two_hundred_articles_meet_every_form() -> None:
    variations = Variations(1, True, 200)
    for axis, forms in AXES.items():
        assert {variations.form(axis, index) for index in range(200)} == set(forms), axis


def test_two_hundred_articles_show_every_variation(t3: Replica, t4: Replica) -> None:
    assert missing(T3_ARTICLES, list(article_pages(t3).values())) == []
    listings = listing_pages(t3)
    assert missing(T3_LISTINGS, ["".join(pages) for pages in listings.values()]) == []
    assert missing(T4_ARTICLES, list(article_pages(t4).values())) == []
    for site in (t3, t4):
        bylines = [truth.byline for truth in site.expected.values()]
        assert [name for name, form in BYLINES.items() if not any(re.fullmatch(form, line) for line in bylines)] == []
        redirects = "".join(get(site, path).text for path, truth in site.expected.items() if truth.redirect)
        assert (
            missing({"location": r"location\.href='", "config": r'_cofing1=\{href:"', "meta": "refresh"}, [redirects])
            == []
        )
        main = [entry.path for entry in site.columns["zhuanti"].entries if entry.kind == "article"]
        assert any(main.count(path) == 2 for path in main)
        assert any(site.expected[path].column_id != "zhuanti" for path in main)
    assert {truth.markup for truth in t3.expected.values()} == {"T1", "T2", "T3"}
    assert {len(truth.published_at or "") for truth in t3.expected.values()} == {0, 10, 16, 19}
    later = [html for html in article_pages(t3).values() if "PubDate" in html and "var tm" in html]
    tags = [(re.search(r'"PubDate" content="(\d{4})', h), re.search(r'var tm = "(\d{4})', h)) for h in later]
    assert any(pub and tm and pub[1] > tm[1] for pub, tm in tags)


def test_without_variations_there_is_only_the_plain_form(small: Replica) -> None:
    pages = list(article_pages(small).values())
    assert all('<div class="art-con art-con-bottonmLine">' in page and 'var tm = "' in page for page in pages)
    odd = {
        name: form for name, form in T3_ARTICLES.items() if name.startswith(("T1", "T2", "failed", "gb2312", "Word"))
    }
    assert missing(odd, pages) == list(odd)
    assert {entry.kind for column in small.columns.values() for entry in column.entries} == {"article"}


def test_listings_show_the_entries_in_order(t3: Replica) -> None:
    for column_id, pages in listing_pages(t3).items():
        titles = []
        for page in pages:
            section = lxml.html.fromstring(page).xpath("//section[contains(@class, 'istCon')]")[0]
            links = section.xpath(".//ul[@class='txtList_01']/li[not(@class)]/a")
            titles += [link.get("title") or link.text for link in links]
        assert titles == [entry.title for entry in t3.columns[column_id].entries]
        dates = [entry.date for entry in t3.columns[column_id].entries]
        assert dates == sorted(dates, reverse=True)


@pytest.mark.parametrize(("column_id", "like"), [("zhuanti", "last"), ("dangjian", 1), ("tongzhi", "none")])
def test_past_the_end(t3: Replica, column_id: str, like: str | int) -> None:
    def entries(number: int) -> list[str]:
        return re.findall(r"(?m)^<li><a .*target=.*</li>$", get(t3, f"{column.path}?{number}").text)

    column = t3.columns[column_id]
    last = -(-len(column.entries) // 15)
    assert len(entries(last)) == len(column.entries) - 15 * (last - 1)
    shown = {"last": lambda: entries(last), 1: lambda: entries(1), "none": list}[like]()
    assert entries(last + 1) == entries(last + 7) == shown


def test_the_interface_of_t4(t4: Replica) -> None:
    column = t4.columns["zhuanti"]
    titles: list[str] = []
    number = 0
    while True:
        number += 1
        page, count = api(t4, "zhuanti", number)
        assert count == len(column.entries)
        if not page:
            break
        titles += page
    assert len(titles) == len(column.entries)
    assert number == -(-len(column.entries) // 15) + 1
    assert len(api(t4, "zhuanti", 1, size=40)[0]) == 40
    assert get(t4, f"{API}?pageId=1", Referer=t4.base_url).text.startswith('{"code": "500"')
    for referer in ({}, {"Referer": "http://elsewhere.example.org/"}):
        assert get(t4, f"{API}?pageId=1", **referer).status == 403
    plain = lxml.html.fromstring(get(t4, t4.columns["qunfang"].path).text)
    assert len(plain.xpath("//ul[@class='policy-list']/li")) == len(t4.columns["qunfang"].entries)


def test_headers_of_the_generations(t3: Replica, t4: Replica) -> None:
    assert get(t3, "/").headers["Content-Type"] == "text/html; charset=utf-8"
    assert get(t4, "/").headers["Content-Type"] == "text/html"
    answers = [get(t3, truth.final_path) for truth in t3.expected.values()]
    types = {answer.headers["Content-Type"] for answer in answers}
    assert types == {"text/html; charset=utf-8", "text/html; charset=gb2312", "text/html"}
    assert any(answer.headers.get("Content-Encoding") == "gzip" for answer in answers)
    assert get(t3, "/robots.txt").body == b"User-agent: *\nDisallow: /private/\n"


def test_conditional_requests(t3: Replica) -> None:
    seen = set()
    for truth in t3.expected.values():
        path = truth.final_path
        first = get(t3, path).headers
        answers = []
        for given, asked in (("ETag", "If_None_Match"), ("Last-Modified", "If_Modified_Since")):
            answers.append(get(t3, path, **{asked: first[given]}).status if given in first else 0)
        seen.add(tuple(answers))
    # both work, only one is given, both are ignored, none is given
    assert seen == {(304, 304), (304, 0), (0, 304), (200, 200), (0, 0)}
    etag = get(t3, "/").headers["ETag"]
    answer = get(t3, "/", If_None_Match=f'"other", {etag}')
    assert (answer.status, answer.body) == (304, b"")
    assert get(t3, "/", If_None_Match='"other"').status == 200
