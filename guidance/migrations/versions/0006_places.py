"""Service centres as editors keep them, and who says that a law has been replaced."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("legal_instrument") as table:
        table.add_column(sa.Column("source", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("verified_on", sa.String(), nullable=True))
    op.drop_table("unit_served")
    op.drop_table("service_centre")  # nothing could be stored in it yet
    op.create_table(
        "service_centre",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("main", sa.Boolean(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("directions", sa.Text(), nullable=False),
        sa.Column("hours", sa.JSON(), nullable=False),
        sa.Column("telephone", sa.String(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_url", sa.String(), nullable=False),
        sa.Column("verified_on", sa.String(), nullable=True),
        sa.Column("edited", sa.Boolean(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_service_centre_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_centre")),
        sa.UniqueConstraint("key", name=op.f("uq_service_centre_key")),
    )
    op.create_index(op.f("ix_service_centre_unit_id"), "service_centre", ["unit_id"])
    op.create_table(
        "unit_served",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["centre_id"], ["service_centre.id"], name=op.f("fk_unit_served_centre_id_service_centre")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_unit_served_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_served")),
        sa.UniqueConstraint("centre_id", "unit_id", name=op.f("uq_unit_served_centre_id")),
    )
    op.create_index(op.f("ix_unit_served_centre_id"), "unit_served", ["centre_id"])
    op.create_index(op.f("ix_unit_served_unit_id"), "unit_served", ["unit_id"])


def downgrade() -> None:
    with op.batch_alter_table("legal_instrument") as table:
        table.drop_column("verified_on")
        table.drop_column("source")
