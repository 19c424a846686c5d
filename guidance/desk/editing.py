"""DOOR: the desk: log a case, today's cases, corrections, requests, sessions, templates, answers."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from guidance import charts, i18n
from guidance.accounts import access
from guidance.accounts.queries import Staff
from guidance.catalogue.differences import side_by_side
from guidance.desk import actions, forms, queries, topics
from guidance.errors import Conflict, NotFound, UserError
from guidance.web import absolute, asset, done, render

bp = Blueprint("desk", __name__, url_prefix="/<lang:lang>/desk")
access.only(bp, "desk", "manager")


def _lang() -> str:
    return i18n.current().code


def _case_form(formdata: Any = None, **values: Any) -> forms.CaseForm:
    unit_id = access.current_staff().unit_id
    return forms.CaseForm(
        formdata,
        topic_known=topics.known,
        unit_of=queries.unit_of_code,
        usual_place=lambda: queries.usual_place(unit_id),
        **values,
    )


def _posted() -> MultiDict[str, str]:
    """The form as sent: ticked steps joined, and the buttons 'stopped here' and 'done' turned into values."""
    data = MultiDict(request.form)
    data["steps"] = ",".join(request.form.getlist("steps"))
    if "stopped" in data:
        step, _bar, reason = data["stopped"].partition("|")
        data["outcome"], data["failed_step"], data["reason"] = "stopped", step, reason
    elif "finish" in data:
        data["outcome"] = data["finish"]
    if not data.get("case_uid"):
        data["case_uid"] = secrets.token_hex(16)
    return data


# --- the desk ----------------------------------------------------------------------------------


@bp.get("/")
def home() -> ResponseReturnValue:
    """The desk: what is being helped with, the log, today's cases."""
    staff = access.current_staff()
    about = request.args.get("topic", "")
    values = _start_values(staff, about)
    return _desk(_case_form(data=values), str(values.get("topic") or ""))


def _start_values(staff: Staff, about: str) -> dict[str, Any]:
    """What the form starts with: a template, a case to repeat, or the desk's defaults for the topic."""
    usual = queries.defaults(staff.unit_id, about)
    values: dict[str, Any] = {
        "case_uid": secrets.token_hex(16),
        "people": "1",
        "place": usual.place,
        "topic": about if topics.known(about) else "",
    }
    page = topics.beside(values["topic"], _lang()) if values["topic"] else None
    if page is not None:
        values |= _usual(staff, page)
    elif values["topic"]:
        values |= {"need": usual.need, "help_mode": usual.help_mode, "outcome": usual.outcome}
    key, again = request.args.get("template", ""), request.args.get("repeat", "")
    template = next((one for one in queries.templates(staff.unit_id, _lang()) if one.key == key), None)
    if template is not None:
        values |= template.values
    earlier = queries.case(staff, again, _lang()) if again else None
    if earlier is not None:
        same = ("topic", "need", "help_mode", "outcome", "reason", "place", "people", "minutes")
        values |= {name: getattr(earlier, name) for name in same}
    return values


def _desk(form: forms.CaseForm, about: str, status: int = 200) -> Response:
    staff, lang = access.current_staff(), _lang()
    asked = request.args.get("about", "").strip()[:200]
    named = topics.name(about, lang) if about and topics.known(about) else None
    page = topics.beside(about, lang) if named else None
    return render(
        "desk/desk.html",
        status=status,
        form=form,
        topic=named,
        beside=page,
        beside_defaults=_usual(staff, page) if page else {},
        handover=_handover(page.path) if page else None,
        asked=asked,
        found=topics.matching(asked, lang) if asked else [],
        templates=queries.templates(staff.unit_id, lang),
        mine=request.args.get("mine") == "1",
        cases=queries.cases_of_day(staff, queries.today(), lang, mine=request.args.get("mine") == "1"),
        requests=len(queries.open_requests(staff, lang)),
        units=queries.unit_choices(staff),
        file_references=queries.keeps_file_references(staff.unit_id),
        names=forms.names(),
        keys=_keys(),
        device=_device(staff),
    )


def _usual(staff: Staff, page: topics.Beside) -> dict[str, Any]:
    """What the desk usually fills in for a topic; the guide's own likely outcome where it has no cases yet."""
    usual = queries.defaults(staff.unit_id, page.topic)
    seen = usual.about_topic
    return {
        "need": usual.need if seen else ("submit" if page.outcome in {"submitted", "counter"} else "account"),
        "help_mode": usual.help_mode if seen else "guided",
        "outcome": usual.outcome if seen else page.outcome,
        "minutes": usual.minutes if seen else "",
    }


