"""the full-text index on PostgreSQL is lists of pairs: it is made anew by exports/index/maintain.py

Revision ID: 0013
Revises: 0012
"""

from alembic import op


revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('DROP FUNCTION IF EXISTS search_index_grams CASCADE')


def downgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        # of no use to older programs, which make the index anew
        op.execute('DELETE FROM search_state')
        for table in ('search_index_segments', 'search_index_pairs', 'search_index_removed'):
            op.execute(f'DROP TABLE IF EXISTS {table}')
