"""Publishing our guidance about procedures: what must be right first, every earlier state, and saying 'still correct'."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, func, select, update

from guidance import audit
from guidance.catalogue import cards, forms, layers, queries
from guidance.catalogue.drafts import DraftFirst, Version
from guidance.catalogue.guidance import (
    entries_without_source,
    facts_of,
    marks_of,
    read_starter,
    words_of,
)
from guidance.catalogue.models import (
    Draft,
    EditorTask,
    FormerKey,
    Guidance,
    GuidanceText,
    GuidanceVersion,
    GuideLink,
    OfficialRecord,
    PlainName,
    Procedure,
    ProcedureCard,
    ProcedureLifeEvent,
)
from guidance.catalogue.standing import Standing, standing_of
from guidance.config import PROJECT
from guidance.db import content_changed, db, now, transaction
from guidance.errors import NotFound, UserError
from guidance.text import fold, slug

if TYPE_CHECKING:
    from guidance.catalogue.shapes import GuidanceFacts, GuidanceWords, StarterProcedure

STARTERS = PROJECT / "guidance" / "content" / "procedures"
LANGUAGES = ("vi", "en", "ur")
PAGE_SIZE = 50


class KeyTaken(UserError):
    """Another procedure has this key."""

    status = 409
    message = _l("There is already a procedure with this name. Open it, or choose another name.")


class LanguageState(NamedTuple):
    """One language of a page: missing, outdated (the original changed later) or fine; its draft's id where there is one."""

    lang: str
    state: str
    draft: int | None


class Overview(NamedTuple):
    """What an editor needs to know of one procedure before editing it."""

    key: str
    code: str | None
    status: str
    standing: Standing
    name: str
    has_record: bool
    has_guidance: bool
    owner: str
    review_by: date | None
    starter_waiting: bool
    languages: tuple[LanguageState, ...]


class Found(NamedTuple):
    """A procedure in the editors' list."""

    key: str
    name: str
    has_guidance: bool
    status: str


class Due(NamedTuple):
    """A page whose review comes or that has new shipped text waiting."""

    key: str
    name: str
    owner: str
    review_by: date | None
    starter_waiting: bool


def _procedure(key: str) -> Procedure:
    procedure = db.session.scalar(select(Procedure).where(Procedure.key == key))
    if procedure is None:
        raise NotFound
    return procedure


def stored_words(procedure_id: int, lang: str) -> GuidanceWords | None:
    """Our published words in exactly this language."""
    row = db.session.execute(
        select(GuidanceText.name, GuidanceText.summary, GuidanceText.words).where(
            GuidanceText.procedure_id == procedure_id, GuidanceText.lang == lang
        )
    ).one_or_none()
    return words_of(row.name, row.summary, row.words) if row is not None else None


def stored_facts(procedure_id: int) -> GuidanceFacts | None:
    """Our published facts."""
    facts = db.session.scalar(select(Guidance.facts).where(Guidance.procedure_id == procedure_id))
    return facts_of(facts) if facts is not None else None


def _body(procedure_id: int, lang: str) -> str:
    words = stored_words(procedure_id, lang)
    facts = stored_facts(procedure_id) if lang == "vi" else None
    return forms.body_of(words, facts) if words is not None or facts is not None else ""


class Procedures:
    """How drafts of our guidance about procedures are compared, checked and published (a drafts.Kind)."""

    def published(self, key: str, lang: str) -> tuple[str, str]:
        """The published form and a fingerprint of it."""
        body = _body(_procedure(key).id, lang)
        return body, hashlib.sha256(body.encode()).hexdigest() if body else ""

    def lines(self, body: str) -> list[str]:
        """The form as lines."""
        return forms.lines_of(body)

    def problems(self, key: str, lang: str, body: str) -> list[str]:
        """Everything that keeps the form from being published."""
        try:
            words, facts = forms.values_of(body, lang)
        except forms.Problems as wrong:
            return [sentence for said in wrong.by_field.values() for sentence in said]
        if facts is not None:
            return [*_missing(words, facts), *_broken(key, facts)]
        return list(_unlike(key, words))

    def put(self, key: str, lang: str, body: str, authors: list[str], by: str) -> None:
        """Store words and facts, note the version, and make lists and search follow."""
        words, facts = forms.values_of(body, lang)
        procedure = _procedure(key)
        _note_start(procedure.id)
        guidance = db.session.get(Guidance, procedure.id)
        if guidance is None:
            guidance = Guidance(procedure_id=procedure.id, facts={})
            db.session.add(guidance)
        if facts is not None:
            _put_facts(procedure, guidance, facts)
        _put_words(procedure.id, lang, words)
        guidance.edited = True
        procedure.changed_at = now()
        db.session.flush()
        _note_version(procedure.id, lang, authors, by)
        _let_out()

    def versions(self, key: str, lang: str) -> list[Version]:
        """Every state our words have been in, newest first."""
        query = (
            select(GuidanceVersion)
            .where(GuidanceVersion.procedure_id == _procedure(key).id, GuidanceVersion.lang == lang)
            .order_by(GuidanceVersion.number.desc())
        )
        return [
            Version(row.number, row.at, tuple(row.authors), row.reviewer, row.body)
            for row in db.session.scalars(query)
        ]


