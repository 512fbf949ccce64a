"""second addresses of an article are found without reading all articles

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op


revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

HAS_ONE = sa.text('duplicate_of IS NOT NULL')


def upgrade() -> None:
    op.create_index('ix_articles_duplicate_of', 'articles', ['duplicate_of'], sqlite_where=HAS_ONE,
                    postgresql_where=HAS_ONE)


def downgrade() -> None:
    op.drop_index('ix_articles_duplicate_of', 'articles')
