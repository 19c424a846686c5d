"""The database: base class, session, transactions, and how SQLite is opened."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, Executable, MetaData, TypeDecorator, event, func, select, update
from sqlalchemy.engine import Connection, Dialect, Engine, ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry

P = ParamSpec("P")
R = TypeVar("R")
SECONDS_BETWEEN_LOOKS = 5.0
SECONDS_A_WRITER_WAITS = 10
READ_ONLY = "25006"  # PostgreSQL's code for a write on a server that takes none
PATIENCE = {  # seconds, as libpq spells them; the last one in milliseconds
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,
}

_writing: ContextVar[bool] = ContextVar("writing", default=False)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware in Python, stored as UTC on both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 -- SQLAlchemy's signature
        """Refuse naive instants; hand over UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("An instant needs its time zone.")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 -- SQLAlchemy's signature
        """SQLite forgets the zone; it is UTC."""
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """Base of all tables; names of constraints are fixed so that migrations agree on both databases.

    Files of tables do without `from __future__ import annotations`: every annotation would be compiled at the start.
    """

    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(column_0_label)s",
                "uq": "uq_%(table_name)s_%(column_0_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={datetime: UtcDateTime},
    )


db = SQLAlchemy(model_class=Base)


class ContentState(Base):
    """One row: the version of everything citizens read; page cache and search index follow it."""

    __tablename__ = "content_state"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=0)
    starter_digest: Mapped[str] = mapped_column(default="")
    practice: Mapped[bool] = mapped_column(default=False)


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def rows_of(query: Executable, **values: object) -> Sequence[Any]:
    """Rows of a query of columns, in the session's transaction but past its objects.

    For pages that everybody reads: a query that is built once, with `bindparam`, costs a sixth of one that is
    built for each reader and goes through the session.
    """
    return db.session.connection().execute(query, values).all()


# Of the table, not of the class: what every page asks does not wait until all classes are mapped.
_STATE = ContentState.__table__.c
_VERSION = select(_STATE.version).where(_STATE.id == 1)
_PRACTICE = select(_STATE.practice).where(_STATE.id == 1)


def content_version() -> int:
    """The version of the published content; grows by one with every change a citizen can see."""
    return next((row.version for row in rows_of(_VERSION)), 0)


def content_changed() -> None:
    """Count the content version up, inside the caller's transaction."""
    done = db.session.execute(
        update(ContentState).where(ContentState.id == 1).values(version=ContentState.version + 1)
    )
    if done.rowcount == 0:  # type: ignore[attr-defined]  # a CursorResult, which the annotation hides
        db.session.add(ContentState(id=1, version=1))
        db.session.flush()


def starter_digest() -> str:
    """The fingerprint of the starter content that was loaded last."""
    return db.session.scalar(select(ContentState.starter_digest).where(ContentState.id == 1)) or ""


def is_practice() -> bool:
    """Whether the site holds practice data. Looked up every few seconds at most; a page must not fail over it."""
    known: tuple[float, bool] = current_app.extensions.get("practice", (0.0, False))
    if time.monotonic() < known[0]:
        return known[1]
    try:
        found = any(row.practice for row in rows_of(_PRACTICE))
    except SQLAlchemyError:
        return known[1]
    current_app.extensions["practice"] = (time.monotonic() + SECONDS_BETWEEN_LOOKS, found)
    return found


def transaction(action: Callable[P, R]) -> Callable[P, R]:
    """Make a function one transaction: the outermost commits or rolls back, an inner one joins it.

    On SQLite it takes the write lock at once (BEGIN IMMEDIATE), so that two writers queue instead of failing.
    What was read before is forgotten first: an action sees the database as it is when it starts.
    """

    @wraps(action)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if _writing.get():
            return action(*args, **kwargs)
        db.session.rollback()
        token = _writing.set(True)
        try:
            result = action(*args, **kwargs)
            db.session.commit()
            return result
        except BaseException:
            db.session.rollback()
            raise
        finally:
            _writing.reset(token)

    run.is_transaction = True  # type: ignore[attr-defined]  # kept on the function it speaks of
    return run


@transaction
def mark_practice() -> None:
    """From now on every page says that these are practice data."""
    content_changed()
    db.session.execute(update(ContentState).where(ContentState.id == 1).values(practice=True))
    current_app.extensions.pop("practice", None)


