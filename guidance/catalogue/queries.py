"""What pages need of procedures: one page's worth, lists, notices."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import yaml
from sqlalchemy import Select, func, or_, select

from guidance.catalogue.guidance import GuidanceFacts, GuidanceWords, Source, marks_of
from guidance.catalogue.models import (
    ChannelOption,
    Feedback,
    FormerKey,
    Guidance,
    GuidanceText,
    GuideLink,
    LegalBasis,
    LegalInstrument,
    Notice,
    OfficialDocument,
    OfficialRecord,
    OnlineLevel,
    PlainName,
    Procedure,
    ProcedureCard,
    RecordVersion,
)
from guidance.catalogue.normalise import agency_names, national_code, paper_name
from guidance.catalogue.standing import Standing, standing_of
from guidance.config import PROJECT
from guidance.db import db
from guidance.i18n import VIETNAM
from guidance.text import slug as slugged
from guidance.units.models import REFORM_DAY
from guidance.units.queries import today

PAGE_SIZE = 20
_DISTRICT = re.compile(r"\b(?:huyện|quận)\b", re.I)


@dataclass(frozen=True)
class LifeEvent:
    """A moment of life that people look for help in."""

    slug: str
    name: str


@dataclass(frozen=True)
class Card:
    """A procedure in a list: its plain name, in `name_lang`, and how it can be done."""

    key: str
    name: str
    name_lang: str
    official_name: str
    summary: str
    sector: str
    levels: tuple[str, ...]
    online: str


@dataclass(frozen=True)
class Option:
    """One way of handing in. Numbers only where certain; `fee_amount` 0 means really free; `case` in our words."""

    channel: str
    case: str
    time_value: float | None
    time_unit: str | None
    time_text: str
    fee_amount: int | None
    fee_currency: str
    fee_text: str
    fee_valid_to: date | None
    set_by_province: bool
    note: str
    ambiguous: bool
    official: bool
    source: Source | None
    unit_is_ours: bool = False


@dataclass(frozen=True)
class Paper:
    """One paper of the official record, the form for it (empty without one), and how many are asked."""

    name: str
    form_file: str
    originals: int | None
    copies: int | None


@dataclass(frozen=True)
class DocumentCase:
    """The papers of one case of the official record; remarks apart."""

    label: str
    papers: tuple[Paper, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Instrument:
    """A law or decree the record names; `superseded_by` when it has been, or on a later day will be, replaced."""

    number: str
    title: str
    superseded_by: str | None
    superseded_on: date | None
    told: Source | None


@dataclass(frozen=True)
class LevelSaid:
    """An online level that one source gave for one place (None: the nation) and day."""

    level: str
    unit_id: int | None
    source: str
    as_of: str


@dataclass(frozen=True)
class RecordChange:
    """A later import that changed a record."""

    at: datetime
    fields: tuple[str, ...]


@dataclass(frozen=True)
class ProcedurePage:
    """Everything on the page of one procedure, in one language.

    `words` are our own (None where nobody has written any), in `words_lang`; `record` is the official record
    (None where none was imported), always Vietnamese. `options` come from the record where it has any; `readings`
    is then how we read its notes.
    """

    key: str
    code: str | None
    status: str
    standing: Standing
    name: str
    name_lang: str
    summary: str
    words: GuidanceWords | None
    words_lang: str
    facts: GuidanceFacts
    review_by: date | None
    record: OfficialRecord | None
    options: tuple[Option, ...]
    readings: tuple[Option, ...]
    documents: tuple[DocumentCase, ...]
    legal: tuple[Instrument, ...]
    levels_said: tuple[LevelSaid, ...]
    changes: tuple[RecordChange, ...]
    related: tuple[Card, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    former_keys: tuple[str, ...]

    @property
    def nation_said(self) -> LevelSaid | None:
        """The newest level said of the whole nation since the portals became one; older words are history."""
        since = REFORM_DAY.isoformat()
        said = (said for said in self.levels_said if said.unit_id is None and said.as_of >= since)
        return next(said, None)

    @property
    def online(self) -> str:
        """full, partial, channel (exists, level not known) or counter."""
        level = self.nation_said.level if self.nation_said else self.facts.online.level
        if level in {"full", "partial"}:
            return str(level)
        if level == "info":
            return "counter"
        return "channel" if any(option.channel == "online" for option in self.options) else "counter"

    @property
    def agencies(self) -> list[str]:
        """The agencies that carry it out, as the record names them, each once."""
        return agency_names(self.record.agency) if self.record else []

    @property
    def speaks_of_districts(self) -> bool:
        """The record still names the district level, which ended on 1 July 2025."""
        record = self.record
        if record is None:
            return False
        texts = [record.agency, record.authority, record.coordinating_agency, record.receiving_address]
        texts += [record.sequence, record.conditions, *(option.note for option in self.options)]
        texts += [paper.name for case in self.documents for paper in case.papers]
        return any(_DISTRICT.search(text) for text in texts)

    @property
    def sector(self) -> str:
        """The subject the procedure belongs to, as the record says it, else as we do."""
        return (self.record.sector if self.record else "") or self.facts.sector

    def source(self, key: str | None) -> Source | None:
        """The source that a mark names."""
        return self.facts.sources.get(key) if key else None


@cache
def _life_events() -> tuple[dict[str, str], ...]:
    path = PROJECT / "guidance" / "content" / "life_events.yaml"
    return tuple(yaml.safe_load(path.read_text(encoding="utf-8")))


def life_events(lang: str) -> list[LifeEvent]:
    """The moments of life in their order."""
    return [LifeEvent(event["slug"], event.get(lang) or event["vi"]) for event in _life_events()]


def _card(row: Any, lang: str) -> Card:
    name = {"vi": row.name_vi, "en": row.name_en, "ur": row.name_ur}.get(lang) or ""
    name_lang = lang if name else ("en" if lang == "ur" and row.name_en else "vi")
    if not name:
        name = row.name_en if name_lang == "en" else row.name_vi
    return Card(
        row.key,
        name,
        name_lang,
        row.official_name,
        row.summary.get(lang, ""),
        row.sector,
        tuple(row.levels.split()),
        row.online,
    )


def cards(keys: Iterable[str], lang: str) -> dict[str, Card]:
    """Cards of published procedures by key."""
    rows = db.session.execute(select(ProcedureCard.__table__).where(ProcedureCard.key.in_(list(keys))))
    return {row.key: _card(row, lang) for row in rows}


def _filtered(
    sector: str, level: str, online: str, audience: str, life_event: str, agency: str
) -> Select[Any]:
    query = select(ProcedureCard.__table__)
    for column, word in (
        (ProcedureCard.levels, level),
        (ProcedureCard.audience, audience),
        (ProcedureCard.life_events, life_event),
        (ProcedureCard.agencies, slugged(agency)),
    ):
        if word:
            query = query.where(column.contains(f" {word} ", autoescape=True))
    if sector:
        query = query.where(ProcedureCard.sector == sector)
    if online == "online":
        query = query.where(ProcedureCard.online != "counter")
    elif online:
        query = query.where(ProcedureCard.online == online)
    return query


@dataclass(frozen=True)
class Listing:
    """One page of a list of procedures."""

    cards: tuple[Card, ...]
    total: int
    page: int
    pages: int


def browse(
    lang: str,
    *,
    sector: str = "",
    level: str = "",
    online: str = "",
    audience: str = "",
    life_event: str = "",
    agency: str = "",
    page: int = 1,
) -> Listing:
    """Published procedures under filters, those with guidance first, twenty a page."""
    query = _filtered(sector, level, online, audience, life_event, agency)
    query = query.where(ProcedureCard.key.not_in(select(FormerKey.key)))
    total = db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    pages = max(1, -(-total // PAGE_SIZE))
    page = min(max(1, page), pages)
    rows = db.session.execute(
        query.order_by(ProcedureCard.has_guidance.desc(), ProcedureCard.folded_name, ProcedureCard.key)
        .limit(PAGE_SIZE)
        .offset((page - 1) * PAGE_SIZE)
    )
    return Listing(tuple(_card(row, lang) for row in rows), total, page, pages)


def page_of_cards(lang: str, limit: int, after: str, **filters: str) -> tuple[list[Card], str | None]:
    """Published procedures by key, and the key after which the next page begins (None on the last one)."""
    chosen = {
        name: filters.get(name, "")
        for name in ("sector", "level", "online", "audience", "life_event", "agency")
    }
    query = _filtered(**chosen).where(ProcedureCard.key > after).order_by(ProcedureCard.key)
    rows = db.session.execute(query.limit(limit + 1)).all()
    found = [_card(row, lang) for row in rows[:limit]]
    return found, found[-1].key if len(rows) > limit else None


def sectors() -> list[tuple[str, int]]:
    """Sectors of published procedures with their counts, by name."""
    query = select(ProcedureCard.sector, func.count()).where(ProcedureCard.sector != "")
    return list(
        db.session.execute(query.group_by(ProcedureCard.sector).order_by(ProcedureCard.sector)).tuples()
    )


@dataclass(frozen=True)
class Agency:
    """An agency that carries out published procedures, in its most common spelling."""

    slug: str
    name: str
    count: int


def agencies(at_least: int) -> list[Agency]:
    """Agencies with so many published procedures or more, by name; spellings that differ only in accents are one."""
    query = select(ProcedureCard.agency, func.count()).group_by(ProcedureCard.agency)
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for text, count in db.session.execute(query).tuples():
        for name in agency_names(text):
            spellings[slugged(name)][name] += count
    found = [
        Agency(word, names.most_common(1)[0][0], names.total())
        for word, names in spellings.items()
        if names.total() >= at_least
    ]
    return sorted(found, key=lambda agency: agency.slug)


def resolve(key: str) -> tuple[str, Procedure | None]:
    """The key of today for any key or code people use, and its procedure: follows what replaced what.

    A code with the suffix of one province ('1.001193.000.00.00.H42') is the national one.
    """
    seen: set[str] = set()
    while key not in seen:
        seen.add(key)
        procedure = db.session.scalar(
            select(Procedure).where(or_(Procedure.key == key, Procedure.code == key))
        )
        successor = db.session.scalar(select(FormerKey.successor_key).where(FormerKey.key == key))
        if procedure is None and successor is None:
            successor = national_code(key)
        elif procedure is not None and procedure.key != key:
            successor = None
        elif procedure is not None and successor is None:
            successor = _single_successor(procedure)
        if successor is None or successor == key:
            return (procedure.key if procedure else key), procedure
        key = successor
    return key, None


def _single_successor(procedure: Procedure) -> str | None:
    """The one published procedure that took the place of an ended one."""
    standing = standing_of(procedure)
    if standing.state(procedure.status, today()) != "superseded" or len(standing.superseded_by) != 1:
        return None
    return db.session.scalar(select(ProcedureCard.key).where(ProcedureCard.key == standing.superseded_by[0]))


def page(key: str, lang: str) -> ProcedurePage | None:
    """The page of a published procedure; None when there is none under exactly this key."""
    procedure = db.session.execute(select(Procedure.__table__).where(Procedure.key == key)).one_or_none()
    if procedure is None or procedure.status == "draft":
        return None
    record = db.session.get(OfficialRecord, procedure.id)
    guidance = db.session.execute(
        select(Guidance.facts, Guidance.review_by).where(Guidance.procedure_id == procedure.id)
    ).one_or_none()
    if record is not None and record.quarantine:
        record = None
    if record is None and guidance is None:
        return None
    facts = GuidanceFacts.model_validate(guidance.facts) if guidance else GuidanceFacts()
    texts = _texts(procedure.id)
    words, words_lang = _words(texts, lang)
    name, name_lang = _name(texts, procedure.code, record, lang)
    ours = _ours(facts, lang)
    official = _official_options(procedure.id, facts) if record is not None else ()
    return ProcedurePage(
        key=procedure.key,
        code=procedure.code,
        status=standing_of(procedure).state(procedure.status, today()),
        standing=standing_of(procedure),
        name=name,
        name_lang=name_lang,
        summary=texts[lang].summary if lang in texts else "",
        words=words,
        words_lang=words_lang,
        facts=facts,
        review_by=guidance.review_by if guidance else None,
        record=record,
        options=official or ours,
        readings=ours if official else (),
        documents=_documents(procedure.id) if record is not None else (),
        legal=_legal(procedure.id) if record is not None else (),
        levels_said=_levels_said(procedure.id),
        changes=_changes(procedure.id),
        related=_related(facts.related, lang),
        before=tuple(facts.before),
        after=tuple(facts.after),
        former_keys=tuple(
            db.session.scalars(select(FormerKey.key).where(FormerKey.successor_key == procedure.key))
        ),
    )


@dataclass(frozen=True)
class _Text:
    name: str
    summary: str
    words: dict[str, Any]


def _texts(procedure_id: int) -> dict[str, _Text]:
    rows = db.session.execute(
        select(GuidanceText.lang, GuidanceText.name, GuidanceText.summary, GuidanceText.words).where(
            GuidanceText.procedure_id == procedure_id
        )
    )
    return {lang: _Text(name, summary, words) for lang, name, summary, words in rows}


def _words(texts: dict[str, _Text], lang: str) -> tuple[GuidanceWords | None, str]:
    """Our words in the reader's language, else English for Urdu readers, else Vietnamese."""
    original = texts.get("vi")
    for candidate in dict.fromkeys((lang, "en" if lang == "ur" else "vi", "vi")):
        text = texts.get(candidate)
        if text is None or not (text.words.get("counter") or text.words.get("online")):
            continue
        words = GuidanceWords.model_validate({"name": text.name, "summary": text.summary} | text.words)
        if original is not None and text is not original:
            first = GuidanceWords.model_validate({"name": original.name} | original.words)
            words = marks_of(first, words)
        return words, candidate
    return None, lang


