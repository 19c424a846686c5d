"""How Alembic reaches the site's database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask import current_app
from sqlalchemy.engine import Connection

from guidance.db import Base, UtcDateTime

engine = current_app.extensions["migrate"].db.engine


def as_written(kind: str, item: Any, _context: AutogenContext) -> str | bool:
    """Write the site's own column type by its short name."""
    return "UtcDateTime()" if kind == "type" and isinstance(item, UtcDateTime) else False


@contextmanager
def foreign_keys_later(connection: Connection) -> Iterator[None]:
    """SQLite makes some tables anew to change them; rows that refer to them are checked when all is done."""
    driver = connection.connection.driver_connection if connection.dialect.name == "sqlite" else None
    if driver is None:
        with context.begin_transaction():
            yield
        return
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        with context.begin_transaction():
            yield
            if driver.execute("PRAGMA foreign_key_check").fetchone():
                raise RuntimeError("A migration would leave rows that refer to nothing; nothing was changed.")
    finally:
        driver.execute("PRAGMA foreign_keys = ON")


def run() -> None:
    """Run the migrations on a connection of the site's own engine: all of them or none."""
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=True,
            render_item=as_written,
            compare_type=True,
            transactional_ddl=True,
        )
        with foreign_keys_later(connection):
            context.run_migrations()


run()
