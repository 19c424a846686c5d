"""Schemathesis asks the JSON door everything its own description allows, and much that it does not."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from guidance.accounts import access
from guidance.app import create_app
from guidance.db import db
from tests.conftest import settings_for, staff_of
from tests.desk.conftest import FreshClient
from tests.editing.conftest import furnish

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Flask:
    """A furnished site, with a signed-in officer's cookie."""
    folder = tmp_path_factory.mktemp("api")
    shutil.copy(migrated_sqlite, folder / "guidance.sqlite")
    app = create_app(settings_for(folder))
    app.test_client_class = FreshClient
    with app.app_context():
        furnish(folder / "content")
        cookie = staff_of(app, "lan", "desk", "manager").client.get_cookie(access.COOKIE)
        db.session.remove()
        db.engine.dispose()
    assert cookie
    app.config["OFFICER"] = {"Cookie": f"{access.COOKIE}={cookie.value}", "Sec-Fetch-Site": "same-origin"}
    return app


def ask_everything(site: Flask, headers: dict[str, str]) -> None:
    """Cases for every operation of the description, each answer held against it."""
    description = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", site)
    number = 0
    for found in description.get_all_operations():
        number += 1

        @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=found.ok().as_strategy())
        def ask(case: Any) -> None:
            case.call_and_validate(headers=headers | {"Accept-Encoding": "identity"}, checks=CHECKS)

        ask()
    assert number > 8


def test_every_answer_to_a_stranger_is_as_described_and_never_a_fault(site: Flask) -> None:
    """Odd values get a problem in JSON, not a trace."""
    ask_everything(site, {"Sec-Fetch-Site": "same-origin"})


def test_every_answer_to_an_officer_is_as_described_and_never_a_fault(site: Flask) -> None:
    """The same with a session: what only officers may send as well."""
    ask_everything(site, site.config["OFFICER"])
