"""The visible row of an article's metadata: 来源：… 类型：… 2021-03-04 09:05."""

import re

MOMENT = re.compile(
    r"(?:19|20)\d\d\s?[-/.年]\s?\d{1,2}\s?[-/.月]\s?\d{1,2}\s?日?(?:\s{0,3}\d{1,2}\s?[:：时]\s?\d{1,2}(?:\s?[:：分]\s?\d{1,2})?\s?[秒分]?)?"
)
LABELS = {
    "source": ("来源", "文章来源", "信息来源", "稿件来源"),
    "content_type": ("类型", "文章类型", "信息类型"),
    "byline": ("作者", "撰稿人", "撰稿"),
}
_OTHER_LABELS = "时间 日期 发布时间 发布日期 发文时间 更新时间 浏览次数 浏览量 点击数 阅读次数 访问量 字号 字体"
_KNOWN_LABELS = frozenset((*LABELS["source"], *LABELS["content_type"], *_OTHER_LABELS.split(" ")))
LABEL = re.compile(r"(?:^|(?<=[\s|｜]))([\u4e00-\u9fff]{2,6})\s?[:：]")
LONGEST_ROW = 150


def is_row(text: str) -> bool:
    """Whether a line holds two or more pieces of metadata, and nothing else."""
    if len(text) > LONGEST_ROW:
        return False
    rest = MOMENT.sub(" ", text)
    pieces = LABEL.split(rest)
    labels = pieces[1::2]
    count = len(labels) + (rest != text)
    return count > 1 and not pieces[0].strip(" |｜") and all(label in _KNOWN_LABELS for label in labels)


def is_moment(text: str) -> bool:
    """Whether a line is a date, with or without a label before it."""
    label, colon, value = text.replace("：", ":").partition(":")
    value = value if colon and label.strip() in _KNOWN_LABELS else text
    return MOMENT.fullmatch(value.strip(" ()（）[]")) is not None
