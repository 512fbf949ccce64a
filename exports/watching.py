"""Revisions that lose a field, held back until the run has shown whether an editor or a redesign did it."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler import items
from exports import drift
from exports.database.models import Article, Attachment, Image, Run

T = TypeVar("T")


class WithRun(Protocol):
    """Archive's way to run a function in the writing transaction."""

    def __call__(self, run_id: int, work: Callable[[Session, Run], T]) -> Awaitable[T]: ...


class Watching:
    """One Watch a run. A replay is not watched: it says itself which fields it changes."""

    def __init__(
        self, with_run: WithRun, store: Callable[..., Awaitable[str]], fail: Callable[..., Awaitable[None]]
    ) -> None:
        """``store`` and ``fail`` are the archive's."""
        self._with_run, self._store, self._fail = with_run, store, fail
        self._watches: dict[int, drift.Watch] = {}
        self._accepted: dict[int, set[str]] = {}

    def examine(
        self, session: Session, run: Run, row: Article, article: items.Article
    ) -> tuple[list[str], dict[str, str]]:
        """What the archived article has, and which of it this reading lost (see drift.losses)."""
        if run.spider == "replay":
            return [], {}
        files = _files(session, row)
        if run.id not in self._accepted:
            self._accepted[run.id] = drift.accepted_since(session, run)
        lost = drift.losses(row, files, article, self._accepted[run.id])
        return [*drift.had(row), *files], lost

    @staticmethod
    def had(session: Session, row: Article) -> list[str]:
        """The guarded fields an archived article has."""
        return [*drift.had(row), *_files(session, row)]

    def note(self, run_id: int, article: items.Article, had: list[str], lost: dict[str, str]) -> None:
        """What a store found, once it is committed."""
        watch = self._watches.setdefault(run_id, drift.Watch())
        watch.note_read(article)
        watch.note_kept(name for name in had if name not in lost)
        if lost:
            watch.hold(article, lost)

    def note_unchanged(self, run_id: int, had: list[str]) -> None:
        """The server says that an article is as it was: so is the template it was written with."""
        self._watches.setdefault(run_id, drift.Watch()).note_kept(had)

    def is_full(self, run_id: int) -> bool:
        """Whether no more revisions can be held back."""
        watch = self._watches.get(run_id)
        return watch is not None and watch.is_full()

    async def judge(self, run_id: int) -> list[drift.Loss]:
        """Store the revisions held back, or fail them where the run shows a redesign; returns what was lost.

        An entry that fails keeps its article as it was, and is fetched again by the next run.
        """
        watch = self._watches.pop(run_id, None)
        if watch is None:
            return []
        found = watch.systematic()
        names = {loss.field for loss in found}
        for article, lost in watch.held:
            if gone := [name for name in lost if name in names]:
                reason = f"field lost: {', '.join(gone)} (read by {article.extractor}); the article stays as it was"
                await self._fail(
                    run_id,
                    article.listed_url,
                    kind="article",
                    outcome="failed",
                    reason=reason,
                    attempts=1,
                    capture_id=article.capture_id,
                )
            else:
                await self._store(run_id, article, judged=True)

        def work(session: Session, run: Run) -> list[drift.Loss]:
            run.fields = watch.fields()
            if run.spider == "replay":
                return []
            return [
                loss
                for loss in drift.newest_lack(session, run, drift.accepted_since(session, run))
                if loss.field not in names
            ]

        return found + await self._with_run(run_id, work)


def _files(session: Session, row: Article) -> list[str]:
    """attachments and images, where the article has any."""
    found = []
    for name, column in (("attachments", Attachment.article_id), ("images", Image.article_id)):
        if session.scalar(select(column).where(column == row.id).limit(1)) is not None:
            found.append(name)
    return found
