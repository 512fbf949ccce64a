"""Which files still lack a text, and where a text goes. One text serves every article that has the file."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Engine, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from exports import lock
from exports.database.models import Attachment, FileText
from exports.index import maintain
from exports.store.places import Places
from exports.texts.extraction import Extracted, Extractor

READER = "texts@1"
"""Raised when the readers get better: files are then read again."""
_CHUNK = 200


def extract_all(engine: Engine, places: Places) -> Counter[str]:
    """Read every attached file that has not been read yet; returns how many ended how ("read", or the reason).

    Each file is committed by itself: interrupted, the next call goes on. Raises SQLAlchemyError, and StoreError where
    a file is only in the store and that fails.
    """
    outcomes: Counter[str] = Counter()
    with Extractor() as extractor:
        after = ""
        while batch := _pending(engine, after):
            for digest, path in batch:
                after = digest
                try:
                    with Session(engine) as session, places.at_hand(session, path) as file:
                        session.rollback()  # reading may take a minute: nobody is to wait for it
                        file.stat()
                        found = extractor.extract(file)
                except OSError:
                    continue  # `archive verify` names it; once it is back it is read
                _keep(engine, digest, found)
                outcomes["read" if found.text is not None else found.reason or ""] += 1
    with Session(engine) as session, session.begin():
        _fill(session)
    return outcomes


def states(session: Session, digests: Iterable[str]) -> dict[str, str]:
    """SHA-256 -> what became of the file's text, in words."""
    rows = session.execute(
        select(FileText.sha256, func.length(FileText.text), FileText.reason).where(FileText.sha256.in_(list(digests)))
    )
    return {
        digest: "; ".join(filter(None, [f"{size} characters" if size else "", reason])) for digest, size, reason in rows
    }


def _pending(engine: Engine, after: str) -> list[tuple[str, str]]:
    """The next files (SHA-256, path) to read, in the order of their digests."""
    done = select(FileText.sha256).where(FileText.sha256 == Attachment.sha256, FileText.reader == READER).exists()
    with Session(engine) as session:
        rows = session.execute(
            select(Attachment.sha256, func.min(Attachment.path))
            .where(Attachment.sha256 > after, Attachment.path.is_not(None), ~done)
            .group_by(Attachment.sha256)
            .order_by(Attachment.sha256)
            .limit(_CHUNK)
        )
        return [(digest, path) for digest, path in rows if digest and path]


def _keep(engine: Engine, digest: str, found: Extracted) -> None:
    row = FileText(
        sha256=digest,
        kind=found.kind,
        reason=found.reason,
        reader=READER,
        read_at=datetime.now(UTC),
        text=found.text,
    )
    try:
        with Session(engine) as session, session.begin():
            lock.share(session)
            session.merge(row)
            of_file = Attachment.sha256 == digest
            maintain.changing(session, *session.scalars(select(Attachment.article_id).where(of_file)))
            session.execute(update(Attachment).where(of_file).values(text=found.text))
            maintain.update(session)
    except IntegrityError:
        pass  # another crawl read the same file at the same time


def _fill(session: Session) -> None:
    """Attachments whose file was read before they came: another article's file, a new version."""
    lock.share(session)
    text = select(FileText.text).where(FileText.sha256 == Attachment.sha256).scalar_subquery()
    known = select(FileText.sha256).where(FileText.sha256 == Attachment.sha256, FileText.text.is_not(None)).exists()
    lacking = Attachment.text.is_(None) & known
    ids = set(session.scalars(select(Attachment.article_id).where(lacking)))
    if ids:
        maintain.changing(session, *ids)
        session.execute(
            update(Attachment).where(lacking).values(text=text).execution_options(synchronize_session=False)
        )
        maintain.update(session)
