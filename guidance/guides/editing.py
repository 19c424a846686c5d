"""DOOR: the editors' home, drafts of every kind, and staff pages of guides."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, current_app, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from guidance import i18n
from guidance.accounts import access
from guidance.catalogue import drafts, forms, labels, publishing
from guidance.catalogue import queries as catalogue
from guidance.catalogue.differences import side_by_side
from guidance.errors import Conflict, NotFound, UserError
from guidance.guides import actions, imports, queries
from guidance.guides import publishing as guides
from guidance.guides.format import as_text
from guidance.guides.views import values_of
from guidance.units.queries import today
from guidance.web import done, render

bp = Blueprint("drafts", __name__, url_prefix="/<lang:lang>/editing")
access.only(bp, "editor")

KINDS: dict[str, drafts.Kind] = {"procedure": publishing.PROCEDURES, "guide": guides.GUIDES}
FORM_BODY = 512 * 1024  # a whole guide in Vietnamese, every letter percent-encoded
SOON = 30
CODE = "<any(vi, en, ur):code>"


@bp.url_value_preprocessor
def allow_more(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """A guide is longer than other forms."""
    request.max_content_length = request.max_form_memory_size = FORM_BODY


@bp.get("/")
def home() -> ResponseReturnValue:
    """What waits for editors: reviews, disagreements, drafts, translations, what readers said."""
    soon = today() + timedelta(days=SOON)
    open_drafts, tasks = drafts.open_drafts(), publishing.open_tasks()
    said = catalogue.feedback_since(today() - timedelta(days=90))
    unhelpful = [one for one in said if one.not_useful or one.comments][:10]
    subjects = [draft.subject for draft in open_drafts] + [task.subject for task in tasks]
    subjects += [one.subject for one in unhelpful]
    due = [
        *(
            ("procedure", one.key, one.name, one.review_by, one.starter_waiting)
            for one in publishing.due(soon)
        ),
        *(("guide", one.slug, one.title, one.review_by, one.starter_waiting) for one in queries.due(soon)),
    ]
    return render(
        "editing/home.html",
        labels=labels,
        drafts=open_drafts,
        tasks=tasks,
        names=publishing.names(subjects),
        unhelpful=unhelpful,
        due=sorted(
            (one for one in due if one[3] is not None and one[3] <= soon), key=lambda one: str(one[3])
        ),
        waiting=[one for one in due if one[4]],
        today=today(),
        translations=[
            (
                code,
                len(publishing.translations(code)) + len(guides.translations(code)),
                sum(
                    state == "outdated"
                    for _key, _name, state in (*publishing.translations(code), *guides.translations(code))
                ),
            )
            for code in ("en", "ur")
        ],
        languages_by_code=i18n.NAMES,
    )


@bp.get("/translations")
def translations() -> ResponseReturnValue:
    """What a language lacks, or has in an older state than the original."""
    code = request.args.get("code", "en")
    if code not in ("en", "ur"):
        raise NotFound
    found = [("procedure", *one) for one in publishing.translations(code)]
    found += [("guide", *one) for one in guides.translations(code)]
    found.sort(key=lambda one: one[3] != "outdated")
    return render("editing/translations.html", found=found, code=code, languages_by_code=i18n.NAMES)


# --- drafts ------------------------------------------------------------------------------------


def _draft(number: int) -> drafts.OpenDraft:
    found = drafts.draft(number)
    if found is None:
        raise NotFound(_("This draft has been published or thrown away."))
    return found


def _edit_address(draft: drafts.OpenDraft) -> str:
    if draft.kind == "guide":
        return url_for("drafts.edit_guide", slug=draft.key, code=draft.lang)
    return url_for("editing.edit_procedure", key=draft.key, code=draft.lang)


def _preview_address(draft: drafts.OpenDraft) -> str:
    if draft.kind == "guide":
        return url_for("drafts.preview_guide", slug=draft.key, code=draft.lang, lang=draft.lang)
    return url_for("editing.preview", key=draft.key, code=draft.lang, lang=draft.lang)


def _page_address(draft: drafts.OpenDraft) -> str:
    if draft.kind == "guide":
        return url_for("drafts.guide", slug=draft.key)
    return url_for("editing.procedure", key=draft.key)


@bp.get("/drafts/<int:number>")
def review(number: int) -> ResponseReturnValue:
    """A draft beside what is published, what keeps it from being published, and what can be done with it."""
    return _review(_draft(number))


def _review(draft: drafts.OpenDraft, status: int = 200, wrong: object = "") -> ResponseReturnValue:
    kind = KINDS[draft.kind]
    published, base = kind.published(draft.key, draft.lang)
    staff = access.current_staff()
    second = current_app.config["SETTINGS"].second_editor
    return render(
        "editing/draft.html",
        status=status,
        draft=draft,
        name=publishing.names([draft.subject]).get(draft.subject, draft.key),
        rows=side_by_side(kind.lines(published), kind.lines(draft.body)),
        is_new=not published,
        problems=kind.problems(draft.key, draft.lang, draft.body),
        moved=base != draft.base,
        may_publish=not (second and staff.name in draft.authors),
        second_editor=second,
        edit=_edit_address(draft),
        preview=_preview_address(draft),
        back=_page_address(draft),
        wrong=wrong,
        language_name=i18n.NAMES[draft.lang],
    )


def _seen() -> int:
    return request.form.get("revision", 0, type=int)


@bp.post("/drafts/<int:number>/send")
def send(number: int) -> ResponseReturnValue:
    """Send for review."""
    draft = _draft(number)
    try:
        drafts.send_for_review(KINDS[draft.kind], number, _seen(), access.current_staff().name)
    except UserError as wrong:
        return _review(_draft(number), wrong.status, wrong.message)
    return done(url_for("drafts.review", number=number), _("The draft waits for review."))


@bp.post("/drafts/<int:number>/send-back")
def send_back(number: int) -> ResponseReturnValue:
    """Give it back with a remark."""
    _draft(number)
    try:
        drafts.send_back(number, _seen(), request.form.get("remark", ""), access.current_staff().name)
    except UserError as wrong:
        return _review(_draft(number), wrong.status, wrong.message)
    return done(url_for("drafts.home"), _("The draft is back with its author."))


@bp.post("/drafts/<int:number>/publish")
def publish(number: int) -> ResponseReturnValue:
    """Let citizens read it."""
    draft = _draft(number)
    second = current_app.config["SETTINGS"].second_editor
    try:
        drafts.publish(KINDS[draft.kind], number, _seen(), access.current_staff().name, second)
    except UserError as wrong:
        return _review(_draft(number), wrong.status, wrong.message)
    return done(_page_address(draft), _("Published. Citizens read it now."))


@bp.post("/drafts/<int:number>/continue")
def go_on(number: int) -> ResponseReturnValue:
    """Continue on the text that is published now."""
    draft = _draft(number)
    drafts.continue_on_published(KINDS[draft.kind], number, _seen())
    return done(_edit_address(draft), _("The draft now continues the published text."))


@bp.post("/drafts/<int:number>/throw-away")
def throw_away(number: int) -> ResponseReturnValue:
    """Delete the draft."""
    _draft(number)
    try:
        drafts.throw_away(number, _seen(), access.current_staff().name)
    except Conflict as wrong:
        return _review(_draft(number), wrong.status, wrong.message)
    return done(url_for("drafts.home"), _("The draft is thrown away. What is published stays."))


# --- earlier versions, of procedures and guides alike ------------------------------------------

VERSIONS = f"/<any(procedures, guides):what>/<key>/{CODE}"


def _subject(what: str, key: str) -> tuple[drafts.Kind, str, str]:
    """How this kind of page is published, its subject, and the page that leads to its versions."""
    if what == "guides":
        return KINDS["guide"], f"guide:{key}", url_for("drafts.guide", slug=key)
    return KINDS["procedure"], f"procedure:{key}", url_for("editing.procedure", key=key)


@bp.get(f"{VERSIONS}/versions")
def versions(what: str, key: str, code: str) -> ResponseReturnValue:
    """Every state a language has been in, and what changed from one to the next."""
    kind, subject, back = _subject(what, key)
    found = kind.versions(key, code)
    chosen = request.args.get("number", found[0].number if found else 0, type=int)
    bodies = {one.number: one.body for one in found}
    before, after = (kind.lines(bodies[one]) if one in bodies else [] for one in (chosen - 1, chosen))
    return render(
        "editing/versions.html",
        title=publishing.names([subject]).get(subject, key),
        back=back,
        restore=url_for("drafts.restore", what=what, key=key, code=code),
        versions=found,
        chosen=chosen,
        rows=side_by_side(before, after) if chosen in bodies else [],
        code=code,
        names=i18n.NAMES,
    )


@bp.post(f"{VERSIONS}/restore")
def restore(what: str, key: str, code: str) -> ResponseReturnValue:
    """Make an earlier state a draft again."""
    kind, subject, _back = _subject(what, key)
    chosen = request.form.get("number", 0, type=int)
    number = drafts.restore(kind, subject, code, chosen, access.current_staff().name)
    return done(
        url_for("drafts.review", number=number), _("Version %(number)s is a draft again.", number=chosen)
    )


# --- guides ------------------------------------------------------------------------------------


@bp.get("/guides/")
def guide_list() -> ResponseReturnValue:
    """Every guide, to find the one to edit."""
    return render("editing/guides.html", found=guides.titles())


@bp.get("/guides/new")
def new_guide() -> ResponseReturnValue:
    """The form for a new guide."""
    return render("editing/new.html", form=forms.NewForm(), kind="guide")


@bp.post("/guides/new")
def begin_guide() -> ResponseReturnValue:
    """Begin it as a draft that citizens do not see."""
    form = forms.NewForm(request.form)
    try:
        if not form.validate():
            return render("editing/new.html", status=422, form=form, kind="guide")
        slug = guides.begin_guide(form.name.data, access.current_staff().name)
    except UserError as wrong:
        form.form_errors = [wrong.message]
        return render("editing/new.html", status=wrong.status, form=form, kind="guide")
    return done(
        url_for("drafts.edit_guide", slug=slug, code="vi"),
        _("The guide is begun. Nobody sees it before you publish it."),
    )


@bp.get("/guides/<slug>")
def guide(slug: str) -> ResponseReturnValue:
    """One guide: its languages, drafts and review date."""
    return _guide_page(slug, forms.ConfirmForm(today=today(), next_review=today() + timedelta(days=365)), 200)


def _guide_page(slug: str, form: forms.ConfirmForm, status: int) -> ResponseReturnValue:
    row, states = guides.guide_row(slug), guides.states(slug)
    if row is None and not any(number for _lang, _state, number in states):
        raise NotFound
    subject = f"guide:{slug}"
    return render(
        "editing/guide.html",
        status=status,
        slug=slug,
        row=row,
        name=publishing.names([subject]).get(subject, slug),
        states=states,
        form=form,
        feedback=catalogue.feedback_on(subject),
        names=i18n.NAMES,
    )


@bp.post("/guides/<slug>/confirm")
def confirm_guide(slug: str) -> ResponseReturnValue:
    """Still correct: one action."""
    form = forms.ConfirmForm(request.form, today=today())
    if not form.validate():
        return _guide_page(slug, form, 422)
    guides.confirm(slug, access.current_staff().name, today(), form.next_review.data)
    return done(
        url_for("drafts.guide", slug=slug), _("Readers now see today's date as the day of the check.")
    )


@bp.post("/guides/<slug>/show")
def show_guide(slug: str) -> ResponseReturnValue:
    """Take a guide off the site, or put it back."""
    shown = request.form.get("shown") == "yes"
    actions.show_guide(slug, access.current_staff().name, shown)
    return done(
        url_for("drafts.guide", slug=slug),
        _("Citizens can read the guide again.") if shown else _("The guide is off the site."),
    )


@bp.get(f"/guides/<slug>/{CODE}")
def edit_guide(slug: str, code: str) -> ResponseReturnValue:
    """The file of one language, from its draft or from what is published."""
    draft = drafts.draft_of(f"guide:{slug}", code)
    body, base = guides.GUIDES.published(slug, code)
    if draft is None and not body and guides.guide_row(slug) is None:
        raise NotFound
    shown = draft.body if draft else body or guides.beginning(slug, code)
    return _edit_guide(slug, code, shown, (draft.revision, draft.base) if draft else (0, base))


def _edit_guide(
    slug: str, code: str, body: str, seen: tuple[int, str], theirs: str | None = None, by: str = ""
) -> ResponseReturnValue:
    return render(
        "editing/guide_form.html",
        status=409 if theirs is not None else 200,
        slug=slug,
        code=code,
        body=body,
        seen=seen,
        draft=drafts.draft_of(f"guide:{slug}", code),
        problems=guides.GUIDES.problems(slug, code, body) if seen[0] else [],
        original=guides.GUIDES.published(slug, "vi")[0] if code != "vi" else "",
        rows=side_by_side(theirs.splitlines(), body.splitlines()) if theirs is not None else [],
        conflict=theirs is not None,
        by=by,
        names=i18n.NAMES,
    )


@bp.post(f"/guides/<slug>/{CODE}")
def save_guide(slug: str, code: str) -> ResponseReturnValue:
    """Keep the draft; when somebody else saved meanwhile, show both."""
    subject = f"guide:{slug}"
    body = request.form.get("body", "").replace("\r\n", "\n")
    if guides.guide_row(slug) is None and drafts.draft_of(subject, code) is None:
        raise NotFound
    seen = (_seen(), request.form.get("base", "")[:100])
    try:
        number = drafts.keep(guides.GUIDES, subject, code, body, seen, access.current_staff().name)
    except Conflict:
        other = drafts.draft_of(subject, code)
        published, base = guides.GUIDES.published(slug, code)
        return _edit_guide(
            slug,
            code,
            body,
            (other.revision, other.base) if other else (0, base),
            other.body if other else published,
            ", ".join(other.authors) if other else "",
        )
    if "onward" in request.form:
        return done(url_for("drafts.review", number=number))
    return done(url_for("drafts.edit_guide", slug=slug, code=code), _("The draft is kept."))


@bp.get(f"/guides/<slug>/{CODE}/preview")
def preview_guide(slug: str, code: str) -> ResponseReturnValue:
    """The guide as citizens will read it once the draft is published."""
    draft = drafts.draft_of(f"guide:{slug}", code)
    if draft is None:
        raise NotFound(_("This draft has been published or thrown away."))
    return drafts.look_ahead(guides.GUIDES, slug, code, draft.body, lambda: _guide_to_be(draft))


def _guide_to_be(draft: drafts.OpenDraft) -> ResponseReturnValue:
    page = queries.guide_page(draft.key, i18n.current().code)
    if page is None:
        raise NotFound
    values = values_of(page, i18n.current().code)
    return render("editing/preview.html", inner="guides/guide.html", draft=draft, **values)


@bp.get("/guides/<slug>/shipped")
def shipped_guide(slug: str) -> ResponseReturnValue:
    """The guide that comes with the site beside ours."""
    files = imports.shipped(slug)
    if files is None:
        raise NotFound
    parts = [
        (
            code,
            side_by_side(guides.GUIDES.published(slug, code)[0].splitlines(), as_text(words).splitlines()),
        )
        for code, words in files.words.items()
    ]
    return render(
        "editing/shipped.html",
        title=publishing.names([f"guide:{slug}"]).get(f"guide:{slug}", slug),
        parts=parts,
        names=i18n.NAMES,
        back=url_for("drafts.guide", slug=slug),
        take=url_for("drafts.take_shipped_guide", slug=slug),
        keep=url_for("drafts.keep_our_guide", slug=slug),
    )


@bp.post("/guides/<slug>/shipped/take")
def take_shipped_guide(slug: str) -> ResponseReturnValue:
    """Replace ours with the guide that comes with the site."""
    if not guides.take_shipped(slug, access.current_staff().name):
        raise NotFound
    return done(url_for("drafts.guide", slug=slug), _("The text that comes with the site is published."))


@bp.post("/guides/<slug>/shipped/keep-ours")
def keep_our_guide(slug: str) -> ResponseReturnValue:
    """Leave ours as it is."""
    guides.keep_ours(slug, access.current_staff().name)
    return done(url_for("drafts.guide", slug=slug), _("Your text stays."))
