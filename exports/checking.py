"""What a crawl needs of the archive to check what it holds: is it still there, and if not, may one say so?"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy.orm import Session

from crawler.items import Pending
from exports import ledger, letters, withdrawals, worklist
from exports.config import Config
from exports.database.models import Run

T = TypeVar("T")


class WithRun(Protocol):
    """Archive's way to run a function in the writing transaction."""

    def __call__(self, run_id: int, work: Callable[[Session, Run], T]) -> Awaitable[T]: ...


class Checking:
    """The checking side of an Archive; every method returns once its write is durable."""

    def __init__(self, config: Config, with_run: WithRun) -> None:
        self._config = config
        self._with_run = with_run

    async def absent(self, run_id: int, *, full: bool, retry: bool) -> list[Pending]:
        """Entries that left the listing and are due for a check."""
        about = {"full": full, "retry": retry}
        return await self._with_run(run_id, lambda s, run: worklist.absent(s, self._config, run, now=_now(), **about))

    async def gone(
        self, run_id: int, url: str, *, how: str, reason: str, attempts: int, capture_id: int | None
    ) -> None:
        """The entry's address answers that there is nothing: a check of an archived article, else a failure."""

        def work(session: Session, run: Run) -> None:
            article = ledger.article_of(session, run, url)
            if article is not None and capture_id is not None:
                withdrawals.note(session, run, article, url, how=how, reason=reason, capture_id=capture_id, now=_now())
                return
            about: dict[str, Any] = {"kind": "article", "outcome": "gone", "reason": reason, "attempts": attempts}
            letters.fail(session, run, url, capture_id=capture_id, now=_now(), **about)
            ledger.settle(session, run, url, "gone", reason)

        await self._with_run(run_id, work)

    async def controls(self, run_id: int) -> list[Pending]:
        """Articles whose answers tell whether a host that called others gone is in health."""
        return await self._with_run(run_id, withdrawals.controls)

    async def judge(self, run_id: int) -> list[str]:
        """Judge what was found gone; returns what people should know of it, a line each."""
        return await self._with_run(run_id, lambda session, run: withdrawals.judge(session, self._config, run))

    async def noted(self, run_id: int) -> int:
        """Entries of the run that are gone and duly noted."""
        return await self._with_run(run_id, ledger.noted_gone)


def _now() -> datetime:
    return datetime.now(UTC)
