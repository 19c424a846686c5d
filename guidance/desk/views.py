"""DOOR: the desk: log a case, today's cases, corrections, templates, requests."""

from __future__ import annotations

import secrets
from datetime import date
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from guidance import i18n
from guidance.accounts import access
from guidance.desk import forms, queries, topics
from guidance.errors import NotFound
from guidance.units import queries as units
from guidance.web import render

bp = Blueprint("desk", __name__, url_prefix="/<lang:lang>/desk")
access.only(bp, "desk", "manager")
help_bp = Blueprint("help", __name__, url_prefix="/<lang:lang>/help")
access.public(help_bp)


def _unit_of(code: str, day: date) -> int | None:
    place = units.by_code(code, on=day)
    return place.id if place else None


def _case_form(data: Any = None, **values: Any) -> forms.CaseForm:
    return forms.CaseForm(
        data,
        topic_known=lambda topic: topics.known(topic) is not None,
        unit_of=_unit_of,
        desk=queries.defaults(access.current_staff().unit_id),
        **values,
    )


def _new_uid() -> str:
    return secrets.token_hex(16)


@bp.get("/")
def home() -> ResponseReturnValue:
    """The desk."""
    return render("desk/desk.html", **_desk())


def _desk(form: forms.CaseForm | None = None) -> dict[str, Any]:
    return {}


@bp.get("/cases/<case_uid>")
def case(case_uid: str) -> ResponseReturnValue:
    """One case, its history, and the forms to correct or void it."""
    staff = access.current_staff()
    row = queries.case(staff, case_uid, i18n.current().code)
    if row is None:
        raise NotFound
    return render("desk/case.html", row=row, history=queries.history(case_uid))
