"""Withdrawals, by a rule of evidence: an article is withdrawn when it was found gone again and again, long enough.

One answer proves nothing. A check counts where the host was in health in the same run: another article of it
answered as it should. Answers that are no answer (blocked, 5xx, time-out, TLS, verification page) are no checks;
one good answer voids the checks before it. ARCHIVE_GONE_CHECKS checks over at least ARCHIVE_GONE_HOURS make a
tombstone: a version with the event `withdrawn` and the text as it was. Every function takes the writing session.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from crawler.items import Pending
from exports import ledger, letters, versions
from exports.config import Config
from exports.database.models import Article, Capture, GoneCheck, Listing, Run
from exports.worklist import requests

CONTROLS = 3
"""So many articles of a host are asked, where no other answer shows it in health."""


def proves(times: Sequence[datetime], checks: int, hours: float) -> bool:
    """Whether checks at these times that all found an article gone prove that it was withdrawn."""
    return len(times) >= checks and max(times) - min(times) >= timedelta(hours=hours)


def note(
    session: Session, run: Run, article: Article, url: str, *, how: str, reason: str, capture_id: int, now: datetime
) -> None:
    """An archived article's address answered that it is gone. Whether that counts is judged at the run's end."""
    check = GoneCheck(article_id=article.id, column_id=run.column_id, url=url, run_id=run.id, kind=how)
    check.checked_at, check.capture_id = now, capture_id
    session.add(check)
    ledger.settle(session, run, url, "gone", reason)
    ledger.checked(session, run, url, now)
    session.flush()


def void(session: Session, article_id: int, now: datetime) -> None:
    """The article answered: the checks before count no more."""
    standing = (GoneCheck.article_id == article_id) & GoneCheck.voided_at.is_(None)
    session.execute(update(GoneCheck).where(standing).values(voided_at=now))


def controls(session: Session, run: Run) -> list[Pending]:
    """Articles to ask so that a host's health is known; none where it is, or nothing was found gone."""
    found: list[Listing] = []
    for host in {_host(check.url) for check in _unjudged(session, run)}:
        if _control(session, run, host) is None:
            found += _candidates(session, run, host)
    return requests(session, found)


def judge(session: Session, config: Config, run: Run) -> list[str]:
    """Judge the run's checks; returns what people should know, a line each."""
    checks = _unjudged(session, run)
    lines, uncounted, suspected = [], 0, 0
    for check in checks:
        host = _host(check.url)
        control = _control(session, run, host)
        if control is None and _is_alone(session, run, check):
            control = _listing(session, run)
        if control is None:
            _dismiss(session, run, check)
            uncounted += 1
            continue
        check.control_capture_id = control.id
        article = session.get_one(Article, check.article_id)
        check.tombstone = article.version if article.status == "withdrawn" else None
        session.flush()
        letters.resolve(session, run, [check.url], check.checked_at)  # it is no failure any more
        if _withdrawn(session, config, run, article, check):
            lines.append(f"withdrawn: article {article.id} {article.title} ({check.url})")
        suspected += article.status == "live"
    if suspected:
        lines.append(f"archived articles that are gone, not long enough yet to be called withdrawn: {suspected}")
    if uncounted:
        lines.append(
            f"archived articles that answer as gone, like all that was asked of their host (not counted): {uncounted}"
        )
    return lines


def _withdrawn(session: Session, config: Config, run: Run, article: Article, check: GoneCheck) -> bool:
    """Set the tombstone where the checks prove it; whether it was set."""
    standing = session.scalars(
        select(GoneCheck).where(
            GoneCheck.article_id == article.id,
            GoneCheck.voided_at.is_(None),
            GoneCheck.control_capture_id.is_not(None),
        )
    ).all()
    if article.status != "live" or not proves(
        [each.checked_at for each in standing], config.gone_checks, config.gone_hours
    ):
        return False
    elsewhere = exists().where(
        Listing.article_id == article.id,
        Listing.url != check.url,
        Listing.absent_since.is_(None),
        Listing.outcome.is_distinct_from("gone"),
    )
    if session.scalar(select(elsewhere)):
        return False  # it is listed under another address that answers
    number = versions.withdraw(session, run, article, check.checked_at)
    for each in standing:
        each.tombstone = number
    session.flush()
    return True


def _unjudged(session: Session, run: Run) -> Sequence[GoneCheck]:
    chosen = select(GoneCheck).where(GoneCheck.run_id == run.id, GoneCheck.control_capture_id.is_(None))
    return session.scalars(chosen.where(GoneCheck.voided_at.is_(None)).order_by(GoneCheck.id)).all()


def _dismiss(session: Session, run: Run, check: GoneCheck) -> None:
    check.voided_at = check.checked_at
    reason = f"gone ({check.kind}), but no other article of the host answered: it may be an outage"
    about = {"kind": "article", "outcome": "gone", "reason": reason, "attempts": 1, "capture_id": check.capture_id}
    letters.fail(session, run, check.url, now=check.checked_at, **about)  # type: ignore[arg-type]


def _control(session: Session, run: Run, host: str) -> Capture | None:
    """The answer of another article of the host, as it should be, since the run began."""
    fine = select(Article.url).where(Article.last_seen_at >= run.started_at, _on(Article.url, host))
    for url in session.scalars(fine.order_by(Article.last_seen_at.desc()).limit(10)).all():
        answer = select(Capture).where(Capture.url == url, Capture.fetched_at >= run.started_at)
        answer = answer.where(Capture.status.in_((200, 304))).order_by(Capture.id.desc()).limit(1)
        if (capture := session.scalar(answer)) is not None:
            return capture
    return None


def _candidates(session: Session, run: Run, host: str) -> Sequence[Listing]:
    """Listed articles of the column on that host that nothing speaks against, seen last first."""
    gone = exists().where(GoneCheck.article_id == Article.id, GoneCheck.voided_at.is_(None))
    asked = exists().where(GoneCheck.article_id == Article.id, GoneCheck.run_id == run.id)
    chosen = _listed(run, host).where(~gone, ~asked).order_by(Article.last_seen_at.desc()).limit(CONTROLS)
    return session.scalars(chosen).all()


def _is_alone(session: Session, run: Run, check: GoneCheck) -> bool:
    """Whether the column lists no other article of the host: then its listing is all that can speak for it."""
    others = _listed(run, _host(check.url)).where(Article.id != check.article_id)
    return session.scalar(others.limit(1)) is None


def _listed(run: Run, host: str) -> Select[Listing]:
    """The entries of the run on that host whose article stands."""
    listed = select(Listing).join(Article, Article.id == Listing.article_id)
    listed = listed.where(Listing.column_id == run.column_id, Listing.last_run_id == run.id)
    return listed.where(Article.status == "live", _on(Listing.url, host))


def _on(url: InstrumentedAttribute[str], host: str) -> ColumnElement[bool]:
    prefixes = (f"http://{host}/", f"https://{host}/")
    return or_(*(func.substr(url, 1, len(prefix)) == prefix for prefix in prefixes))


def _listing(session: Session, run: Run) -> Capture | None:
    """The listing page of this run that came last."""
    page = select(Capture).where(Capture.run_id == run.id, Capture.role == "listing", Capture.status == 200)
    return session.scalar(page.order_by(Capture.id.desc()).limit(1))


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower()
