"""Units, a procedure and people at a desk."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from guidance.catalogue.models import Procedure, ProcedureCard
from guidance.db import db, now, transaction
from guidance.units.models import REFORM_DAY, Unit
from tests.conftest import Visitor, staff_of

JSON = {"Sec-Fetch-Site": "same-origin"}


@transaction
def furnish() -> dict[str, int]:
    """A province with two communes, and one published procedure; returns unit ids by code."""
    province = Unit(code="25", name="Phú Thọ", folded_name="phu tho", kind="province", valid_from=REFORM_DAY)
    db.session.add(province)
    db.session.flush()
    communes = [
        Unit(
            code=code,
            name=name,
            folded_name=name.lower(),
            kind="commune",
            parent_id=province.id,
            valid_from=REFORM_DAY,
        )
        for code, name in (("08761", "Lập Thạch"), ("08762", "Tiên Lữ"))
    ]
    old = Unit(
        code="08761",
        name="Thị trấn Lập Thạch",
        folded_name="thi tran lap thach",
        kind="commune",
        valid_from=date(1900, 1, 1),
        valid_to=date(2025, 6, 30),
    )
    procedure = Procedure(key="1.001193", code="1.001193", changed_at=now())
    db.session.add_all([*communes, old, procedure])
    db.session.flush()
    db.session.add(
        ProcedureCard(
            procedure_id=procedure.id,
            key="1.001193",
            name_vi="Khai sinh cho con",
            name_en="Register a birth",
            official_name="Thủ tục đăng ký khai sinh",
            folded_name="khai sinh cho con thu tuc dang ky khai sinh",
            summary={},
            sector="Hộ tịch",
            levels=" commune ",
            audience=" citizen ",
            life_events=" child ",
            online="full",
            has_guidance=True,
        )
    )
    return {unit.code: unit.id for unit in (province, *communes)}


class FreshClient(FlaskClient):
    """A browser whose requests share nothing with the test: own context, own database session, as on a server."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """One request."""
        db.session.rollback()
        return contextvars.Context().run(super().open, *args, **kwargs)


@pytest.fixture
def places(either_app: Flask) -> dict[str, int]:
    """The units of a furnished site, on either database."""
    either_app.test_client_class = FreshClient
    return furnish()


@pytest.fixture
def officer(either_app: Flask, places: dict[str, int]) -> Visitor:
    """Somebody at the desk of Lập Thạch."""
    return staff_of(either_app, "lan", "desk", unit_id=places["08761"])


@pytest.fixture
def manager(either_app: Flask, places: dict[str, int]) -> Visitor:
    """A manager of the province."""
    return staff_of(either_app, "minh", "manager", unit_id=places["25"])


def a_case(uid: str = "case-0001", **more: Any) -> dict[str, Any]:
    """A complete small case as a device sends it."""
    return {
        "case_uid": uid,
        "topic": "procedure:1.001193",
        "need": "submit",
        "help_mode": "guided",
        "outcome": "submitted",
        **more,
    }


def send(person: Visitor, case: Any, path: str = "/api/v1/cases?lang=en") -> TestResponse:
    """Post JSON as the offline queue does."""
    return person.client.post(path, json=case, headers=JSON)


Sender = Callable[..., TestResponse]
