"""Who edited a text is no part of it and no author; what only looks like such a line stays."""

import pytest

from tests.reading import read

TEXT = "初春的清晨，机关食堂门口排起了队，志愿者把热粥一碗碗递到同事手里，大家的心也跟着暖了起来。"


def page(line: str) -> str:
    return f"<html><body><h1>一碗热粥</h1><div class='art-con'><p>{TEXT}</p><p>{line}</p></div></body></html>"


@pytest.mark.parametrize(
    "line",
    [
        *("责任编辑：李小明", "（责任编辑：李小明）", "[责任编辑：李小明]", "【责任编辑：王 红】", "（责任编辑 王红）"),
        *("编辑：王红", "责编：王红 审核：李强", "一审：王红 二审：李强 三审：张明", "责任编辑：", "校对：王红"),
    ],
)
def test_who_edited_a_text_is_no_part_of_it(line: str) -> None:
    article = read(page(line))
    assert (article.body_text, article.byline, article.author) == (TEXT, "", "")
    assert article.printed["editor"] == {"body": line}


@pytest.mark.parametrize(
    "line",
    ["审核：会议由党支部书记主持。", "编辑：一份报纸的诞生", "校对一遍", "审：慢下来", "责任编辑王红值了一夜的班。"],
)
def test_what_looks_like_it_stays(line: str) -> None:
    article = read(page(line))
    assert article.body_text == f"{TEXT}\n{line}"
    assert "editor" not in article.printed
