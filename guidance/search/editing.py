"""DOOR: what editors teach the search, and what was asked in vain."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from guidance import i18n
from guidance.accounts import access
from guidance.catalogue.differences import side_by_side
from guidance.db import now
from guidance.errors import Conflict, NotFound
from guidance.search import actions, current, forms, queries
from guidance.search.documents import Document
from guidance.search.views import LONGEST, address
from guidance.search.vocabulary import Fork
from guidance.web import done, render

bp = Blueprint("vocabulary", __name__, url_prefix="/<lang:lang>/editing/vocabulary")
access.only(bp, "editor")

PAGE_SIZE = 50
QUESTION = "ask"  # the kind of a line that is a question to ask back
MOST_FOUND = 10
FORM_BODY = 256 * 1024  # phrases in three languages, every letter percent-encoded
SUBJECT = "/<any(procedure, guide):kind>/<key>"


@bp.url_value_preprocessor
def allow_more(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Phrases in three languages are longer than other forms."""
    request.max_content_length = request.max_form_memory_size = FORM_BODY


@bp.get("/")
def home() -> ResponseReturnValue:
    """Find a page to teach phrases, and what was asked in vain."""
    lang = i18n.current().code
    asked = request.args.get("q", "")[:LONGEST]
    months = queries.counted_months()
    month = request.args.get("month", "")
    if month not in months:
        month = f"{now():%Y-%m}"
    rows = queries.unanswered(month)
    return render(
        "search/vocabulary.html",
        q=asked,
        hits=current.index().search(asked, lang, limit=MOST_FOUND).hits if asked.strip() else [],
        month=month,
        months=months,
        empty=[row for row in rows if row.empty],
        unopened=[row for row in rows if not row.empty],
    )


def _document(kind: str, key: str) -> Document:
    for found in queries.documents([f"{kind}:{key}"]):
        return found
    raise NotFound


def _phrases_page(document: Document, form: forms.PhrasesForm, status: int = 200, **more: Any) -> Response:
    own = next(
        (document.titles[lang] for lang in (i18n.current().code, "en", "vi") if lang in document.titles),
        document.key,
    )
    return render(
        "search/phrases.html",
        status=status,
        form=form,
        document=document,
        title=own,
        public=address(document.kind, document.key),
        **more,
    )


@bp.get(SUBJECT)
def phrases(kind: str, key: str) -> ResponseReturnValue:
    """How people call one procedure or guide, to change."""
    subject = f"{kind}:{key}"
    kept = {lang: "\n".join(found) for lang, found in queries.phrases_of(subject).items()}
    form = forms.PhrasesForm(seen=queries.phrases_state(subject), **kept)
    return _phrases_page(_document(kind, key), form)


@bp.post(SUBJECT)
def save_phrases(kind: str, key: str) -> ResponseReturnValue:
    """Keep the phrases; the next search knows them."""
    subject = f"{kind}:{key}"
    document = _document(kind, key)
    form = forms.PhrasesForm(request.form)
    if not form.validate():
        return _phrases_page(document, form, 422)
    try:
        changed = actions.save_all_phrases(
            subject, form.phrases(), form.seen.data or "", access.current_staff().name
        )
    except Conflict as wrong:
        return _changed_meanwhile(document, form, wrong.status)
    if changed:
        current.take_up([subject])
    return done(
        url_for("vocabulary.phrases", kind=kind, key=key), _("Kept. The search knows these words now.")
    )


def _changed_meanwhile(document: Document, form: forms.PhrasesForm, status: int) -> ResponseReturnValue:
    subject = f"{document.kind}:{document.key}"
    theirs = queries.phrases_of(subject)
    rows = side_by_side(
        [line for lang in ("vi", "en", "ur") for line in theirs.get(lang, ())],
        [line.strip() for text in form.phrases().values() for line in text.splitlines()],
    )
    form.seen.data = queries.phrases_state(subject)
    return _phrases_page(document, form, status, conflict=rows)


