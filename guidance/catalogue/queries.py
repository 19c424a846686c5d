"""What pages need of procedures: one page's worth, lists, notices."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Select, Text, bindparam, cast, func, or_, select

from guidance import content_files
from guidance.catalogue.guidance import facts_of, marks_of, source_of, words_of
from guidance.catalogue.models import (
    ChannelOption,
    Feedback,
    FormerKey,
    Guidance,
    GuidanceText,
    GuideLink,
    LegalBasis,
    LegalInstrument,
    LifeEventName,
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
from guidance.db import db, rows_of
from guidance.i18n import VIETNAM
from guidance.text import slug as slugged
from guidance.units.models import REFORM_DAY
from guidance.units.queries import today

if TYPE_CHECKING:
    from guidance.catalogue.shapes import GuidanceFacts, GuidanceWords, Source

PAGE_SIZE = 20
_DISTRICT = re.compile(r"\b(?:huyện|quận)\b", re.I)


class LifeEvent(NamedTuple):
    """A moment of life that people look for help in."""

    slug: str
    name: str


class NamedLifeEvent(NamedTuple):
    """A moment of life in every language, for its editors."""

    slug: str
    names: dict[str, str]
    shown: bool


class Card(NamedTuple):
    """A procedure in a list: its plain name, in `name_lang`, and how it can be done."""

    key: str
    name: str
    name_lang: str
    official_name: str
    summary: str
    sector: str
    levels: tuple[str, ...]
    online: str


class Option(NamedTuple):
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
    source: "Source | None"
    unit_is_ours: bool = False


class OfficialPaper(NamedTuple):
    """One paper of the official record, the form for it (empty without one), and how many are asked."""

    name: str
    form_file: str
    originals: int | None
    copies: int | None


class DocumentCase(NamedTuple):
    """The papers of one case of the official record; remarks apart."""

    label: str
    papers: tuple[OfficialPaper, ...]
    remarks: tuple[str, ...]


class Instrument(NamedTuple):
    """A law or decree the record names; `superseded_by` when it has been, or on a later day will be, replaced."""

    number: str
    title: str
    superseded_by: str | None
    superseded_on: date | None
    told: "Source | None"


class LevelSaid(NamedTuple):
    """An online level that one source gave for one place (None: the nation) and day."""

    level: str
    unit_id: int | None
    source: str
    as_of: str


class RecordChange(NamedTuple):
    """A later import that changed a record."""

    at: datetime
    fields: tuple[str, ...]


class Record(NamedTuple):
    """The official record as last imported, in Vietnamese, word for word; empty texts where it says nothing."""

    name: str
    sector: str
    levels: list[str]
    agency: str
    authority: str
    coordinating_agency: str
    receiving_address: str
    publisher: str
    decision: str
    procedure_type: str
    sequence: str
    conditions: str
    audience: list[str]
    results: list[dict[str, Any]]
    forms: list[str]
    source_url: str
    imported_at: datetime


class ProcedurePage(NamedTuple):
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
    words: "GuidanceWords | None"
    words_lang: str
    facts: "GuidanceFacts"
    review_by: date | None
    record: Record | None
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

    def source(self, key: str | None) -> "Source | None":
        """The source that a mark names."""
        return self.facts.sources.get(key) if key else None


@cache
def shipped_life_events() -> tuple[dict[str, str], ...]:
    """The moments of life that come with the site: slug, and the name by language."""
    path = PROJECT / "guidance" / "content" / "life_events.yaml"
    return tuple(content_files.read(path))


def named_life_events() -> list[NamedLifeEvent]:
    """Every moment of life in its order, also those that are not shown; what editors wrote counts before what is shipped."""
    rows = db.session.scalars(select(LifeEventName).order_by(LifeEventName.position, LifeEventName.slug))
    found = [NamedLifeEvent(row.slug, row.names, row.shown) for row in rows]
    known = {one.slug for one in found}
    shipped = [
        NamedLifeEvent(
            event["slug"], {lang: event[lang] for lang in ("vi", "en", "ur") if lang in event}, True
        )
        for event in shipped_life_events()
        if event["slug"] not in known
    ]
    return found + shipped


def life_events(lang: str) -> list[LifeEvent]:
    """The moments of life that readers see, in their order."""
    return [
        LifeEvent(one.slug, one.names.get(lang) or one.names["vi"])
        for one in named_life_events()
        if one.shown
    ]


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


_CARDS = select(ProcedureCard.__table__).where(ProcedureCard.key.in_(bindparam("keys", expanding=True)))


def cards(keys: Iterable[str], lang: str) -> dict[str, Card]:
    """Cards of published procedures by key."""
    keys = list(keys)
    return {row.key: _card(row, lang) for row in rows_of(_CARDS, keys=keys)} if keys else {}


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


class Listing(NamedTuple):
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
    return list(db.session.execute(query.group_by(ProcedureCard.sector).order_by(ProcedureCard.sector)))


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
    for text, count in db.session.execute(query):
        for name in agency_names(text):
            spellings[slugged(name)][name] += count
    found = [
        Agency(word, names.most_common(1)[0][0], names.total())
        for word, names in spellings.items()
        if names.total() >= at_least
    ]
    return sorted(found, key=lambda agency: agency.slug)


_PROCEDURE = select(Procedure.__table__).where(
    or_(Procedure.key == bindparam("key"), Procedure.code == bindparam("key"))
)
_SUCCESSOR = select(FormerKey.successor_key).where(FormerKey.key == bindparam("key"))


def resolve(key: str) -> tuple[str, Any | None]:
    """The key of today for any key or code people use, and its procedure: follows what replaced what.

    A code with the suffix of one province ('1.001193.000.00.00.H42') is the national one.
    """
    seen: set[str] = set()
    while key not in seen:
        seen.add(key)
        procedure = next(iter(rows_of(_PROCEDURE, key=key)), None)
        successor = next((row.successor_key for row in rows_of(_SUCCESSOR, key=key)), None)
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


def _single_successor(procedure: Any) -> str | None:
    """The one published procedure that took the place of an ended one."""
    standing = standing_of(procedure)
    if standing.state(procedure.status, today()) != "superseded" or len(standing.superseded_by) != 1:
        return None
    return next(iter(cards(standing.superseded_by, "vi")), None)


_RECORD = select(*(getattr(OfficialRecord, name) for name in Record._fields)).where(
    OfficialRecord.procedure_id == bindparam("id"), OfficialRecord.quarantine == ""
)
_FORMER_KEYS = select(FormerKey.key).where(FormerKey.successor_key == bindparam("key"))
_GUIDANCE = select(Guidance.facts, Guidance.review_by).where(Guidance.procedure_id == bindparam("id"))


def page(key: str, lang: str) -> ProcedurePage | None:
    """The page of a published procedure; None when there is none under exactly this key."""
    procedure = next((row for row in rows_of(_PROCEDURE, key=key) if row.key == key), None)
    if procedure is None or procedure.status == "draft":
        return None
    record = next((Record(*row) for row in rows_of(_RECORD, id=procedure.id)), None)
    guidance = next(iter(rows_of(_GUIDANCE, id=procedure.id)), None)
    if record is None and guidance is None:
        return None
    facts = facts_of(guidance.facts if guidance else None)
    texts = _texts(procedure.id, lang)
    words, words_lang = _words(texts, lang)
    name, name_lang = _name(texts, procedure.code, record, lang)
    standing = standing_of(procedure)
    options, readings = _ways(rows_of(_OPTIONS, id=procedure.id) if record is not None else (), facts, lang)
    return ProcedurePage(
        key=procedure.key,
        code=procedure.code,
        status=standing.state(procedure.status, today()),
        standing=standing,
        name=name,
        name_lang=name_lang,
        summary=texts[lang].summary if lang in texts else "",
        words=words,
        words_lang=words_lang,
        facts=facts,
        review_by=guidance.review_by if guidance else None,
        record=record,
        options=options,
        readings=readings,
        documents=_documents(procedure.id) if record is not None else (),
        legal=_legal(procedure.id) if record is not None else (),
        levels_said=_levels_said(procedure.id),
        changes=_changes(procedure.id),
        related=_related(facts.related, lang),
        before=tuple(facts.before),
        after=tuple(facts.after),
        former_keys=tuple(row.key for row in rows_of(_FORMER_KEYS, key=procedure.key)),
    )


class _Text(NamedTuple):
    name: str
    summary: str
    words: dict[str, Any]


_TEXTS = select(GuidanceText.lang, GuidanceText.name, GuidanceText.summary, GuidanceText.words).where(
    GuidanceText.procedure_id == bindparam("id"),
    or_(*(GuidanceText.lang == bindparam(which) for which in ("reader", "second", "original"))),
)


def _texts(procedure_id: int, lang: str) -> dict[str, _Text]:
    return {
        lang: _Text(name, summary, words)
        for lang, name, summary, words in rows_of(
            _TEXTS, id=procedure_id, reader=lang, second=_second(lang), original="vi"
        )
    }


def _second(lang: str) -> str:
    """The language a reader is shown where there is nothing in their own."""
    return "en" if lang == "ur" else "vi"


def _words(texts: dict[str, _Text], lang: str) -> "tuple[GuidanceWords | None, str]":
    """Our words in the reader's language, else English for Urdu readers, else Vietnamese."""
    original = texts.get("vi")
    for candidate in dict.fromkeys((lang, _second(lang), "vi")):
        text = texts.get(candidate)
        if text is None or not (text.words.get("counter") or text.words.get("online")):
            continue
        words = words_of(text.name, text.summary, text.words)
        if original is not None and text is not original:
            words = marks_of(words_of(original.name, original.summary, original.words), words)
        return words, candidate
    return None, lang


