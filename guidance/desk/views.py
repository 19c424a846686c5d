"""DOOR: a citizen asks for help and follows the request, without an account and without a cookie."""

from __future__ import annotations

import time

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from guidance import i18n, security
from guidance.accounts import access
from guidance.desk import actions, forms, queries, topics
from guidance.errors import NotFound, UserError
from guidance.units import queries as units
from guidance.web import absolute, done, render

bp = Blueprint("help", __name__, url_prefix="/<lang:lang>/help")
access.public(bp)

FASTEST_HUMAN = 2  # seconds between opening the form and sending it; whoever is faster waits for the rest
LONGEST_OPEN = 24 * 3600


def _stamp() -> str:
    opened = str(int(time.time()))
    return f"{opened}.{security.signed('help-form', opened)}"


def _opened(stamp: str) -> int | None:
    """When the form was opened; None when the mark is not ours or is older than a day."""
    opened, _dot, mark = stamp.partition(".")
    if not opened.isdigit() or not security.same(mark, security.signed("help-form", opened)):
        return None
    return int(opened) if time.time() - int(opened) <= LONGEST_OPEN else None


def _consent() -> str:
    """The words a citizen agrees to; stored with the request as they were."""
    return _(
        "I agree that the service centre keeps my telephone number to call me about this request, and for nothing else. "
        "It is stored encrypted and deleted 30 days after the request is closed at the latest. "
        "I can withdraw my consent at any time at the link I get."
    )


def _form(formdata: object = None, **values: object) -> forms.HelpForm:
    desks = [(place.code, place.name) for place in queries.desks()]
    return forms.HelpForm(formdata, desks=desks, **values)


def _page(form: forms.HelpForm, status: int = 200) -> Response:
    lang = i18n.current().code
    about = form.topic.data if topics.known(form.topic.data or "") else topics.GENERAL
    response = render(
        "desk/help.html",
        status=status,
        form=form,
        about=topics.name(about, lang) if about != topics.GENERAL else None,
        consent=_consent(),
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("")
def ask() -> ResponseReturnValue:
    """The form to ask for help."""
    return _page(_form(data={"topic": request.args.get("topic", ""), "stamp": _stamp(), "best_time": "any"}))


@bp.post("")
def send() -> ResponseReturnValue:
    """Store the request and lead to its link, or show the form again with what is wrong."""
    form = _form(request.form)
    if topics.known(form.topic.data or "") is None:
        form.topic.data = topics.GENERAL
    if not form.validate():
        return _page(form, 422)
    opened = _opened(form.stamp.data or "")
    if form.website.data or opened is None:
        form.form_errors = [_("Please read the form once more, then send it again.")]
        form.stamp.data = _stamp()
        return _page(form, 422)
    time.sleep(max(0.0, min(FASTEST_HUMAN, opened + FASTEST_HUMAN - time.time())))
    unit = units.by_code(form.unit.data) if form.unit.data else None
    asked = actions.NewRequest(
        lang=i18n.current().code,
        topic=form.topic.data,
        question=form.question.data,
        best_time=form.best_time.data,
        unit_id=unit.id if unit else None,
        phone=form.phone.data,
        consent=_consent() if form.consent.data else "",
        for_child=form.for_child.data,
        guardian_agreed=form.guardian.data,
    )
    try:
        token = actions.ask_for_help(asked, request.remote_addr or "")
    except UserError as wrong:
        form.form_errors = [wrong.message]
        return _page(form, wrong.status)
    return done(url_for("help.follow", token=token))


@bp.get("/<token>")
def follow(token: str) -> ResponseReturnValue:
    """What has become of a request, for whoever holds its link."""
    found = queries.own_request(token, i18n.current().code)
    if found is None:
        raise NotFound(_("There is no request at this link. It may have been deleted."))
    correction = forms.CorrectionForm(data={"question": found.question, "best_time": found.best_time})
    return _own_page(token, found, correction)


def _own_page(
    token: str, found: queries.OwnRequest, correction: forms.CorrectionForm, status: int = 200
) -> Response:
    link = absolute(url_for("help.follow", token=token))
    response = render(
        "desk/follow.html",
        status=status,
        row=found,
        token=token,
        link=link,
        correction=correction,
        best_times=forms.BEST_TIMES,
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@bp.post("/<token>/correct")
def correct(token: str) -> ResponseReturnValue:
    """Correct what one wrote, as long as it is open."""
    found, form = queries.own_request(token, i18n.current().code), forms.CorrectionForm(request.form)
    if found is None:
        raise NotFound(_("There is no request at this link. It may have been deleted."))
    if not form.validate():
        return _own_page(token, found, form, 422)
    actions.correct_request(token, form.question.data, form.best_time.data, form.phone.data)
    return done(url_for("help.follow", token=token))


@bp.post("/<token>/withdraw")
def withdraw(token: str) -> ResponseReturnValue:
    """Withdraw the consent to be called: the number is deleted at once."""
    actions.withdraw_consent(token)
    return done(url_for("help.follow", token=token))


@bp.post("/<token>/delete")
def delete(token: str) -> ResponseReturnValue:
    """Delete the request."""
    actions.delete_request(token)
    response = render("desk/deleted.html")
    response.headers["Cache-Control"] = "no-store"
    return response
