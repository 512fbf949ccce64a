"""the full-text index has numbers to count by on SQLite and no arrays on PostgreSQL: it is made anew by exports/index/maintain.py

Revision ID: 0012
Revises: 0011
"""

from alembic import op


revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    # of no use to older programs, which make the index anew
    op.execute('DELETE FROM search_state')
    op.execute('DROP TABLE IF EXISTS search_index_codes')
    op.execute('DROP TABLE IF EXISTS search_index_values')
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('DROP FUNCTION IF EXISTS search_index_grams CASCADE')