_PLAIN_NAMES = select(PlainName.lang, PlainName.name).where(PlainName.code == bindparam("code"))


def _name(texts: dict[str, _Text], code: str | None, record: Record | None, lang: str) -> tuple[str, str]:
    plain = {} if lang in texts else {row.lang: row.name for row in rows_of(_PLAIN_NAMES, code=code or "")}
    for candidate in dict.fromkeys((lang, _second(lang), "vi")):
        if candidate in texts:
            return texts[candidate].name, candidate
        if candidate in plain:
            return plain[candidate], candidate
    return (record.name if record else ""), "vi"


_OPTIONS = (
    select(ChannelOption.__table__)
    .where(ChannelOption.procedure_id == bindparam("id"))
    .order_by(ChannelOption.position)
)


def _official_options(rows: Iterable[Any], facts: "GuidanceFacts") -> tuple[Option, ...]:
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
        for row in rows
    )


_FACTS_OF_CARDS = (
    select(ProcedureCard.key, ProcedureCard.procedure_id, Guidance.facts)
    .outerjoin(Guidance, Guidance.procedure_id == ProcedureCard.procedure_id)
    .where(ProcedureCard.key.in_(bindparam("keys", expanding=True)))
)
_OPTIONS_OF_CARDS = (
    select(ChannelOption.__table__)
    .join(ProcedureCard, ProcedureCard.procedure_id == ChannelOption.procedure_id)
    .join(OfficialRecord, OfficialRecord.procedure_id == ChannelOption.procedure_id)
    .where(ProcedureCard.key.in_(bindparam("keys", expanding=True)), OfficialRecord.quarantine == "")
    .order_by(ChannelOption.procedure_id, ChannelOption.position)
)


