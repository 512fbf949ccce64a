"""What a run of one column amounts to: its counts, its exit code, its one line for people."""

from dataclasses import dataclass, field

from crawler.exceptions import CrawlError

ARCHIVED = ("archived", "unchanged", "revised", "duplicate", "reread")
INCOMPLETE = ("failed", "blocked", "gone", "damaged", "pending")
COLLAPSE = 10
"""A listing that names less than a tenth of what it named before is more likely misread than cleared out."""


@dataclass
class Report:
    """Filled while a column is crawled."""

    column_id: str = ""
    column_name: str = ""
    listed: int = 0
    """Entries of the listing so far."""
    settled: int = 0
    """Entries with an outcome so far, those that needed no fetch included."""
    declared: int | None = None
    """The total the column declares."""
    counts: dict[str, int] = field(default_factory=dict)
    """outcome -> entries, at the end."""
    problems: list[str] = field(default_factory=list)
    """Why the walk of the listing is not complete, one line each."""
    error: CrawlError | None = None
    """What ended the run before its articles."""
    notes: list[str] = field(default_factory=list)
    """Further lines of the summary."""
    noted: int = 0
    """Entries that are gone, archived before, and noted as evidence of a withdrawal: a harmless reason."""
    refused: int = 0
    """Entries robots.txt excludes."""
    finished: bool = False
    """Whether the run came to its end."""
    requests: int = 0
    bytes: int = 0

    def note_left(self, left: int) -> None:
        """So many entries that the last complete walk met are not listed any more: a problem where nearly all are."""
        if left > (COLLAPSE - 1) * self.listed and left >= 2 * COLLAPSE:
            self.problems.append(f"the listing names {self.listed} entries, {left} others have left it at once")
        elif left:
            self.notes.append(f"entries that have left the listing since the last run: {left}")

    def exit_code(self) -> int:
        """The contract's exit code of this column."""
        if self.error is not None:
            return self.error.exit_code
        done = sum(self.counts.get(name, 0) for name in ARCHIVED) + self.noted
        open_ = sum(self._open(name) for name in INCOMPLETE)
        if self.counts.get("blocked", 0) and not done:
            return 4  # not one article came through
        if open_ or self.problems or sum(self.counts.values()) != self.listed or not self.listed:
            return 3
        if self.refused and not done:
            return 3  # a listing that names articles, and none of them may be archived
        return 0

    def reason(self) -> str | None:
        """One line that says why the exit code is not 0; None where it is."""
        if self.error is not None:
            return str(self.error)
        parts = list(self.problems)
        parts += [f"{self._open(name)} {name}" for name in INCOMPLETE if self._open(name)]
        if not self.listed and not parts:
            parts.append("the listing names nothing")
        if self.refused and not parts and self.exit_code():
            parts.append("robots.txt forbids every article")
        return "; ".join(parts) or None

    def _open(self, name: str) -> int:
        """Entries of that outcome that leave the ledger open."""
        return self.counts.get(name, 0) - (self.noted if name == "gone" else 0)
