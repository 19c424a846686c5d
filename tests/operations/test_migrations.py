"""A site that has been running for years is upgraded from any release, and what people stored is still there."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    create_engine,
    insert,
    select,
    text,
)
from sqlalchemy.engine import Connection, Engine

from guidance import backup, schema
from guidance.app import create_app
from guidance.db import db, prepare_engine
from tests.conftest import settings_for

VERSIONS = Path(backup.__file__).parent / "migrations" / "versions"
RELEASED = sorted(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*_*.py"))
# Made anew by a later release, when nothing could have been stored in them.
NEVER_HELD_ANYTHING = {"0006": {"service_centre", "unit_served"}}
# Held a sentence for the next page only, which a later release sends along in another way.
HELD_NOTHING_LASTING = {"0011": {("staff_session", "message")}}
ROWS = 3


def value(column: Column[Any], number: int) -> Any:
    """Something that fits a column."""
    kind = column.type
    if isinstance(kind, Boolean):
        return bool(number % 2)
    if isinstance(kind, Integer):
        return number
    if isinstance(kind, DateTime):
        return datetime(2026, 1, number, 7, 30, tzinfo=UTC)
    if isinstance(kind, Date):
        return date(2026, 1, number)
    if isinstance(kind, JSON):
        return {"ghi chú": number}
    if isinstance(kind, Numeric | Float):
        return number / 4
    if isinstance(kind, LargeBinary):
        return bytes([number])
    return f"giá trị {number}"


def stored_tables(connection: Connection) -> list[Table]:
    """The tables as they are in the database, those that others name first."""
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != "alembic_version"]


def fill(connection: Connection) -> None:
    """A few rows in every table; each names existing rows of the tables it refers to."""
    for table in stored_tables(connection):
        for number in range(1, ROWS + 1):
            row = {column.name: value(column, number) for column in table.columns}
            if table.name == "content_state" and number > 1:
                continue
            own = {
                c.name
                for key in table.foreign_key_constraints
                if key.referred_table is table
                for c in key.columns
            }
            row |= dict.fromkeys(own)
            connection.execute(insert(table), row)
    connection.commit()


def plain(cell: Any) -> Any:
    """A value as a person would compare it."""
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=None).isoformat()
    return json.dumps(cell, sort_keys=True, default=str)


def content(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables."""
    return {
        table.name: sorted(
            ({name: plain(cell) for name, cell in row._mapping.items()} for row in connection.execute(select(table))),
            key=lambda row: json.dumps(row, sort_keys=True),
        )
        for table in stored_tables(connection)
    }  # fmt: skip


def open_engine(url: str) -> Engine:
    """An engine as the site has it."""
    engine = create_engine(url)
    prepare_engine(engine)
    return engine


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """A site without tables, on each database; PostgreSQL's is one of its own."""
    changes = {}
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
        with create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("DROP DATABASE IF EXISTS released WITH (FORCE)"))
            connection.execute(text("CREATE DATABASE released"))
        changes["database_url"] = (
            create_engine(url).url.set(database="released").render_as_string(hide_password=False)
        )
    site = create_app(settings_for(tmp_path, **changes))
    with site.app_context():
        yield site
        db.session.remove()
        db.engine.dispose()


@pytest.mark.parametrize("release", RELEASED[:-1])
def test_what_people_stored_under_any_release_survives_the_upgrade(empty_site: Flask, release: str) -> None:
    """Every row and value of the old tables is in the new ones; SQLite has a backup of before."""
    upgrade(revision=release)
    engine = open_engine(empty_site.config["SETTINGS"].database_url)
    with engine.connect() as connection:
        fill(connection)
        before = content(connection)
    engine.dispose()
    saved = schema.bring_up_to_date()
    assert (saved is not None) == (engine.dialect.name == "sqlite")
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == RELEASED[-1]
        after = content(connection)
        if engine.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
    engine.dispose()
    gone = {name for later, names in NEVER_HELD_ANYTHING.items() if later > release for name in names}
    let_go = {
        column for later, columns in HELD_NOTHING_LASTING.items() if later > release for column in columns
    }
    for name, rows in before.items():
        if name in gone:
            continue
        lasting = [{column: row[column] for column in row if (name, column) not in let_go} for row in rows]
        kept = [{column: row[column] for column in lasting[0]} for row in after[name]]
        assert kept == lasting, name


def test_one_machine_at_a_time_gets_a_database_ready(empty_site: Flask) -> None:
    """Several start together on an empty database: nobody fails, and nobody begins while another is at it."""
    inside: list[int] = []
    most: list[int] = []
    wrong: list[BaseException] = []

    def start() -> None:
        try:
            with empty_site.app_context(), schema.alone():
                inside.append(1)
                most.append(len(inside))
                schema.bring_up_to_date()
                inside.pop()
                db.session.remove()
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert most == [1, 1, 1]
    assert db.session.scalar(text("SELECT version_num FROM alembic_version")) == RELEASED[-1]


def test_the_command_backs_up_before_it_changes_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`flask db upgrade` by hand is as careful as the start."""
    from guidance.plugin import database_group

    site = create_app(settings_for(tmp_path))
    with site.app_context():
        upgrade(revision=RELEASED[-2])
        db.session.remove()
        db.engine.dispose()
    site.cli.add_command(database_group)
    result = site.test_cli_runner().invoke(args=["db", "upgrade"])
    assert result.exit_code == 0, result.output
    assert "A backup of before is in" in result.output
    assert len(list((tmp_path / "backups").glob("guidance-*.zip"))) == 1
    with closing(sqlite3.connect(tmp_path / "guidance.sqlite")) as live:
        assert live.execute("SELECT version_num FROM alembic_version").fetchone() == (RELEASED[-1],)