def _name(
    texts: dict[str, _Text], code: str | None, record: OfficialRecord | None, lang: str
) -> tuple[str, str]:
    named = select(PlainName.lang, PlainName.name).where(PlainName.code == (code or ""))
    plain = dict(db.session.execute(named).tuples().all())
    for candidate in dict.fromkeys((lang, "en" if lang == "ur" else "vi", "vi")):
        if candidate in texts:
            return texts[candidate].name, candidate
        if candidate in plain:
            return plain[candidate], candidate
    return (record.name if record else ""), "vi"


def _official_options(procedure_id: int, facts: GuidanceFacts) -> tuple[Option, ...]:
    query = select(ChannelOption).where(ChannelOption.procedure_id == procedure_id)
    units: dict[tuple[str, float | None], str | None] = {
        (fact.channel, fact.time): fact.time_unit for fact in facts.channels if fact.time is not None
    }
    return tuple(
        Option(
            row.channel,
            "",
            row.time_value,
            row.time_unit or units.get((row.channel, row.time_value)),
            row.time_text,
            row.fee_amount,
            row.fee_currency,
            row.fee_text,
            row.fee_valid_to,
            row.set_by_province,
            row.note,
            row.ambiguous,
            True,
            None,
            row.time_unit is None and (row.channel, row.time_value) in units,
        )
        for row in db.session.scalars(query.order_by(ChannelOption.position))
    )