PROCEDURES = Procedures()


def _let_out() -> None:
    db.session.flush()
    layers.compare_layers()
    cards.refresh()
    content_changed()


def _put_facts(procedure: Procedure, guidance: Guidance, facts: GuidanceFacts) -> None:
    guidance.facts = facts.model_dump(mode="json")
    guidance.owner, guidance.review_by = facts.owner, facts.review_by
    if procedure.status == "draft":
        procedure.status = "active"
    db.session.execute(delete(ProcedureLifeEvent).where(ProcedureLifeEvent.procedure_id == procedure.id))
    db.session.add_all(
        ProcedureLifeEvent(procedure_id=procedure.id, life_event=event)
        for event in dict.fromkeys(facts.life_events)
    )


def _put_words(procedure_id: int, lang: str, words: GuidanceWords) -> None:
    text = db.session.scalar(
        select(GuidanceText).where(GuidanceText.procedure_id == procedure_id, GuidanceText.lang == lang)
    )
    if text is None:
        text = GuidanceText(procedure_id=procedure_id, lang=lang)
        db.session.add(text)
    text.name, text.summary = words.name, words.summary
    text.words = words.model_dump(mode="json", exclude={"name", "summary"})


def _note_version(procedure_id: int, lang: str, authors: list[str], reviewer: str) -> None:
    last = db.session.scalar(
        select(func.max(GuidanceVersion.number)).where(
            GuidanceVersion.procedure_id == procedure_id, GuidanceVersion.lang == lang
        )
    )
    db.session.add(
        GuidanceVersion(
            procedure_id=procedure_id,
            lang=lang,
            number=(last or 0) + 1,
            at=now(),
            authors=authors,
            reviewer=reviewer,
            body=_body(procedure_id, lang),
        )
    )
    db.session.flush()


def _note_start(procedure_id: int) -> None:
    """Before the first change, keep what was there: the original first, so that no translation looks outdated."""
    if db.session.scalar(
        select(GuidanceVersion.id).where(GuidanceVersion.procedure_id == procedure_id).limit(1)
    ):
        return
    for lang in LANGUAGES:
        if _body(procedure_id, lang):
            _note_version(procedure_id, lang, [], "")


# --- what must be right ------------------------------------------------------------------------

_PARTS = {
    "levels": _l("Level"),
    "agency": _l("Who decides"),
    "hand_in": _l("Where to hand in"),
    "audience": _l("For whom"),
    "life_events": _l("Moments of life"),
    "channels": _l("Ways to hand in, time and fee"),
    "sources": _l("Sources"),
    "review_by": _l("Next review (year-month-day)"),
    "summary": _l("Summary"),
    "who": _l("Who it is for"),
    "bring": _l("What to bring"),
    "counter": _l("Steps at the counter"),
    "online": _l("Steps online"),
    "result": _l("What you get"),
    "mistakes": _l("Common mistakes"),
    "staff": _l("For staff: what you do"),
}


def _part(name: str) -> str:
    return str(_PARTS.get(name, name))


def _missing(words: GuidanceWords, facts: GuidanceFacts) -> Iterator[str]:
    for part in (
        "levels",
        "agency",
        "hand_in",
        "audience",
        "life_events",
        "channels",
        "sources",
        "review_by",
    ):
        if not getattr(facts, part):
            yield _("“%(part)s” is still empty.", part=_part(part))
    for part in ("summary", "who", "bring", "result", "staff"):
        if not getattr(words, part):
            yield _("“%(part)s” is still empty.", part=_part(part))
    if not words.counter and not words.online:
        yield _("Describe the steps at the counter or online.")
    if len(words.mistakes) < 2:
        yield _("Name at least two common mistakes.")
    for part, number in entries_without_source(words):
        yield _("“%(part)s”, entry %(number)s, names no source.", part=_part(part), number=number)
    named = {*_sources_of(words.model_dump()), *_sources_of(facts.model_dump(exclude={"sources"}))}
    for key in sorted(named - set(facts.sources)):
        yield _("The source “%(key)s” is named but not listed under Sources.", key=key)


