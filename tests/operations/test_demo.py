"""A trainer fills an empty site with practice data, and nobody can take them for real ones."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from guidance import demo
from guidance.accounts import actions
from guidance.adoption.models import IndicatorValue
from guidance.config import PROJECT
from guidance.db import db, row_count
from guidance.desk import rollup
from guidance.desk.models import AssistedCase, HelpRequest
from guidance.units import imports as units
from tests.conftest import PASSWORD, visitor_of

TODAY = date(2026, 11, 20)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the units of the starter content, which is all that the data need."""

    def load() -> None:
        units.save(units.check(sorted((PROJECT / "guidance/content/units").glob("*.csv"))), by="test")

    monkeypatch.setattr(demo, "load_content", load)


def test_a_trainer_gets_a_year_of_a_province_and_accounts_that_work(either_app: Flask, small: None) -> None:
    """Cases, requests, figures, targets; the rollup agrees with the cases; every page says what it is."""
    filled = demo.fill(cases=400, seed=7)
    assert row_count(AssistedCase) == 400
    assert row_count(HelpRequest) == 40
    assert row_count(IndicatorValue) > 3_000
    assert rollup.rebuild() == 0
    for name, password, role in filled.accounts:
        person = visitor_of(either_app)
        assert person.sign_in(name, password).status_code == 303, role
    for path in ("/vi/", "/en/guides/", "/ur/adoption/", "/en/sign-in", "/vi/nowhere"):
        page = visitor_of(either_app).get(path).get_data(as_text=True)
        assert page.count('<aside class="practice"') == 1, path


def test_the_same_seed_on_the_same_day_gives_the_same_cases(
    either_app: Flask, small: None, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Two training rooms see the same figures; both databases get the same."""
    demo.fill(cases=150, seed=3, today=TODAY)
    query = select(AssistedCase.occurred_at, AssistedCase.topic, AssistedCase.outcome, AssistedCase.help_mode)
    found = [tuple(map(str, row)) for row in db.session.execute(query.order_by(AssistedCase.case_uid))]
    kept: dict[str, list[tuple[str, ...]]] = request.config.__dict__.setdefault("demo_cases", {})
    kept.setdefault("first", found)
    assert found == kept["first"]
    assert max(row[0] for row in found) <= "2026-11-20 11:00"


def test_a_site_where_somebody_works_is_never_filled(app: Flask) -> None:
    """Practice data do not mix with real ones, and a real site shows no practice line."""
    actions.create_account("lan", ["desk"], password=PASSWORD)
    result = app.test_cli_runner().invoke(args=["demo"])
    assert result.exit_code == 1
    assert "empty" in result.output + result.stderr
    assert row_count(AssistedCase) == 0
    assert 'class="practice"' not in visitor_of(app).get("/vi/").get_data(as_text=True)
