"""Reads a printed author line: 交流中心党委书记、主任鄢东 -> name, unit and position of each author.

A line is cut into labelled segments (作者：… 编辑：…), a segment into words at blanks and separators, and the
words are read from left to right as roles, affiliations and names. A line with one word that is none of these
is no byline: articles are full of lines that begin like one. What counts as what is in vocabulary.py.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Literal

from crawler.items import Author
from pipelines import vocabulary

Place = Literal["head", "middle", "tail", "row"]
"""Where a line stands: among the first lines after the title; alone under a sub-title; among the last
lines of the body; or in a metadata row or tag that says it is the author."""

_LONGEST_LINE = 60
_LONGEST_LINE_OF_SEVERAL = 240
_LONGEST_NAME = 20
_SENTENCE_MARKS = frozenset("。！？!?…")
_SENTENCE_ENDS = '。！？…!?.”"』」’'
_DEFAULT_ROLE = "作者"
# After these a line is the byline even where its parts stay dark; 记者： may open a question in an interview.
_SURE_LABELS = frozenset(("作者", "本文作者", "撰稿人", "撰稿", "撰文", "供稿人", "供稿单位", "供稿", "执笔人", "执笔"))
_ANONYMOUS = re.compile("(?:作者[:：︰] ?)?(?:本[报刊网台社](?:特约)?(?:评论员|记者|通讯员|编辑)|特约评论员|佚名)")
_REPORTER = re.compile(
    "(?:本[报刊网台社])?(?:驻地)?(?P<role>(?:见习|实习|特约|首席|全媒体|特派)?(?:记者|通讯员)|特约撰稿人|实习生)"
)
_COLONS, _STROKES = vocabulary.COLONS, vocabulary.STROKES
_BOTH = f"(?:图[{_STROKES}、 ]?文|文[{_STROKES}、 ]?图)"
_BOTH_BEFORE = re.compile(f"{_BOTH} ?[{_COLONS}{_STROKES} ]")
_BOTH_AFTER = re.compile(f"[{_STROKES} ]{_BOTH}$")
_WRITER_AFTER = re.compile(f"[{_STROKES}]文$")
_IS_AT = re.compile("(?:本文)?作者(?P<name>[^系为（(]{0,20}?)[,，]?(?:单位)?(?:(?<!关)系|为|现为|现任)")
_NUMBERED = re.compile(
    r"第?[〇一二三四五六七八九十百\d]{1,4}(?:[、.．,，:：]|[章节篇条编讲]|部分)|[（(][一二三四五六七八九十\d]{1,3}[）)]"
)
_ABOUT_A_PERSON = re.compile("[男女]|..?.?族|.?已故.?|.?已?退休|执笔|整理")


@dataclass(slots=True, frozen=True)
class Byline:
    """A line that names the author."""

    authors: tuple[Author, ...]
    """In printed order. An author with an empty name is the affiliation of the author another line names
    （作者系财政司一处处长）: the caller merges the two."""
    sure: bool
    """False: it is the byline, but its parts cannot be told apart; ``authors`` is then empty."""


_UNCLEAR = Byline((), sure=False)


@dataclass(slots=True)
class _Reading:
    """The people read so far, and what is known of the next one."""

    role: str
    explicit: bool
    """A label says that this names the author, so that names without a known surname pass."""
    people: list[Author] = field(default_factory=list)
    pending: str = ""
    unit: str = ""
    position: str = ""

    def add_affiliation(self, text: str, mark: str) -> None:
        if not self.pending:
            self.pending = text
            return
        listed = mark == "、" or vocabulary.ends_with_post(self.pending)
        self.pending += ("、" if listed else "") + text

    def add_person(self, name: str, mark: str) -> bool:
        if self.pending:
            parts = vocabulary.split_affiliation(self.pending)
            if parts is None:
                return False
            # 财政司处长 李某、副处长 王某: the second one's unit is the first one's.
            keeps_unit = bool(self.people) and not parts[0]
            self.unit, self.position = (self.unit if keeps_unit else parts[0]), parts[1]
            self.pending = ""
        self.people.append(Author(name, self.unit, self.position, self.role))
        return True

    def affiliate_last(self, text: str) -> bool:
        """王某（财政司处长）: an affiliation printed after the name."""
        parts = vocabulary.split_affiliation(text)
        if parts is None or not self.people or self.people[-1].unit or self.people[-1].position:
            return False
        self.people[-1] = replace(self.people[-1], unit=parts[0], position=parts[1])
        return True


def read_byline(line: str, place: Place) -> Byline | None:
    """The authors a line names, or None when it is no byline there.

    Wherever a doubt remains the answer is None, but for ``row``, whose line always is the author's: None only
    when it holds no letter. Never raises.
    """
    if len(line) > 4 * _LONGEST_LINE_OF_SEVERAL or not (place == "row" or _SENTENCE_MARKS.isdisjoint(line)):
        return _UNCLEAR if place == "row" else None
    text = " ".join(line.split()).strip("\u200b\ufeff—–-―*• ")
    if place == "row":
        text = text.rstrip("。.;；")
    found = _read(text, place) if len(text) <= _LONGEST_LINE_OF_SEVERAL else None
    if found and len(text) > _LONGEST_LINE and len(found.authors) < 2:
        found = None
    if place == "row" and found is None:
        label, colon, content = text.replace("：", ":").partition(":")
        printed = content if colon and label.replace(" ", "") in vocabulary.AUTHOR_LABELS else text
        return _UNCLEAR if any(c.isalnum() for c in printed) else None
    return found


def split_closing_byline(paragraph: str) -> tuple[str, str] | None:
    """A paragraph and the byline in brackets at its end: '….。（张巨峰）' -> ('….。', '（张巨峰）').

    None when it ends otherwise, when the brackets hold no byline, or when nothing stands before them.
    """
    text = paragraph.rstrip()
    pairs = {closing: opening for opening, closing in vocabulary.BRACKETS.items()}
    if not text or text[-1] not in pairs:
        return None
    depth, lowest = 0, max(0, len(text) - _LONGEST_LINE_OF_SEVERAL)
    for start in range(len(text) - 1, lowest - 1, -1):
        depth += (text[start] in pairs) - (text[start] in vocabulary.BRACKETS)
        if depth == 0:
            break
    before, closing = text[:start].rstrip(), text[start:]
    if depth or not before or vocabulary.BRACKETS.get(closing[0]) != closing[-1]:
        return None
    # Inside a sentence the brackets explain a word; only a label then shows that they name the author.
    if before[-1] not in _SENTENCE_ENDS and not any(label for label, _ in vocabulary.segments(closing[1:-1])):
        return None
    return (before, closing) if read_byline(closing, "tail") else None


def _read(text: str, place: Place) -> Byline | None:
    first_label = next((label for label, _ in vocabulary.segments(text.lstrip("（(【[")) if label), "")
    if first_label or place == "row":
        text = text.replace("；", "、").replace(";", "、")
    if not text or not (_SENTENCE_MARKS | {";", "；"}).isdisjoint(text) or _NUMBERED.match(text) or text.endswith("摄"):
        return None
    bracketed = len(text) > 2 and vocabulary.BRACKETS.get(text[0]) == text[-1]
    if bracketed:
        text = text[1:-1].strip()
    if _ANONYMOUS.fullmatch(text):
        return _UNCLEAR if place in ("head", "row") or bracketed else None
    if match := _IS_AT.match(text):
        found = _read_is_at(match["name"].strip(f" {_COLONS}"), text[match.end() :].strip())
        if found or not re.match(f"(?:本文)?作者[{_COLONS} ]", text):  # 作者：李为民 has a word of it in the name
            return found or (_UNCLEAR if bracketed else None)
    if match := _BOTH_BEFORE.match(text):
        text = "图文：" + text[match.end() :].lstrip(f" {_COLONS}{_STROKES}")
    text = _WRITER_AFTER.sub(" 文", _BOTH_AFTER.sub(" 图文", text))
    authors: list[Author] = []
    unit, position, labelled = "", "", bracketed
    for label, content in vocabulary.segments(text):
        if not content or label in vocabulary.OTHER_LABELS:
            continue
        explicit = bool(label) or place == "row"
        labelled = labelled or explicit
        parts = vocabulary.split_affiliation(content.replace(" ", "")) if label in vocabulary.DETAIL_LABELS else None
        if parts:  # 作者：王某 单位：财政司
            unit, position = unit or parts[0], position or parts[1]
            continue
        people = _read_people(content, vocabulary.AUTHOR_LABELS.get(label, _DEFAULT_ROLE), explicit)
        if people is None and not label:
            people = _read_alone(content, place)
        if people is None:
            return _UNCLEAR if label in _SURE_LABELS else None
        authors += people
    if unit or position:
        authors = authors or [Author("")]
        authors = [replace(a, unit=a.unit or unit, position=a.position or position) for a in authors]
    # Under a sub-title a bare name may be the person the section is about.
    bare = not labelled and not any(a.unit or a.position or a.role != _DEFAULT_ROLE for a in authors)
    # At the end of a text two characters alone are rather a word; spaced out (鄢 东) they are a name.
    too_short = place == "tail" and len(text) == 2
    return None if not authors or (bare and (place == "middle" or too_short)) else Byline(tuple(authors), sure=True)


def _read_is_at(name: str, rest: str) -> Byline | None:
    """作者系财政司一处处长, 作者系财政司一处处长 王某, 作者王某系财政司一处处长."""
    if not name:
        people = _read_people(rest, _DEFAULT_ROLE, explicit=False)
        if people:
            return Byline(tuple(people), sure=True)
    parts = vocabulary.split_affiliation(rest.replace(" ", ""))
    name = name.replace(" ", "")
    if parts is None or (name and not vocabulary.is_name(name) and not vocabulary.is_pen_name(name)):
        return None
    return Byline((Author(name, *parts),), sure=True)


def _read_alone(text: str, place: Place) -> list[Author] | None:
    """What the place or 作者 makes a byline: at the head a pen name, a body, or a post without a name."""
    if text.startswith(("作者", "本文作者")):
        # 作者王某，财政司处长
        return _read_people(text.partition("作者")[2].strip(), _DEFAULT_ROLE, explicit=False)
    joined = text.replace(" ", "")
    if place == "head" and len(joined) == 2 and vocabulary.is_pen_name(joined):
        return [Author(joined)]
    if place == "head" and len(text) > 3 and not (" " in text or "、" in text or vocabulary.opens_like_heading(text)):
        parts = vocabulary.split_affiliation(text)
        if parts and parts[1] and vocabulary.is_unit(parts[0]):
            return [Author("", *parts)]
        if parts and not parts[1]:
            return [Author(text)]
    return None


def _read_people(text: str, role: str, explicit: bool) -> list[Author] | None:
    """The people of one segment; None when a word of it is neither role nor affiliation nor name."""
    words = vocabulary.words_of(text)
    if not words:
        return None
    reading = _Reading(role, explicit)
    closer = ""
    while len(words) > 1 and words[-1].text in vocabulary.CLOSERS:
        closer = vocabulary.CLOSERS[words.pop().text] or closer
    if not closer and len(last := words[-1].text) > 3 and last[-2:] in vocabulary.CLOSERS:  # 财政司供稿
        closer, words[-1] = vocabulary.CLOSERS[last[-2:]], words[-1]._replace(text=last[:-2])
    for word in words:
        if not _read_word(word, reading):
            return None
    if closer and reading.role == _DEFAULT_ROLE:
        reading.role = closer
        reading.people = [replace(person, role=closer) for person in reading.people]
    if reading.pending and reading.people:
        return _told_apart(reading.people) if reading.affiliate_last(reading.pending) else None
    if reading.pending:
        return _bodies(reading.pending, reading.role, explicit)
    return _told_apart(reading.people) or None


def _told_apart(people: list[Author]) -> list[Author]:
    """供稿 says the same of people and bodies; the archive tells them apart."""
    return [replace(person, role="供稿人") if person.role == "供稿" else person for person in people]


def _bodies(text: str, role: str, explicit: bool) -> list[Author] | None:
    """供稿：厅直属机关党委: bodies as authors."""
    if not (explicit or role == "供稿") or not all(map(vocabulary.is_unit, text.split("、"))):
        return None
    return [Author(name, role="供稿单位" if role == "供稿" else role) for name in text.split("、")]


def _read_word(word: vocabulary.Word, reading: _Reading) -> bool:
    text = word.text
    if word.mark == "（":
        return _read_remark(text, reading)
    if _read_reporter(word, reading):
        return True
    if vocabulary.is_name(text) and not vocabulary.is_post(text):
        return reading.add_person(text, word.mark)
    if vocabulary.split_affiliation(text):
        reading.add_affiliation(text, word.mark)
        return True
    # 主任鄢东, 院办公室闫曼曼. A post is the surer cut: 省档案馆馆长孙明 is no 长孙明 of 省档案馆馆.
    # Of two posts the longer: 总工程师阿依古丽·买买提 is no 总工 程师阿依古丽·买买提.
    cuts = range(max(1, len(text) - _LONGEST_NAME), len(text) - 1)
    for needs_post, tried in ((True, reversed(cuts)), (False, cuts)):
        for cut in tried:
            if not vocabulary.is_name(text[cut:]) or vocabulary.split_affiliation(text[:cut]) is None:
                continue
            if vocabulary.ends_with_post(text[:cut]) == needs_post:
                reading.add_affiliation(text[:cut], word.mark)
                return reading.add_person(text[cut:], word.mark)
    # Where only a name can stand, words and names without a known surname pass: 财政司处长 高峰, 作者：烨辰.
    unit, post = vocabulary.split_affiliation(reading.pending) or ("", "")
    if reading.explicit or (unit and post and word.mark == " "):
        known = vocabulary.is_name(text, though_a_word=True) or vocabulary.is_pen_name(text)
        return known and reading.add_person(text, word.mark)
    expected = reading.people or _REPORTER.fullmatch(reading.role)  # 记者 高峰
    return bool(expected) and vocabulary.is_name(text, though_a_word=True) and reading.add_person(text, word.mark)


def _read_remark(text: str, reading: _Reading) -> bool:
    """Brackets after a unit or post belong to it; after a name they hold an affiliation or a remark."""
    if reading.pending:
        reading.pending += text
        return vocabulary.split_affiliation(reading.pending) is not None
    return reading.affiliate_last(text[1:-1]) or bool(reading.people and _ABOUT_A_PERSON.fullmatch(text[1:-1]))


def _read_reporter(word: vocabulary.Word, reading: _Reading) -> bool:
    """记者, 本报记者, 新华社记者, also with the name close behind."""
    match = _REPORTER.search(word.text)
    if not match:
        return False
    before, name = word.text[: match.start()], word.text[match.end() :]
    if (before and not vocabulary.is_unit(before)) or (name and not vocabulary.is_name(name, though_a_word=True)):
        return False
    reading.role, reading.unit, reading.position, reading.pending = match["role"], "", "", before
    return not name or reading.add_person(name, word.mark)