def ways(keys: Iterable[str], lang: str) -> dict[str, tuple[tuple[Option, ...], tuple[Option, ...]]]:
    """(options, readings) of published procedures by key, as their pages show them; for lists."""
    keys = list(keys)
    if not keys:
        return {}
    rows: dict[int, list[Any]] = {}
    for row in rows_of(_OPTIONS_OF_CARDS, keys=keys):
        rows.setdefault(row.procedure_id, []).append(row)
    found = {}
    for card in rows_of(_FACTS_OF_CARDS, keys=keys):
        facts = facts_of(card.facts)
        found[card.key] = _ways(rows.get(card.procedure_id, ()), facts, lang)
    return found


def _ways(
    rows: Iterable[Any], facts: "GuidanceFacts", lang: str
) -> tuple[tuple[Option, ...], tuple[Option, ...]]:
    """The record's rows with our readings beside them; ours alone where the record has none."""
    official, ours = _official_options(rows, facts), _ours(facts, lang)
    return (official, ours) if official else (ours, ())


def _ours(facts: "GuidanceFacts", lang: str) -> tuple[Option, ...]:
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


_DOCUMENTS = (
    select(
        OfficialDocument.case_label,
        OfficialDocument.is_remark,
        OfficialDocument.name,
        OfficialDocument.form_file,
        OfficialDocument.originals,
        OfficialDocument.copies,
    )
    .where(OfficialDocument.procedure_id == bindparam("id"))
    .order_by(OfficialDocument.position)
)


def _documents(procedure_id: int) -> tuple[DocumentCase, ...]:
    by_case: dict[str, tuple[list[OfficialPaper], list[str]]] = {}
    for case_label, is_remark, cut_name, cut_form, *numbers in rows_of(_DOCUMENTS, id=procedure_id):
        papers, remarks = by_case.setdefault(case_label, ([], []))
        name, form_file = paper_name(cut_name, cut_form)
        if is_remark:
            remarks.append(name)
        else:
            papers.append(OfficialPaper(name, form_file, *numbers))
    return tuple(
        DocumentCase(label, tuple(papers), tuple(remarks)) for label, (papers, remarks) in by_case.items()
    )