def _keys() -> list[tuple[str, str]]:
    return [
        ("/", _("Choose what it is about")),
        ("1 … 9", _("So many people at once")),
        ("Enter", _("Save")),
        ("Ctrl + Enter", _("Save from any field")),
        ("s", _("Save, same again")),
        ("r", _("Repeat the last case")),
        ("n", _("Write a note")),
        ("z", _("Undo, within ten seconds")),
        ("m", _("More fields")),
        ("Esc", _("Start afresh")),
        ("?", _("Show these keys")),
    ]


def _device(staff: Staff) -> dict[str, Any]:
    """What the script on the device needs: who is here, where to send, the templates, and its words."""
    return {
        "account": staff.id,
        "lang": _lang(),
        "desk": url_for("desk.home"),
        "send": f"/api/v1/cases?lang={_lang()}",
        "topics": url_for("desk.all_topics"),
        "signIn": url_for("accounts.sign_in", next=url_for("desk.home")),
        "templates": [
            {"key": one.key, "name": one.name, "values": one.values}
            for one in queries.templates(staff.unit_id, _lang())
        ],
        "topicNames": {
            topic: named.name
            for topic, named in topics.names(
                {str(one.values["topic"]) for one in queries.templates(staff.unit_id, _lang())}, _lang()
            ).items()
        },
        "words": words(),
    }


def words() -> dict[str, str]:
    """The sentences of the script on the device."""
    return {
        "saved": _("Saved: %(name)s", name="{name}"),
        "undo": _("Undo"),
        "undone": _("Taken back."),
        "kept": _("No connection: kept on this device and sent later."),
        "waiting": _("Cases that wait on this device to be sent: %(count)s", count="{count}"),
        "signIn": _("Sign in again, then they are sent."),
        "others": _(
            "Cases of a colleague wait on this device: %(count)s. They are sent when that person signs in here.",
            count="{count}",
        ),
        "refused": _("Not stored: %(why)s", why="{why}"),
        "intoForm": _("Back into the form"),
        "discard": _("Discard"),
        "topic": _("Choose what the help was about first."),
        "missing": _("Choose what was needed, who did it and how it ended."),
        "why": _("Choose why it did not work out."),
        "personal": _("This looks like a number or address that says who somebody is. Leave it out."),
        "none": _("nothing chosen yet"),
    }


def _handover(path: str) -> Markup:
    """A QR code with the address of a page, to take along on the citizen's phone."""
    return charts.qr_code(absolute(path), scale=4)


@bp.get("/offline")
@access.open_to("public")
def offline() -> ResponseReturnValue:
    """The empty shell that the device keeps for times without network; it holds no data of anybody."""
    device = {
        "offline": True,
        "lang": _lang(),
        "desk": url_for("desk.home"),
        "signIn": url_for("accounts.sign_in", next=url_for("desk.home")),
        "words": words(),
    }
    form = forms.CaseForm(data={"place": "centre", "people": "1"})
    return render("desk/offline.html", form=form, names=forms.names(), keys=_keys(), device=device)


@bp.get("/manifest.webmanifest")
@access.open_to("public")
def manifest() -> ResponseReturnValue:
    """What a device needs to keep the desk on its home screen."""
    settings = current_app.config["SETTINGS"]
    response = jsonify(
        id=url_for("desk.home"),
        name=f"{_('Desk')} · {settings.site_name}",
        short_name=_("Desk"),
        lang=_lang(),
        start_url=url_for("desk.home"),
        scope=url_for("desk.home"),
        display="standalone",
        background_color="#fffdf8",
        theme_color="#1f3a6e",
        icons=[
            {
                "src": asset("icon-192.png"),
                "sizes": "192x192",
                "type": "image/png",
                "purpose": "any maskable",
            },
            {
                "src": asset("icon-512.png"),
                "sizes": "512x512",
                "type": "image/png",
                "purpose": "any maskable",
            },
        ],
    )
    response.mimetype = "application/manifest+json"
    return response


@bp.get("/topics")
def find_topics() -> ResponseReturnValue:
    """What a question may be about, for the type-ahead of the desk."""
    found = topics.matching(request.args.get("q", "")[:200], _lang())
    return jsonify([{"topic": one.topic, "name": one.name, "path": one.path} for one in found])


