"""DOOR: staff pages: requests about one's data by the day they are due, and the holidays behind those days."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from guidance.accounts import access
from guidance.errors import Conflict, NotFound
from guidance.privacy import actions, calendar, forms, queries
from guidance.units.queries import today
from guidance.web import done, render

bp = Blueprint("data_requests", __name__, url_prefix="/<lang:lang>/data-requests")
access.only(bp, "manager", "admin")


@bp.get("/")
def queue() -> ResponseReturnValue:
    """What waits, the next due first, and what was finished lately."""
    staff = access.current_staff()
    return render(
        "privacy/queue.html",
        waiting=queries.waiting(staff),
        finished=queries.finished(staff),
        kinds=forms.KIND_NAMES,
        outcomes=forms.OUTCOME_NAMES,
        terms=calendar.terms(),
        today=today(),
        known_until=calendar.known_until(),
    )


def _page(
    request_id: int, form: forms.AnswerForm, status: int = 200, wrong: object = ""
) -> ResponseReturnValue:
    row = queries.one(access.current_staff(), request_id)
    if row is None:
        raise NotFound
    return render(
        "privacy/request.html",
        status=status,
        row=row,
        form=form,
        kept=queries.kept_with(row.help_request_id),
        kinds=forms.KIND_NAMES,
        outcomes=forms.OUTCOME_NAMES,
        today=today(),
        wrong=wrong,
    )


@bp.get("/<int:request_id>")
def one(request_id: int) -> ResponseReturnValue:
    """One request: what is asked, what is kept, and the answer."""
    row = queries.one(access.current_staff(), request_id)
    return _page(
        request_id, forms.AnswerForm(data={"answer": row.answer, "outcome": row.outcome} if row else {})
    )


def _seen() -> int:
    return request.form.get("revision", 0, type=int)


@bp.post("/<int:request_id>/answer")
def answer(request_id: int) -> ResponseReturnValue:
    """Answer it; when a colleague answered meanwhile, show both answers."""
    form = forms.AnswerForm(request.form)
    if not form.validate():
        return _page(request_id, form, 422)
    try:
        actions.answer(access.current_staff(), request_id, _seen(), form.outcome.data, form.answer.data)
    except Conflict as wrong:
        return _page(request_id, form, wrong.status, wrong.message)
    return done(url_for("data_requests.queue"), _("The answer stands at the person's link now."))


@bp.post("/<int:request_id>/erase")
def erase(request_id: int) -> ResponseReturnValue:
    """Delete what it is about: the request for help, or only the telephone number in it."""
    only_number = request.form.get("what") == "number"
    try:
        actions.erase(access.current_staff(), request_id, _seen(), only_number)
    except Conflict as wrong:
        return _page(request_id, forms.AnswerForm(), wrong.status, wrong.message)
    return done(
        url_for("data_requests.one", request_id=request_id), _("Deleted. Now tell the person in the answer.")
    )


# --- holidays ----------------------------------------------------------------------------------


def _days(form: forms.DayForm, status: int = 200) -> ResponseReturnValue:
    found = [one for one in calendar.special_days().values() if one.day.year >= today().year]
    return render("privacy/holidays.html", status=status, form=form, days=found)


@bp.get("/holidays")
@access.open_to("admin")
def holidays() -> ResponseReturnValue:
    """The days that are counted otherwise than their weekday says."""
    return _days(forms.DayForm())


@bp.post("/holidays")
@access.open_to("admin")
def set_holiday() -> ResponseReturnValue:
    """Say how a day is counted."""
    form = forms.DayForm(request.form)
    if not form.validate():
        return _days(form, 422)
    verified = today().isoformat() if form.verified.data else None
    name = access.current_staff().name
    actions.set_day(form.chosen, " ".join(form.name.data.split()), not form.worked.data, verified, name)
    return done(url_for("data_requests.holidays"), _("Kept. What is due follows it."))


@bp.post("/holidays/forget")
@access.open_to("admin")
def forget_holiday() -> ResponseReturnValue:
    """Take an entry of this site back."""
    try:
        day = date.fromisoformat(request.form.get("day", ""))
    except ValueError as wrong:
        raise NotFound from wrong
    actions.forget_day(day, access.current_staff().name)
    return done(url_for("data_requests.holidays"), _("Removed."))
