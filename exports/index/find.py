"""Which articles a search finds: the search text is asked of the index, the filters of the tables, and both are cut."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from exports.database.models import Article, ArticleAuthor, Listing, Run, SearchArticle, SearchDocument
from exports.index.maintain import backend
from exports.index.parse import TEXT_FIELDS, Term, parse
from exports.index.text import folded, squeezed

_FEW = 500
"""Up to so many articles the filters are asked about those alone."""


@dataclass(frozen=True)
class Filters:
    """What narrows a search; the empty value of each narrows nothing."""

    text: str = ""
    """See exports.index.parse.parse: words, "phrases", OR, NOT, field:value."""
    columns: tuple[str, ...] = ()
    """Column ids: articles of these columns, or listed in them."""
    author: str = ""
    """An author's whole name, blanks not counting."""
    unit: str = ""
    """Part of the name of an author's unit."""
    source: str = ""
    """Part of the source (来源)."""
    since: date | None = None
    until: date | None = None
    """First and last day of publication, both included. An article dated only by month or year counts where
    that month or year and the period overlap; one without a date never does."""
    has_attachment: bool = False
    """Only articles with an attachment."""
    versions: bool = False
    """Search earlier versions too: an article is found where any of its texts matches as a whole."""
    attachments: bool = False
    """Search the text of attachments too (one attachment is one text, its name is its title)."""


@dataclass
class Found:
    """What a search found, in no order."""

    articles: set[int]
    terms: list[str]
    """What to highlight, folded"""
    wanted: list[list[Term]] = field(default_factory=list)
    """The groups of terms the index was asked for: what an article can be relevant to"""
    unwanted: list[Term] = field(default_factory=list)
    others: dict[int, int] = field(default_factory=dict)
    """id of search_documents -> article, of the earlier versions and attachments that match"""
    current: set[int] = field(default_factory=set)
    """The articles that match as they are now"""


def find(session: Session, filters: Filters) -> Found:
    """The articles, withdrawn ones included."""
    groups = parse(filters.text)
    terms = [folded(term.text) for group in groups for term in group if not term.excluded and term.field in TEXT_FIELDS]
    found = Found(set(), list(dict.fromkeys(terms)))
    mixed = []
    for group in groups:
        plain = all(term.field in TEXT_FIELDS for term in group)
        if plain and not any(term.excluded for term in group):
            found.wanted.append(group)
        elif plain and len(group) == 1:
            found.unwanted.append(group[0])
        else:
            mixed.append(group)
    documents = _Documents(session, filters)
    texts = documents.matching(found.wanted, found.unwanted)
    for group in mixed:
        union: set[int] = set()
        for term in group:
            holds = documents.holding(term)
            union |= documents.all() - holds if term.excluded else holds
        texts = union if texts is None else texts & union
    conditions = list(_conditions(session, filters))
    if texts is None and not documents.further:
        texts = set(session.scalars(select(SearchArticle.id).where(*conditions)))
    else:
        texts = documents.all() if texts is None else texts
        if conditions:
            texts = documents.belonging(texts, _narrowed(session, conditions, documents.articles(texts)))
    found.current = {number for number in texts if number > 0} if documents.further else texts
    found.others = {-number: documents.further[number] for number in texts if number < 0}
    found.articles = found.current.union(found.others.values())
    return found


def _narrowed(session: Session, conditions: list[ColumnElement[bool]], articles: set[int]) -> set[int]:
    chosen = select(SearchArticle.id).where(*conditions)
    if len(articles) <= _FEW:
        chosen = chosen.where(SearchArticle.id.in_(articles))
    return set(session.scalars(chosen))