def _ours(facts: GuidanceFacts, lang: str) -> tuple[Option, ...]:
    return tuple(
        Option(
            fact.channel,
            _in(fact.case, lang),
            fact.time,
            fact.time_unit,
            "",
            fact.fee,
            "VND",
            fact.fee_unit if isinstance(fact.fee_unit, str) else _in(fact.fee_unit, lang),
            fact.fee_valid_to,
            fact.set_by_province,
            _in(fact.note, lang),
            False,
            False,
            facts.sources.get(fact.source or ""),
        )
        for fact in facts.channels
    )


def _in(words: dict[str, str] | None, lang: str) -> str:
    if not words:
        return ""
    return words.get(lang) or words.get("en" if lang == "ur" else "vi") or words.get("vi", "")


def _documents(procedure_id: int) -> tuple[DocumentCase, ...]:
    query = select(OfficialDocument).where(OfficialDocument.procedure_id == procedure_id)
    papers: dict[str, list[Paper]] = {}
    remarks: dict[str, list[str]] = {}
    for row in db.session.scalars(query.order_by(OfficialDocument.position)):
        name, form_file = paper_name(row.name, row.form_file)
        papers.setdefault(row.case_label, [])
        remarks.setdefault(row.case_label, [])
        if row.is_remark:
            remarks[row.case_label].append(name)
        else:
            papers[row.case_label].append(Paper(name, form_file, row.originals, row.copies))
    return tuple(DocumentCase(label, tuple(found), tuple(remarks[label])) for label, found in papers.items())


