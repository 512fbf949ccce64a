"""Drift: what a redesign of the site takes from the articles without an error anywhere.

Two questions about each field of crawler.items.GUARDED. Of the archived articles a run read again, how many lost it?
And do the newest entries of the column lack what those before them have? A revision that loses a field is held back
until the run knows: an editor may take a source off one article, a redesign takes it off all.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import comb

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crawler import items
from exports.database.models import Article, Listing, Run

_HISTORY, _LEAST_HISTORY = 50, 10
"""So many older entries the newest ones are compared with; with fewer there is no judgement."""
_SAMPLE, _LARGEST_SAMPLE = 3, 30
_CHANCE = 0.001
"""Below this probability it is no chance that the newest entries lack a field."""
_MOST_HELD = 1000
_SHORT = 200


@dataclass(frozen=True)
class Loss:
    """One field that a run's articles no longer have."""

    field: str
    lost: int
    """Articles without it, of those in ``of``."""
    of: int
    extractor: str
    """template@version that most of them were read by."""
    origin: str
    """Where it used to be printed: row, script, meta, listing; empty where that is not kept."""
    newest: bool
    """True: the newest entries of the column, beside those before them; False: revisions of archived articles."""


@dataclass
class Watch:
    """What one run saw of the guarded fields."""

    read: int = 0
    filled: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    """Archived articles that had the field and still have it."""
    lost: Counter[str] = field(default_factory=Counter)
    by: dict[str, Counter[tuple[str, str]]] = field(default_factory=lambda: defaultdict(Counter))
    """field -> (extractor, former origin) of the articles that lost it."""
    held: list[tuple[items.Article, list[str]]] = field(default_factory=list)
    """Revisions held back, with the fields they lose."""

    def note_read(self, article: items.Article) -> None:
        """An article was read."""
        self.read += 1
        self.filled.update(name for name in items.GUARDED if getattr(article, name))

    def note_kept(self, names: Iterable[str]) -> None:
        """An archived article still has these."""
        self.kept.update(names)

    def hold(self, article: items.Article, origins: dict[str, str]) -> None:
        """Hold the revision back; ``origins``: the fields it loses -> where they used to be printed."""
        self.lost.update(origins.keys())
        for name, origin in origins.items():
            self.by[name][article.extractor, origin] += 1
        self.held.append((article, list(origins)))

    def is_full(self) -> bool:
        """Whether no more revisions are to be held in memory."""
        return len(self.held) >= _MOST_HELD

    def systematic(self) -> list[Loss]:
        """The fields that so many articles lost that no editor did it."""
        found = []
        for name, lost in self.lost.items():
            of = lost + self.kept[name]
            if (lost >= 2 and 2 * lost >= of) or (lost >= 3 and 4 * lost >= of):
                (extractor, origin), _ = self.by[name].most_common(1)[0]
                found.append(Loss(name, lost, of, extractor, origin, newest=False))
        return found

    def fields(self) -> dict[str, list[int]]:
        """What the run's row keeps: field -> [articles read, filled, lost]."""
        return {name: [self.read, self.filled[name], self.lost[name]] for name in items.GUARDED}


def had(row: Article) -> list[str]:
    """The guarded fields an archived article has; files are asked of its version, not of this row."""
    return [name for name in items.GUARDED if name not in ("attachments", "images") and getattr(row, name)]


def losses(row: Article, files: Iterable[str], article: items.Article, accepted: Iterable[str]) -> dict[str, str]:
    """The guarded fields the archived article has and this reading of it lacks -> where they used to be printed.

    ``files``: which of attachments and images it has. A text shrunk to less than half counts as lost.
    """
    lost = [name for name in had(row) if not getattr(article, name)]
    lost += [name for name in files if not getattr(article, name)]
    if len(row.body_text) >= _SHORT and 2 * len(article.body_text) < len(row.body_text) and "body_text" not in lost:
        lost.append("body_text")
    return {name: next(iter(row.printed.get(name, {})), "") for name in lost if name not in set(accepted)}


def newest_lack(session: Session, run: Run, accepted: Iterable[str]) -> list[Loss]:
    """The fields that the newest entries of the column lack though those before them have them.

    Entries stand in the order of the listing. Only entries first seen in this run can raise it, and only entries
    seen before are history: reading an old column for the first time compares nothing.
    """
    columns = [getattr(Article, name) for name in items.GUARDED if name not in ("attachments", "images")]
    lengths = [func.length(column) if column is Article.body_text else column for column in columns]
    rows = session.execute(
        select(Article.first_seen_at, Article.extractor, Article.printed, *lengths)
        .join(Listing, Listing.article_id == Article.id)
        .where(Listing.column_id == run.column_id, Listing.last_run_id == run.id)
        .order_by(Listing.position)
        .limit(_LARGEST_SAMPLE + _HISTORY)
    ).all()
    is_new = [row[0] >= run.started_at for row in rows]
    leading = next((number for number, new in enumerate(is_new) if not new), len(rows))
    if not leading or len(rows) - leading < _LEAST_HISTORY:
        return []
    size = min(max(leading, _SAMPLE), _LARGEST_SAMPLE)
    sample, history = rows[:size], [row for row, new in zip(rows[size:], is_new[size:], strict=True) if not new]
    found = []
    for place, name in enumerate((column.key for column in columns), start=3):
        known, filled = sum(bool(row[place]) for row in history), sum(bool(row[place]) for row in sample)
        if name in set(accepted) or len(history) < _LEAST_HISTORY or 2 * filled * len(history) >= known * size:
            continue
        share = (known + 1) / (len(history) + 2)
        chance = sum(comb(size, n) * share**n * (1 - share) ** (size - n) for n in range(filled + 1))
        if chance < _CHANCE:
            origins = Counter(next(iter(row[2].get(name, {})), "") for row in history if row[place])
            extractors = Counter(row[1] for row in sample)
            common = extractors.most_common(1)[0][0], origins.most_common(1)[0][0]
            found.append(Loss(name, size - filled, size, *common, newest=True))
    return found


def accepted_since(session: Session, run: Run) -> set[str]:
    """The fields whose loss the operator accepted, in this run or in an earlier one of the column."""
    rows = session.scalars(select(Run.arguments).where(Run.column_id == run.column_id, Run.id <= run.id))
    return {name for arguments in rows for name in (arguments or {}).get("accept") or ()}
