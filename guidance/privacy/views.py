"""DOOR: somebody asks about their own data and reads the answer, without an account and without a cookie."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from guidance import i18n
from guidance.accounts import access
from guidance.accounts.actions import count_try
from guidance.desk import queries as desk
from guidance.errors import NotFound, UserError
from guidance.privacy import actions, calendar, forms, queries
from guidance.units import queries as units
from guidance.web import absolute, done, render

bp = Blueprint("your_data", __name__, url_prefix="/<lang:lang>")
access.public(bp)

ASKED_AT_MOST = 10  # from one address within a quarter of an hour


def _kept_to_oneself(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _form(formdata: object, help_token: str) -> forms.AskForm:
    desks = [] if help_token else [(place.code, place.name) for place in desk.desks()]
    return forms.AskForm(formdata, desks=desks, linked=bool(help_token))


def _page(form: forms.AskForm, help_token: str, status: int = 200) -> Response:
    about = desk.own_request(help_token, i18n.current().code) if help_token else None
    if help_token and about is None:
        raise NotFound(_("There is no request at this link. It may have been deleted."))
    send = url_for("your_data.send_about", token=help_token) if help_token else url_for("your_data.send")
    return _kept_to_oneself(
        render("privacy/ask.html", status=status, form=form, about=about, send=send, terms=calendar.terms())
    )


@bp.get("/your-data")
def ask() -> ResponseReturnValue:
    """The form to ask about one's data."""
    return _page(_form(None, ""), "")


@bp.get("/help/<token>/your-data")
def ask_about(token: str) -> ResponseReturnValue:
    """The same, about the request for help behind one's own link."""
    return _page(_form(None, token), token)


@bp.post("/your-data")
def send() -> ResponseReturnValue:
    """Store it and lead to its link."""
    return _send("")


@bp.post("/help/<token>/your-data")
def send_about(token: str) -> ResponseReturnValue:
    """The same, about the request for help behind one's own link."""
    return _send(token)


def _send(help_token: str) -> ResponseReturnValue:
    form = _form(request.form, help_token)
    if not form.validate():
        return _page(form, help_token, 422)
    try:
        if form.website.data:
            raise UserError(_("Please read the form once more, then send it again."))
        count_try("data-request", request.remote_addr or "", ASKED_AT_MOST)
        unit = units.by_code(form.unit.data) if form.unit.data else None
        token = actions.ask(
            actions.Asked(
                form.kind.data, i18n.current().code, form.words.data, unit.id if unit else None, help_token
            )
        )
    except UserError as wrong:
        if isinstance(wrong, NotFound):
            raise
        form.form_errors = [wrong.message]
        return _page(form, help_token, wrong.status)
    return done(url_for("your_data.follow", token=token))


@bp.get("/your-data/<token>")
def follow(token: str) -> ResponseReturnValue:
    """What has become of it, for whoever holds the link."""
    row = queries.own(token)
    if row is None:
        raise NotFound(_("There is no request at this link. It may have been deleted."))
    link = absolute(url_for("your_data.follow", token=token))
    return _kept_to_oneself(
        render(
            "privacy/follow.html",
            row=row,
            token=token,
            link=link,
            kept=queries.kept_with(row.help_request_id),
            kinds=forms.KIND_NAMES,
            outcomes=forms.OUTCOME_NAMES,
        )
    )


@bp.post("/your-data/<token>/delete")
def take_back(token: str) -> ResponseReturnValue:
    """Take the request back: every word of it is deleted."""
    actions.take_back(token)
    return _kept_to_oneself(render("desk/deleted.html"))