def _sources_of(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("source"), str):
            yield value["source"]
        for part in value.values():
            yield from _sources_of(part)
    elif isinstance(value, list):
        for part in value:
            yield from _sources_of(part)


def _broken(key: str, facts: GuidanceFacts) -> Iterator[str]:
    wanted = [*facts.related, *facts.before, *facts.after]
    slugs = [one.removeprefix("guide:") for one in wanted if one.startswith("guide:")]
    keys = [one for one in wanted if not one.startswith("guide:")]
    known = set(db.session.scalars(select(Procedure.key).where(Procedure.key.in_(keys)))) | {
        f"guide:{name}"
        for name in db.session.scalars(select(GuideLink.slug).where(GuideLink.slug.in_(slugs)))
    }
    for one in dict.fromkeys(wanted):
        if one not in known:
            yield _("The link to %(target)s leads nowhere.", target=one)
        elif one == key:
            yield _("The page links to itself.")
    events = {event.slug for event in queries.named_life_events()}
    for event in facts.life_events:
        if event not in events:
            yield _("“%(event)s” is no moment of life that this site knows.", event=event)


def _unlike(key: str, words: GuidanceWords) -> Iterator[str]:
    original = stored_words(_procedure(key).id, "vi")
    if original is None:
        yield _("Publish the Vietnamese original first.")
        return
    if not words.summary:
        yield _("“%(part)s” is still empty.", part=_part("summary"))
    for part in ("who", "bring", "counter", "online", "mistakes", "staff"):
        ours, theirs = len(getattr(words, part)), len(getattr(original, part))
        # A short translation has only name and summary; readers then get the original for the rest.
        if ours != theirs and (ours or words.counter or words.online):
            yield _(
                "“%(part)s” has %(ours)s entries, the original %(theirs)s.",
                part=_part(part),
                ours=ours,
                theirs=theirs,
            )
    for case, first in zip(words.bring, original.bring, strict=False):
        if len(case.items) != len(first.items):
            yield _(
                "The case “%(case)s” has %(ours)s papers, the original %(theirs)s.",
                case=case.case,
                ours=len(case.items),
                theirs=len(first.items),
            )


# --- reading -----------------------------------------------------------------------------------


def _name(procedure: Procedure) -> str:
    for name in (
        db.session.scalar(
            select(GuidanceText.name).where(
                GuidanceText.procedure_id == procedure.id, GuidanceText.lang == "vi"
            )
        ),
        db.session.scalar(
            select(PlainName.name).where(PlainName.code == (procedure.code or ""), PlainName.lang == "vi")
        ),
        db.session.scalar(select(OfficialRecord.name).where(OfficialRecord.procedure_id == procedure.id)),
    ):
        if name:
            return name
    return procedure.key


def overview(key: str) -> Overview:
    """One procedure as its editor sees it."""
    procedure = _procedure(key)
    guidance = db.session.get(Guidance, procedure.id)
    has_words = stored_words(procedure.id, "vi") is not None
    drafts = {
        lang: number
        for number, lang in db.session.execute(
            select(Draft.id, Draft.lang).where(Draft.subject == f"procedure:{key}")
        )
    }
    outdated = {lang for found, lang in _outdated() if found == procedure.id}
    present = set(
        db.session.scalars(select(GuidanceText.lang).where(GuidanceText.procedure_id == procedure.id))
    )
    return Overview(
        key,
        procedure.code,
        procedure.status,
        standing_of(procedure),
        _name(procedure),
        db.session.get(OfficialRecord, procedure.id) is not None,
        has_words,
        guidance.owner if guidance else "",
        guidance.review_by if guidance else None,
        bool(guidance and guidance.starter_waiting),
        tuple(
            LanguageState(
                lang,
                "missing" if lang not in present else "outdated" if lang in outdated else "fine",
                drafts.get(lang),
            )
            for lang in LANGUAGES
        ),
    )


