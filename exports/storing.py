"""What becomes of one answer that shows an article: excluded, refused, held back, or stored, and its entry settled."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from crawler import items
from exports import canonical, ledger, letters, versions, withdrawals
from exports.database.models import Article, ArticleVersion, Run
from exports.watching import Watching


def store(
    session: Session, run: Run, article: items.Article, since: str | None, watching: Watching | None, now: datetime
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


def unchanged(session: Session, run: Run, url: str, now: datetime) -> Article | None:
    """The server said 304: the entry's article, which is as we hold it."""
    ledger.settle(session, run, url, "unchanged", "not modified")
    ledger.checked(session, run, url, now)
    letters.resolve(session, run, [url], now)
    article = ledger.article_of(session, run, url)
    if article is not None:
        article.last_seen_at = now
        withdrawals.void(session, article.id, now)
    return article


def refiled(
    session: Session, article: Article, url: str, files: Mapping[str, items.Attachment], now: datetime
) -> items.Article:
    """The archived article as its page still stands, but with other bytes of these files (by address)."""
    item = canonical.item_of(session.get_one(ArticleVersion, (article.id, article.version)))
    for own in (*item.attachments, *item.images):
        if (file := files.get(own.url)) is not None:
            own.sha256, own.media_type, own.size, own.path = file.sha256, file.media_type, file.size, file.path
            own.text = file.text
    item.listed_url, item.fetched_at = url, now
    return item
