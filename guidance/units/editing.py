"""DOOR: staff pages of the places: service centres, their hours and reception points."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from guidance.accounts import access
from guidance.errors import Conflict, NotAllowed, NotFound
from guidance.units import actions, queries
from guidance.units.forms import CentreForm
from guidance.units.queries import Centre, Place
from guidance.units.views import LONGEST, centre_name, weekday_names
from guidance.web import done, render

bp = Blueprint("centres", __name__, url_prefix="/<lang:lang>/admin/units")
access.only(bp, "admin", "editor")


def _may_change(place: Place) -> bool:
    """An account that belongs to a unit keeps the centres of that unit and all below it."""
    own = access.current_staff().unit_id
    return own is None or place.id in queries.ids_below(own)


def _centre(centre_id: int) -> Centre:
    centre = queries.centre(centre_id)
    if centre is None:
        raise NotFound
    if not _may_change(centre.unit):
        raise NotAllowed
    return centre


def _form_page(
    form: CentreForm, place: Place, centre: Centre | None, status: int = 200
) -> ResponseReturnValue:
    return render(
        "units/centre_edit.html",
        status,
        form=form,
        place=place,
        centre=centre,
        weekdays=weekday_names(),
        differences=[],
    )


def _changed_meanwhile(form: CentreForm, centre_id: int, conflict: Conflict) -> ResponseReturnValue:
    """What the editor wrote, and beside it what somebody else stored meanwhile; saving again is then a decision."""
    centre = _centre(centre_id)
    form.form_errors = [conflict.message]
    return render(
        "units/centre_edit.html",
        conflict.status,
        form=form,
        place=centre.unit,
        centre=centre,
        weekdays=weekday_names(),
        differences=form.differences(CentreForm.of(centre, queries.by_code), weekday_names()),
    )


def _revision() -> int:
    return request.form.get("revision", 0, type=int)


@bp.get("/")
def all_centres() -> ResponseReturnValue:
    """Every service centre this account may change, and a way to add one."""
    own = access.current_staff().unit_id
    words = request.args.get("q", "")[:LONGEST]
    matches = [
        match
        for match in (queries.found(words) if words.strip() else [])
        if match.place.valid_to is None and match.place.kind != "district" and _may_change(match.place)
    ]
    return render(
        "units/centres.html",
        centres=queries.centres_below(None if own is None else queries.ids_below(own)),
        words=words,
        matches=matches,
        counts=queries.count_of_today(),
    )


@bp.get("/new")
def new_centre() -> ResponseReturnValue:
    """The form for a centre or reception point of one unit."""
    place = _place(request.args.get("unit", ""))
    first = not any(centre.unit.id == place.id for centre in queries.centres_of(place.id))
    started = {"name": centre_name(place), "main": "centre"} if first else {"main": "point"}
    return _form_page(CentreForm(None, unit_of=queries.by_code, **started), place, None)


def _place(code: str) -> Place:
    place = queries.by_code(code)
    if place is None or place.valid_to is not None:
        raise NotFound
    if not _may_change(place):
        raise NotAllowed
    return place


@bp.post("/new")
def add_centre() -> ResponseReturnValue:
    """Store a new centre."""
    place = _place(request.form.get("unit", ""))
    form = CentreForm(request.form, unit_of=queries.by_code)
    if not form.validate():
        return _form_page(form, place, None, 422)
    actions.add_centre(place.id, form.values(), form.served, access.current_staff().name)
    return done(url_for("centres.all_centres"), _("Added. Citizens see it now."))


@bp.get("/<int:centre_id>")
def centre(centre_id: int) -> ResponseReturnValue:
    """One centre, to change."""
    row = _centre(centre_id)
    return _form_page(CentreForm.of(row, queries.by_code), row.unit, row)


@bp.post("/<int:centre_id>")
def change_centre(centre_id: int) -> ResponseReturnValue:
    """Store what was changed; when somebody else saved meanwhile, show both."""
    row = _centre(centre_id)
    form = CentreForm(request.form, unit_of=queries.by_code)
    if not form.validate():
        return _form_page(form, row.unit, row, 422)
    try:
        actions.change_centre(centre_id, _revision(), form.values(), form.served, access.current_staff().name)
    except Conflict as conflict:
        return _changed_meanwhile(form, centre_id, conflict)
    return done(url_for("centres.all_centres"), _("Saved. Citizens see it now."))


@bp.post("/<int:centre_id>/remove")
def remove_centre(centre_id: int) -> ResponseReturnValue:
    """Take a centre off the pages."""
    row = _centre(centre_id)
    try:
        actions.remove_centre(row.id, _revision(), access.current_staff().name)
    except Conflict as conflict:
        return _changed_meanwhile(CentreForm.of(row, queries.by_code), centre_id, conflict)
    return done(url_for("centres.all_centres"), _("Taken off the pages."))
