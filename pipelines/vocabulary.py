"""What labels, names, units and posts look like: the word lists of ``data/`` and the questions asked of them.

Every function here is pure and never raises; the questions take text without blanks. A list is extended by
adding a line to its file; no code changes.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

_DATA = Path(__file__).parent / "data"
_DOTS = "·・•‧∙．."
"""What stands between the parts of a transliterated name, in the forms seen in print."""
BRACKETS = {"（": "）", "(": ")", "【": "】", "[": "]", "［": "］", "〔": "〕"}
COLONS = ":：︰"
STROKES = "/／|｜丨│∣"
_LABEL_ENDS = re.compile(f"[{COLONS}{STROKES}]")
_SEPARATORS = frozenset("、,，;；□■◎○●◆◇▲△★☆※▪◼◻" + STROKES)
_LONGEST_LABEL = 6
_LONGEST_UNIT = 40
_LONGEST_SYLLABLE = 5


def _entries(name: str) -> frozenset[str]:
    lines = (_DATA / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


_SURNAMES = _entries("surnames")
_SYLLABLES = _entries("ethnic_syllables")
_SYLLABLE_CHARACTERS = frozenset("".join(_SYLLABLES))
_UNIT_ENDINGS = _entries("units")
_PLACES = _entries("places")
_NOT_NAMES = _entries("not_names") | _PLACES
_NEVER_IN_NAMES = _entries("never_in_names")
_RARE_IN_PEN_NAMES = _entries("rare_in_pen_names")
_OPENERS = tuple(_entries("openers"))
_NOT_IN_UNITS = (*"的了着过吗呢吧么啊您你我他她", *_entries("not_in_units"))


def _pairs(name: str) -> dict[str, str]:
    return {word: meaning for word, _, meaning in (entry.partition(" ") for entry in _entries(name))}


AUTHOR_LABELS = _pairs("author_labels")
"""What stands before the author -> the role it gives."""
OTHER_LABELS = _entries("other_labels")
DETAIL_LABELS = frozenset(("作者单位", "单位", "工作单位", "所在单位", "职务", "职位"))
_LABELS = AUTHOR_LABELS.keys() | OTHER_LABELS | DETAIL_LABELS
_REPORTERS = frozenset(("记者", "通讯员", "实习生", "见习记者", "实习记者", "特约记者", "特约通讯员", "特约撰稿人"))
CLOSERS = _pairs("closers")
"""What stands after the author -> the role it gives, or nothing."""


def _any_of(words: frozenset[str] | str) -> str:
    listed = words.split() if isinstance(words, str) else words
    return "|".join(sorted(listed, key=lambda word: (-len(word), word)))


# A post is: 原 / 驻村 …, the party or mass body it is held in, ranks, and the post itself.
_BODY = _any_of("党委 党组 党总支 党支部 总支 支部 纪委 纪检组 工会 团委 团总支 团支部 妇委会 妇联 党小组")
_TIME = _any_of("原 前 时任 现任 曾任 代理 拟任 挂职 驻村 派驻 名誉")
_RANK = _any_of(_entries("ranks"))
_POST = f"(?:{_TIME}){{0,4}}(?P<body>{_BODY})?(?:{_RANK}){{0,6}}(?:{_any_of(_entries('positions'))})"
_ALSO = f"兼(?:直属)?(?:机关)?{_POST.replace('?P<body>', '?:')}"
_POSTS = re.compile(rf"{_POST}(?:{_ALSO}){{0,9}}(?:[（(][^（）()]{{0,200}}[）)])?")
# 机关党委, 直属机关党委 and 第三党支部 are offices: what follows them is the post, they are not.
_OFFICE = re.compile(r"(?:机关|直属|第?[〇一二三四五六七八九十百\d]{1,4})$")


_HAN = re.compile("[\u3400-\u9fff〇\U00020000-\U0010ffff]+")
_DOT = re.compile(f"[{_DOTS}]")
_remembered = lru_cache(maxsize=8192)
"""Reading a line asks the same of the same words again and again, and so do lines of the same authors."""


def is_han(text: str) -> bool:
    """Whether the text is not empty and all Chinese characters."""
    return _HAN.fullmatch(text) is not None


def _is_transliterated(text: str) -> bool:
    """阿卜杜拉·买买提, 扎西顿珠: made of the syllables such names are made of."""
    parts = _DOT.split(text)
    if len(parts) > 1:
        return len(parts) <= 5 and all(
            is_han(part) and len(part) <= 10 and sum(c in _SYLLABLE_CHARACTERS for c in part) * 3 >= len(part) * 2
            for part in parts
        )
    if not 3 <= len(text) <= 8:
        return False
    reached = {0}
    for start in range(len(text)):
        if start in reached:
            reached |= {start + n for n in range(1, _LONGEST_SYLLABLE + 1) if text[start : start + n] in _SYLLABLES}
    return len(text) in reached


def surname_length(text: str) -> int:
    """How many characters of the text are its surname: 2, 1, or 0 when it opens with none."""
    if len(text) > 1 and text[:2] in _SURNAMES:
        return 2
    return int(text[:1] in _SURNAMES)


@_remembered
def is_name(text: str, *, though_a_word: bool = False) -> bool:
    """Whether the text reads as a full name: a surname and one or two more characters, or transliterated.

    ``though_a_word``: it stands where only a name can, so a word (高峰) is a name too.
    """
    if text in _PLACES or (text in _NOT_NAMES and not though_a_word):
        return False
    if _is_transliterated(text):
        return True
    if not is_han(text) or not 2 <= len(text) <= 4:
        return False
    for length in (2, 1):
        given = text[length:]
        if text[:length] in _SURNAMES and 1 <= len(given) <= 2:
            return given not in _PLACES and _NEVER_IN_NAMES.isdisjoint(given)
    return False


def is_pen_name(text: str) -> bool:
    """Whether nothing speaks against two or three characters being a name without a known surname (烨辰)."""
    return (text in _SYLLABLES and len(text) > 1) or (
        is_han(text)
        and 2 <= len(text) <= 3
        and text not in _NOT_NAMES
        and _NEVER_IN_NAMES.isdisjoint(text)
        and _RARE_IN_PEN_NAMES.isdisjoint(text)
    )


def _could_be_unit(text: str) -> bool:
    return (
        len(text) <= _LONGEST_UNIT
        and all(is_han(c) or c.isalnum() or c in "“”\"'‘’《》「」·-、（）()" for c in text)
        and not any(word in text for word in _NOT_IN_UNITS)
    )


@_remembered
def is_unit(text: str) -> bool:
    """Whether the text ends as the names of bodies end (财务司, 第三党支部)."""
    if len(text) < 2 or not _could_be_unit(text) or (text in _NOT_NAMES and text not in _UNIT_ENDINGS):
        return False
    text = text.rstrip("”\"’'》」）)")
    return any(text[-n:] in _UNIT_ENDINGS for n in range(1, _LONGEST_UNIT))


def opens_like_heading(text: str) -> bool:
    """Whether the text begins as headings do and names of bodies do not: 加强党支部, 走进机关."""
    return text.startswith(_OPENERS)


def is_post(text: str) -> bool:
    """Whether the text is a post and nothing else: 副主任, 党支部书记."""
    return _post_start(text) == 0


def _post_start(text: str) -> int | None:
    """Where the post begins that the text ends with; None when it ends with none."""
    for start in range(len(text)):
        if match := _POSTS.fullmatch(text, start):
            body = match.group("body")
            if body and _OFFICE.search(text[: match.start("body")]):
                return match.end("body")
            return start
    return None


@_remembered
def split_affiliation(text: str) -> tuple[str, str] | None:
    """A unit and its posts apart: 交流中心党委书记、主任 -> (交流中心, 党委书记、主任).

    Either part may be empty. None when the text is neither a unit nor ends with a post.
    """
    if len(text) > 3 * _LONGEST_UNIT:
        return None
    pieces = text.split("、")
    starts = [_post_start(piece) for piece in pieces]
    first = next((n for n, start in enumerate(starts) if start is not None), None)
    if first is None:
        return (text, "") if all(map(is_unit, pieces)) else None
    start = starts[first]
    if not all(map(is_unit, pieces[:first])) or None in starts[first:]:
        return None
    unit = "、".join([*pieces[:first], pieces[first][:start]])
    if not _could_be_unit(unit) or unit.endswith("、"):
        return None
    return unit, "、".join([pieces[first][start:], *pieces[first + 1 :]])


def ends_with_post(text: str) -> bool:
    """Whether the text is an affiliation that names a post."""
    parts = split_affiliation(text)
    return bool(parts and parts[1])


def segments(text: str) -> Iterator[tuple[str, str]]:
    """The text as (label, content); the label is empty for what no label precedes.

    A colon after anything but a known label stays in the content, where no reading accepts it.
    """
    label, start = "", 0
    for mark in _LABEL_ENDS.finditer(text):
        end = mark.start()
        if found := _label_before(text, start, end):
            yield label, text[start : found[1]].strip(" ，,、")
            label, start = found[0], end + 1
    words = text[start:].strip(" ，,、")
    first, _, rest = words.partition(" ")
    # 作者 王某; but 记者 王某 are the words of one reading, as 通讯员 may follow.
    if not label and rest and first in _LABELS and AUTHOR_LABELS.get(first) not in _REPORTERS:
        label, words = first, rest
    yield label, words


def _label_before(text: str, start: int, end: int) -> tuple[str, int] | None:
    """The longest label that ends at ``end``, blanks inside it dropped, and where it begins."""
    label, found = "", None
    for at in range(end - 1, max(start, end - 2 * _LONGEST_LABEL) - 1, -1):
        if text[at] == " ":
            continue
        label = text[at] + label
        if label in _LABELS:
            found = label, at
    return found


class Word(NamedTuple):
    """A piece of a line, without blanks but inside brackets."""

    text: str
    mark: str
    """What parts it from the word before: a blank, 、 (any separator), or （ for a remark in brackets."""


def words_of(text: str) -> list[Word] | None:
    """The words of a segment; None when brackets do not pair. Single characters are joined: 鄢 东 -> 鄢东."""
    words: list[Word] = []
    mark, begin, at = " ", 0, 0
    while at <= len(text):
        character = text[at] if at < len(text) else " "
        if character in BRACKETS or character == " " or character in _SEPARATORS:
            if at > begin:
                words.append(Word(text[begin:at], mark))
                mark = " "
            if character in _SEPARATORS:
                mark = "、"
            begin = at + 1
        if character in BRACKETS:
            end = text.find(BRACKETS[character], at)
            if end < 0:
                return None
            words.append(Word(text[at : end + 1], "（"))
            mark, at, begin = " ", end, end + 1
        at += 1
    return _join_spaced_names(words)


def _join_spaced_names(words: list[Word]) -> list[Word]:
    joined: list[Word] = []
    for n, word in enumerate(words):
        last = joined[-1] if joined else None
        # 王 立群
        is_given = (
            last is not None
            and len(last.text) == surname_length(last.text) == 1
            and len(word.text) == 2
            and not is_name(word.text)
        )
        follows = word.mark == " " and is_han(word.text) and (len(word.text) == 1 or is_given)
        if not follows or last is None or last.mark == "（":
            joined.append(word)
            continue
        next_is_single = n + 1 < len(words) and words[n + 1].mark == " " and len(words[n + 1].text) == 1
        if len(last.text) == 1 or (len(last.text) == 2 and surname_length(last.text) == 2):
            joined[-1] = last._replace(text=last.text + word.text)
        elif len(last.text) > 2 and surname_length(last.text[-1]) and ends_with_post(last.text[:-1]):
            # 主任鄢 东
            joined[-1] = last._replace(text=last.text[:-1])
            joined.append(Word(last.text[-1] + word.text, " "))
        elif (
            len(last.text) == 2
            and words[n - 1].text == last.text[-1]
            and not (next_is_single and surname_length(word.text))
        ):
            # 李 晓 红 is one name, 王 明 李 红 are two.
            joined[-1] = last._replace(text=last.text + word.text)
        else:
            joined.append(word)
    return joined
