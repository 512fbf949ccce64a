"""The plan of the site: its columns, who is listed where under which address, drawn up once at the start."""

from dataclasses import replace
from datetime import datetime
from random import Random

from tests.replica import prose
from tests.replica.addresses import file_address, hex32
from tests.replica.content import Stories
from tests.replica.model import Entry, ReplicaColumn
from tests.replica.variations import Variations

# id, name as printed, name of the section above, what pages after the last bring
COLUMNS = (
    ("zhuanti", "重&nbsp;要 专　题", "", "last"),
    ("dangjian", "党 建 动 态", "", "first"),
    ("tongzhi", "通知公告", "", "empty"),
    ("lilun", "理论学习", "机关党建", "last"),
    ("qunfang", "群&nbsp;团&nbsp;风&nbsp;采", "", "empty"),
)
# Which column each article goes to, over and over: at least 60 % of any number of them to the first.
PATTERN = (0, 0, 0, 1, 0, 0, 2, 0, 0, 1, 0, 0, 3, 0, 0, 1, 0, 0, 2, 4)
EXTRA_EVERY = 8
"""After so many articles a column lists something that is none."""
EXTRAS = ("empty", "javascript", "mailto", "foreign", "subsite", "script-away", "file", "private")


def column_name(printed: str) -> str:
    """The name without its blanks."""
    return "".join(printed.replace("&nbsp;", "").split())


