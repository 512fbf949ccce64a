"""One article: what it says, who wrote it, which files it shows. A pure function of seed and number.

Its markup is another matter (render_t3.py, render_t4.py): the same story is told by every generation of the site.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from random import Random
from urllib.parse import quote

from tests.replica import prose
from tests.replica.addresses import file_address
from tests.replica.bylines import PrintedByline, bylines
from tests.replica.model import AuthorTruth
from tests.replica.variations import CONTENT, Variations

FIRST_DAY = datetime(2014, 3, 3, 8, 30, 0)
LAST_DAY = datetime(2024, 5, 31, 16, 0, 0)
EDITABLE = ("title", "source", "content_type", "published_at", "editor_note", "paragraphs")
"""What ``Replica.edit`` can change."""
NOTES = {"none": "", "cut": "（本文发布时有删节）", "cut-ascii": "(本文发布时有删节)"}


@dataclass(slots=True, frozen=True)
class Block:
    """One piece of the body, in printed order."""

    kind: str
    """text, heading, caption, attachment, table, image; byline, or closing (a byline ending the paragraph before)."""
    text: str = ""
    """As printed; for an image its alternative text, for an attachment the name that is linked."""
    rows: tuple[tuple[str, ...], ...] = ()
    path: str = ""

    @property
    def paragraphs(self) -> list[str]:
        """What the block adds to the article's text."""
        if self.kind in ("text", "heading", "caption"):
            return [" ".join(self.text.split())]
        if self.kind == "attachment":
            return [f"附件：{self.text}"]
        return ["\t".join(row) for row in self.rows]


@dataclass(slots=True, frozen=True)
class Story:
    """What one article says."""

    index: int
    title: tuple[str, ...]
    """One or two parts."""
    title_form: str
    subtitle: str
    byline: str
    authors: tuple[AuthorTruth, ...]
    source: str
    content_type: str
    published: datetime
    precision: str
    """seconds, minutes or day."""
    editor_note: str
    blocks: tuple[Block, ...]

    @property
    def full_title(self) -> str:
        return " ".join(self.title)

    @property
    def paragraphs(self) -> list[str]:
        return [paragraph for block in self.blocks for paragraph in block.paragraphs]

    @property
    def images(self) -> list[str]:
        return [block.path for block in self.blocks if block.kind == "image"]

    @property
    def attachments(self) -> list[tuple[str, str]]:
        return [(block.path, block.text) for block in self.blocks if block.kind == "attachment"]


