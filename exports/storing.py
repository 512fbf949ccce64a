"""What becomes of one article that was read: excluded, refused, held back, or stored, and its entry settled."""

from datetime import datetime

from sqlalchemy.orm import Session

from crawler.items import Article
from exports import ledger, letters, versions, withdrawals
from exports.database.models import Run
from exports.watching import Watching


def store(
    session: Session, run: Run, article: Article, since: str | None, watching: Watching | None, now: datetime
) -> tuple[str, list[str], dict[str, str]]:
    """Bring the archive to the observed article; returns the outcome and what Watching.examine found.

    "held": nothing was written, the revision waits for the end of the run; without ``watching`` none is held.
    """
    if since and article.published_at and article.published_at[:10] < since:
        ledger.settle(session, run, article.listed_url, "excluded", f"published before since={since}")
        return "excluded", [], {}
    known = versions.known(session, article.url)
    if versions.is_last_resort(known, article):
        reason = "no template fits the page any more; what it said stays"
        ledger.settle(session, run, article.listed_url, "failed", reason)
        letters.fail(
            session,
            run,
            article.listed_url,
            kind="article",
            outcome="failed",
            reason=reason,
            attempts=1,
            capture_id=article.capture_id,
            now=article.fetched_at or now,
        )
        return "failed", [], {}
    had, lost = watching.examine(session, run, known, article) if watching and known else ([], {})
    if lost:
        return "held", had, lost
    now = article.fetched_at or now
    fetched = [file.url for file in (*article.attachments, *article.images) if file.sha256]
    outcome, article_id = versions.store(session, run, known, article, now)
    if outcome in ("unchanged", "revised"):
        withdrawals.void(session, article_id, now)
    if outcome == "unchanged" and ledger.listed_elsewhere(session, run, article.listed_url, article_id):
        outcome = "duplicate"
    ledger.settle(session, run, article.listed_url, outcome, None, article_id)
    ledger.checked(session, run, article.listed_url, now)
    letters.resolve(session, run, [article.listed_url, *fetched], now)
    return outcome, had, {}
