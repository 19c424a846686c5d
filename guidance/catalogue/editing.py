"""DOOR: staff pages of the catalogue: procedures, notices, feedback, uploads of official records."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from guidance import i18n, security
from guidance.accounts import access
from guidance.catalogue import (
    actions,
    drafts,
    forms,
    imports,
    labels,
    notices,
    publishing,
    queries,
    standing,
    uploads,
)
from guidance.catalogue.differences import side_by_side, state_of
from guidance.catalogue.normalise import national_code
from guidance.catalogue.views import values_of
from guidance.errors import Conflict, NotFound, UserError
from guidance.units.queries import today
from guidance.web import done, render

bp = Blueprint("editing", __name__, url_prefix="/<lang:lang>/editing")
access.only(bp, "editor")

FORM_BODY = 512 * 1024  # a whole page of guidance in Vietnamese, every letter percent-encoded
FEEDBACK_DAYS = 90
CODE = "<any(vi, en, ur):code>"


@bp.url_value_preprocessor
def allow_more(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """A page of guidance is longer than other forms, a file of records longer still."""
    request.max_content_length = security.UPLOAD_BODY if endpoint == "editing.upload" else FORM_BODY
    request.max_form_memory_size = FORM_BODY


# --- procedures --------------------------------------------------------------------------------


@bp.get("/procedures/")
def procedures() -> ResponseReturnValue:
    """Every procedure, to find the one to edit."""
    question = request.args.get("q", "")[:200]
    page = max(request.args.get("page", 1, type=int) or 1, 1)
    found, number = publishing.find(question, page)
    return render(
        "editing/procedures.html",
        found=found,
        number=number,
        page=page,
        pages=-(-number // publishing.PAGE_SIZE),
        question=question,
    )


@bp.get("/procedures/new")
def new_procedure() -> ResponseReturnValue:
    """The form for a procedure that has no published code."""
    return render("editing/new.html", form=forms.NewForm(), kind="procedure")


@bp.post("/procedures/new")
def begin_procedure() -> ResponseReturnValue:
    """Begin it as a draft that citizens do not see."""
    form = forms.NewForm(request.form)
    try:
        if not form.validate():
            return render("editing/new.html", status=422, form=form, kind="procedure")
        key = publishing.create_procedure(form.name.data, access.current_staff().name)
    except UserError as wrong:
        form.form_errors = [wrong.message]
        return render("editing/new.html", status=wrong.status, form=form, kind="procedure")
    return done(
        url_for("editing.edit_procedure", key=key, code="vi"),
        _("The procedure is begun. Nobody sees it before you publish it."),
    )


@bp.get("/procedures/<key>")
def procedure(key: str) -> ResponseReturnValue:
    """One procedure: its languages, drafts, review date, and what happened to it."""
    return _procedure_page(key)


def _procedure_page(
    key: str,
    form: forms.ConfirmForm | None = None,
    standing_form: forms.StandingForm | None = None,
    code_form: forms.CodeForm | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    subject = f"procedure:{key}"
    page = publishing.overview(key)
    return render(
        "editing/procedure.html",
        status=status,
        page=page,
        form=form or forms.ConfirmForm(today=today(), next_review=today() + timedelta(days=365)),
        standing_form=standing_form or forms.StandingForm.of(page.standing),
        code_form=code_form or forms.CodeForm(),
        tasks=[task for task in publishing.open_tasks() if task.subject == subject],
        feedback=queries.feedback_on(subject),
        labels=labels,
        names=i18n.NAMES,
    )


@bp.post("/procedures/<key>/confirm")
def confirm(key: str) -> ResponseReturnValue:
    """Still correct: one action."""
    form = forms.ConfirmForm(request.form, today=today())
    if not form.validate():
        return _procedure_page(key, form, status=422)
    publishing.confirm(key, access.current_staff().name, today(), form.next_review.data)
    return done(
        url_for("editing.procedure", key=key), _("Readers now see today's date as the day of the check.")
    )


@bp.post("/procedures/<key>/standing")
def change_standing(key: str) -> ResponseReturnValue:
    """Say until when it is in force and what takes its place; when somebody else said so meanwhile, show theirs."""
    form = forms.StandingForm(request.form)
    if not form.validate():
        return _procedure_page(key, standing_form=form, status=422)
    try:
        seen = request.form.get("seen", "")
        standing.change_standing(key, form.values(), seen, access.current_staff().name)
    except Conflict as conflict:
        form.form_errors = [conflict.message]
        return _procedure_page(key, standing_form=form, status=409)
    return done(url_for("editing.procedure", key=key), _("Saved. Citizens see it now."))


@bp.post("/procedures/<key>/code")
def give_code(key: str) -> ResponseReturnValue:
    """A code has been published: the procedure moves there, and its old address leads to it."""
    form = forms.CodeForm(request.form)
    if not form.validate():
        return _procedure_page(key, code_form=form, status=422)
    code = national_code(form.code.data) or ""
    try:
        standing.give_code(key, code, access.current_staff().name)
    except Conflict as conflict:
        form.form_errors = [conflict.message]
        return _procedure_page(key, code_form=form, status=409)
    return done(url_for("editing.procedure", key=code), _("The old address leads to this code from now on."))


@bp.get(f"/procedures/<key>/{CODE}")
def edit_procedure(key: str, code: str) -> ResponseReturnValue:
    """The form of one language, from its draft or from what is published."""
    draft = drafts.draft_of(f"procedure:{key}", code)
    body, base = publishing.PROCEDURES.published(key, code)
    shown = draft.body if draft else body or publishing.beginning(key, code)
    return _edit(key, code, shown, (draft.revision, draft.base) if draft else (0, base))


def _edit(
    key: str, code: str, body: str, seen: tuple[int, str], theirs: str | None = None, by: str = ""
) -> ResponseReturnValue:
    events = [(event.slug, event.name) for event in queries.life_events(i18n.current().code)]
    form = forms.form_of(body, code, events)
    wrong: dict[str, list[str]] = {}
    try:
        forms.values_of(body, code)
    except forms.Problems as problems:
        wrong = problems.by_field if seen[0] else {}
    for name, sentences in wrong.items():
        form[name].errors = sentences
    original = publishing.original_beside(key) if code != "vi" else None
    draft = drafts.draft_of(f"procedure:{key}", code)
    return render(
        "editing/procedure_form.html",
        status=409 if theirs is not None else 200,
        page=publishing.overview(key),
        form=form,
        code=code,
        wrong=wrong,
        seen=seen,
        draft=draft,
        original=forms.parts_of(original) if original else {},
        rows=side_by_side(forms.lines_of(theirs), forms.lines_of(body)) if theirs is not None else [],
        conflict=theirs is not None,
        by=by,
        names=i18n.NAMES,
    )


@bp.post(f"/procedures/<key>/{CODE}")
def save_procedure(key: str, code: str) -> ResponseReturnValue:
    """Keep the draft; when somebody else saved meanwhile, show both."""
    subject, body = f"procedure:{key}", forms.body_of_request(request.form, code)
    publishing.overview(key)
    seen = (request.form.get("revision", 0, type=int), request.form.get("base", "")[:100])
    try:
        number = drafts.keep(publishing.PROCEDURES, subject, code, body, seen, access.current_staff().name)
    except Conflict:
        other = drafts.draft_of(subject, code)
        published, base = publishing.PROCEDURES.published(key, code)
        return _edit(
            key,
            code,
            body,
            (other.revision, other.base) if other else (0, base),
            other.body if other else published,
            ", ".join(other.authors) if other else "",
        )
    if "onward" in request.form:
        return done(url_for("drafts.review", number=number))
    return done(url_for("editing.edit_procedure", key=key, code=code), _("The draft is kept."))


@bp.get(f"/procedures/<key>/{CODE}/preview")
def preview(key: str, code: str) -> ResponseReturnValue:
    """The page as citizens will read it once the draft is published."""
    draft = drafts.draft_of(f"procedure:{key}", code)
    if draft is None:
        raise NotFound(_("This draft has been published or thrown away."))
    try:
        return drafts.look_ahead(publishing.PROCEDURES, key, code, draft.body, lambda: _page_to_be(draft))
    except forms.Problems as wrong:
        raise UserError(str(wrong)) from wrong


def _page_to_be(draft: drafts.OpenDraft) -> ResponseReturnValue:
    page = queries.page(draft.key, i18n.current().code)
    if page is None:
        raise NotFound(_("Publish the Vietnamese original first."))
    values = values_of(page, i18n.current().code)
    return render("editing/preview.html", inner="catalogue/procedure.html", draft=draft, **values)


@bp.get("/procedures/<key>/shipped")
def shipped(key: str) -> ResponseReturnValue:
    """The text that comes with the site beside ours."""
    starter = publishing.shipped(key)
    if starter is None:
        raise NotFound
    parts = []
    for code, words in starter.words().items():
        theirs = forms.body_of(words, starter.facts() if code == "vi" else None)
        ours = publishing.PROCEDURES.published(key, code)[0]
        parts.append((code, side_by_side(forms.lines_of(ours), forms.lines_of(theirs))))
    return render(
        "editing/shipped.html",
        title=publishing.overview(key).name,
        parts=parts,
        names=i18n.NAMES,
        back=url_for("editing.procedure", key=key),
        take=url_for("editing.take_shipped", key=key),
        keep=url_for("editing.keep_ours", key=key),
    )


@bp.post("/procedures/<key>/shipped/take")
def take_shipped(key: str) -> ResponseReturnValue:
    """Replace ours with the text that comes with the site."""
    publishing.take_shipped(key, access.current_staff().name)
    return done(url_for("editing.procedure", key=key), _("The text that comes with the site is published."))


@bp.post("/procedures/<key>/shipped/keep-ours")
def keep_ours(key: str) -> ResponseReturnValue:
    """Leave ours as it is."""
    publishing.keep_ours(key, access.current_staff().name)
    return done(url_for("editing.procedure", key=key), _("Your text stays."))


@bp.post("/tasks/<int:number>/close")
def close_task(number: int) -> ResponseReturnValue:
    """Say that a disagreement has been looked at."""
    publishing.close_task(number, access.current_staff().name)
    return done(url_for("drafts.home"), _("The task is closed."))


@bp.get("/feedback")
def feedback() -> ResponseReturnValue:
    """What readers said about every page in the last three months, the least useful first."""
    since = today() - timedelta(days=FEEDBACK_DAYS)
    found = queries.feedback_since(since)
    return render(
        "editing/feedback.html",
        found=found,
        names=publishing.names([one.subject for one in found]),
        since=since,
    )


# --- notices -----------------------------------------------------------------------------------


@bp.get("/notices/")
def notice_list() -> ResponseReturnValue:
    """Every notice, also those that are over or not yet shown."""
    return render("editing/notices.html", notices=notices.every(), today=today())


@bp.get("/notices/new")
def new_notice() -> ResponseReturnValue:
    """The form for a new notice."""
    return render(
        "editing/notice_form.html", form=forms.NoticeForm(shown_from=today()), key="", seen="", over=False
    )


@bp.get("/notices/<key>")
def edit_notice(key: str) -> ResponseReturnValue:
    """One notice, to change."""
    return render("editing/notice_form.html", **_notice_values(key))


def _notice_values(key: str) -> dict[str, Any]:
    notice = notices.notice(key)
    if notice is None:
        raise NotFound
    values: dict[str, Any] = {
        f"{part}_{code}": text for part in ("title", "body") for code, text in getattr(notice, part).items()
    }
    form = forms.NoticeForm(
        kind=notice.kind,
        source=notice.source,
        source_url=notice.source_url,
        subjects="\n".join(notice.subjects),
        shown_from=notice.shown_from,
        shown_to=notice.shown_to,
        **values,
    )
    over = notice.shown_to is not None and notice.shown_to < today()
    return {"form": form, "key": key, "seen": notice.published_at.isoformat(), "over": over}


@bp.post("/notices/new")
def create_notice() -> ResponseReturnValue:
    """Publish a new notice."""
    return _save_notice("")


@bp.post("/notices/<key>")
def save_notice(key: str) -> ResponseReturnValue:
    """Publish a changed notice; when somebody else changed it meanwhile, show theirs beside."""
    return _save_notice(key)


def _save_notice(key: str) -> ResponseReturnValue:
    form = forms.NoticeForm(request.form)
    values: dict[str, Any] = {"form": form, "key": key, "seen": request.form.get("seen", ""), "over": False}
    if not form.validate():
        return render("editing/notice_form.html", status=422, **values)
    try:
        notices.save(key, form.values(), request.form.get("seen", ""), access.current_staff().name)
    except Conflict as conflict:
        theirs = _notice_values(key)
        form.form_errors = [conflict.message]
        return render(
            "editing/notice_form.html",
            status=409,
            **(values | {"seen": theirs["seen"]}),
            rows=side_by_side(_lines(theirs["form"]), _lines(form)),
        )
    return done(url_for("editing.notice_list"), _("The notice is published."))


def _lines(form: forms.NoticeForm) -> list[str]:
    return [f"{field.label.text}: {field.data}" for field in form if field.data]


@bp.post("/notices/<key>/end")
def end_notice(key: str) -> ResponseReturnValue:
    """Show a notice no longer from today."""
    notices.end(key, today(), access.current_staff().name)
    return done(url_for("editing.notice_list"), _("The notice is no longer shown."))


# --- moments of life ---------------------------------------------------------------------------


def _life_events_page(form: forms.LifeEventsForm, seen: str, status: int = 200) -> ResponseReturnValue:
    theirs = queries.named_life_events() if status == 409 else []
    return render(
        "editing/life_events.html",
        status=status,
        form=form,
        seen=seen,
        rows=side_by_side(_event_lines(theirs), _event_lines(form.values())) if theirs else [],
    )


def _event_lines(events: list[queries.NamedLifeEvent]) -> list[str]:
    return [" · ".join([*one.names.values(), *([] if one.shown else [_("hidden")])]) for one in events]


@bp.get("/life-events")
def life_events() -> ResponseReturnValue:
    """The moments of life on the home page, to name, order, add and hide."""
    present = queries.named_life_events()
    rows: list[dict[str, Any]] = [
        {"slug": one.slug, "position": place, "shown": one.shown, **one.names}
        for place, one in enumerate(present, start=1)
    ]
    rows.append({"shown": True})
    return _life_events_page(forms.LifeEventsForm(events=rows), state_of(present))


@bp.post("/life-events")
def save_life_events() -> ResponseReturnValue:
    """Keep them; when somebody else changed them meanwhile, show both."""
    form, seen = forms.LifeEventsForm(request.form), request.form.get("seen", "")
    known = {one.slug for one in queries.named_life_events()}
    if not form.validate() or any(one.slug and one.slug not in known for one in form.values()):
        return _life_events_page(form, seen, 422)
    try:
        actions.save_life_events(form.values(), seen, access.current_staff().name)
    except Conflict as wrong:
        return _life_events_page(form, state_of(queries.named_life_events()), wrong.status)
    return done(url_for("editing.life_events"), _("Saved. Citizens see it now."))


# --- official records --------------------------------------------------------------------------


@bp.get("/uploads")
def uploads_form() -> ResponseReturnValue:
    """Where a file of official records is handed in."""
    return render("editing/upload.html", wrong="")


@bp.post("/uploads")
def upload() -> ResponseReturnValue:
    """Take the file by its content, keep it, and show what it would change."""
    file = request.files.get("file")
    if file is None or not file.filename:
        return render("editing/upload.html", status=422, wrong=_("Choose a file first."))
    try:
        digest = uploads.receive(file.stream)
    except UserError as refused:
        return render("editing/upload.html", status=refused.status, wrong=refused.message)
    return done(url_for("editing.upload_preview", digest=digest))


@bp.get("/uploads/<digest>")
def upload_preview(digest: str) -> ResponseReturnValue:
    """What the file would change, record by record; nothing is stored."""
    path = uploads.path_of(digest)
    report = imports.preview(imports.check(path))
    return render(
        "editing/upload_preview.html",
        digest=digest,
        report=report,
        changes=report.changes[: uploads.SHOWN_CHANGES],
        compared=uploads.comparisons(path, report.changes),
    )


@bp.post("/uploads/<digest>/confirm")
def upload_confirm(digest: str) -> ResponseReturnValue:
    """Store the readable records; with rejected lines only when that was asked for."""
    checked = imports.check(uploads.path_of(digest))
    partial = request.form.get("partial") == "yes"
    report = imports.save(checked, partial=partial, by=access.current_staff().name)
    if report.rejected and not partial:
        return done(
            url_for("editing.upload_preview", digest=digest),
            _("Nothing was stored: some lines cannot be read. Say that the rest should be stored."),
        )
    return done(
        url_for("editing.uploads_form"),
        _(
            "Stored: %(new)s new, %(changed)s changed, %(unchanged)s unchanged.",
            new=report.new,
            changed=report.changed,
            unchanged=report.unchanged,
        ),
    )


@bp.get("/uploads/<digest>/rejected")
def upload_rejected(digest: str) -> ResponseReturnValue:
    """The lines that cannot be read, with the reasons, to mend."""
    checked = imports.check(uploads.path_of(digest))
    response = Response(uploads.rejected_lines(checked.rejected), mimetype="application/x-ndjson")
    response.headers["Content-Disposition"] = f'attachment; filename="rejected-{today():%Y-%m-%d}.jsonl"'
    return response
