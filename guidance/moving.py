"""Moving everything from one database to another: all rows in one transaction, counted and summed on both sides."""

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    CursorResult,
    ForeignKeyConstraint,
    Table,
    create_engine,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import AddConstraint, DropConstraint

from guidance.db import Base, prepare_engine
from guidance.errors import UserError

BLOCK = 2_000
VERSION = "alembic_version"
LITESTREAM = {"_litestream_lock", "_litestream_seq"}  # its own, of no use elsewhere


class NotMoved(UserError):
    """Nothing was changed in the database that was to receive everything."""

    status = 409


class Moved(NamedTuple):
    """One table as it is on both sides now."""

    table: str
    rows: int
    digest: str


def _tables() -> list[Table]:
    return list(Base.metadata.sorted_tables)


def _revision(connection: Connection) -> str:
    if not inspect(connection).has_table(VERSION):
        return ""
    return str(connection.scalar(text(f"SELECT version_num FROM {VERSION}")) or "")  # noqa: S608 -- a constant  # nosec B608


def _snapshot(engine: Engine) -> Connection:
    """One view of the whole source, however long the copy takes."""
    connection = engine.connect()
    if engine.dialect.name == "postgresql":
        connection = connection.execution_options(isolation_level="REPEATABLE READ")
    return connection


def _plain(value: Any) -> Any:
    """A value as both databases mean it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value


class _Sum:
    """Adds up the fingerprints of rows: the order of rows does not matter, every value does."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0

    def add(self, row: tuple[Any, ...]) -> None:
        words = json.dumps([_plain(value) for value in row], ensure_ascii=False, sort_keys=True, default=str)
        self._sum = (self._sum + int.from_bytes(hashlib.sha256(words.encode()).digest())) % 2**256
        self.rows += 1

    @property
    def digest(self) -> str:
        return f"{self._sum:064x}"


def _blocks(connection: Connection, table: Table) -> Iterator[list[tuple[Any, ...]]]:
    result: CursorResult[Any] = connection.execute(select(table), execution_options={"yield_per": BLOCK})
    for block in result.partitions(BLOCK):
        yield [tuple(row) for row in block]


def _sum_of(connection: Connection, table: Table) -> _Sum:
    found = _Sum()
    for block in _blocks(connection, table):
        for row in block:
            found.add(row)
    return found


def _check(source: Connection, target: Connection, names: tuple[str, str]) -> None:
    left, right = _revision(source), _revision(target)
    if not left or left != right:
        raise NotMoved(
            f"{names[0]} holds schema {left or 'none'}, {names[1]} holds {right or 'none'}. "
            "Bring the source up to date with `flask db upgrade` first."
        )
    full = [table.name for table in _tables() if target.scalar(select(func.count()).select_from(table))]
    if full:
        raise NotMoved(f"{names[1]} is not empty ({', '.join(full[:5])}). Nothing was changed.")
    known = {table.name for table in _tables()} | {VERSION} | LITESTREAM
    strange = sorted(set(inspect(source).get_table_names()) - known)
    if strange:
        raise NotMoved(f"{names[0]} has tables that this version does not know: {', '.join(strange)}.")


def _foreign_keys(table: Table) -> list[ForeignKeyConstraint]:
    return [one for one in table.constraints if isinstance(one, ForeignKeyConstraint)]


def _set_sequences(target: Connection, table: Table) -> None:
    column = table.autoincrement_column
    if column is None:
        return
    highest = target.scalar(select(func.max(column)))
    name = target.scalar(
        text("SELECT pg_get_serial_sequence(:table, :column)"),
        {"table": f'"{table.name}"', "column": column.name},
    )
    if name and highest:
        target.execute(text("SELECT setval(:name, :highest)"), {"name": name, "highest": highest})


def copy(
    source_url: str, target_url: str, progress: Callable[[str, int], None] = lambda _table, _rows: None
) -> list[Moved]:
    """Copy every row into an empty, migrated database, all or nothing; returns what both sides hold.

    Raises NotMoved when the target is not empty, schemas differ, or a count or sum does not agree.
    """
    source_engine, target_engine = (
        create_engine(url, hide_parameters=True) for url in (source_url, target_url)
    )
    for engine in (source_engine, target_engine):
        prepare_engine(engine)
    names = tuple(engine.url.render_as_string() for engine in (source_engine, target_engine))
    try:
        with _snapshot(source_engine) as source, target_engine.connect() as target:
            if target_engine.dialect.name == "sqlite":
                target.connection.execute("PRAGMA foreign_keys = OFF")
            _check(source, target, (names[0], names[1]))
            return _copy_all(source, target, progress)
    except SQLAlchemyError as wrong:
        raise NotMoved(
            f"The copy failed: {getattr(wrong, 'orig', None) or wrong}. Nothing was moved."
        ) from wrong
    finally:
        source_engine.dispose()
        target_engine.dispose()


def _copy_all(source: Connection, target: Connection, progress: Callable[[str, int], None]) -> list[Moved]:
    postgresql = target.dialect.name == "postgresql"
    if postgresql:  # rows of a table may name each other: the keys are checked when all are there
        for table in _tables():
            for key in _foreign_keys(table):
                target.execute(DropConstraint(key))
    sums: dict[str, _Sum] = {}
    for table in _tables():
        here = sums[table.name] = _Sum()
        for block in _blocks(source, table):
            for row in block:
                here.add(row)
            columns = [column.name for column in table.columns]
            target.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in block])
            progress(table.name, here.rows)
    moved: list[Moved] = []
    for table in _tables():
        there, here = _sum_of(target, table), sums[table.name]
        if (there.rows, there.digest) != (here.rows, here.digest):
            raise NotMoved(
                f"{table.name} differs: {here.rows} rows there, {there.rows} here, sums "
                f"{here.digest[:12]} and {there.digest[:12]}. Nothing was changed."
            )
        moved.append(Moved(table.name, here.rows, here.digest))
        if postgresql:
            _set_sequences(target, table)
            for key in _foreign_keys(table):
                target.execute(AddConstraint(key))
    if not postgresql and target.execute(text("PRAGMA foreign_key_check")).first() is not None:
        raise NotMoved("Some rows name others that are not there. Nothing was changed.")
    target.commit()
    return moved