@bp.get("/topics.json")
def all_topics() -> ResponseReturnValue:
    """The names the device keeps so that the desk can choose a topic without network."""
    return jsonify([{"topic": one.topic, "name": one.name} for one in topics.for_the_device(_lang())])


@bp.post("/cases")
def log_case() -> ResponseReturnValue:
    """Log a case, or show the form again with what is wrong."""
    form = _case_form(_posted(), asks_why=True)
    if not form.validate():
        return _desk(form, form.topic.data or "", 422)
    try:
        logged = actions.log_case(access.current_staff(), form.case_uid.data, form.case(), about=form.about)
    except UserError as wrong:
        form.form_errors = [wrong.message]
        return _desk(form, form.topic.data, wrong.status)
    said = _("Case logged.") if logged.created else _("This case had been logged before; nothing changed.")
    return done(url_for("desk.home"), said)


# --- one case ----------------------------------------------------------------------------------


def _row(case_uid: str) -> queries.CaseRow:
    row = queries.case(access.current_staff(), case_uid, _lang())
    if row is None:
        raise NotFound(_("There is no such case."))
    return row


def _text_of(row: queries.CaseRow) -> dict[str, Any]:
    stored = queries.as_json(row)
    return stored | {
        "occurred_at": str(stored["occurred_at"])[:16],
        "unit": stored["unit"] or "",
        "steps": ",".join(row.steps),
    }


def _case_page(row: queries.CaseRow, form: forms.CaseForm, why: forms.WhyForm, status: int = 200) -> Response:
    return render(
        "desk/case.html",
        status=status,
        row=row,
        form=form,
        why=why,
        history=queries.history(row.case_uid),
        labels={field.name: str(field.label.text) for field in form} | {"voided": _("Voided")},
        undo=queries.may_undo(access.current_staff(), row),
        names=forms.names(),
        units=queries.unit_choices(access.current_staff()),
        file_references=queries.keeps_file_references(access.current_staff().unit_id),
    )


@bp.get("/cases/<case_uid>")
def case(case_uid: str) -> ResponseReturnValue:
    """One case, its history, and the forms to correct or void it."""
    row = _row(case_uid)
    return _case_page(row, _case_form(data=_text_of(row)), forms.WhyForm())


@bp.post("/cases/<case_uid>")
def correct_case(case_uid: str) -> ResponseReturnValue:
    """Correct a case, with a reason."""
    row = _row(case_uid)
    posted = MultiDict({name: value for name, value in _text_of(row).items() if value is not None})
    posted.pop("first_time", None)
    for name in forms.FIELDS_OF_A_CASE:
        if name in request.form:
            posted[name] = request.form[name]
    form, why = _case_form(posted), forms.WhyForm(request.form)
    right = [form.validate(), why.validate()]
    if not all(right):
        return _case_page(row, form, why, 422)
    given = [name for name in forms.FIELDS_OF_A_CASE if name in request.form or name == "first_time"]
    if request.form.get("occurred_at", "") == _text_of(row)["occurred_at"]:
        given = [name for name in given if name != "occurred_at"]
    try:
        actions.correct_case(access.current_staff(), case_uid, form.changes(given), why.why.data)
    except UserError as wrong:
        form.form_errors = [wrong.message]
        return _case_page(row, form, why, wrong.status)
    return done(url_for("desk.case", case_uid=case_uid), _("The case is corrected."))


@bp.post("/cases/<case_uid>/void")
def void_case(case_uid: str) -> ResponseReturnValue:
    """Void a case, with a reason."""
    row, why = _row(case_uid), forms.WhyForm(request.form)
    if not why.validate():
        return _case_page(row, _case_form(data=_text_of(row)), why, 422)
    actions.void_case(access.current_staff(), case_uid, why.why.data)
    return done(
        url_for("desk.home"), _("The case is voided. It stays in the list, crossed out, and counts no more.")
    )


@bp.post("/cases/<case_uid>/undo")
def undo_case(case_uid: str) -> ResponseReturnValue:
    """Take back one's own last act on a case."""
    actions.undo_case(access.current_staff(), case_uid)
    return done(url_for("desk.home"), _("Taken back."))


# --- requests for help -------------------------------------------------------------------------


def _requests(status: int = 200, trouble: str = "") -> Response:
    staff = access.current_staff()
    return render(
        "desk/requests.html",
        status=status,
        rows=queries.open_requests(staff, _lang()),
        me=staff.id,
        manager=staff.has("manager"),
        best_times=forms.BEST_TIMES,
        trouble=trouble,
    )


