"""A bad day in small: the database is away or takes no writes, one of two servers is gone, a program is missing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from flask import Flask, Response
from sqlalchemy import text
from sqlalchemy.engine import make_url

from guidance import audit, backup
from guidance.app import create_app
from guidance.db import db, transaction
from tests.conftest import PASSWORD, settings_for, visitor_of


def with_query(url: str, **more: str | tuple[str, ...]) -> str:
    """An address with more in its query string."""
    return make_url(url).update_query_dict(more).render_as_string(hide_password=False)


def test_a_page_that_was_read_stays_readable_while_the_database_is_away(app: Flask, tmp_path: Path) -> None:
    """What is in memory is served; what is not says in words that it cannot be had now."""
    reader = visitor_of(app)
    assert reader.get("/vi/about").status_code == 200
    db.session.remove()
    db.engine.dispose()
    live = app.config["SETTINGS"].data / "guidance.sqlite"
    for path in live.parent.glob("guidance.sqlite*"):
        path.rename(tmp_path / f"away-{path.name}")
    live.mkdir()
    time.sleep(1.1)  # after a second the page memory looks whether the content changed
    assert reader.get("/vi/about").status_code == 200
    away = reader.get("/en/procedures/?strange=1")
    assert away.status_code == 503
    assert "try again" in away.get_data(as_text=True)
    live.rmdir()
    for path in tmp_path.glob("away-*"):
        path.rename(live.parent / path.name.removeprefix("away-"))
    assert reader.get("/en/procedures/?strange=1").status_code == 200


def test_a_replica_serves_pages_and_refuses_to_store_in_words(
    migrated_postgresql: str, tmp_path: Path
) -> None:
    """A PostgreSQL that takes no writes is no fault of the program."""
    url = with_query(migrated_postgresql, options="-c default_transaction_read_only=on")
    site = create_app(settings_for(tmp_path, database_url=url))
    reader = visitor_of(site)
    for path in ("/vi/", "/vi/procedures/", "/en/search?q=birth", "/vi/guides/", "/readyz"):
        assert reader.get(path).status_code == 200, path
    refused = reader.sign_in("nobody", PASSWORD)
    assert refused.status_code == 503
    assert "cannot reach its data right now" in refused.get_data(as_text=True)
    with site.app_context():
        db.engine.dispose()


def test_an_answer_stands_when_the_database_dies_right_after_it(
    migrated_postgresql: str, tmp_path: Path
) -> None:
    """The connection is given back to a server that is gone: that is no fault of the page that was read."""
    site = create_app(settings_for(tmp_path, database_url=migrated_postgresql))
    ended = []

    @site.after_request
    def end_its_server(response: Response) -> Response:
        backend = db.session.scalar(text("SELECT pg_backend_pid()"))
        with db.engine.connect() as another:
            ended.append(another.scalar(text("SELECT pg_terminate_backend(:it)"), {"it": backend}))
        time.sleep(0.2)
        return response

    reader = visitor_of(site)
    for path in ("/en/procedures/?n=1", "/en/places/?n=2"):
        assert reader.get(path).status_code == 200, path
    assert ended == [True, True]
    with site.app_context():
        db.engine.dispose()


def test_the_address_may_name_several_servers(migrated_postgresql: str, tmp_path: Path) -> None:
    """The site and its backup find the one that takes writes, though the first one named is gone."""
    url = make_url(migrated_postgresql)
    here = url.query.get("host") or url.host
    both = url.set(host=None, port=None).update_query_dict(
        {"host": ("127.0.0.1:1", f"{here}:{url.port or 5432}"), "target_session_attrs": "read-write"}
    )
    address = both.render_as_string(hide_password=False)
    site = create_app(settings_for(tmp_path, database_url=address))
    with site.app_context():
        transaction(audit.record)("drill.write", "line:1")
        made = backup.make(tmp_path / "b.dump")
        backup.restore(made.path)
        assert audit.broken_links() == []
        db.session.remove()
        db.engine.dispose()


def test_a_backup_without_postgresqls_programs_says_what_to_install(
    migrated_postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence with the package, and no file that looks like a backup."""
    site = create_app(settings_for(tmp_path, database_url=migrated_postgresql))
    monkeypatch.setattr(backup, "_candidates", lambda _name: iter(()))
    with site.app_context():
        result = site.test_cli_runner().invoke(args=["backup", str(tmp_path / "b.dump")])
    assert result.exit_code == 1
    said = result.output + result.stderr
    assert "There is no pg_dump" in said and "apt install postgresql-client-" in said
    assert list(tmp_path.glob("*b.dump*")) == []
    with site.app_context():
        db.engine.dispose()