def _legal(procedure_id: int) -> tuple[Instrument, ...]:
    query = (
        select(
            LegalInstrument.number,
            LegalInstrument.title,
            LegalInstrument.superseded_by,
            LegalInstrument.superseded_on,
            LegalInstrument.source,
            LegalInstrument.source_url,
            LegalInstrument.verified_on,
        )
        .join(LegalBasis, LegalBasis.instrument_id == LegalInstrument.id)
        .where(LegalBasis.procedure_id == procedure_id)
        .order_by(LegalBasis.position)
    )
    return tuple(
        Instrument(
            number,
            title,
            by,
            day,
            Source(title=source, url=url or None, verified_on=checked) if source else None,
        )
        for number, title, by, day, source, url, checked in db.session.execute(query).tuples()
    )


def _levels_said(procedure_id: int) -> tuple[LevelSaid, ...]:
    query = select(OnlineLevel.level, OnlineLevel.unit_id, OnlineLevel.source, OnlineLevel.as_of)
    query = query.where(OnlineLevel.procedure_id == procedure_id).order_by(OnlineLevel.as_of.desc())
    return tuple(LevelSaid(*row) for row in db.session.execute(query).tuples())


def _changes(procedure_id: int) -> tuple[RecordChange, ...]:
    query = select(RecordVersion.imported_at, RecordVersion.changed_fields)
    query = query.where(RecordVersion.procedure_id == procedure_id, RecordVersion.number > 1)
    rows = db.session.execute(query.order_by(RecordVersion.number.desc()).limit(5)).tuples()
    return tuple(RecordChange(at, tuple(fields)) for at, fields in rows)