@bp.get("/requests")
def open_requests() -> ResponseReturnValue:
    """Who waits for help, the longest first."""
    return _requests()


@bp.post("/requests/<int:request_id>/claim")
def claim_request(request_id: int) -> ResponseReturnValue:
    """Take a request; its telephone number is shown from now on."""
    try:
        actions.claim_request(access.current_staff(), request_id)
    except UserError as wrong:
        return _requests(wrong.status, str(wrong.message))
    return done(url_for("desk.one_request", request_id=request_id))


@bp.post("/requests/<int:request_id>/release")
def release_request(request_id: int) -> ResponseReturnValue:
    """Give a request back to the queue."""
    actions.release_request(access.current_staff(), request_id)
    return done(url_for("desk.open_requests"), _("The request is back in the queue."))


def _request_page(
    request_id: int, form: forms.CaseForm | None, answer: forms.AnswerToRequest, status: int = 200
) -> Response:
    staff = access.current_staff()
    row = queries.open_request(staff, request_id, _lang())
    if row is None or row.claimed_by != staff.id:
        raise NotFound(_("This request has been closed, withdrawn, or taken by a colleague."))
    start = {"place": "phone" if row.wants_call else "online", "topic": row.topic, "need": "explain"}
    start |= {"help_mode": "explained", "outcome": "home", "people": "1", "case_uid": f"request-{row.id}"}
    return render(
        "desk/request.html",
        status=status,
        row=row,
        form=form or _case_form(data=start),
        answer=answer,
        best_times=forms.BEST_TIMES,
        names=forms.names(),
        ready=queries.answers(staff.unit_id, row.lang, topic=row.topic),
    )


@bp.get("/requests/<int:request_id>")
def one_request(request_id: int) -> ResponseReturnValue:
    """A request that one has taken: call, answer, close as a case."""
    return _request_page(request_id, None, forms.AnswerToRequest())


@bp.post("/requests/<int:request_id>/close")
def close_request(request_id: int) -> ResponseReturnValue:
    """Close a request as one case."""
    posted = _posted()
    posted["case_uid"] = f"request-{request_id:08d}"
    form, answer = _case_form(posted, asks_why=True), forms.AnswerToRequest(request.form)
    right = [form.validate(), answer.validate()]
    if not all(right):
        return _request_page(request_id, form, answer, 422)
    actions.close_request(access.current_staff(), request_id, answer.answer.data, form.case())
    return done(url_for("desk.open_requests"), _("The request is closed and logged as a case."))


@bp.post("/requests/<int:request_id>/dismiss")
def dismiss_request(request_id: int) -> ResponseReturnValue:
    """Close a request without a case."""
    answer = forms.AnswerToRequest(request.form)
    if not answer.validate():
        return _request_page(request_id, None, answer, 422)
    actions.dismiss_request(access.current_staff(), request_id, answer.answer.data)
    return done(url_for("desk.open_requests"), _("The request is closed. It is not counted as a case."))


# --- templates, answers, switches --------------------------------------------------------------


@bp.get("/templates")
def templates() -> ResponseReturnValue:
    """The desk's templates, to change."""
    return _templates_page(forms.TemplateForm())


def _templates_page(form: forms.TemplateForm, status: int = 200) -> Response:
    staff, lang = access.current_staff(), _lang()
    present = queries.templates(staff.unit_id, lang)
    chosen = next((one for one in present if one.key == request.args.get("edit")), None)
    if chosen is not None and status == 200:
        form = forms.TemplateForm(
            data=chosen.values | {"key": chosen.key, "name": chosen.name, "old_key": chosen.key}
        )
    return render(
        "desk/templates.html",
        status=status,
        form=form,
        present=present,
        topic_names=topics.names({str(one.values["topic"]) for one in present}, lang),
        choices=topics.for_the_device(lang, most=120),
        names=forms.names(),
        file_references=queries.keeps_file_references(staff.unit_id),
        manager=staff.has("manager"),
        units=queries.unit_choices(staff),
        keeping=queries.units_keeping_file_references(staff),
    )


@bp.post("/templates")
def save_template() -> ResponseReturnValue:
    """Add or change one template of the desk."""
    form = forms.TemplateForm(request.form)
    try:
        if not form.validate():
            return _templates_page(form, 422)
        actions.save_template(
            access.current_staff(),
            form.old_key.data or None,
            form.key.data,
            {_lang(): form.name.data},
            form.values(),
        )
    except UserError as wrong:
        form.form_errors = [wrong.message]
        return _templates_page(form, wrong.status)
    return done(url_for("desk.templates"), _("The template is saved."))


