"""What took a procedure's place and who says so; agencies to browse by; savings of service centres counted."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in a batch: SQLite would drop and copy a table that others refer to.
    op.add_column("procedure", sa.Column("superseded_by", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("procedure", sa.Column("standing_source", sa.Text(), nullable=False, server_default=""))
    op.add_column("procedure", sa.Column("standing_url", sa.String(), nullable=False, server_default=""))
    op.add_column("procedure", sa.Column("standing_checked", sa.String(), nullable=True))
    op.add_column(
        "procedure", sa.Column("standing_edited", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("procedure_card", sa.Column("agencies", sa.Text(), nullable=False, server_default=" "))
    op.add_column("service_centre", sa.Column("revision", sa.Integer(), nullable=False, server_default="1"))


def downgrade() -> None:
    op.drop_column("service_centre", "revision")
    op.drop_column("procedure_card", "agencies")
    for name in ("standing_edited", "standing_checked", "standing_url", "standing_source", "superseded_by"):
        op.drop_column("procedure", name)
