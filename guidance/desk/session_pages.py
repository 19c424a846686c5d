"""DOOR: evenings of community teams: the ones that were, a new one, corrections, and the sheet to count on."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from guidance import i18n
from guidance.accounts import access
from guidance.desk import forms, queries, sessions, topics
from guidance.errors import NotFound, UserError
from guidance.web import done, render

bp = Blueprint("sessions", __name__, url_prefix="/<lang:lang>/desk")
access.only(bp, "desk", "manager")


def _lang() -> str:
    return i18n.current().code


def _form(formdata: Any = None, **values: Any) -> forms.SessionForm:
    return forms.SessionForm(
        formdata,
        topic_known=lambda topic: topics.known(topic) is not None,
        unit_of=queries.unit_of_code,
        **values,
    )


def _evening(form: forms.SessionForm) -> sessions.Evening:
    return sessions.Evening(form.case(), form.where.data, form.attended_number(), form.results())


def _choices(topic: str | None) -> list[topics.Named]:
    """What an evening may be about; the topic chosen before stays choosable."""
    found = topics.for_the_device(_lang(), most=120)
    if topic and topics.known(topic) and topic not in {one.topic for one in found}:
        found.append(topics.name(topic, _lang()))
    return found


@bp.get("/sessions")
def past() -> ResponseReturnValue:
    """The evenings that have been logged, newest first."""
    text = request.args.get("page", "1")
    page = max(1, int(text)) if text.isascii() and text.isdigit() and len(text) <= 4 else 1
    rows, pages = queries.past_sessions(access.current_staff(), _lang(), page)
    return render("desk/sessions.html", rows=rows, pages=pages, page=page)


@bp.get("/session")
def new() -> ResponseReturnValue:
    """The form for an evening of a community team."""
    start = {"session_uid": secrets.token_hex(16), "day": queries.today().isoformat()}
    return _new_page(_form(data=start))


def _new_page(form: forms.SessionForm, status: int = 200) -> Response:
    return render(
        "desk/session.html",
        status=status,
        form=form,
        choices=_choices(form.topic.data),
        units=queries.unit_choices(access.current_staff()),
        names=forms.names(),
    )


@bp.post("/session")
def log() -> ResponseReturnValue:
    """Log an evening: one case for every kind of result."""
    form = _form(request.form)
    if not form.validate():
        return _new_page(form, 422)
    try:
        made = sessions.log_session(access.current_staff(), form.session_uid.data, _evening(form))
    except UserError as wrong:
        form.form_errors = [wrong.message]
        return _new_page(form, wrong.status)
    said = _("The session is logged.") if made else _("This session had been logged before; nothing changed.")
    return done(url_for("sessions.one", session_uid=form.session_uid.data), said)


@bp.get("/session/counter")
def counter() -> ResponseReturnValue:
    """A sheet to tally people on during an evening, without names, to print."""
    return render("desk/counter.html", names=forms.names())


# --- one evening -------------------------------------------------------------------------------


def _row(session_uid: str) -> queries.SessionRow:
    row = queries.past_session(access.current_staff(), session_uid, _lang())
    if row is None:
        raise NotFound(_("There is no such session."))
    return row


def _stored(row: queries.SessionRow) -> forms.SessionForm:
    same = ("session_uid", "where", "topic", "place", "need", "help_mode")
    start = {name: getattr(row, name) for name in same}
    start |= {"day": row.day.isoformat(), "unit": row.unit_code, "attended": str(row.attended)}
    return _form(data=start, results=row.results)


def _page(
    row: queries.SessionRow, form: forms.SessionForm, why: forms.WhyForm, status: int = 200
) -> Response:
    names = forms.names()
    stopped = names["outcome"]["stopped"]
    labels = {field.name: str(field.label.text) for field in form} | {
        "unit_id": _("Commune"),
        "voided": _("Voided"),
    }
    labels |= {f"ended_{code}": word for code, word in names["outcome"].items()}
    labels |= {f"ended_{code}": f"{stopped}: {word}" for code, word in names["reason"].items()}
    return render(
        "desk/past_session.html",
        status=status,
        row=row,
        form=form,
        why=why,
        history=queries.session_history(row.id),
        labels=labels,
        names=names,
        choices=_choices(form.topic.data),
        units=queries.unit_choices(access.current_staff()),
    )


@bp.get("/sessions/<session_uid>")
def one(session_uid: str) -> ResponseReturnValue:
    """One evening: what it says, every change, and the forms to correct or void it."""
    row = _row(session_uid)
    return _page(row, _stored(row), forms.WhyForm())


@bp.post("/sessions/<session_uid>")
def correct(session_uid: str) -> ResponseReturnValue:
    """Correct an evening and its cases, with a reason."""
    row, form, why = _row(session_uid), _form(request.form), forms.WhyForm(request.form)
    form.session_uid.data = session_uid
    right = [form.validate(), why.validate()]
    if not all(right):
        return _page(row, form, why, 422)
    try:
        sessions.correct_session(access.current_staff(), session_uid, _evening(form), why.why.data)
    except UserError as wrong:
        form.form_errors = [wrong.message]
        return _page(row, form, why, wrong.status)
    return done(url_for("sessions.one", session_uid=session_uid), _("The session is corrected."))


@bp.post("/sessions/<session_uid>/void")
def void(session_uid: str) -> ResponseReturnValue:
    """Void an evening with all its cases, with a reason."""
    row, why = _row(session_uid), forms.WhyForm(request.form)
    if not why.validate():
        return _page(row, _stored(row), why, 422)
    try:
        sessions.void_session(access.current_staff(), session_uid, why.why.data)
    except UserError as wrong:
        form = _stored(row)
        form.form_errors = [wrong.message]
        return _page(row, form, why, wrong.status)
    return done(
        url_for("sessions.past"),
        _("The session is voided. It stays in the list, crossed out, and counts no more."),
    )
