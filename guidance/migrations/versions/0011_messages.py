"""A confirmation travels to the next page in a cookie; sessions keep none."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("staff_session") as table:
        table.drop_column("message")


def downgrade() -> None:
    with op.batch_alter_table("staff_session") as table:
        table.add_column(sa.Column("message", sa.String(), nullable=False, server_default=""))