@bp.get("/words")
def words() -> ResponseReturnValue:
    """Words that mean the same, to look through and to add to."""
    return _words_page(forms.WordForm(source=request.args.get("source", "")[:LONGEST]))


def _words_page(form: forms.WordForm, status: int = 200) -> Response:
    asked = request.args.get("q", "")[:LONGEST]
    kind = request.args.get("kind", "")
    removed = kind == "removed"
    found = queries.taught_words([kind] if kind in forms.KINDS else list(forms.KINDS), asked, removed)
    pages = -(-len(found) // PAGE_SIZE)
    page = min(max(request.args.get("page", 1, type=int) or 1, 1), max(pages, 1))
    return render(
        "search/words.html",
        status=status,
        form=form,
        q=asked,
        kind=kind,
        kinds=forms.KINDS,
        number=len(found),
        found=found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE],
        page=page,
        pages=pages,
    )


@bp.post("/words")
def add_word() -> ResponseReturnValue:
    """Teach the search a word."""
    form = forms.WordForm(request.form)
    if not form.validate():
        return _words_page(form, 422)
    actions.add_word(**form.values(), by=access.current_staff().name)
    current.take_up([], words=True)
    return done(url_for("vocabulary.words"), _("Kept. The search knows these words now."))


def _list_of(number: int) -> str:
    """The page that lists a line of the vocabulary."""
    word = queries.taught_word(number)
    return url_for("vocabulary.questions" if word and word.kind == QUESTION else "vocabulary.words")


@bp.post("/words/<int:number>/remove")
def remove_word(number: int) -> ResponseReturnValue:
    """Make the search forget a word."""
    actions.remove_word(number, access.current_staff().name)
    current.take_up([], words=True)
    return done(_list_of(number), _("Removed. It stands under “Removed” and can be put back."))


@bp.post("/words/<int:number>/restore")
def restore_word(number: int) -> ResponseReturnValue:
    """Put a removed word back."""
    actions.restore_word(number, access.current_staff().name)
    current.take_up([], words=True)
    return done(_list_of(number), _("Put back. The search knows these words again."))


@bp.get("/questions")
def questions() -> ResponseReturnValue:
    """What the site asks back when words fit several procedures, to look through and to add to."""
    return _questions_page(forms.QuestionForm())


@bp.get("/questions/<int:number>")
def question(number: int) -> ResponseReturnValue:
    """One question to change."""
    found = queries.taught_word(number)
    if found is None or found.kind != QUESTION:
        raise NotFound
    return _questions_page(forms.QuestionForm.of(found.source, found.target), number=number)


def _questions_page(form: forms.QuestionForm, status: int = 200, number: int | None = None) -> Response:
    return render(
        "search/questions.html",
        status=status,
        form=form,
        number=number,
        forks=[(one, Fork.read(one.target)) for one in queries.taught_words([QUESTION])],
        removed=queries.taught_words([QUESTION], removed=True),
        lang=i18n.current().code,
    )


@bp.post("/questions")
def add_question() -> ResponseReturnValue:
    """Let the site ask back for some words."""
    return _save_question(None)


@bp.post("/questions/<int:number>")
def save_question(number: int) -> ResponseReturnValue:
    """Change a question; the old wording is kept among the removed ones."""
    return _save_question(number)


def _save_question(number: int | None) -> ResponseReturnValue:
    form = forms.QuestionForm(request.form)
    if not form.validate() or not form.refuse_unknown(current.index().known(form.keys())):
        return _questions_page(form, 422, number)
    by, line = access.current_staff().name, form.values()
    if number is None:
        actions.add_word(QUESTION, line["source"], line["target"], by=by)
    else:
        actions.replace_word(number, QUESTION, line["source"], line["target"], by)
    current.take_up([], words=True)
    return done(url_for("vocabulary.questions"), _("Kept. The site asks this from now on."))
