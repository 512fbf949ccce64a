"""authors, units and sources of all articles are counted from indexes alone

Revision ID: 0010
Revises: 0009
"""

from alembic import op


revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index('ix_article_authors_name', 'article_authors')
    op.create_index('ix_article_authors_name', 'article_authors', ['name', 'article_id'])
    op.create_index('ix_article_authors_unit', 'article_authors', ['unit', 'article_id'])
    op.create_index('ix_search_articles_source', 'search_articles', ['source'])


def downgrade() -> None:
    op.drop_index('ix_search_articles_source', 'search_articles')
    op.drop_index('ix_article_authors_unit', 'article_authors')
    op.drop_index('ix_article_authors_name', 'article_authors')
    op.create_index('ix_article_authors_name', 'article_authors', ['name'])
