"""Evenings of community teams are corrected and voided, and every change is kept."""

import sqlalchemy as sa
from alembic import op

from guidance.db import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "session_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_session_change_account_id_account")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["community_session.id"],
            name=op.f("fk_session_change_session_id_community_session"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_change")),
    )
    op.create_index(op.f("ix_session_change_session_id"), "session_change", ["session_id"])
    with op.batch_alter_table("community_session") as table:
        table.add_column(sa.Column("voided_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("community_session") as table:
        table.drop_column("voided_at")
    op.drop_table("session_change")
