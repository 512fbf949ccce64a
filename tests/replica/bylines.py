"""Bylines: what is printed, where, and who it names. Units, posts and people are invented."""

from dataclasses import dataclass
from random import Random

from tests.replica.model import AuthorTruth
from tests.replica.prose import words

SURNAMES = words(
    "王 李 张 刘 陈 杨 赵 黄 周 吴 徐 孙 马 朱 胡 林 郭 何 高 罗 郑 梁 谢 宋 唐 许 韩 冯 邓 曹 彭 曾 鄢 闫"
)
COMPOUND = words("欧阳 司马 上官 诸葛 皇甫 尉迟")
GIVEN = words(
    "明 芳 伟 静 强 敏 磊 洋 艳 勇 军 杰 娟 涛 超 霞 平 刚 桂英 建国 海燕 天然 晓东 文博 子涵 雨桐 振华 淑珍 丽娜 志远"
)
ETHNIC = ("阿依古丽·买买提", "艾力·吐尔逊", "巴特尔·苏和", "扎西·多吉")

# Posts are paired with units by hand: 机关党委 is an office and part of the unit; 党委书记 is a post.
UNIT_POSTS = (
    ("资料中心", ("党委书记、主任", "副主任", "纪委书记")),
    ("翻译中心", ("党总支书记、主任", "团委书记")),
    ("南办机关党委", ("常务副书记", "专职副书记")),
    ("服务局直属机关党委", ("专职副书记", "副书记")),
    ("市档案馆", ("馆长", "副馆长", "党组书记、馆长")),
    ("省图书馆", ("馆长", "工会主席")),
    ("财务司一处", ("处长", "副处长", "二级调研员")),
    ("外联司", ("司长", "副司长", "一级巡视员")),
    ("基建管理局", ("党委委员、副局长、纪委书记", "局长")),
    ("培训学院", ("党委书记", "院长", "副院长")),
)
OFFICES = words("院办公室 资料科 一支部 宣传科 后勤处 工会办公室")
ORGANISATIONS = words("服务局直属机关党委 资料中心党支部 机关工会 团委办公室")


@dataclass(slots=True, frozen=True)
class PrintedByline:
    """One byline line and the authors it names."""

    text: str
    """As printed, with the blanks of the page."""
    authors: tuple[AuthorTruth, ...]
    place: str
    """head (before the first paragraph), part (under a sub-title), tail (after the last paragraph) or closing
    (inside the last paragraph)."""


def _name(random: Random) -> str:
    return random.choice(SURNAMES) + random.choice(GIVEN)


def _spaced(random: Random) -> str:
    return random.choice(SURNAMES) + random.choice(GIVEN[:18])


def _post(random: Random) -> tuple[str, str]:
    unit, posts = random.choice(UNIT_POSTS)
    return unit, random.choice(posts)


def bylines(form: str, random: Random) -> list[PrintedByline]:
    """The byline lines of one article in one of the forms of the axis ``byline``; [] for none."""
    name, other, office = _name(random), _name(random), random.choice(OFFICES)
    unit, post = _post(random)
    author = AuthorTruth(name, unit, post)
    if form == "joined":
        return [PrintedByline(f"{unit}{post}{name}", (author,), "head")]
    if form == "blank":
        return [PrintedByline(f"{unit}{post}{random.choice(' 　')}{name}", (author,), "head")]
    if form == "bare":
        return [PrintedByline(name, (AuthorTruth(name),), "head")]
    if form == "spaced":
        short = _spaced(random)
        apart = f"{short[0]}　{short[1]}"
        if random.random() < 0.5:
            return [PrintedByline(apart, (AuthorTruth(short),), "head")]
        return [PrintedByline(f"{unit}{post} {apart}", (AuthorTruth(short, unit, post),), "head")]
    if form == "compound":
        full = random.choice(COMPOUND) + random.choice(GIVEN)
        return [PrintedByline(f"{unit}{post}{full}", (AuthorTruth(full, unit, post),), "head")]
    if form == "ethnic":
        full = random.choice(ETHNIC)
        return [PrintedByline(f"{unit}{post} {full}", (AuthorTruth(full, unit, post),), "head")]
    if form == "several":
        lines = []
        for pair in random.sample(UNIT_POSTS, 3):
            unit, post, name = pair[0], random.choice(pair[1]), _name(random)
            lines.append(PrintedByline(f"{unit}{post} {name}", (AuthorTruth(name, unit, post),), "part"))
        return lines
    if form == "reporters":
        people = (AuthorTruth(name, role="记者"), AuthorTruth(other, role="通讯员"))
        return [PrintedByline(f"□ 记者 {name} 通讯员 {other}", people, "head")]
    if form == "tail-unit":
        left, right = random.choice(("（）", "()"))
        return [PrintedByline(f"{left}{office} {name}{right}", (AuthorTruth(name, office),), "tail")]
    if form == "tail-contributor":
        colon = random.choice("：:")
        return [PrintedByline(f"（供稿人{colon}{office} {name}）", (AuthorTruth(name, office, role="供稿人"),), "tail")]
    if form == "tail-pictures":  # 审 names who approved the text, not an author
        return [PrintedByline(f"【图文/{name} 审/{other}】", (AuthorTruth(name, role="图文"),), "tail")]
    if form == "tail-reporter":
        return [PrintedByline(f"（记者{name} 整合）", (AuthorTruth(name, role="记者"),), "tail")]
    if form == "tail-author-of":
        return [PrintedByline(f"（作者系{unit}{post} {name}）", (author,), "tail")]
    if form == "closing":
        return [PrintedByline(f"（{name}）", (AuthorTruth(name),), "closing")]
    if form == "organisation":
        body = random.choice(ORGANISATIONS)
        return [PrintedByline(f"供稿：{body}", (AuthorTruth(body, role="供稿单位"),), "tail")]
    if form == "label":
        return [PrintedByline(f"撰稿人：{name}", (AuthorTruth(name, role="撰稿人"),), "head")]
    if form == "slash":
        return [PrintedByline(f"文/{name}", (AuthorTruth(name, role="文"),), "head")]
    return []