def beginning(key: str, lang: str) -> str:
    """A body to begin with where nothing has been written: the name that people use already."""
    procedure = _procedure(key)
    plain = db.session.scalar(
        select(PlainName.name).where(PlainName.code == (procedure.code or ""), PlainName.lang == lang)
    )
    kept = {"name": [plain or (_name(procedure) if lang == "vi" else "")]}
    record = db.session.get(OfficialRecord, procedure.id)
    if lang == "vi" and record is not None:
        kept |= {"sector": [record.sector], "levels": list(record.levels), "audience": list(record.audience)}
        if record.source_url:
            title = f"Cổng Dịch vụ công quốc gia, thủ tục {procedure.code or record.name}"
            kept |= {"sources-0-key": ["portal"], "sources-0-title_vi": [title]}
            kept |= {
                "sources-0-url": [record.source_url],
                "sources-0-verified_on": [f"{record.imported_at:%Y-%m}"],
            }
    return json.dumps(kept, ensure_ascii=False)


def original_beside(key: str) -> GuidanceWords | None:
    """The Vietnamese words that a translator has beside them."""
    return stored_words(_procedure(key).id, "vi")


def with_marks(key: str, words: GuidanceWords) -> GuidanceWords:
    """Words of another language with the sources of the original."""
    original = original_beside(key)
    return marks_of(original, words) if original is not None else words


def find(question: str, page: int) -> tuple[list[Found], int]:
    """Procedures whose name or code holds the words asked for (those with guidance first), and how many there are."""
    query = (
        select(
            Procedure.key,
            Procedure.status,
            ProcedureCard.name_vi,
            ProcedureCard.has_guidance,
            GuidanceText.name,
        )
        .outerjoin(ProcedureCard, ProcedureCard.procedure_id == Procedure.id)
        .outerjoin(GuidanceText, (GuidanceText.procedure_id == Procedure.id) & (GuidanceText.lang == "vi"))
    )
    for word in fold(question).split()[:8]:
        query = query.where(
            ProcedureCard.folded_name.contains(word, autoescape=True)
            | Procedure.key.contains(word, autoescape=True)
        )
    number = db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    query = query.order_by(
        (Procedure.status != "draft"), ProcedureCard.has_guidance.desc(), ProcedureCard.name_vi, Procedure.key
    )
    rows = db.session.execute(query.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE))
    return [
        Found(key, ours or name or key, bool(guided), status) for key, status, name, guided, ours in rows
    ], number


def due(on: date) -> list[Due]:
    """Pages whose review date has come or that have new shipped text waiting, the oldest first."""
    query = (
        select(Procedure.key, GuidanceText.name, Guidance.owner, Guidance.review_by, Guidance.starter_waiting)
        .join(Guidance, Guidance.procedure_id == Procedure.id)
        .join(GuidanceText, (GuidanceText.procedure_id == Procedure.id) & (GuidanceText.lang == "vi"))
        .where((Guidance.review_by <= on) | Guidance.starter_waiting)
        .order_by(Guidance.review_by, Procedure.key)
    )
    return [Due(*row) for row in db.session.execute(query)]


def _outdated() -> list[tuple[int, str]]:
    rows = db.session.execute(
        select(GuidanceVersion.procedure_id, GuidanceVersion.lang, func.max(GuidanceVersion.at)).group_by(
            GuidanceVersion.procedure_id, GuidanceVersion.lang
        )
    )
    latest = {(number, lang): at for number, lang, at in rows}
    return [
        (number, lang)
        for (number, lang), at in latest.items()
        if lang != "vi" and at < latest.get((number, "vi"), at)
    ]


def translations(lang: str) -> list[tuple[str, str, str]]:
    """(key, Vietnamese name, 'missing' or 'outdated') of every page that a language lacks or has in an older state."""
    outdated = {number for number, code in _outdated() if code == lang}
    present = select(GuidanceText.procedure_id).where(GuidanceText.lang == lang)
    query = (
        select(Procedure.id, Procedure.key, GuidanceText.name, GuidanceText.procedure_id.not_in(present))
        .join(GuidanceText, (GuidanceText.procedure_id == Procedure.id) & (GuidanceText.lang == "vi"))
        .order_by(GuidanceText.name)
    )
    return [
        (key, name, "missing" if absent else "outdated")
        for number, key, name, absent in db.session.execute(query)
        if absent or number in outdated
    ]


def names(subjects: list[str]) -> dict[str, str]:
    """What subjects such as 'procedure:1.001193' and 'guide:vssid' are called in Vietnamese."""
    keys = [one.partition(":")[2] for one in subjects if one.startswith("procedure:")]
    slugs = [one.partition(":")[2] for one in subjects if one.startswith("guide:")]
    rows = db.session.execute(
        select(Procedure.key, GuidanceText.name, ProcedureCard.name_vi)
        .outerjoin(GuidanceText, (GuidanceText.procedure_id == Procedure.id) & (GuidanceText.lang == "vi"))
        .outerjoin(ProcedureCard, ProcedureCard.procedure_id == Procedure.id)
        .where(Procedure.key.in_(keys))
    )
    found = {f"procedure:{key}": ours or card or key for key, ours, card in rows}
    guides = db.session.execute(select(GuideLink.slug, GuideLink.titles).where(GuideLink.slug.in_(slugs)))
    return found | {f"guide:{name}": titles.get("vi", name) for name, titles in guides}


