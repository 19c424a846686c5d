"""Bringing the tables up to date: one process at a time, whatever machine it runs on, with a backup first."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from flask_migrate import upgrade
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from guidance import backup
from guidance.db import db, is_sqlite

LOCK = 0x67_75_69_64_65  # any number that only this site asks PostgreSQL for

_holding: ContextVar[bool] = ContextVar("holding", default=False)


@contextmanager
def alone() -> Iterator[None]:
    """Let one process at a time get a database ready; the others wait here. Whoever holds it may ask again."""
    if _holding.get():
        yield
        return
    token = _holding.set(True)
    try:
        with _file_lock() if is_sqlite() else _server_lock():
            yield
    finally:
        _holding.reset(token)


@contextmanager
def _file_lock() -> Iterator[None]:
    database = Path(str(make_url(db.engine.url).database))
    with (database.parent / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _server_lock() -> Iterator[None]:
    """Held by a connection of its own, so that it ends with the process however that ends."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(select(func.pg_advisory_lock(LOCK)))
        try:
            yield
        finally:
            connection.execute(select(func.pg_advisory_unlock(LOCK)))


def is_replica() -> bool:
    """Whether the database is a PostgreSQL that follows another one and takes no writes itself."""
    if is_sqlite():
        return False
    with db.engine.connect() as connection:
        return bool(connection.scalar(select(func.pg_is_in_recovery())))


def bring_up_to_date() -> backup.Made | None:
    """Run the migrations that are missing; returns the backup that SQLite got before its schema changed.

    Raises BackupFailed, with nothing changed, when that backup cannot be made.
    """
    with alone():
        saved = backup.before_migration()
        upgrade()
        return saved