class Plan:
    """Columns and addresses of one site. ``draw`` fills it; ``publish`` adds to it."""

    def __init__(self, seed: int, generation: str, articles: int, stories: Stories, variations: Variations):
        self.seed = seed
        self.generation = generation
        self.stories = stories
        self.variations = variations
        self.columns: dict[str, ReplicaColumn] = {}
        self.next_index = articles
        self.listed: dict[str, int] = {}
        """Path as listed -> number of the article."""
        self.pages: dict[str, int] = {}
        """Path the article's page is served at -> number; differs from ``listed`` for script redirects."""
        self.redirects: dict[str, tuple[str, str]] = {}
        """Path -> (form, target) of pages that send the reader on by script."""
        self.entry_of: dict[int, Entry] = {}
        self.column_of: dict[int, ReplicaColumn] = {}
        self.told_by: dict[int, int] = {}
        """Copy -> the article whose text it repeats."""
        self.in_column: dict[str, list[int]] = {}
        """Column id -> numbers of its articles, oldest first."""
        self.place_in: dict[int, int] = {}
        """Number -> its place in ``in_column``."""
        self.loose_files: dict[str, str] = {}
        """Path -> extension of files listed directly by a column."""
        self._last_plain: dict[str, int] = {}
        self._columns()
        for index in range(articles):
            self._add(index, list(self.columns.values())[PATTERN[index % len(PATTERN)]])
        for column in self.columns.values():
            column.entries.reverse()

    def _columns(self) -> None:
        random = Random(f"{self.seed}/folders")
        for number, (column_id, printed, parent, past_end) in enumerate(COLUMNS):
            letters = "".join(random.sample("abcdefghjkmnpqrstuvwxyz", 4))
            folder = f"zt_{letters}" if number == 0 else f"{letters}/{letters[::-1]}" if number == 3 else letters
            path = {
                "t3": f"/article/{folder}/",
                "trs": f"/{folder}/",
                "jcms": f"/col/col{10 + number}/index.html",
            }.get(self.generation, f"/{folder}/index.html")
            self.columns[column_id] = ReplicaColumn(
                id=column_id,
                name=column_name(printed),
                path=path,
                printed_name=printed,
                parent=parent,
                past_end=past_end if self.variations.enabled else "empty",
                box="iListCon" if number % 2 and self.variations.enabled else "listCon",
                folder=folder,
                from_api=number != 4 or not self.variations.enabled,
            )
            self.in_column[column_id] = []

    def publish(self, column: ReplicaColumn) -> str:
        """A new article at the head of a column; returns its path."""
        entries, column.entries = column.entries, []
        self._add(self.next_index, column)
        column.entries += entries
        self.next_index += 1
        return column.entries[0].path

    def _add(self, index: int, column: ReplicaColumn) -> None:
        """Append article ``index`` to the column, oldest first, with what its place in the listing calls for."""
        place = self.variations.form("place", index)
        if place == "copy" and column.id not in self._last_plain:
            place = "once"
        if place == "once":
            self._last_plain[column.id] = index
        elif place == "copy":
            self.told_by[index] = self._last_plain[column.id]
        path, target = self._paths(index, column)
        entry = Entry(
            kind="article",
            title=" ".join(self.stories.title(self.told_by.get(index, index))),
            date=str(self.stories.published(index)),
            path=path,
            index=index,
            link_form=self.variations.form("link", index),
            date_form=self._date_form(index, place),
            text_form=self.variations.form("text", index),
        )
        column.entries.append(entry)
        if place == "doubled":
            column.entries.append(replace(entry, repeated=True))
        if place == "two-columns":
            self.columns["dangjian" if column.id == "zhuanti" else "zhuanti"].entries.append(
                replace(entry, repeated=True)
            )
        self.listed[path] = index
        self.pages[target if place.startswith("redirect") else path] = index
        if place.startswith("redirect"):
            self.redirects[path] = (place, target)
        self.entry_of[index] = entry
        self.column_of[index] = column
        self.place_in[index] = len(self.in_column[column.id])
        self.in_column[column.id].append(index)
        count = self.place_in[index] + 1
        if self.variations.enabled and index < self.variations.articles and count % EXTRA_EVERY == 0:
            column.entries.append(self._extra(column, count // EXTRA_EVERY - 1, entry.date))

    def _date_form(self, index: int, place: str) -> str:
        form = self.variations.form("date", index)
        if self.generation == "t4":
            return "bracket"
        # The title of a copy, or of a page without any metadata, must not be the only place of the date.
        blind = self.generation == "t3" and self.variations.form("row", index) == "ssi-error"
        if blind and index % 5 == 0:  # some articles have no date anywhere
            return "absent"
        return "day" if form == "title" and (place == "copy" or blind) else form

    def _paths(self, index: int, column: ReplicaColumn) -> tuple[str, str]:
        """The address of an article, and the one its page lies at when that one only redirects."""
        day = self.stories.published(index)
        if self.generation == "t4":
            folder = f"/{column.folder}/{'ab'[index % 2]}/art/{day.year}"
            return f"{folder}/art_{hex32(index * 2)}.html", f"{folder}/art_{hex32(index * 2 + 1)}.html"
        serial = 3_000_000 + index * 37 + index * index * 7 % 30  # rising, with gaps
        if self.generation == "trs":
            name = f"/{column.folder}/{day:%Y%m}/t{day:%Y%m%d}_"
            return f"{name}{serial}.html", f"{name}{serial + 1}.html"
        if self.generation == "jcms":
            name = f"/art/{day.year}/{day.month}/{day.day}/art_{10 + list(self.columns).index(column.id)}_"
            return f"{name}{serial}.html", f"{name}{serial + 1}.html"
        folder = column.folder if "/" in column.folder else f"{column.folder}/{('gz', 'xx')[index % 2]}"
        name = f"{day:%Y%m}/{day:%Y%m}"
        return f"/article/{folder}/{name}{serial:08d}.shtml", f"/article/zw/{name}{serial + 1:08d}.shtml"

    def _extra(self, column: ReplicaColumn, number: int, date: str) -> Entry:
        form = EXTRAS[number % len(EXTRAS)]
        serial = number * len(COLUMNS) + list(self.columns).index(column.id)
        entry = Entry("external", prose.title(self.seed, 400_000 + serial), date, date_form="bracket")
        if form in ("empty", "javascript", "mailto"):
            entry.kind = "nolink"
            entry.href = {"empty": "", "javascript": "javascript:void(0)", "mailto": "mailto:dw@example.org"}[form]
        elif form == "foreign":
            entry.href = f"https://www.example.org/news/{serial}.html"
        elif form == "subsite":
            entry.href = f"http://www.mofcom.gov.cn/article/ae/ai/{date[:4]}{date[5:7]}/{serial:014d}.shtml"
        elif form == "private":
            entry.kind, entry.path = "private", f"/private/{serial}.shtml"
        elif form == "file":
            address = "old" if self.generation == "t4" else "legacy"
            day = datetime.fromisoformat(date)
            entry.kind, entry.path = "attachment", file_address(address, 10**9 + serial, day, "pdf", "")
            self.loose_files[entry.path] = "pdf"
        else:
            entry.path = f"/link/{serial}.shtml"
            self.redirects[entry.path] = ("redirect-location", f"https://www.example.org/topic/{serial}.html")
        return entry
