"""A commune outgrows its one machine: everything moves to PostgreSQL, and back, and is compared."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from guidance import audit, demo, moving
from guidance.app import create_app
from guidance.config import PROJECT
from guidance.db import db, row_count
from guidance.desk import rollup
from guidance.desk.models import AssistedCase
from guidance.units import imports as units
from tests.conftest import migrate, settings_for, visitor_of


@pytest.fixture
def furnished(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """A site on SQLite with units, accounts, cases, figures and an audit log."""

    def load() -> None:
        units.save(units.check(sorted((PROJECT / "guidance/content/units").glob("*.csv"))), by="test")

    monkeypatch.setattr(demo, "load_content", load)
    app.config["DEMO"] = demo.fill(cases=120, seed=5)
    return app


@pytest.fixture
def empty_postgresql(postgresql_url: str) -> str:
    """A database of its own on the test server."""
    with create_engine(postgresql_url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS moved WITH (FORCE)"))
        connection.execute(text("CREATE DATABASE moved"))
    return make_url(postgresql_url).set(database="moved").render_as_string(hide_password=False)


def test_everything_moves_to_postgresql_and_back(
    furnished: Flask, empty_postgresql: str, tmp_path: Path
) -> None:
    """Both ways give the same counts and sums; the moved site works, counts on and keeps its audit chain."""
    here = furnished.config["SETTINGS"].database_url
    with create_app(settings_for(tmp_path / "pg", database_url=empty_postgresql)).app_context():
        pass
    moved_site = create_app(settings_for(tmp_path / "pg", database_url=empty_postgresql))
    migrate(moved_site)
    there = moving.copy(here, empty_postgresql)
    assert sum(one.rows for one in there) > 4_000

    key = (tmp_path / "secret.key").read_bytes()
    (tmp_path / "pg" / "secret.key").write_bytes(key)
    moved_site.config.pop("SITE_KEY", None)
    with moved_site.app_context():
        assert row_count(AssistedCase) == 120
        assert rollup.rebuild() == 0
        assert audit.broken_links() == []
        db.session.rollback()
        name, password, _role = furnished.config["DEMO"].accounts[0]
        person = visitor_of(moved_site)
        assert person.sign_in(name, password).status_code == 303  # writes with the moved sequences
        db.session.remove()
    back_url = f"sqlite:///{tmp_path / 'back' / 'guidance.sqlite'}"
    back = create_app(settings_for(tmp_path / "back", database_url=back_url))
    migrate(back)
    returned = moving.copy(empty_postgresql, back_url)
    changed = {"staff_session", "audit_entry", "account", "attempt"}  # what the sign-in wrote
    assert [one for one in returned if one.table not in changed] == [
        one for one in there if one.table not in changed
    ]
    with moved_site.app_context():
        db.engine.dispose()
    with back.app_context():
        db.engine.dispose()


def test_a_database_that_holds_something_is_never_written_over(furnished: Flask, tmp_path: Path) -> None:
    """Copying into a used database is refused, and nothing changes there."""
    here = furnished.config["SETTINGS"].database_url
    with pytest.raises(moving.NotMoved) as refused:
        moving.copy(here, here)
    assert "not empty" in str(refused.value.message)


def test_what_litestream_adds_stays_behind_and_other_strange_tables_stop(
    furnished: Flask, tmp_path: Path
) -> None:
    """A database with continuous copies moves as well; a table that nobody knows is named, not dropped."""
    here = furnished.config["SETTINGS"].database_url
    target = f"sqlite:///{tmp_path / 'new.sqlite'}"
    migrate(create_app(settings_for(tmp_path, database_url=target)))
    with create_engine(here).begin() as source:
        source.execute(text("CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)"))
        source.execute(text("CREATE TABLE _litestream_lock (id INTEGER)"))
        source.execute(text("CREATE TABLE borrowed (id INTEGER)"))
    with pytest.raises(moving.NotMoved) as refused:
        moving.copy(here, target)
    assert str(refused.value.message).endswith("does not know: borrowed.")
    with create_engine(here).begin() as source:
        source.execute(text("DROP TABLE borrowed"))
    assert "assisted_case" in {moved.table for moved in moving.copy(here, target)}


def test_the_command_moves_and_says_what_it_moved(furnished: Flask, tmp_path: Path) -> None:
    """`flask db copy` makes the tables of the new database, copies, and prints counts and sums."""
    from guidance import plugin

    here = furnished.config["SETTINGS"].database_url
    target = f"sqlite:///{tmp_path / 'new.sqlite'}"
    command = "import sys; from guidance import plugin; plugin.copy_database()"
    done = subprocess.run(
        [sys.executable, "-c", command, "--from", here, "--to", target],
        cwd=PROJECT,
        env={"GUIDANCE_DATA": str(tmp_path / "work"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "assisted_case" in done.stdout and "120" in done.stdout
    assert "Done:" in done.stdout
    plugin.install(tmp_path, PROJECT)
    assert "guidance.plugin" in (tmp_path / "guidance_commands-1.dist-info" / "entry_points.txt").read_text()
