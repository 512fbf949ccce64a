"""views for those who write SQL; what their columns mean: exports/database/views.py

A later migration that makes one of these tables anew on SQLite, or changes a column on PostgreSQL, drops the views
before and creates them after.

Revision ID: 0007
Revises: 0006
"""

from alembic import op


revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

VIEWS = {
    'live_articles': """
        SELECT id, url, site_id, column_id, column_name, title, subtitle, author, unit, source, content_type,
            published_at, substr(published_at, 1, 4) AS year,
            CASE WHEN length(published_at) >= 7 THEN substr(published_at, 1, 7) END AS month,
            CASE WHEN length(published_at) >= 10 THEN substr(published_at, 1, 10) END AS day,
            version, changed_at, capture_id, length(body_text) AS characters, body_text
        FROM articles WHERE status = 'live' AND duplicate_of IS NULL
    """,
    'authorships': """
        SELECT w.article_id, w.seq, w.name, w.unit, w.position, w.role, a.title, a.url, a.column_id, a.column_name,
            a.published_at, substr(a.published_at, 1, 4) AS year, a.status, a.duplicate_of
        FROM article_authors w JOIN articles a ON a.id = w.article_id
    """,
    'version_evidence': """
        SELECT v.article_id, v.version, v.event, v.valid_from, v.title, v.content_hash, v.extractor, v.run_id,
            c.id AS capture_id, c.url, c.fetched_at, c.status AS http_status, c.warc_file, c.warc_offset,
            c.warc_record_id, c.payload_sha256, c.revisit_of
        FROM article_versions v JOIN captures c ON c.id = v.capture_id
    """,
    'column_ledgers': """
        SELECT r.column_id, r.column_name, r.id AS run_id, r.started_at, r.finished_at, r.exit_code, r.declared,
            coalesce(l.outcome, 'pending') AS outcome, count(*) AS entries
        FROM runs r JOIN listings l ON l.column_id = r.column_id AND l.last_run_id = r.id
        WHERE r.id IN (SELECT max(id) FROM runs WHERE spider <> 'replay' GROUP BY column_id)
        GROUP BY r.id, r.column_id, r.column_name, r.started_at, r.finished_at, r.exit_code, r.declared,
            coalesce(l.outcome, 'pending')
    """,
}


def upgrade() -> None:
    for name, query in VIEWS.items():
        op.execute(f'CREATE VIEW {name} AS {query}')


def downgrade() -> None:
    for name in VIEWS:
        op.execute(f'DROP VIEW {name}')
