"""common terms in the full-text index, which is made anew by exports/index/maintain.py

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op


revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('search_articles', sa.Column('as_printed', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('search_state', sa.Column('articles', sa.Integer(), server_default='0', nullable=False))


def downgrade() -> None:
    op.drop_column('search_state', 'articles')
    op.drop_column('search_articles', 'as_printed')
    # of no use to older programs, which make the index anew
    op.execute('DELETE FROM search_state')
    op.execute('DROP TABLE IF EXISTS search_index_common')
    op.execute('DROP TABLE IF EXISTS search_index_terms')