class Stories:
    """All articles of one site, told when asked for."""

    def __init__(self, seed: int, articles: int, generation: str, variations: Variations) -> None:
        self.seed = seed
        self.articles = articles
        self.generation = generation
        self.variations = variations
        self.changes: dict[int, dict[str, object]] = {}
        # All of a small site; the whole of a big one would take too much memory.
        self._tell = lru_cache(maxsize=1024)(self._told)

    def get(self, index: int) -> Story:
        """Article ``index`` with the edits made to it."""
        story = self._tell(index)
        return edited(story, self.changes[index]) if index in self.changes else story

    def published(self, index: int) -> datetime:
        """Rises with the number, so that a column's newest article has its highest number."""
        if index >= self.articles:  # published while the site was being watched
            return LAST_DAY + timedelta(hours=index - self.articles + 1)
        step = (LAST_DAY - FIRST_DAY) // max(self.articles, 200)
        return (FIRST_DAY + index * step).replace(microsecond=0)

    def title(self, index: int) -> tuple[str, ...]:
        """The title's one or two parts, before any edit; much quicker than the whole story."""
        parts: tuple[str, ...] = (prose.title(self.seed, index),)
        if self.variations.form("title", index).startswith("two"):
            parts = prose.title_parts(self.seed, index)
        if self.variations.form("date", index) == "title":  # the listing then prints the date nowhere else
            day = self.published(index)
            parts = (*parts[:-1], f"{parts[-1]}（{day.year}年{day.month}月{day.day}日）")
        return parts

    def _told(self, index: int) -> Story:
        random = Random(f"{self.seed}/{index}/story")
        form = {axis: self.variations.form(axis, index) for axis in CONTENT}
        published = self.published(index)
        lines = bylines(form["byline"], random)
        return Story(
            index=index,
            title=self.title(index),
            title_form=form["title"],
            subtitle=f"——{random.choice(prose.THEMES)}" if form["title"] == "subtitle" else "",
            byline=" ".join(" ".join(line.text.split()) for line in lines),
            authors=tuple(author for line in lines for author in line.authors),
            source=f"{random.choice(prose.UNITS)}通讯站" if form["source"] == "given" else "",
            content_type="" if form["type"] == "blank" else form["type"],
            published=published,
            precision=form["time"],
            editor_note=NOTES[form["note"]],
            blocks=tuple(self._blocks(index, random, form, lines)),
        )

    def _blocks(self, index: int, random: Random, form: dict[str, str], lines: list[PrintedByline]) -> list[Block]:
        by_place = {
            place: [Block("byline", b.text) for b in lines if b.place == place]
            for place in ("head", "part", "tail", "closing")
        }
        by_place["closing"] = [replace(block, kind="closing") for block in by_place["closing"]]
        body: list[Block] = []
        headings = by_place["part"] or [None] * (random.random() < 0.4) * 2
        parts = max(1, len(headings))
        for part in range(parts):
            if headings:
                body.append(Block("heading", prose.heading(random, part)))
            body += by_place["part"][part : part + 1]
            body += [Block("text", prose.paragraph(random)) for _ in range(random.randint(4, 7) // parts + 1)]
        middle = len(body) - 1  # before the last paragraph
        inserts: list[Block] = []
        if form["image"] != "none":
            extension = "png" if form["image"] == "png" else "jpg"
            address = self._address(index, 0, extension, f"{random.choice(prose.PLACES)}.{extension}")
            inserts.append(Block("image", random.choice(prose.ACTIVITIES), path=address))
            if form["image"] == "caption":
                inserts.append(Block("caption", prose.caption(random)))
        if form["table"] == "yes":
            inserts.append(Block("table", rows=prose.table(random)))
        body[middle:middle] = inserts
        body = by_place["head"] + body + by_place["closing"]
        # A closing byline stands in the last paragraph: nothing may follow that is itself a paragraph.
        if form["attachment"] != "none" and not by_place["closing"]:
            name = f"{random.choice(prose.ACTIVITIES)}安排表.{form['attachment']}"
            body.append(Block("attachment", name, path=self._address(index, 1, form["attachment"], name)))
        body += by_place["tail"]
        return body

    def _address(self, index: int, place: int, extension: str, name: str) -> str:
        form = self.variations.form("attachment-address", index)
        if self.generation != "t4":
            form = "legacy"
        elif place == 0 and form == "download":  # pictures never come from the download service
            form = "old"
        return file_address(form, index * 8 + place, self.published(index), extension, quote(name))


def edited(story: Story, changes: dict[str, object]) -> Story:
    """The story with some of its fields (EDITABLE) replaced."""
    fields: dict[str, object] = {}
    for name, new in changes.items():
        if name == "title":
            fields["title"] = (str(new),)
        elif name == "published_at":
            fields["published"] = datetime.fromisoformat(str(new))
            fields["precision"] = {10: "day", 16: "minutes"}.get(len(str(new)), "seconds")
        elif name == "paragraphs":
            assert isinstance(new, list)
            fields["blocks"] = tuple(_with_paragraphs(story.blocks, new))
        else:
            fields[name] = new
    return replace(story, **fields)  # type: ignore[arg-type]


def _with_paragraphs(blocks: Sequence[Block], new: list[str]) -> list[Block]:
    """Blocks that print exactly ``new``; bylines, pictures, and blocks whose text did not change are kept."""
    known = {tuple(block.paragraphs): block for block in blocks if block.paragraphs}
    silent: list[tuple[int, Block]] = []  # blocks without text, and how many paragraphs stand before each
    count = 0
    for block in blocks:
        if not block.paragraphs:
            silent.append((count, block))
        count += len(block.paragraphs)
    out: list[Block] = []
    done = 0
    while done < len(new):
        # What stood behind everything stays behind everything.
        while silent and silent[0][0] <= done and silent[0][0] < count:
            out.append(silent.pop(0)[1])
        match = next(
            (block for lines, block in known.items() if tuple(new[done : done + len(lines)]) == lines),
            Block("text", new[done]),
        )
        out.append(match)
        done += len(match.paragraphs)
    return out + [block for _, block in silent]
