"""The visible row of an article's metadata: 来源：… 类型：… 2021-03-04 09:05."""

import re

# as printed: \d takes full-width digits too; pipelines/dates.py reads what is found
_CLOCK = (
    r"(?:[\sT,，]{0,3}(?:星期[一二三四五六日天]\s?|上午|下午|晚上)?\d{1,2}\s?[:：时点]\s?\d{1,2}(?!\d)"
    r"(?:\s?[:：分]\s?\d{1,2}(?!\d))?\s?[秒分]?)?"
)
MOMENT = re.compile(
    r"(?<!\d)(?:[1１][9９]|[2２][0０])\d\d\s?[-－–—/／.．年]\s?\d{1,2}\s?[-－–—/／.．月]\s?\d{1,2}(?!\d)\s?日?"
    + _CLOCK
    + r"|[〇零○Ｏ一二三四五六七八九]{4}年[一二三四五六七八九十]{1,3}月[一二三四五六七八九十]{1,3}日?"
    + _CLOCK
)
LABELS = {
    "source": ("来源", "文章来源", "信息来源", "稿件来源"),
    "content_type": ("类型", "文章类型", "信息类型"),
    "byline": ("作者", "撰稿人", "撰稿"),
}
_OTHER_LABELS = "时间 日期 发布时间 发布日期 发文时间 更新时间 浏览次数 浏览量 点击数 阅读次数 访问量 字号 字体"
_KNOWN_LABELS = frozenset((*LABELS["source"], *LABELS["content_type"], *_OTHER_LABELS.split(" ")))
LABEL = re.compile(r"(?:^|(?<=[\s|｜[【（(]))([\u4e00-\u9fff]{2,6})\s?[:：]")
_RUN_ON = re.compile(rf"({'|'.join(sorted(_KNOWN_LABELS, key=len, reverse=True))})(?=\s?[:：])")
_SPACED = re.compile(r"(?<![\u4e00-\u9fff])(来|类|作|时|日)\s{1,4}(源|型|者|间|期)(?=\s?[:：])")
AROUND = " |｜[]【】"
"""What stands around a value and is no part of it."""
LONGEST_ROW = 150


def labelled(text: str) -> str:
    """The row with a blank before every known label, and none inside: 来 源：甲类型：乙 -> 来源：甲 类型：乙."""
    return _RUN_ON.sub(r" \1", _SPACED.sub(r"\1\2", text))


def is_row(text: str) -> bool:
    """Whether a line holds two or more pieces of metadata, and nothing else."""
    if len(text) > LONGEST_ROW or not (":" in text or "：" in text):
        return False
    rest = MOMENT.sub(" ", text)
    pieces = LABEL.split(labelled(rest))
    labels = pieces[1::2]
    count = len(labels) + (rest != text)
    return count > 1 and not pieces[0].strip(AROUND) and all(label in _KNOWN_LABELS for label in labels)


def is_moment(text: str) -> bool:
    """Whether a line is a date, with or without a label before it."""
    label, colon, value = text.replace("：", ":").partition(":")
    value = value if colon and label.strip() in _KNOWN_LABELS else text
    return MOMENT.fullmatch(value.strip(" ()（）[]")) is not None