def open_tasks() -> list[EditorTask]:
    """What editors have to look at, the oldest first."""
    return list(
        db.session.scalars(
            select(EditorTask).where(EditorTask.closed_at.is_(None)).order_by(EditorTask.opened_at)
        )
    )


def shipped(key: str, folder: Path = STARTERS) -> StarterProcedure | None:
    """The guidance that comes with the site for this procedure."""
    path = folder / f"{key}.yaml"
    if path.parent != folder or not path.is_file():
        return None
    return read_starter(path)


# --- doing -------------------------------------------------------------------------------------


@transaction
def create_procedure(name: str, by: str) -> str:
    """Begin a procedure that has no published code; returns its permanent key. Citizens see it once it is published."""
    key = "x-" + slug(name, 60)
    if len(key) < 5:
        raise UserError(_l("Give the procedure a name of a few letters."))
    taken = db.session.scalar(select(Procedure.id).where(Procedure.key == key)) or db.session.scalar(
        select(FormerKey.id).where(FormerKey.key == key)
    )
    if taken:
        raise KeyTaken
    db.session.add(Procedure(key=key, status="draft", changed_at=now()))
    body = json.dumps({"name": [" ".join(name.split())]}, ensure_ascii=False)
    db.session.add(
        Draft(
            subject=f"procedure:{key}",
            lang="vi",
            body=body,
            authors=[by],
            started_at=now(),
            changed_at=now(),
        )
    )
    audit.record("procedure.created", f"procedure:{key}", by)
    return key


@transaction
def confirm(key: str, by: str, checked: date, next_review: date) -> None:
    """Say that our guidance is still correct: its checked sources carry the day, the next review is set.

    Facts that nobody has verified stay marked as such.
    """
    procedure = _procedure(key)
    if db.session.scalar(select(Draft.id).where(Draft.subject == f"procedure:{key}", Draft.lang == "vi")):
        raise DraftFirst
    guidance, facts = db.session.get(Guidance, procedure.id), stored_facts(procedure.id)
    if guidance is None or facts is None:
        raise NotFound
    for source in facts.sources.values():
        if source.verified_on is not None:
            source.verified_on = checked.isoformat()
    facts.review_by = next_review
    guidance.facts = facts.model_dump(mode="json")
    guidance.review_by, guidance.edited = next_review, True
    procedure.changed_at = now()
    audit.record("procedure.confirmed", f"procedure:{key}", by, checked=checked.isoformat())
    content_changed()


@transaction
def take_shipped(key: str, by: str, folder: Path = STARTERS) -> None:
    """Replace what editors wrote with the text that comes with the site, in every language."""
    starter, procedure = shipped(key, folder), _procedure(key)
    guidance = db.session.get(Guidance, procedure.id)
    if starter is None or guidance is None:
        raise NotFound
    if db.session.scalar(select(Draft.id).where(Draft.subject == f"procedure:{key}")):
        raise DraftFirst
    _note_start(procedure.id)
    _put_facts(procedure, guidance, starter.facts())
    db.session.execute(delete(GuidanceText).where(GuidanceText.procedure_id == procedure.id))
    for lang, words in starter.words().items():
        _put_words(procedure.id, lang, words)
    guidance.edited, guidance.starter_waiting = False, False
    guidance.starter_digest = hashlib.sha256(starter.model_dump_json().encode()).hexdigest()
    procedure.changed_at = now()
    db.session.flush()
    for lang in starter.words():
        _note_version(procedure.id, lang, [], by)
    audit.record("procedure.starter-taken", f"procedure:{key}", by)
    _let_out()


@transaction
def keep_ours(key: str, by: str) -> None:
    """Leave our text as it is and stop offering the shipped one."""
    procedure = _procedure(key)
    db.session.execute(
        update(Guidance).where(Guidance.procedure_id == procedure.id).values(starter_waiting=False)
    )
    audit.record("procedure.starter-kept-out", f"procedure:{key}", by)


@transaction
def close_task(number: int, by: str) -> None:
    """Say that a task has been looked at."""
    task = db.session.get(EditorTask, number)
    if task is None:
        raise NotFound
    task.closed_at = now()
    audit.record("task.closed", task.subject, by, detail=task.detail)