class _Documents:
    """The texts searched, by their ids in the index: positive of articles as they are, negative of others."""

    def __init__(self, session: Session, filters: Filters) -> None:
        self._session = session
        self._all: set[int] | None = None
        self.further: dict[int, int] = {}
        """id in the index -> article, of the texts that the flags add"""
        kinds: list[ColumnElement[bool]] = []
        if filters.versions:
            kinds.append(SearchDocument.version.is_not(None))
        if filters.attachments:
            kinds.append(SearchDocument.attachment.is_not(None))
        if kinds:
            rows = session.execute(select(-SearchDocument.id, SearchDocument.article_id).where(or_(*kinds)))
            self.further = {row[0]: row[1] for row in rows}

    def all(self) -> set[int]:
        if self._all is None:
            self._all = set(self._session.scalars(select(SearchArticle.id))).union(self.further)
        return self._all

    def matching(self, wanted: Sequence[Sequence[Term]], unwanted: Sequence[Term]) -> set[int] | None:
        """None where nothing is asked of the texts."""
        if wanted:
            return self._ask(wanted, unwanted)
        return self.all() - self._ask([unwanted]) if unwanted else None

    def holding(self, term: Term) -> set[int]:
        """The texts of which a term holds, its exclusion not counting."""
        if term.field in TEXT_FIELDS:
            return self._ask([[term]])
        condition = _FIELD_CONDITIONS[term.field](self._session, term.text)
        articles = set(self._session.scalars(select(SearchArticle.id).where(condition)))
        return self.belonging(self.all(), articles)

    def articles(self, texts: set[int]) -> set[int]:
        """The articles that texts belong to."""
        return {self.further.get(number, number) for number in texts} if self.further else texts

    def belonging(self, texts: set[int], articles: set[int]) -> set[int]:
        """The texts that belong to one of the articles."""
        if not self.further:
            return texts & articles
        return {number for number in texts if self.further.get(number, number) in articles}

    def _ask(self, wanted: Sequence[Sequence[Term]], unwanted: Sequence[Term] = ()) -> set[int]:
        numbers = backend(self._session).matching(self._session, wanted, unwanted, current=not self.further)
        if not self.further:
            return set(numbers)
        return {number for number in numbers if number > 0 or number in self.further}


def _conditions(session: Session, filters: Filters) -> Iterator[ColumnElement[bool]]:
    if filters.columns:
        yield _in_columns(filters.columns)
    if filters.author:
        yield _by_author(session, filters.author)
    if filters.unit:
        yield _of_unit(session, filters.unit)
    if filters.source:
        yield _from_source(session, filters.source)
    if filters.since:
        yield _after(session, filters.since.isoformat())
    if filters.until:
        yield _before(session, filters.until.isoformat())
    if filters.has_attachment:
        yield SearchArticle.attachments > 0


def _in_columns(ids: Sequence[str]) -> ColumnElement[bool]:
    listed = select(Listing.article_id).where(Listing.column_id.in_(ids), Listing.article_id.is_not(None))
    # an entry that was listed and not fetched, because its article came by another column
    met = select(Article.id).join(Listing, Listing.url == Article.url)
    met = met.where(Listing.column_id.in_(ids), Listing.article_id.is_(None))
    return or_(SearchArticle.column_id.in_(ids), SearchArticle.id.in_(listed), SearchArticle.id.in_(met))


def _of_column(session: Session, reference: str) -> ColumnElement[bool]:
    return _in_columns(column_ids(session, reference))


def _by_author(session: Session, name: str) -> ColumnElement[bool]:
    return _written(session, ArticleAuthor.name, lambda known: squeezed(known) == squeezed(name))


def _of_unit(session: Session, part: str) -> ColumnElement[bool]:
    return _written(session, ArticleAuthor.unit, lambda known: folded(part.strip()) in folded(known))


def _written(session: Session, column: InstrumentedAttribute[str], suits: Callable[[str], bool]) -> ColumnElement[bool]:
    # Names are few and compared here, so that both databases fold them alike.
    names = [known for known in session.scalars(select(column).distinct()) if suits(known)]
    return SearchArticle.id.in_(select(ArticleAuthor.article_id).where(column.in_(names)))


def _from_source(session: Session, part: str) -> ColumnElement[bool]:
    known = session.scalars(select(SearchArticle.source).distinct())
    return SearchArticle.source.in_([name for name in known if folded(part.strip()) in folded(name)])


def _after(_session: Session, day: str) -> ColumnElement[bool]:
    return or_(SearchArticle.published_at >= day, SearchArticle.published_at.in_([day[:7], day[:4]]))


def _before(_session: Session, day: str) -> ColumnElement[bool]:
    return func.coalesce(func.substr(SearchArticle.published_at, 1, 10) <= day, False)


_FIELD_CONDITIONS: dict[str, Callable[[Session, str], ColumnElement[bool]]] = {
    "author": _by_author,
    "unit": _of_unit,
    "column": _of_column,
    "source": _from_source,
    "after": _after,
    "before": _before,
    "has": lambda _session, _attachment: SearchArticle.attachments > 0,
}


def columns(session: Session) -> dict[str, str]:
    """column_id -> name, of every column the archive has met."""
    known = select(Run.column_id, Run.column_name).union(select(Article.column_id, Article.column_name))
    return {column_id: name for column_id, name in session.execute(known) if column_id}


def column_ids(session: Session, reference: str) -> list[str]:
    """The ids of the columns an id or a name stands for; blanks and width in names do not count."""
    known = columns(session)
    if reference in known:
        return [reference]
    return [column_id for column_id, name in known.items() if squeezed(name) == squeezed(reference) != ""]
