"""A site that holds the shipped guides, starter procedures and notices."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from guidance.app import create_app
from guidance.catalogue import shipped, starter
from guidance.config import PROJECT
from guidance.db import db
from guidance.guides import imports
from tests.conftest import Visitor, settings_for, visitor_of

CONTENT = PROJECT / "guidance" / "content"


@pytest.fixture(scope="session")
def furnished_sqlite(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the starter content, to copy from."""
    folder = tmp_path_factory.mktemp("furnished")
    shutil.copy(migrated_sqlite, folder / "guidance.sqlite")
    site = create_app(settings_for(folder))
    with site.app_context():
        assert starter.load_starters(CONTENT / "procedures").problems == []
        assert imports.load().problems == []
        assert shipped.load_notices(CONTENT / "notices.yaml").problems == []
        db.session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        db.session.remove()
        db.engine.dispose()
    return folder / "guidance.sqlite"


@pytest.fixture
def furnished(tmp_path: Path, furnished_sqlite: Path) -> Iterator[Flask]:
    """The site with its guides."""
    shutil.copy(furnished_sqlite, tmp_path / "guidance.sqlite")
    site = create_app(settings_for(tmp_path, site_url="https://huongdan.example.vn", hotline="0210 123 456"))
    with site.app_context():
        yield site
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def reader(furnished: Flask) -> Visitor:
    """Somebody who reads the guides."""
    return visitor_of(furnished)
