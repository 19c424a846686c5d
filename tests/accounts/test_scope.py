"""A person's scope is a unit of its time: when the unit ends, what was done stays visible and nothing new is gained."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask

from guidance.db import db, transaction
from guidance.units.models import BEFORE_RECORDS, REFORM_DAY, Unit, UnitSuccession
from tests.conftest import Visitor, staff_of
from tests.desk.conftest import FreshClient
from tests.editing.conftest import words

LAST_DAY = date(2025, 6, 30)
HERE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def site(either_app: Flask) -> Flask:
    """A site whose requests stand apart from each other, as on a server."""
    either_app.test_client_class = FreshClient
    return either_app


@transaction
def reformed() -> tuple[int, int, int]:
    """An old commune that went whole into a new one, and another new one."""
    old = Unit(
        code="08800",
        name="Xã Cũ",
        folded_name="xa cu",
        kind="commune",
        valid_from=BEFORE_RECORDS,
        valid_to=LAST_DAY,
    )
    new = Unit(code="08761", name="Xã Mới", folded_name="xa moi", kind="commune", valid_from=REFORM_DAY)
    other = Unit(code="08762", name="Xã Khác", folded_name="xa khac", kind="commune", valid_from=REFORM_DAY)
    db.session.add_all([old, new, other])
    db.session.flush()
    db.session.add(UnitSuccession(old_id=old.id, new_id=new.id, relation="whole"))
    return old.id, new.id, other.id


def log(person: Visitor, uid: str, **more: Any) -> int:
    """Log a case as the desk does."""
    case = {
        "case_uid": uid,
        "topic": "general",
        "need": "explain",
        "help_mode": "explained",
        "outcome": "home",
    }
    return person.client.post("/api/v1/cases", json=case | more, headers=HERE).status_code


def test_an_account_of_a_unit_that_ended_keeps_its_past_and_gains_nothing_new(site: Flask) -> None:
    """Cases of its days can still be logged late; those of today need the unit of today, given by an administrator."""
    old, new, _other = reformed()
    former = staff_of(site, "cu", "desk", "manager", unit_id=old)
    present = staff_of(site, "moi", "desk", unit_id=new)
    then = datetime(2025, 6, 20, 3, 0, tzinfo=UTC).isoformat()
    assert log(former, "case-then-1", occurred_at=then) == 201
    assert log(former, "case-today-1") == 409
    assert log(present, "case-today-2") == 201
    assert log(former, "case-today-3", unit="08761") == 403, "succession gives no rights"
    assert former.get("/en/desk/cases/case-today-2").status_code == 404
    assert former.get("/en/desk/cases/case-then-1").status_code == 200


def test_an_administrator_sees_whose_unit_has_ended(site: Flask) -> None:
    """In the list of accounts, in words."""
    old, new, _other = reformed()
    chief = staff_of(site, "an", "admin")
    staff_of(site, "cu", "desk", unit_id=old)
    staff_of(site, "moi", "desk", unit_id=new)
    page = words(chief.get("/en/admin/"))
    assert page.count("ended on 30/06/2025") == 1


def test_one_commune_never_opens_what_belongs_to_another(site: Flask) -> None:
    """Page, correction, void and download alike, for every role that knows a scope."""
    _old, new, other = reformed()
    here, there = (
        staff_of(site, "a", "desk", unit_id=new),
        staff_of(site, "b", "desk", "manager", unit_id=other),
    )
    assert log(here, "case-here-1", note="only for us") == 201
    assert there.get("/en/desk/cases/case-here-1").status_code == 404
    for what, body in (
        ("correct", {"why": "typing error", "people": 2}),
        ("void", {"why": "typing error"}),
        ("undo", {}),
    ):
        answer = there.client.post(f"/api/v1/cases/case-here-1/{what}", json=body, headers=HERE)
        assert answer.status_code in {403, 404}, what
    assert "only for us" not in there.get("/en/reports/cases.csv").get_data(as_text=True)
    assert "only for us" not in words(there.get("/en/desk/"))
