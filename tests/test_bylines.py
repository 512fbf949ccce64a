"""The byline reader against labelled lines, and what must hold for any line.

``bylines/tuning.jsonl`` is what the reader was developed with; ``bylines/measured.jsonl`` was written before the
reader and is only counted: no line of it was looked at to change the reader. Both sets and the word lists are by
one hand, so the figure flatters the reader: real pages will do worse. A line's
``authors`` are [name, unit, position, role] each; an empty list: a byline whose parts cannot be told apart;
null: no byline.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.bylines import Byline, Place, read_byline, split_closing_byline
from pipelines.vocabulary import split_affiliation

PLACES: tuple[Place, ...] = get_args(Place)


def labelled(name: str) -> list[dict[str, Any]]:
    lines = (Path(__file__).parent / "bylines" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


TUNING, MEASURED = labelled("tuning"), labelled("measured")


def parts(byline: Byline | None) -> list[list[str]] | None:
    return None if byline is None else [[a.name, a.unit, a.position, a.role] for a in byline.authors]


@pytest.mark.parametrize("case", TUNING, ids=lambda case: f"{case['place']}-{case['line']}")
def test_tuning_lines_are_read_as_labelled(case: dict[str, Any]) -> None:
    byline = read_byline(case["line"], case["place"])
    assert parts(byline) == case["authors"]
    assert byline is None or byline.sure == bool(byline.authors)


def test_measured_lines_are_read_as_labelled() -> None:
    right = sum(parts(read_byline(case["line"], case["place"])) == case["authors"] for case in MEASURED)
    print(f"bylines: {right} of {len(MEASURED)} measured lines = {right / len(MEASURED):.1%}")
    assert right / len(MEASURED) >= 0.97


def test_the_sets_are_large_enough_and_apart() -> None:
    both = TUNING + MEASURED
    assert sum(case["authors"] is not None for case in both) >= 400
    assert sum(case["authors"] is not None for case in MEASURED) >= 150
    assert sum(case["authors"] is None for case in both) >= 150
    assert not {(c["line"], c["place"]) for c in TUNING} & {(c["line"], c["place"]) for c in MEASURED}


@pytest.mark.parametrize(
    ("printed", "unit", "position"),
    [
        ("交流中心党委书记、主任", "交流中心", "党委书记、主任"),
        ("国管局机关党委常务副书记", "国管局机关党委", "常务副书记"),
        ("直属机关纪委书记", "直属机关纪委", "书记"),
        ("财务司第三党支部书记", "财务司第三党支部", "书记"),
        ("财务司党支部书记", "财务司", "党支部书记"),
        ("劳动司副司长兼机关党委委员", "劳动司", "副司长兼机关党委委员"),
        ("党支部书记", "", "党支部书记"),
        ("办公厅、财务司", "办公厅、财务司", ""),
    ],
)
def test_offices_belong_to_the_unit_and_posts_to_the_position(printed: str, unit: str, position: str) -> None:
    assert split_affiliation(printed) == (unit, position)


@pytest.mark.parametrize(
    ("paragraph", "expected"),
    [
        ("春天又来了。（张巨峰）", ("春天又来了。", "（张巨峰）")),
        ("春天又来了。 (院办公室 闫曼曼) ", ("春天又来了。", "(院办公室 闫曼曼)")),
        ("他说：“好。”（记者陈智 整合）", ("他说：“好。”", "（记者陈智 整合）")),
        ("春天又来了！【图文/姚红 审/唐圣琴】", ("春天又来了！", "【图文/姚红 审/唐圣琴】")),
        ("我们都在路上（供稿人：一支部 冯欣）", ("我们都在路上", "（供稿人：一支部 冯欣）")),
        ("春天又来了。（作者系研究院（二部）研究员）", ("春天又来了。", "（作者系研究院（二部）研究员）")),
        ("会上发言的还有另一位代表（张巨峰）", None),
        ("春天又来了。（完）", None),
        ("春天又来了。（本文发布时有删节）", None),
        ("春天又来了。（来源：某报）", None),
        ("春天又来了。（张巨峰 摄）", None),
        ("春天又来了。（张巨峰", None),
        ("春天又来了。张巨峰）", None),
        ("（张巨峰）", None),
        ("", None),
    ],
)
def test_closing_bylines_are_split_off(paragraph: str, expected: tuple[str, str] | None) -> None:
    assert split_closing_byline(paragraph) == expected


# Text that comes near a byline: pieces of the labelled lines and what they are put together with, in any order.
PIECES = sorted(
    {piece for case in TUNING for piece in case["line"].split()}
    | set("（）()【】、，：:/|□·鄢东兼原等和 \u3000\u00a0\u200b\t。;1a")
    | {"作者系", "作者：", "文/", "供稿", "记者", "图/文", "欧阳", "财务司", "党委书记", "主任", "机关党委"}
)
ANY_LINE = st.text(max_size=80) | st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
ANY_PLACE = st.sampled_from(PLACES)


def unblanked(text: str) -> str:
    return "".join(text.split())


@given(ANY_LINE, ANY_PLACE)
def test_any_line_is_read_and_every_part_is_in_it(line: str, place: Place) -> None:
    byline = read_byline(line, place)
    if byline is None:
        return
    assert byline.sure == bool(byline.authors)
    for author in byline.authors:
        assert author.name or author.unit or author.position
        assert author.name in unblanked(line)
        assert author.name == unblanked(author.name)
        assert set(author.unit + author.position) <= set(line) | {"、"}


@given(ANY_LINE)
def test_any_paragraph_is_split_into_its_own_text(paragraph: str) -> None:
    if split := split_closing_byline(paragraph):
        before, closing = split
        assert before
        assert unblanked(before + closing) == unblanked(paragraph)
        assert read_byline(closing, "tail")


@given(ANY_LINE)
def test_a_row_is_a_byline_whenever_it_holds_a_word(line: str) -> None:
    line = line.replace(":", "").replace("：", "") + "某"
    assert read_byline(line, "row")


@given(st.sampled_from(TUNING + MEASURED), st.data())
def test_more_white_space_changes_nothing(case: dict[str, Any], data: st.DataObject) -> None:
    blanks = st.text(alphabet=" \u3000\u00a0\t\n", min_size=1, max_size=4)
    noisy = "".join(data.draw(blanks) if c.isspace() else c for c in f" {case['line']} ")
    assert read_byline(noisy, case["place"]) == read_byline(case["line"], case["place"])


@given(st.sampled_from(TUNING + MEASURED))
def test_ascii_and_full_width_punctuation_read_alike(case: dict[str, Any]) -> None:
    swapped = case["line"].translate(str.maketrans("（）：／，", "():/,"))
    found, expected = read_byline(swapped, case["place"]), read_byline(case["line"], case["place"])
    narrow = str.maketrans("（）", "()")
    assert str(parts(found)).translate(narrow) == str(parts(expected)).translate(narrow)


def steps(work: Callable[[], object]) -> int:
    """How many lines of the project's own code run."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        if "pipelines" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "unit",
    [
        "李",
        "李 ",
        "李明 ",
        "李明、",
        "财务司处长李明、",
        "（",
        "（）",
        "作者：",
        "作者系",
        "文/",
        "原兼副",
        "主任兼",
        "·",
        "0",
    ],
)
def test_work_grows_no_faster_than_the_line(unit: str, place: Place) -> None:
    short, long = unit * (100 // len(unit)), unit * (200 // len(unit))
    assert steps(lambda: read_byline(long, place)) <= 2.5 * steps(lambda: read_byline(short, place)) + 200
    assert steps(lambda: read_byline(unit * 100_000, place)) <= 200
    assert steps(lambda: split_closing_byline(f"{unit * 100_000}（{short}）")) <= 50 * len(short) + 20_000
