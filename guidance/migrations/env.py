"""How Alembic reaches the site's database."""

from typing import Any

from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask import current_app

from guidance.db import Base, UtcDateTime

engine = current_app.extensions["migrate"].db.engine


def as_written(kind: str, item: Any, _context: AutogenContext) -> str | bool:
    """Write the site's own column type by its short name."""
    return "UtcDateTime()" if kind == "type" and isinstance(item, UtcDateTime) else False


def run() -> None:
    """Run the migrations on a connection of the site's own engine."""
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=True,
            render_item=as_written,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