def _of_today(keys: Iterable[str]) -> dict[str, str]:
    """Each key with the key that stands for it today."""
    keys = list(keys)
    query = select(FormerKey.key, FormerKey.successor_key).where(FormerKey.key.in_(keys))
    successors = dict(db.session.execute(query).tuples().all()) if keys else {}
    return {key: successors.get(key, key) for key in keys}


def _related(keys: Sequence[str], lang: str) -> tuple[Card, ...]:
    keys = list(dict.fromkeys(_of_today(keys).values()))
    found = cards(keys, lang) if keys else {}
    return tuple(found[key] for key in keys if key in found)


@dataclass(frozen=True)
class Link:
    """Where a reference in content leads: address parts, title, and the title's language."""

    kind: str
    key: str
    title: str
    lang: str


def links(references: Iterable[str], lang: str) -> dict[str, Link]:
    """What references such as '1.001193' or 'guide:vssid' lead to; unknown ones are left out."""
    references = list(dict.fromkeys(references))
    slugs = [reference.removeprefix("guide:") for reference in references if reference.startswith("guide:")]
    keys = _of_today(reference for reference in references if ":" not in reference)
    known = cards(keys.values(), lang)
    found = {
        key: Link("procedure", card.key, card.name, card.name_lang)
        for key, of_today in keys.items()
        if (card := known.get(of_today)) is not None
    }
    rows = (
        db.session.execute(select(GuideLink.slug, GuideLink.titles).where(GuideLink.slug.in_(slugs)))
        if slugs
        else ()
    )
    for slug, titles in rows:
        title_lang = lang if lang in titles else ("en" if lang == "ur" and "en" in titles else "vi")
        found[f"guide:{slug}"] = Link("guide", slug, titles.get(title_lang, slug), title_lang)
    return found


def guides_of(key: str) -> list[str]:
    """References to the guides that belong to a procedure."""
    rows = db.session.execute(select(GuideLink.slug, GuideLink.procedures).order_by(GuideLink.slug))
    return [f"guide:{slug}" for slug, procedures in rows if key in procedures]


