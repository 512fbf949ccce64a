"""the further responses an article was read from: its other pages, the document of its iframe

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op


revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('article_parts',
    sa.Column('article_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('url', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('capture_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(
        ['article_id', 'version'], ['article_versions.article_id', 'article_versions.version'],
        name=op.f('fk_article_parts_article_id'),
    ),
    sa.ForeignKeyConstraint(['capture_id'], ['captures.id'], name=op.f('fk_article_parts_capture_id')),
    sa.PrimaryKeyConstraint('article_id', 'version', 'seq', name=op.f('pk_article_parts'))
    )


def downgrade() -> None:
    op.drop_table('article_parts')
