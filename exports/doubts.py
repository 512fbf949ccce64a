"""Articles to look at before counting: what is kept as printed and nobody can vouch for, each with its reason."""

import re
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from exports.database.models import Article, Attachment, Image

_DAY = re.compile(r"(\d{4})\s?\D\s?(\d{1,2})\s?\D\s?(\d{1,2})(?!\d)")


def doubts(session: Session, column_ids: Sequence[str] = ()) -> dict[int, str]:
    """id -> why, newest article first."""
    chosen = select(Article.id, Article.byline, Article.author, Article.body_text == "", Article.printed)
    if column_ids:
        chosen = chosen.where(Article.column_id.in_(list(column_ids)))
    with_files = [
        (set(session.scalars(select(table.article_id))), f"the text is only in {where}")
        for table, where in ((Attachment, "an attachment"), (Image, "an image"))
    ]
    found: dict[int, str] = {}
    for number, byline, author, textless, printed in session.execute(
        chosen.order_by(Article.published_at.desc().nulls_last(), Article.id.desc())
    ):
        reasons = ["no author recognised"] if byline and not author else []
        if textless:
            reasons += [reason for articles, reason in with_files if number in articles][:1]
        if reasons := reasons + [f"{name} printed differently" for name in disputed(printed)]:
            found[number] = "; ".join(reasons)
    return found


def disputed(printed: dict[str, Any]) -> list[str]:
    """The fields whose places contradict each other: title, source, published_at.

    A title cut short is the same title, and a PubDate later than the visible time is a rebuild of the page.
    """
    found = []
    for name in ("title", "source"):
        values = {_letters(value) for value in printed.get(name, {}).values()} - {""}
        if any(one not in other and other not in one for one, other in combinations(values, 2)):
            found.append(name)
    days = {place: day for place, value in printed.get("published_at", {}).items() if (day := _day(value))}
    rebuilt = days.pop("meta", None)
    if len({*days.values()}) > 1 or (rebuilt and days and rebuilt < min(days.values())):
        found.append("published_at")
    return found


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


def _day(text: str) -> tuple[int, ...] | None:
    match = _DAY.search(text)
    return tuple(map(int, match.groups())) if match else None
