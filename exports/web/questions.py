"""The questions only the reading room asks: functions from a session to rows, as in exports/query.py."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, distinct, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from exports.database.models import Article, ArticleAuthor, ArticleVersion, Attachment, Capture, Image, Listing
from exports.search import counting


@dataclass(frozen=True)
class Neighbours:
    """The articles of the column published just before and after one."""

    earlier: Article | None
    later: Article | None


def monthly(session: Session, by: str, columns: Sequence[str] = ()) -> dict[str, dict[str, int]]:
    """key -> month (YYYY-MM) -> articles dated to the month, by column or unit; most articles first."""
    result: dict[str, dict[str, int]] = {}
    for (value, month), number in counting(session, columns).by_month(by).items():
        if value and len(month) == len("YYYY-MM"):
            result.setdefault(value, {})[month] = number
    return dict(sorted(result.items(), key=lambda entry: (-sum(entry[1].values()), entry[0])))


def neighbours(session: Session, article: Article) -> Neighbours:
    """What was published before and after in the same column; nobody where the date is unknown."""
    if article.published_at is None:
        return Neighbours(None, None)
    place, here = tuple_(Article.published_at, Article.id), tuple_(literal(article.published_at), literal(article.id))
    same = select(Article).where(Article.column_id == article.column_id)
    before = same.where(place < here).order_by(Article.published_at.desc(), Article.id.desc())
    after = same.where(place > here).order_by(Article.published_at, Article.id)
    return Neighbours(session.scalar(before.limit(1)), session.scalar(after.limit(1)))


def same_text(session: Session, article: Article) -> list[Article]:
    """The other articles with the same content, under other addresses."""
    first = article.duplicate_of or article.id
    others = select(Article).where(or_(Article.id == first, Article.duplicate_of == first), Article.id != article.id)
    return list(session.scalars(others.order_by(Article.id).limit(20)))


def authorships(session: Session, name: str = "", unit: str = "") -> list[tuple[str, str, str, int]]:
    """(name, unit, position, articles) of an author or of a unit, most articles first."""
    who = ArticleAuthor.name == name if name else ArticleAuthor.unit == unit
    columns = (ArticleAuthor.name, ArticleAuthor.unit, ArticleAuthor.position)
    number = func.count(distinct(ArticleAuthor.article_id))
    rows = session.execute(select(*columns, number).where(who).group_by(*columns).order_by(number.desc(), *columns))
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def entries(session: Session, column_id: str, outcome: str) -> list[Listing]:
    """The entries of the column's listing as last walked, in its order; `outcome` empty for all."""
    of_column = Listing.column_id == column_id
    chosen = and_(of_column, Listing.outcome == outcome) if outcome else of_column
    return list(session.scalars(select(Listing).where(chosen).order_by(Listing.last_run_id.desc(), Listing.position)))


def file_of(session: Session, sha256: str) -> Attachment | Image | None:
    """An attachment or image with this content."""
    attachment = select(Attachment).where(Attachment.sha256 == sha256, Attachment.path.is_not(None)).limit(1)
    image = select(Image).where(Image.sha256 == sha256, Image.path.is_not(None)).limit(1)
    return session.scalar(attachment) or session.scalar(image)


def articles_at(session: Session, urls: Sequence[str]) -> dict[str, int]:
    """url -> id of the archived articles among these addresses."""
    rows = session.execute(select(Article.url, Article.id).where(Article.url.in_(urls[:500])))
    return {row[0]: row[1] for row in rows}


def version_of_capture(session: Session, capture: Capture) -> ArticleVersion | None:
    """The version that was read from the capture; the latest where several were."""
    read = select(ArticleVersion).where(ArticleVersion.capture_id == capture.id)
    return session.scalar(read.order_by(ArticleVersion.article_id, ArticleVersion.version.desc()).limit(1))
