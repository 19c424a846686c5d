"""A province with three communes, people at its desks, and cases through the JSON door."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from flask import Flask

from guidance.db import db, transaction
from guidance.units.models import BEFORE_RECORDS, REFORM_DAY, Unit, UnitSuccession
from tests.conftest import Visitor, staff_of

COMMUNES = (("08761", "Xã Lập Thạch"), ("08842", "Xã Tiên Lữ"), ("08770", "Xã Hợp Lý"))


@transaction
def furnish() -> dict[str, int]:
    """Phú Thọ with three communes, and the former district they came from; ids by code."""
    province = Unit(
        code="25", name="Tỉnh Phú Thọ", folded_name="tinh phu tho", kind="province", valid_from=REFORM_DAY
    )
    old = Unit(
        code="246",
        name="Huyện Lập Thạch",
        folded_name="huyen lap thach",
        kind="district",
        valid_from=BEFORE_RECORDS,
        valid_to=date(2025, 6, 30),
    )
    before = Unit(
        code="37",
        name="Tỉnh Ninh Bình",
        folded_name="tinh ninh binh",
        kind="province",
        valid_from=BEFORE_RECORDS,
        valid_to=date(2025, 6, 30),
    )
    db.session.add_all([province, old, before])
    db.session.flush()
    found = {"25": province.id, "246": old.id}
    for code, name in COMMUNES:
        unit = Unit(
            code=code,
            name=name,
            folded_name=name.lower(),
            kind="commune",
            parent_id=province.id,
            valid_from=REFORM_DAY,
        )
        db.session.add(unit)
        db.session.flush()
        db.session.add(UnitSuccession(old_id=old.id, new_id=unit.id, relation="split"))
        found[code] = unit.id
    return found


@dataclass
class Office:
    """The furnished site: unit ids, a manager of the province, and a person who logs for every commune."""

    site: Flask
    ids: dict[str, int]
    manager: Visitor

    def staff(self, name: str, *roles: str, unit: str) -> Visitor:
        """Somebody else who works for a unit."""
        db.session.rollback()
        return staff_of(self.site, name, *roles, unit_id=self.ids[unit])

    def log(self, unit: str, people: int = 1, **more: Any) -> None:
        """One case at a commune's desk."""
        case = {
            "case_uid": uuid.uuid4().hex,
            "topic": "general",
            "need": "submit",
            "help_mode": "guided",
            "outcome": "submitted",
            "unit": unit,
            "people": people,
            **more,
        }
        answer = self.manager.client.post(
            "/api/v1/cases", json=case, headers={"Sec-Fetch-Site": "same-origin"}
        )
        assert answer.status_code == 201, answer.get_data(as_text=True)
        db.session.rollback()  # the test's own session must not look at an older state of the database


def office_on(site: Flask) -> Office:
    """Furnish a site."""
    ids = furnish()
    return Office(site, ids, staff_of(site, "manager", "manager", "admin", unit_id=ids["25"]))


@pytest.fixture
def office(app: Flask) -> Office:
    """The furnished site on SQLite."""
    return office_on(app)


@pytest.fixture
def either_office(either_app: Flask) -> Office:
    """The furnished site on both databases."""
    return office_on(either_app)
