"""Accounts that an OpenID provider vouches for; requests about one's own data, public holidays, moments of life."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in a batch: SQLite would drop and copy a table that others refer to.
    op.add_column("account", sa.Column("sso_subject", sa.String(), nullable=True))
    op.create_index(op.f("ix_account_sso_subject"), "account", ["sso_subject"], unique=True)
    op.add_column(
        "staff_session", sa.Column("by_sso", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_table(
        "data_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("lang", sa.String(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("help_request_id", sa.Integer(), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Integer(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["help_request_id"],
            ["help_request.id"],
            name=op.f("fk_data_request_help_request_id_help_request"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_data_request_unit_id_unit")),
        sa.ForeignKeyConstraint(["answered_by"], ["account.id"], name=op.f("fk_data_request_answered_by_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_request")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_data_request_fingerprint")),
    )
    op.create_index(op.f("ix_data_request_help_request_id"), "data_request", ["help_request_id"])
    op.create_index(op.f("ix_data_request_unit_id"), "data_request", ["unit_id"])
    op.create_index("ix_data_request_state_asked", "data_request", ["state", "asked_at"])
    op.create_table(
        "holiday",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("off", sa.Boolean(), nullable=False),
        sa.Column("verified_on", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_holiday")),
    )
    op.create_table(
        "life_event",
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_life_event")),
    )


def downgrade() -> None:
    op.drop_table("life_event")
    op.drop_table("holiday")
    op.drop_table("data_request")
    op.drop_column("staff_session", "by_sso")
    op.drop_index(op.f("ix_account_sso_subject"), "account")
    op.drop_column("account", "sso_subject")
