"""Accounts that an OpenID provider vouches for."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("account") as table:
        table.add_column(sa.Column("sso_subject", sa.String(), nullable=True))
        table.create_unique_constraint(op.f("uq_account_sso_subject"), ["sso_subject"])
    with op.batch_alter_table("staff_session") as table:
        table.add_column(sa.Column("by_sso", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    with op.batch_alter_table("staff_session") as table:
        table.drop_column("by_sso")
    with op.batch_alter_table("account") as table:
        table.drop_constraint(op.f("uq_account_sso_subject"), type_="unique")
        table.drop_column("sso_subject")