_LEGAL = (
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
    .where(LegalBasis.procedure_id == bindparam("id"))
    .order_by(LegalBasis.position)
)


def _legal(procedure_id: int) -> tuple[Instrument, ...]:
    return tuple(
        Instrument(
            number,
            title,
            by,
            day,
            source_of(source, url, checked),
        )
        for number, title, by, day, source, url, checked in rows_of(_LEGAL, id=procedure_id)
    )


_LEVELS_SAID = (
    select(OnlineLevel.level, OnlineLevel.unit_id, OnlineLevel.source, OnlineLevel.as_of)
    .where(OnlineLevel.procedure_id == bindparam("id"))
    .order_by(OnlineLevel.as_of.desc())
)


def _levels_said(procedure_id: int) -> tuple[LevelSaid, ...]:
    return tuple(LevelSaid(*row) for row in rows_of(_LEVELS_SAID, id=procedure_id))


_CHANGES = (
    select(RecordVersion.imported_at, RecordVersion.changed_fields)
    .where(RecordVersion.procedure_id == bindparam("id"), RecordVersion.number > 1)
    .order_by(RecordVersion.number.desc())
    .limit(5)
)


def _changes(procedure_id: int) -> tuple[RecordChange, ...]:
    return tuple(RecordChange(at, tuple(fields)) for at, fields in rows_of(_CHANGES, id=procedure_id))


_SUCCESSORS = select(FormerKey.key, FormerKey.successor_key).where(
    FormerKey.key.in_(bindparam("keys", expanding=True))
)


def _of_today(keys: Iterable[str]) -> dict[str, str]:
    """Each key with the key that stands for it today."""
    keys = list(keys)
    successors = {row.key: row.successor_key for row in rows_of(_SUCCESSORS, keys=keys)} if keys else {}
    return {key: successors.get(key, key) for key in keys}


def _related(keys: Sequence[str], lang: str) -> tuple[Card, ...]:
    keys = list(dict.fromkeys(_of_today(keys).values()))
    found = cards(keys, lang) if keys else {}
    return tuple(found[key] for key in keys if key in found)


class Link(NamedTuple):
    """Where a reference in content leads: address parts, title, and the title's language."""

    kind: str
    key: str
    title: str
    lang: str


_TITLES = select(GuideLink.slug, GuideLink.titles).where(
    GuideLink.slug.in_(bindparam("slugs", expanding=True))
)


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
    for slug, titles in rows_of(_TITLES, slugs=slugs) if slugs else ():
        title_lang = lang if lang in titles else ("en" if lang == "ur" and "en" in titles else "vi")
        found[f"guide:{slug}"] = Link("guide", slug, titles.get(title_lang, slug), title_lang)
    return found


_GUIDES_OF = (
    select(GuideLink.slug, GuideLink.procedures)
    .where(cast(GuideLink.procedures, Text).contains(bindparam("key"), autoescape=False))
    .order_by(GuideLink.slug)
)


def guides_of(key: str) -> list[str]:
    """References to the guides that belong to a procedure."""
    rows = rows_of(_GUIDES_OF, key=f'"{key}"')
    return [f"guide:{slug}" for slug, procedures in rows if key in procedures]


class NoticeShown(NamedTuple):
    """What a page needs to know of a notice besides its words."""

    kind: str


_NOTICES = (
    select(Notice.kind, Notice.title, Notice.body, Notice.subjects)
    .where(
        Notice.shown_from <= bindparam("on"),
        or_(Notice.shown_to.is_(None), Notice.shown_to >= bindparam("on")),
        cast(Notice.subjects, Text).contains(bindparam("subject")),
    )
    .order_by(Notice.shown_from.desc(), Notice.id.desc())
)


def current_notices(lang: str, on: date, subject: str = "") -> list[tuple[NoticeShown, str, str]]:
    """Notices shown on a day (for one subject such as 'procedure:1.001193' where given) with title and text."""
    return [
        (NoticeShown(kind), _in(title, lang), _in(body, lang))
        for kind, title, body, subjects in rows_of(_NOTICES, on=on, subject=subject)
        if not subject or subject in subjects
    ]


class Changed(NamedTuple):
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


class Published(NamedTuple):
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
    return [Published(*row) for row in db.session.execute(query)]


def published_keys() -> list[str]:
    """Keys of all published procedures, in order."""
    return list(db.session.scalars(select(ProcedureCard.key).order_by(ProcedureCard.key)))


class Opinion(NamedTuple):
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