@bp.post("/templates/remove")
def remove_template() -> ResponseReturnValue:
    """Take a template off the desk."""
    actions.remove_template(access.current_staff(), request.form.get("key", ""))
    return done(url_for("desk.templates"), _("The template is removed."))


@bp.post("/file-references")
@access.open_to("manager")
def switch_file_references() -> ResponseReturnValue:
    """Turn the field for file references on or off for one's own unit or one below it; for managers."""
    staff, code = access.current_staff(), request.form.get("unit", "").strip()
    unit_id = queries.unit_of_code(code, queries.today()) if code else staff.unit_id
    if code and unit_id is None:
        raise UserError(_("There is no commune or province with this code on that day."))
    actions.switch_file_references(staff, unit_id, request.form.get("on") == "yes")
    return done(url_for("desk.templates"), _("Saved."))


def _answer_form(staff: Staff, formdata: Any = None, **values: Any) -> forms.AnswerForm:
    """The form of an answer; a topic that an answer has already stays choosable."""
    offered = {one.topic: one.name for one in topics.for_the_device(_lang(), most=120)}
    used = {one.topic for one in queries.answers(staff.unit_id, _lang()) if one.topic} - offered.keys()
    offered |= {topic: named.name for topic, named in topics.names(used, _lang()).items()}
    return forms.AnswerForm(formdata, topic_choices=list(offered.items()), **values)


def _spoken() -> str:
    """The language of the texts to show, the reader's own unless another is asked for."""
    spoken = request.args.get("in", _lang())
    return spoken if spoken in {language.code for language in i18n.offered()} else _lang()


def _answer_lines(topic: str, reason: str, title: str, text: str) -> list[str]:
    about = topics.names({topic}, _lang())[topic].name if topic else "–"
    return [about, str(forms.REASON_NAMES.get(reason, "–")), title, *text.splitlines()]


def _answers_page(
    form: forms.AnswerForm | None, status: int = 200, seen: str | None = None, conflict: Any = ()
) -> Response:
    staff, spoken = access.current_staff(), _spoken()
    topic, reason = request.args.get("topic", ""), request.args.get("reason", "")
    rows = queries.answers(staff.unit_id, spoken, topic=topic, reason=reason)
    chosen = next((one for one in rows if one.key == request.args.get("edit")), None)
    if form is None:
        same = ("key", "title", "text", "topic", "reason")
        start = (
            {name: getattr(chosen, name) for name in same} if chosen else {"topic": topic, "reason": reason}
        )
        form = _answer_form(staff, data=start)
    if seen is None:
        seen = queries.answer_state(staff.unit_id, form.key.data or "", spoken)
    return render(
        "desk/answers.html",
        status=status,
        rows=rows,
        spoken=spoken,
        form=form,
        names=forms.names(),
        topic_names=topics.names({one.topic for one in rows if one.topic}, _lang()),
        editing=bool(form.key.data),
        seen=seen,
        conflict=conflict,
    )


@bp.get("/answers")
def answers() -> ResponseReturnValue:
    """Texts to read out or send, the ones for the topic and reason first."""
    return _answers_page(None)


@bp.post("/answers")
def save_answer() -> ResponseReturnValue:
    """Keep the desk's own wording of an answer."""
    staff = access.current_staff()
    form = _answer_form(staff, request.form)
    if not form.validate():
        return _answers_page(form, 422, seen=request.form.get("seen", ""))
    key = form.key.data or f"own-{secrets.token_hex(4)}"
    ours = (form.topic.data or "", form.reason.data or "", form.title.data or "", form.text.data or "")
    try:
        actions.save_answer(staff, key, _spoken(), *ours, seen=request.form.get("seen", ""))
    except Conflict as wrong:
        rows = queries.answers(staff.unit_id, _spoken())
        theirs = next((one for one in rows if one.key == key), None)
        differences = (
            side_by_side(
                _answer_lines(theirs.topic, theirs.reason, theirs.title, theirs.text), _answer_lines(*ours)
            )
            if theirs
            else ()
        )
        return _answers_page(form, wrong.status, conflict=differences)
    return done(f"{url_for('desk.answers')}?in={_spoken()}", _("The answer is saved."))
