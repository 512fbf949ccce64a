"""Checks of what is archived: gone or absent, dead letters with a next attempt.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op


revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('gone_checks',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('article_id', sa.Integer(), nullable=False),
    sa.Column('column_id', sa.String(), nullable=False),
    sa.Column('url', sa.String(), nullable=False),
    sa.Column('run_id', sa.Integer(), nullable=False),
    sa.Column('checked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('capture_id', sa.Integer(), nullable=False),
    sa.Column('control_capture_id', sa.Integer(), nullable=True),
    sa.Column('voided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tombstone', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['article_id'], ['articles.id'], name=op.f('fk_gone_checks_article_id')),
    sa.ForeignKeyConstraint(['capture_id'], ['captures.id'], name=op.f('fk_gone_checks_capture_id')),
    sa.ForeignKeyConstraint(['control_capture_id'], ['captures.id'], name=op.f('fk_gone_checks_control_capture_id')),
    sa.ForeignKeyConstraint(['run_id'], ['runs.id'], name=op.f('fk_gone_checks_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_gone_checks'))
    )
    with op.batch_alter_table('gone_checks', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_gone_checks_article_id'), ['article_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_gone_checks_run_id'), ['run_id'], unique=False)

    with op.batch_alter_table('failures', schema=None) as batch_op:
        batch_op.add_column(sa.Column('next_attempt_at', sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table('listings', schema=None) as batch_op:
        batch_op.add_column(sa.Column('checked_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('absent_since', sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table('runs', schema=None) as batch_op:
        batch_op.add_column(sa.Column('complete', sa.Boolean(), server_default=sa.false(), nullable=False))



def downgrade() -> None:
    with op.batch_alter_table('runs', schema=None) as batch_op:
        batch_op.drop_column('complete')

    with op.batch_alter_table('listings', schema=None) as batch_op:
        batch_op.drop_column('absent_since')
        batch_op.drop_column('checked_at')

    with op.batch_alter_table('failures', schema=None) as batch_op:
        batch_op.drop_column('next_attempt_at')

    with op.batch_alter_table('gone_checks', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_gone_checks_run_id'))
        batch_op.drop_index(batch_op.f('ix_gone_checks_article_id'))

    op.drop_table('gone_checks')
