"""Printed dates: every form, none that does not exist, and never a guess."""

from collections.abc import Callable
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.items import Article
from crawler.pages.base import printed_moment
from pipelines.dates import ParseDates, read_moment

DAYS = st.dates(date(1990, 1, 1), date(2059, 12, 31))
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2059, 12, 31))
_DIGITS = "〇一二三四五六七八九"


def in_chinese(day: date) -> str:
    """二〇二〇年十二月三十一日."""

    def number(value: int) -> str:
        tens, ones = divmod(value, 10)
        return ("" if not tens else "十" if tens == 1 else f"{_DIGITS[tens]}十") + (_DIGITS[ones] if ones else "")

    return f"{''.join(_DIGITS[int(c)] for c in str(day.year))}年{number(day.month)}月{number(day.day)}日"


FORMS: list[Callable[[date], str]] = [
    lambda d: f"{d:%Y-%m-%d}",
    lambda d: f"{d.year}-{d.month}-{d.day}",
    lambda d: f"[{d:%Y-%m-%d}]",
    lambda d: f"{d:%Y/%m/%d}",
    lambda d: f"{d.year}.{d.month}.{d.day}",
    lambda d: f"{d.year}年{d.month}月{d.day}日",
    lambda d: f"{d.year} 年 {d.month} 月 {d.day} 日",
    lambda d: f"发布时间：{d:%Y-%m-%d}　来源：办公厅",
    lambda d: f"{d:%Y-%m-%d}".translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)}),
    in_chinese,
]
CLOCKS: list[tuple[Callable[[datetime], str], str]] = [
    (lambda m: f"{m:%Y-%m-%d %H:%M}", "minutes"),
    (lambda m: f"{m:%Y-%m-%dT%H:%M:%S}", "seconds"),
    (lambda m: f"{m.year}-{m.month}-{m.day} {m.hour}:{m.minute}:{m.second}", "seconds"),
    (lambda m: f"{m.year}年{m.month}月{m.day}日 {m:%H:%M}", "minutes"),
    (lambda m: f"{m.year}年{m.month}月{m.day}日{m.hour}时{m.minute}分", "minutes"),
    (lambda m: f"{m:%Y/%m/%d}　{m:%H}：{m:%M}：{m:%S}", "seconds"),
]


@given(DAYS)
def test_a_day_is_read_back_from_every_form(day: date) -> None:
    assert [read_moment(form(day)) for form in FORMS] == [day.isoformat()] * len(FORMS)


@given(MOMENTS)
def test_a_time_is_read_back_to_the_precision_printed(moment: datetime) -> None:
    for form, precision in CLOCKS:
        assert read_moment(form(moment)) == moment.replace(tzinfo=None).isoformat(timespec=precision)


@pytest.mark.parametrize(
    "text",
    [
        *("", "2021", "2021-03", "03-04", "[03-04]", "3月4日", "2021年3月", "昨天", "12021-03-041", "1821-03-04"),
        *("2021-02-29", "2021-13-01", "2021-00-10", "2021-04-31", "2021-1-32", "2021-3-4 25:00", "2021-3-4 9:61"),
        *("2021-03-041", "20210304", "二〇二一年十三月一日", "二〇二一年二月三十日"),
    ],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert read_moment(text) is None
    assert printed_moment(text) is None


def test_an_impossible_date_does_not_hide_a_real_one() -> None:
    assert read_moment("2021-02-30，更正为2021-03-02") == "2021-03-02"
    assert printed_moment("2021-02-30，更正为2021-03-02") == "2021-03-02"


@pytest.mark.parametrize(("half", "hour"), [("上午", "09"), ("下午", "21"), ("晚上", "21"), ("PM ", "21"), ("", "09")])
def test_halves_of_the_day(half: str, hour: str) -> None:
    assert read_moment(f"2021年3月4日 {half}9:05") == f"2021-03-04T{hour}:05"


@given(st.text(max_size=200))
def test_any_text_gives_a_moment_or_none(text: str) -> None:
    for found in (read_moment(text), printed_moment(text)):
        assert found is None or datetime.fromisoformat(found)


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        ({}, None),
        ({"row": "2021-03-04 09:05", "meta": "2024-01-01"}, "2021-03-04T09:05"),
        ({"script": "2021-3-4 9:5:6", "meta": "2024-01-01", "listing": "2021-03-04"}, "2021-03-04T09:05:06"),
        ({"meta": "2024-01-01 10:00", "listing": "2021-03-04"}, "2021-03-04"),
        ({"meta": "2021-03-04 10:00", "listing": "2021-03-04"}, "2021-03-04T10:00"),
        ({"row": "时间不详", "listing": "2021-03-04"}, "2021-03-04"),
        ({"row": "2021-02-30"}, None),
    ],
)
def test_the_best_origin_wins(printed: dict[str, str], found: str | None) -> None:
    article = Article("http://x/", printed={"published_at": printed} if printed else {})
    assert ParseDates().process_item(article).published_at == found