@transaction
def remember_starter(digest: str) -> None:
    """Note which starter content is loaded, so that the next start can skip it."""
    state = db.session.get(ContentState, 1)
    if state is None:
        db.session.add(ContentState(id=1, version=0, starter_digest=digest))
    else:
        state.starter_digest = digest


def is_sqlite() -> bool:
    """Whether the site runs on the embedded database."""
    return db.engine.dialect.name == "sqlite"


def upsert(table: type[Base]) -> Any:
    """An INSERT that can say ON CONFLICT, in the dialect of the database in use; the other's drivers stay unread."""
    columns: Any = table.__table__
    if is_sqlite():
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(columns)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(columns)


def _open_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"busy_timeout = {SECONDS_A_WRITER_WAITS * 1000}",
        "secure_delete = ON",
        "temp_store = MEMORY",
        "cache_size = -8000",
        "mmap_size = 16777216",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    sqlite: Any = connection.connection.dbapi_connection
    if not _writing.get():
        # takes no lock and so cannot fail: it may go past SQLAlchemy, in a tenth of the time
        sqlite.execute("BEGIN")
    elif not _wait_to_write(sqlite):
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # fails, in the words that the site answers to


def _wait_to_write(sqlite: sqlite3.Connection) -> bool:
    """Take the write lock; False when it cannot be had.

    SQLite's own waiting soon looks only every 25 to 100 ms while a save holds the lock for a few: whoever comes
    second waits for longer than the work takes. This looks again after a tenth of the time waited so far.
    """
    began = time.monotonic()
    sqlite.execute("PRAGMA busy_timeout = 0")
    try:
        while (waited := time.monotonic() - began) < SECONDS_A_WRITER_WAITS:
            try:
                sqlite.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as wrong:
                if wrong.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    return False
            else:
                return True
            time.sleep(min(max(waited / 10, 0.0005), 0.01))
        return False
    finally:
        sqlite.execute(f"PRAGMA busy_timeout = {SECONDS_A_WRITER_WAITS * 1000}")


def _read_only_is_unavailable(context: ExceptionContext) -> OperationalError | None:
    """A replica refuses writes with what SQLAlchemy takes for a fault of the program; it is a matter of operation."""
    wrong = context.original_exception
    if getattr(wrong, "sqlstate", None) != READ_ONLY:
        return None
    return OperationalError(context.statement, None, wrong, hide_parameters=True)


def prepare_engine(engine: Engine) -> None:
    """Give an engine the pragmas and the kind of BEGIN that this site relies on."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _open_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "handle_error", _read_only_is_unavailable)


class _MigrationsLater:
    """Stands where Flask-Migrate looks for its settings: Alembic is imported to migrate, not to serve pages."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def __getattr__(self, name: str) -> Any:
        from flask_migrate import Migrate

        folder = str(self._app.config["MIGRATIONS"])
        Migrate().init_app(self._app, db, directory=folder, render_as_batch=True, compare_type=True)
        return getattr(self._app.extensions["migrate"], name)


def engine_options(address: str) -> dict[str, Any]:
    """How an engine of this site is made.

    PostgreSQL may be restarted, or another server may take over: a connection is tried before it is used, and a
    server that no longer answers is given up after seconds, not after the quarter of an hour that TCP would wait.
    What the address itself says goes first.
    """
    options: dict[str, Any] = {"hide_parameters": True}  # values may be somebody's words
    url = make_url(address)
    if url.get_backend_name() == "postgresql":
        options["pool_pre_ping"] = True
        options["connect_args"] = {name: value for name, value in PATIENCE.items() if name not in url.query}
    return options


def _let_go(_error: BaseException | None) -> None:
    """Give the connection back. When its server went away after the answer was ready, the answer stands."""
    if db.session.registry.has():
        try:
            db.session.close()
        except DBAPIError:
            db.session().invalidate()


def init_app(app: Flask) -> None:
    """Attach the database and its migrations to the site."""
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(app.config["SQLALCHEMY_DATABASE_URI"])
    db.init_app(app)
    app.teardown_appcontext(_let_go)  # the last one named is the first one called
    app.extensions["migrate"] = _MigrationsLater(app)
    with app.app_context():
        prepare_engine(db.engine)


def row_count(table: type[Base]) -> int:
    """How many rows a table has."""
    return db.session.scalar(select(func.count()).select_from(table)) or 0
