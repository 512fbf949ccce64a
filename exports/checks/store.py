"""The store against what the database vouches for in it: every object is read."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from exports.checks import Findings, found
from exports.database.models import StoredFile
from exports.store.places import Places


def check(session: Session, places: Places) -> Findings:
    """Every object that was put there. Raises StoreError where the store fails."""
    for row in session.scalars(select(StoredFile).order_by(StoredFile.path)):
        size, sha256 = places.store.measure(row.path) or (None, None)
        where = f"{places.store.url}/{row.path}"
        if size is None:
            yield found(where, "is missing")
        elif size != row.size:
            yield found(where, f"has {size} bytes, not {row.size}")
        else:
            yield found(where, "does not hold the bytes that were put there" if sha256 != row.sha256 else None)