def current_notices(lang: str, on: date, subject: str = "") -> list[tuple[Notice, str, str]]:
    """Notices shown on a day (for one subject such as 'procedure:1.001193' where given) with title and text."""
    query = select(Notice).where(
        Notice.shown_from <= on, or_(Notice.shown_to.is_(None), Notice.shown_to >= on)
    )
    rows = db.session.scalars(query.order_by(Notice.shown_from.desc(), Notice.id.desc()))
    return [
        (notice, _in(notice.title, lang), _in(notice.body, lang))
        for notice in rows
        if not subject or subject in notice.subjects
    ]


@dataclass(frozen=True)
class Changed:
    """One import's change of a published procedure; number 1 is a procedure that came later than the first import."""

    key: str
    name: str
    name_lang: str
    number: int
    at: datetime
    fields: tuple[str, ...]


def recent_changes(lang: str, limit: int = 50) -> list[Changed]:
    """What imports changed in published procedures, the newest first; the very first import is not a change."""
    first = select(func.min(RecordVersion.imported_at)).scalar_subquery()
    query = (
        select(
            ProcedureCard.__table__,
            RecordVersion.number,
            RecordVersion.imported_at,
            RecordVersion.changed_fields,
        )
        .join(RecordVersion, RecordVersion.procedure_id == ProcedureCard.procedure_id)
        .where(or_(RecordVersion.number > 1, RecordVersion.imported_at > first))
        .order_by(RecordVersion.imported_at.desc(), ProcedureCard.key, RecordVersion.number.desc())
        .limit(limit)
    )
    found = []
    for row in db.session.execute(query):
        card = _card(row, lang)
        found.append(
            Changed(
                card.key, card.name, card.name_lang, row.number, row.imported_at, tuple(row.changed_fields)
            )
        )
    return found


@dataclass(frozen=True)
class Published:
    """A published procedure as the sitemap needs it."""

    key: str
    has_guidance: bool
    changed_at: datetime


def published() -> list[Published]:
    """All published procedures in order, with the day they last changed."""
    query = (
        select(ProcedureCard.key, ProcedureCard.has_guidance, Procedure.changed_at)
        .join(Procedure, Procedure.id == ProcedureCard.procedure_id)
        .where(ProcedureCard.key.not_in(select(FormerKey.key)))
        .order_by(ProcedureCard.key)
    )
    return [Published(*row) for row in db.session.execute(query).tuples()]


def published_keys() -> list[str]:
    """Keys of all published procedures, in order."""
    return list(db.session.scalars(select(ProcedureCard.key).order_by(ProcedureCard.key)))


@dataclass(frozen=True)
class Opinion:
    """What readers said about one page: how often it was of use or not, and their comments, newest first."""

    subject: str
    useful: int
    not_useful: int
    comments: tuple[tuple[datetime, bool, str], ...]


def _opinions(rows: Iterable[Feedback]) -> list[Opinion]:
    by_subject: dict[str, list[Feedback]] = {}
    for row in rows:
        by_subject.setdefault(row.subject, []).append(row)
    return [
        Opinion(
            subject,
            sum(row.useful for row in said),
            sum(not row.useful for row in said),
            tuple((row.at, row.useful, row.comment) for row in said if row.comment)[:20],
        )
        for subject, said in by_subject.items()
    ]


def feedback_on(subject: str) -> Opinion:
    """What readers said about one page."""
    rows = db.session.scalars(
        select(Feedback).where(Feedback.subject == subject).order_by(Feedback.at.desc()).limit(2000)
    )
    return next(iter(_opinions(rows)), Opinion(subject, 0, 0, ()))


def feedback_since(day: date) -> list[Opinion]:
    """What readers said about every page since a day; the pages that helped least come first."""
    start = datetime(day.year, day.month, day.day, tzinfo=VIETNAM)
    rows = db.session.scalars(
        select(Feedback).where(Feedback.at >= start).order_by(Feedback.at.desc()).limit(20_000)
    )
    return sorted(_opinions(rows), key=lambda said: (-said.not_useful, said.subject))
