"""full-text search; the index proper is made by exports/index/maintain.py

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op


revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('search_articles',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('checksum', sa.BigInteger(), nullable=False),
    sa.Column('column_id', sa.String(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('published_at', sa.String(), nullable=True),
    sa.Column('attachments', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['id'], ['articles.id'], name=op.f('fk_search_articles_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_search_articles'))
    )
    with op.batch_alter_table('search_articles', schema=None) as batch_op:
        batch_op.create_index('ix_search_articles_published', ['published_at', 'id'], unique=False)

    op.create_table('search_documents',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('article_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=True),
    sa.Column('attachment', sa.Integer(), nullable=True),
    sa.Column('checksum', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['article_id'], ['articles.id'], name=op.f('fk_search_documents_article_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_search_documents'))
    )
    with op.batch_alter_table('search_documents', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_search_documents_article_id'), ['article_id'], unique=False)

    op.create_table('search_state',
    sa.Column('made_by', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('made_by', name=op.f('pk_search_state'))
    )


def downgrade() -> None:
    op.drop_table('search_state')
    op.drop_table('search_documents')
    op.drop_table('search_articles')
    op.execute('DROP TABLE IF EXISTS search_index')
    op.execute('DROP TABLE IF EXISTS search_index_titles')
